"""Labeller: what the tasks that give one label to each item share: learn, predict, score, save, open.

`classify.py` and `relation.py` say what their items are and which head looks at them; nothing else differs.
"""

import json
import logging
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from loregraft.artifact import Json, fingerprint, read_card, writing
from loregraft.disk import write_json
from loregraft.encoder.load import Encoder, sha256_weights
from loregraft.errors import BadInput, WrongArtifact
from loregraft.fusion.folder import load_fused, save_fused
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.wrap import METHODS, FusedModel
from loregraft.linking.linker import Linker
from loregraft.records import Link
from loregraft.tasks.heads import PairHead, TextHead
from loregraft.tasks.reading import Item, Window, fused_of, no_knowledge, read, windows_of
from loregraft.tasks.score import Score, score_labels
from loregraft.tasks.settings import TaskSettings
from loregraft.tasks.train import teach
from loregraft.training.loop import Progress

T = TypeVar("T")
Links = Sequence[Sequence[Link]]
MODEL, HEAD, LABELS = "model", "head.safetensors", "labels.json"

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prediction:
    """What a model says of an item, and what it knew.

    Attributes:
        label: The likeliest; of equal ones the first by name.
        probabilities: Of each label that was learnt; they sum to 1.
        triples: Rows of the graph's triples that went in, in order; methods that read vectors have none.
        entities: Indexes of the graph's entities that went in, in order.
        cut: The text lost its end.
        unseen: How many of its mentions lie beyond what was read.
    """

    label: str
    probabilities: dict[str, float]
    triples: tuple[int, ...] = ()
    entities: tuple[int, ...] = ()
    cut: bool = False
    unseen: int = 0

    @property
    def probability(self) -> float:
        """How likely the label is, 0..1."""
        return self.probabilities[self.label]


