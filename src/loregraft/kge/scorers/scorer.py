"""What a scorer is: the paper's formula, and the same as a query that meets candidates.

A scorer gives a number to a triple, higher is better. Its reference form, `score`, is the formula of
the paper. Its fast form asks with one vector: a query, made of the known entity and the relation,
meets all candidates at once, through one matrix product where the measure allows it. Both agree to
rounding. One file beside this one = one paper.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

Measure = Literal["dot", "l2", "l1", "modulus"]
"""How a query meets a candidate: product; minus the length of the difference, the sum of absolute
differences, or the sum of the moduli of complex differences (real parts first, then imaginary ones)."""

Rows = Float[Tensor, "*batch width"]
Ask = Callable[[Tensor, Tensor], Tensor]
AskBackward = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Start:
    """The random numbers that a table starts from.

    Attributes:
        spread: Standard deviation; with `uniform`, half the width of the range around 0.
    """

    spread: float
    uniform: bool = False

    def draw(self, rows: int, width: int, generator: torch.Generator) -> Float[Tensor, "rows width"]:
        """Draw a table."""
        if self.uniform:
            return (torch.rand(rows, width, generator=generator) * 2 - 1) * self.spread
        return torch.randn(rows, width, generator=generator) * self.spread


@dataclass(frozen=True)
class Scorer:
    """A model of triples.

    `query_backward(gradient, x, r)` gives the gradients by x and r, in closed form; None: autograd.
    A head query is the tail query with the inverse of the relation, unless `head_query` says otherwise.
    All functions take many rows at once; a relation may be one row for all of them.

    Attributes:
        paper: Author, year, title.
        score: The paper's formula of head, relation and tail.
        query: Entity and relation to the vector that meets the tails.
        inverse: Relation to the relation that asks for heads; its own inverse and its own gradient.
        candidate: Entity and relation to the vector that a query meets; None: the entity's own.
        entity_width: dim to numbers of an entity; so is `relation_width`.
        core_width: Numbers of a row of the core, for scorers with a table that all relations share: it has
            a row for each number of a relation, and `compose(r, core)` makes the relation of both.
        complex_numbers: Vectors are complex, real parts first; penalties take the modulus.
        phases: Relations are angles, which no penalty makes smaller.
        multiple: dim must be a multiple of this.
        by_relation: A query needs a matrix for each relation: take one relation at a time.
    """

    name: str
    paper: str
    measure: Measure
    score: Callable[[Tensor, Tensor, Tensor], Tensor]
    query: Ask
    query_backward: AskBackward | None = None
    inverse: Callable[[Tensor], Tensor] | None = None
    head_query: Ask | None = None
    head_query_backward: AskBackward | None = None
    candidate: Ask | None = None
    candidate_backward: AskBackward | None = None
    entity_width: Callable[[int], int] = lambda dim: dim
    relation_width: Callable[[int], int] = lambda dim: dim
    entity_start: Start = Start(0.03)
    relation_start: Callable[[int, int, torch.Generator], Tensor] = Start(0.3).draw
    core_width: Callable[[int], int] | None = None
    core_start: Callable[[int, int, torch.Generator], Tensor] = Start(0.1).draw
    compose: Callable[[Tensor, Tensor], Tensor] = lambda r, core: r
    compose_backward: AskBackward | None = None
    complex_numbers: bool = False
    phases: bool = False
    multiple: int = 1
    by_relation: bool = False


def halves(x: Tensor) -> tuple[Tensor, Tensor]:
    """Cut the last axis in two: real and imaginary parts, or the roles of head and tail."""
    half = x.shape[-1] // 2
    return x[..., :half], x[..., half:]


def summed_to(gradient: Tensor, like: Tensor) -> Tensor:
    """Sum a gradient over the rows that shared one row."""
    return gradient.sum(0, keepdim=True) if like.shape[0] == 1 and gradient.shape[0] != 1 else gradient
