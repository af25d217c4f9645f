"""Hooks: change what passes through any Hugging Face encoder, at its word embeddings and after its layers.

Nothing of a model is copied or subclassed. The hooks are put in once and do nothing, until a pass runs
inside `Hooks.during`; then they apply that pass's changes, in that thread alone.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from jaxtyping import Float
from torch import Tensor, nn

Change = Callable[[Float[Tensor, "batch seq width"]], Float[Tensor, "batch seq width"]]


@dataclass(frozen=True)
class Changes:
    """What is changed in one pass.

    Attributes:
        words: Takes and gives the word embeddings, before positions are added; None: they stay.
        after: By number of a layer, from 0: takes and gives its hidden states.
    """

    words: Change | None = None
    after: Mapping[int, Change] = field(default_factory=dict)


@dataclass
class _Pass:
    hooks: "Hooks"
    changes: Changes
    layer: int = 0


_now: ContextVar[_Pass | None] = ContextVar("_now", default=None)


class Hooks:
    """The hooks of one model; `during` is how a pass is changed.

    Attributes:
        layers: How many layers the encoder has. One that uses a layer's weights several times, as ALBERT
            does, has as many layers as there are uses.
        hidden: The width of hidden states; that of the word embeddings may differ (`words`).

    Raises:
        ValueError: The model has no layers that can be found.
    """

    def __init__(self, model: nn.Module) -> None:
        self._encoder = encoder_of(model)
        self.layers = int(self._encoder.config.num_hidden_layers)  # type: ignore[union-attr, arg-type]
        self.hidden = int(self._encoder.config.hidden_size)  # type: ignore[union-attr, arg-type]
        table: nn.Module = self._encoder.get_input_embeddings()  # type: ignore[operator]
        self.words = int(table.weight.shape[1])  # type: ignore[index]
        self._handles = [table.register_forward_hook(self._change_words)]
        for layer in layers_of(self._encoder):
            self._handles.append(layer.register_forward_hook(self._change_layer))

    @contextmanager
    def during(self, changes: Changes) -> Iterator[None]:
        """Apply changes to what runs inside.

        Raises:
            ValueError: A layer has no such number, or the model recomputes its layers for the gradient
                (gradient checkpointing), where the changes would be missing.
        """
        if unknown := [layer for layer in changes.after if not 0 <= layer < self.layers]:
            raise ValueError(f"the encoder has layers 0 to {self.layers - 1}, not {unknown[0]}")
        if self._encoder.training and getattr(self._encoder, "is_activation_checkpointing", False):
            raise ValueError("gradient checkpointing runs layers anew without the knowledge; switch it off")
        token = _now.set(_Pass(self, changes))
        try:
            yield
        finally:
            _now.reset(token)

    def remove(self) -> None:
        """Take the hooks out of the model."""
        for handle in self._handles:
            handle.remove()

    def _change_words(self, module: nn.Module, inputs: object, output: Tensor) -> Tensor | None:
        now = _now.get()
        if now is None or now.hooks is not self or now.changes.words is None:
            return None
        return now.changes.words(output)

    def _change_layer(
        self, module: nn.Module, inputs: object, output: Tensor | tuple[Tensor | None, ...]
    ) -> Tensor | tuple[Tensor | None, ...] | None:
        now = _now.get()
        if now is None or now.hooks is not self:
            return None
        change = now.changes.after.get(now.layer)
        now.layer += 1
        if change is None:
            return None
        # Older families give a tuple whose first part is the hidden states.
        if isinstance(output, Tensor):
            return change(output)
        hidden = output[0]
        assert hidden is not None
        return (change(hidden), *output[1:])


def encoder_of(model: nn.Module) -> nn.Module:
    """Give the encoder inside a model with a head; an encoder without head is its own."""
    found = getattr(model, "base_model", model)
    return found if isinstance(found, nn.Module) else model


def layers_of(encoder: nn.Module) -> list[nn.Module]:
    """Find an encoder's layers, in order: the longest list of modules of one class, the outermost of equals.

    Raises:
        ValueError: There is no such list.
    """
    lists = [module for module in encoder.modules() if isinstance(module, nn.ModuleList) and len(module)]
    alike = [list(one) for one in lists if len({type(layer) for layer in one}) == 1]
    if not alike:
        raise ValueError(f"no layers were found in {type(encoder).__name__}")
    return max(alike, key=len)
