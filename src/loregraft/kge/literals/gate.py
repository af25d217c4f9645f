"""The gate that mixes an entity's numbers into its vector, and its gradients in closed form.

Kristiadi et al. 2019, Incorporating Literals into Knowledge Graph Embeddings, section 3.1: with the own
vector e and the numbers l,

    z = sigmoid(e W_ze + l W_zl + b),  h = tanh([e; l] W_h),  g = z h + (1 - z) e.

The rows of `z` are W_ze, W_zl and b, those of `h` are W_h.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

Rows = Float[Tensor, "rows width"]
Numbers = Float[Tensor, "rows columns"]


def start_gate(
    width: int, columns: int, spread: float, generator: torch.Generator
) -> tuple[Float[Tensor, "inputs_and_one width"], Float[Tensor, "inputs width"]]:
    """Draw the first `z` and `h`.

    Args:
        spread: Size of the entities' first numbers: what literals add to a vector begins as small.
    """
    z, h = (torch.randn(width + columns, width, generator=generator) for _ in range(2))
    size = (width + columns) ** -0.5
    h[width:] *= spread
    return torch.cat([z * size, torch.zeros(1, width)]), h * size


@dataclass(frozen=True)
class Mixed:
    """Own vectors with numbers, and what the gate made of them."""

    own: Rows
    inputs: Float[Tensor, "rows inputs"]
    z: Rows
    h: Rows

    @classmethod
    def of(cls, own: Rows, literals: Numbers, z: Tensor, h: Tensor) -> "Mixed":
        """Run the gate."""
        inputs = torch.cat([own, literals], 1)
        return cls(own, inputs, torch.addmm(z[-1], inputs, z[:-1]).sigmoid_(), (inputs @ h).tanh_())

    @property
    def vectors(self) -> Rows:
        """What counts as the vectors of the entities."""
        return torch.lerp(self.own, self.h, self.z)

    def backward(self, gradient: Rows, z: Tensor, h: Tensor) -> tuple[Rows, Tensor, Tensor]:
        """Give the gradients by the own vectors, by `z` and by `h`."""
        by_z = gradient * (self.h - self.own) * self.z * (1 - self.z)
        by_h = gradient * self.z * (1 - self.h * self.h)
        width = self.own.shape[1]
        by_own = gradient * (1 - self.z) + by_z @ z[:width].T + by_h @ h[:width].T
        by_bias = by_z.sum(0, keepdim=True)
        return by_own, torch.cat([self.inputs.T @ by_z, by_bias]), self.inputs.T @ by_h