class Labeller(ABC, Generic[T]):
    """A model that gives one of its labels to each item.

    Attributes:
        fused: The model under the head. Its knowledge may be replaced at any time (`with_knowledge`).
        counts: How many examples each label was learnt from, by name.
        facts: What learning cost and what it left out.
    """

    kind: ClassVar[str]
    head_of: ClassVar[type[TextHead] | type[PairHead]]

    def __init__(
        self,
        fused: FusedModel,
        head: nn.Module,
        counts: Mapping[str, int],
        settings: TaskSettings,
        facts: Mapping[str, Json],
    ) -> None:
        self.fused, self.head, self.settings = fused, head, settings
        self.counts, self.facts = dict(sorted(counts.items())), dict(facts)

    @staticmethod
    @abstractmethod
    def item(one: T) -> Item:
        """Say what is read of one."""

    @property
    def labels(self) -> tuple[str, ...]:
        """What can be said, by name."""
        return tuple(self.counts)

    @classmethod
    def learn(
        cls,
        model: Encoder | FusedModel,
        examples: Sequence[T],
        settings: TaskSettings | None = None,
        *,
        links: Links | None = None,
        key: str = "",
        checkpoints: Path | None = None,
        report: Callable[[Progress], object] = lambda progress: None,
    ) -> "Labeller[T]":
        """Learn from labelled examples. The model is trained in place, unless it rests (`freeze`).

        Args:
            model: An encoder, or one that reads knowledge by a method (`fusion.wrap`).
            links: Of each example's text; None: its own where it has some, else the linker's.
            key: Fingerprint of graph and vectors, if the run shall resume; see `train.teach`.
            checkpoints: A folder of this run alone, from which it resumes; None: it cannot.

        Raises:
            BadInput: There is no example, an empty text, one without label, or only one label.
            CannotWrite: A checkpoint could not be written.
            Diverged: A loss or a gradient is not finite.
            ValueError: The method reads knowledge, links are not known and there is no linker.
        """
        settings = settings or TaskSettings()
        fused, items = fused_of(model), cls._items(examples, links)
        counts = count_labels(items)
        windows = windows_of(fused, items, settings.max_tokens)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            head = cls.head_of(fused.host.hidden, len(counts))
        index = {label: number for number, label in enumerate(counts)}
        gold = np.array([index[item.label] for item in items])
        trained = teach(fused, head, windows, gold, settings, key=key, checkpoints=checkpoints, report=report)
        facts = {**asdict(trained), **_left_out(fused, windows)}
        return cls(fused, head.eval(), counts, settings, facts)

    @torch.inference_mode()
    def predict(self, asked: Sequence[T], *, links: Links | None = None) -> list[Prediction]:
        """Say what each is, in their order. Labels that they may have are not looked at.

        Args:
            links: As in `learn`.

        Raises:
            BadInput: A text is empty.
            ValueError: The method reads knowledge, links are not known and there is no linker.
        """
        windows = windows_of(self.fused, self._items(asked, links), self.settings.max_tokens)
        self.fused.eval()
        order = sorted(range(len(windows)), key=lambda row: windows[row].tokens)
        found: dict[int, Prediction] = {}
        for first in range(0, len(order), self.settings.batch):
            rows = order[first : first + self.settings.batch]
            found.update(zip(rows, self._said([windows[row] for row in rows]), strict=True))
        return [found[row] for row in range(len(windows))]

    def score(
        self, examples: Sequence[T], *, links: Links | None = None, without: Collection[str] = ()
    ) -> Score:
        """Predict labelled examples and compare; a label that was not learnt counts as wrong.

        Args:
            links: As in `learn`.
            without: Labels that count in no F1, such as no-relation.

        Raises:
            BadInput: There is no example, an empty text, or one without label.
            ValueError: The method reads knowledge, links are not known and there is no linker.
        """
        gold = [item.label for item in _labelled(self._items(examples, links))]
        said = self.predict(examples, links=links)
        cut, unseen = sum(one.cut for one in said), sum(one.unseen > 0 for one in said)
        labels = [one.label for one in said]
        return score_labels(gold, labels, self.labels, without=without, cut=cut, unseen=unseen)

    def save(self, folder: Path) -> None:
        """Write all but the graph and its vectors into a folder, which is whole or is not there.

        `model/` in it is that of `fusion/folder.py`: a stock encoder, with its method beside it.

        Raises:
            CannotWrite: No permission, a full disk, or something there that loregraft did not write.
        """
        settings: dict[str, Json] = self.settings.model_dump(mode="json")
        weights = [sha256_weights(module.state_dict()) for module in (self.fused, self.head)]
        key = fingerprint(self.kind, 1, settings, self.counts, self.fused.name, weights)
        with writing(folder, self.kind, key, settings=settings, seed=self.settings.seed) as (target, facts):
            save_fused(self.fused, target / MODEL)
            save_file(self.head.state_dict(), target / HEAD)
            write_json(target / LABELS, self.counts)
            facts.update(self.facts)

    @classmethod
    def load(
        cls, folder: Path, knowledge: Knowledge | None = None, linker: Linker | None = None
    ) -> "Labeller[T]":
        """Open a folder of `save`.

        Args:
            knowledge: Of the graph as it is now; None: only if the model reads none.
            linker: Finds what texts mention; None: links are given with each call.

        Raises:
            WrongArtifact: It is no such folder, or damaged, or its method learned with other vectors.
            ValueError: The model reads knowledge, and none is given, or it lacks what the method needs.
        """
        card = read_card(folder, cls.kind)
        method = str(read_card(folder / MODEL).facts.get("method"))
        if knowledge is None and method in METHODS and METHODS[method][1].needs:
            found = f"this {cls.kind} reads knowledge by {method}"
            raise ValueError(f"{found}: give load(folder, Knowledge(graph), linker)")
        fused = load_fused(folder / MODEL, knowledge or no_knowledge(), linker)
        try:
            counts: dict[str, int] = json.loads((folder / LABELS).read_text(encoding="utf-8"))
            head = cls.head_of(fused.host.hidden, len(counts))
            head.load_state_dict(load_file(folder / HEAD))
            settings = TaskSettings.model_validate(card.settings)
        except (OSError, ValueError, TypeError, RuntimeError, SafetensorError) as error:
            found = f"the head cannot be read ({type(error).__name__}: {error})"
            raise WrongArtifact(folder, found, "Save it again.") from error
        return cls(fused, head.eval(), counts, settings, card.facts)

    @classmethod
    def _items(cls, ones: Sequence[T], links: Links | None) -> list[Item]:
        if isinstance(ones, str):
            raise ValueError(f"a list is needed, and {ones!r:.40} is one text: give [text]")
        items = [cls.item(one) for one in ones]
        if links is None:
            return items
        if len(links) != len(items):
            raise ValueError(f"there are links of {len(links)} texts, and {len(items)} texts")
        return [replace(item, links=tuple(given)) for item, given in zip(items, links, strict=True)]

    def _said(self, windows: Sequence[Window]) -> list[Prediction]:
        logits, inputs = read(self.fused, self.head, windows)
        rows = zip(logits.softmax(-1).tolist(), inputs.triples, inputs.entities, windows, strict=True)
        return [
            Prediction(
                self.labels[int(np.argmax(shares))],
                dict(zip(self.labels, shares, strict=True)),
                triples,
                entities,
                window.cut,
                window.unseen,
            )
            for shares, triples, entities, window in rows
        ]


def count_labels(items: Sequence[Item]) -> dict[str, int]:
    """Count the examples of each label, by name.

    Raises:
        BadInput: There is no example, one without label, or only one label.
    """
    counts = Counter(item.label for item in _labelled(items))
    if len(counts) < 2:
        found = f"all {len(items)} examples have the label {next(iter(counts))!r}"
        raise BadInput(Path("examples"), 0, found, "Give examples of two labels at least.")
    return dict(sorted(counts.items()))


def _labelled(items: Sequence[Item]) -> Sequence[Item]:
    if not items:
        raise BadInput(Path("examples"), 0, "there is no example", "Give labelled ones.")
    if missing := [number for number, item in enumerate(items, start=1) if not item.label]:
        found = f"{len(missing)} of {len(items)} have no label, the first is number {missing[0]}"
        raise BadInput(Path("examples"), 0, found, "Label them, or leave them out.")
    return items


def _left_out(fused: FusedModel, windows: Sequence[Window]) -> dict[str, Json]:
    """Count what of the examples was read, for the card."""
    linked = sum(bool(window.links) for window in windows)
    if fused.method.needs and not linked:
        _log.warning("%s reads knowledge, and none of %d texts has a link", fused.name, len(windows))
    return {
        "examples": len(windows),
        "linked": linked,
        "cut": sum(window.cut for window in windows),
        "lost": sum(window.lost for window in windows),
        "unseen": sum(window.unseen > 0 for window in windows),
    }
