"""Train vectors: passes over the triples of train, watched by the ranks of some of valid.

What is drawn in a step follows from seed, epoch and step alone, so that a run that was cut off goes on
as if nothing had happened. With several workers, each trains a batch of its own on the same tables at
the same time, without a lock (Recht et al. 2011, Hogwild): faster, and not the same bits each time.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

import numpy as np
import torch

from loregraft.errors import LoregraftError
from loregraft.kge.asking import Group, grouped
from loregraft.kge.every import AnswerLists, step_on_all
from loregraft.kge.negatives import Draw
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Questions, Triples, answers_each
from loregraft.kge.ranking import rank
from loregraft.kge.settings import KgeSettings
from loregraft.kge.step import Batch, step
from loregraft.kge.tables import Tables
from loregraft.training.device import has_bf16


class Diverged(LoregraftError):
    """The loss, or what a step made of the vectors, is no number any more."""

    def __init__(self, step: int, epoch: int, found: str) -> None:
        fix = "Lower the learning rate (rate), or the weight of the penalties (n3, l2, dura)."
        super().__init__(f"{found} in step {step:,} of epoch {epoch}. {fix}")


@dataclass
class Progress:
    """How far a training is.

    Attributes:
        epoch: Passes done, the last of them cut short where time was up; `share` of the one that runs, 0..1.
        seconds: Of training, without validation.
        loss: Mean of the last steps, in nats.
        mrr: At the last validation; None before the first.
    """

    epoch: int = 0
    share: float = 0.0
    seconds: float = 0.0
    questions: int = 0
    loss: float = float("nan")
    mrr: float | None = None
    best_mrr: float = -1.0
    best_epoch: int = 0
    history: list[tuple[int, float, float]] = field(default_factory=list)


def train(
    tables: Tables,
    parts: Parts,
    settings: KgeSettings,
    progress: Progress | None = None,
    report: Callable[[Progress], object] = lambda progress: None,
    keep: Callable[[Progress], object] = lambda progress: None,
) -> Progress:
    """Train tables in place.

    Args:
        progress: Where an earlier run of the same job ended.
        report: Told about every half second.
        keep: Called after each epoch, when the tables are in rest; `best_epoch == epoch` where they are
            the best so far.

    Raises:
        Diverged: The loss is no number, or a vector holds one that is none.
    """
    now = progress or Progress()
    watch = _Watch(parts, settings)
    draw = Draw(parts.train, parts.entities, parts.relations, settings)
    while now.epoch < settings.epochs and not _ended(now, settings):
        _Epoch(tables, parts, settings, draw, now).run(report)
        now.epoch, now.share = now.epoch + 1, 0.0
        last = now.epoch == settings.epochs or _ended(now, settings)
        if len(parts.valid) and (last or now.epoch % settings.validate_every == 0):
            now.mrr = watch.mrr(tables)
            now.history.append((now.epoch, now.seconds, now.mrr))
            if now.mrr > now.best_mrr:
                now.best_mrr, now.best_epoch = now.mrr, now.epoch
        keep(now)
        report(now)
    return now


def _is_late(now: Progress, settings: KgeSettings) -> bool:
    return settings.minutes is not None and now.seconds >= 60 * settings.minutes


def _ended(now: Progress, settings: KgeSettings) -> bool:
    if _is_late(now, settings):
        return True
    since = sum(epoch > now.best_epoch for epoch, _, _ in now.history)
    return now.best_epoch > 0 and since >= settings.patience


class _Watch:
    """Ranks a fixed sample of the questions of valid."""

    def __init__(self, parts: Parts, settings: KgeSettings) -> None:
        self._known = parts.known() if len(parts.valid) else None
        questions = Questions.of(parts.valid, parts.relations)
        generator = np.random.default_rng((settings.seed, len(questions)))
        chosen = generator.permutation(len(questions))[: settings.validation_questions]
        self._questions = questions.take(np.sort(chosen))

    def mrr(self, tables: Tables) -> float:
        """Give the filtered mean reciprocal rank, 0..1."""
        return float((1 / rank(tables, self._questions, self._known).realistic).mean())


class _Epoch:
    """One pass over the questions, in an order drawn for it; workers take batch after batch."""

    def __init__(
        self, tables: Tables, parts: Parts, settings: KgeSettings, draw: Draw, now: Progress
    ) -> None:
        self._tables, self._settings, self._draw, self._now = tables, settings, draw, now
        self._questions = questions_of(parts.train, parts.relations, settings, now.epoch)
        self._lists = AnswerLists.of(self._questions) if settings.drawn == "all" else None
        if self._lists is not None:
            self._questions = self._lists.questions
        order = np.random.default_rng((settings.seed, now.epoch)).permutation(len(self._questions))
        self._batches = [order[i : i + settings.batch] for i in range(0, len(order), settings.batch)]
        self._todo = iter(enumerate(self._batches))
        self._lock, self._bf16, self._stopped = threading.Lock(), has_bf16(), False

    def run(self, report: Callable[[Progress], object]) -> None:
        """Let the workers do all batches, or as many as there is time for."""
        now, before, started = self._now, self._now.seconds, time.monotonic()
        with ThreadPoolExecutor(self._settings.workers, "kge", lambda: torch.set_num_threads(1)) as pool:
            works = [pool.submit(self._work) for _ in range(self._settings.workers)]
            try:
                while wait(works, timeout=0.5, return_when=FIRST_EXCEPTION).not_done:
                    now.seconds = before + time.monotonic() - started
                    self._stopped = self._stopped or _is_late(now, self._settings)
                    report(now)
            finally:
                self._stopped = True  # where all went well there is no batch left
            for work in works:
                work.result()
        now.seconds = before + time.monotonic() - started
        if not all(tensor.sum().isfinite() for tensor in self._tables.named().values()):
            raise Diverged(len(self._batches), now.epoch + 1, "a vector holds what is no number")

    @torch.no_grad()
    def _work(self) -> None:
        settings, now = self._settings, self._now
        while not self._stopped:
            with self._lock:
                number, rows = next(self._todo, (0, None))
            if rows is None:
                return
            generator = np.random.default_rng((settings.seed, now.epoch, number))
            questions, groups = grouped(self._tables, self._questions.take(rows))
            loss = self._step(questions, groups, generator)
            if not np.isfinite(loss):
                self._stopped = True
                raise Diverged(number + 1, now.epoch + 1, f"the loss is {loss}")
            with self._lock:
                now.questions, now.share = now.questions + len(rows), (number + 1) / len(self._batches)
                now.loss = loss if np.isnan(now.loss) else 0.98 * now.loss + 0.02 * loss

    def _step(self, questions: Questions, groups: list[Group], generator: np.random.Generator) -> float:
        if self._lists is not None:
            return step_on_all(self._tables, self._lists, questions, groups, self._settings, self._bf16)
        batch = Batch(questions, groups, self._draw(questions, generator))
        return step(self._tables, batch, self._settings, self._bf16)


def questions_of(triples: Triples, relations: int, settings: KgeSettings, epoch: int) -> Questions:
    """Ask for both sides of each triple; or for one, drawn so that the rarer answer is asked for more.

    Wang et al. 2014, Knowledge Graph Embedding by Translating on Hyperplanes: with tph tails a head
    and hpt heads a tail, the head is asked for with probability tph / (tph + hpt).
    """
    questions = Questions.of(triples, relations)
    if settings.sides == "both":
        return questions
    shares = bernoulli(triples, relations)[triples.relations]
    generator = np.random.default_rng((settings.seed, epoch, 1))
    heads = generator.random(len(triples)) < shares
    return questions.take(np.arange(len(triples)) + len(triples) * heads)


def bernoulli(triples: Triples, relations: int) -> np.ndarray:
    """Give for each relation how often its heads are asked for; one half where it has no triple."""
    tails, heads = answers_each(triples, relations)
    return np.where(tails > 0, tails / np.maximum(tails + heads, 1e-9), 0.5)
