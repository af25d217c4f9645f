"""Train vectors: passes over the triples of train, watched by the ranks of some of valid.

What is drawn in a step follows from seed, epoch and step alone, so that a run that was cut off goes on
as if nothing had happened. With several workers, each trains a batch of its own on the same tables at
the same time, without a lock (Recht et al. 2011, Hogwild): faster, and not the same bits each time.
"""

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch

from loregraft.errors import BadInput, LoregraftError
from loregraft.kge.asking import Group, grouped
from loregraft.kge.judging.evaluate import learnt, put_last
from loregraft.kge.partitions.buckets import TRIPLES_AT_ONCE
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Answers, Questions, Triples, answers_each
from loregraft.kge.ranking import Ranks, rank
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.every import AnswerLists, step_on_all
from loregraft.kge.training.negatives import Draw, Negatives
from loregraft.kge.training.step import Batch, step
from loregraft.training.device import has_bf16


class Diverged(LoregraftError):
    """The loss, or what a step made of the vectors, is no number any more."""

    def __init__(self, step: int, epoch: int, found: str, visit: int | None = None) -> None:
        fix = "Lower the learning rate (rate), or the weight of the penalties (n3, l2, dura)."
        part = f"visit {visit} of " if visit is not None else ""
        super().__init__(f"{found} in step {step:,} of {part}epoch {epoch}. {fix}")


@dataclass
class Progress:
    """How far a training is.

    Attributes:
        epoch: Passes done, the last of them cut short where time was up; `share` of the one that runs, 0..1.
        visits: Of the pass that runs, those done (see `kge/buckets.py`); 0 where all entities are in memory.
        seconds: Of training, without validation.
        loss: Mean of the last steps, in nats.
        mrr: At the last validation; None before the first.
    """

    epoch: int = 0
    visits: int = 0
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
        BadInput: Settings want literals, and the tables have none.
        Diverged: The loss is no number, or a vector holds one that is none.
    """
    if settings.literals != "none" and tables.gate is None:
        fix = "Give literals to Tables.start, or set literals to none."
        raise BadInput(Path("settings"), 0, f"literals is {settings.literals}, and the tables have none", fix)
    now = progress or Progress()
    watch = Watch(parts, settings)
    draw = Draw(parts.train, parts.entities, parts.relations, settings)

    def run() -> None:
        questions = questions_of(parts.train, parts.relations, settings, now.epoch)
        lists = AnswerLists.of(questions) if settings.drawn == "all" else None
        lot = Lot(questions if lists is None else lists.questions, draw, lists)
        Pass(tables, settings, [lot], now).run(report)
        tables.average(now.epoch + 1, settings.average)

    def validate() -> float:
        return watch.mrr(lambda questions, known: rank(tables, questions, known))

    for _ in epochs(now, settings, run, validate if len(parts.valid) else None):
        keep(now)
        report(now)
    return now


def epochs(
    now: Progress, settings: KgeSettings, run: Callable[[], object], validate: Callable[[], float] | None
) -> Iterator[Progress]:
    """Run epoch after epoch and yield after each, until all are done, time is up or patience ends."""
    while now.epoch < settings.epochs and (now.visits or not _ended(now, settings)):
        run()
        now.epoch, now.visits, now.share = now.epoch + 1, 0, 0.0
        last = now.epoch == settings.epochs or _ended(now, settings)
        if validate is not None and (last or now.epoch % settings.validate_every == 0):
            now.mrr = validate()
            now.history.append((now.epoch, now.seconds, now.mrr))
            if now.mrr > now.best_mrr:
                now.best_mrr, now.best_epoch = now.mrr, now.epoch
        yield now


def is_late(now: Progress, settings: KgeSettings) -> bool:
    """Tell whether all the time that the settings give is used up."""
    return settings.minutes is not None and now.seconds >= 60 * settings.minutes


def _ended(now: Progress, settings: KgeSettings) -> bool:
    if is_late(now, settings):
        return True
    since = sum(epoch > now.best_epoch for epoch, _, _ in now.history)
    return now.best_epoch > 0 and since >= settings.patience


class Watch:
    """Ranks a fixed sample of the questions of valid."""

    def __init__(self, parts: Parts, settings: KgeSettings) -> None:
        questions = Questions.of(parts.valid, parts.relations)
        generator = np.random.default_rng((settings.seed, len(questions)))
        chosen = np.sort(generator.permutation(len(questions))[: settings.validation_questions])
        self._questions = questions.take(chosen)
        self._known = known_of(parts, self._questions) if len(parts.valid) else None
        self._learnt = np.tile(learnt(parts, parts.valid), 2)[chosen]

    def mrr(self, ranked: Callable[[Questions, Answers | None], Ranks]) -> float:
        """Give the filtered mean reciprocal rank, 0..1; what train has not is last, as in `rank_part`."""
        ranks = put_last(ranked(self._questions, self._known), self._learnt)
        return float((1 / ranks.realistic).mean())


def known_of(parts: Parts, questions: Questions) -> Answers:
    """Give the answers that any part holds of some questions; memory grows with these."""

    def pieces() -> Iterator[Triples]:
        for part in (parts.train, parts.valid, parts.test):
            for start in range(0, len(part), TRIPLES_AT_ONCE):
                yield part.take(np.arange(start, min(start + TRIPLES_AT_ONCE, len(part))))

    return answers_in(pieces(), questions, parts.relations)


def answers_in(pieces: Iterable[Triples], questions: Questions, relations: int) -> Answers:
    """Give the answers that pieces of triples hold of some questions."""
    sides = 2 * relations
    asked = np.unique(questions.given * sides + questions.sides)
    found = [questions.take(np.zeros(0, np.int64))]
    for triples in pieces:
        held = Questions.of(triples, relations)
        found.append(held.take(np.flatnonzero(np.isin(held.given * sides + held.sides, asked))))
    columns = zip(*(vars(one).values() for one in found), strict=True)
    return Answers.of(Questions(*(np.concatenate(column) for column in columns)), relations)


@dataclass(frozen=True)
class Lot:
    """Questions whose negatives are drawn in one way; with `lists`, they meet all entities."""

    questions: Questions
    draw: Callable[[Questions, np.random.Generator], Negatives]
    lists: AnswerLists | None = None


class Pass:
    """One pass over lots of questions, in an order drawn for it; workers take batch after batch.

    It is an epoch, or one visit of it; then `until` is the share of the epoch that is done after it.
    """

    def __init__(
        self,
        tables: Tables,
        settings: KgeSettings,
        lots: Sequence[Lot],
        now: Progress,
        until: float = 1.0,
    ) -> None:
        self._tables, self._settings, self._now = tables, settings, now
        self._first, self._until = now.share, until
        generator = np.random.default_rng((settings.seed, now.epoch, 0, now.visits))
        self._batches = []
        for lot in lots:
            order = generator.permutation(len(lot.questions))
            starts = range(0, len(order), settings.batch)
            self._batches += [(lot, order[start : start + settings.batch]) for start in starts]
        if len(lots) > 1:
            generator.shuffle(self._batches)
        self._todo = iter(enumerate(self._batches))
        self._lock, self._bf16, self._stopped = threading.Lock(), has_bf16(), False

    def run(self, report: Callable[[Progress], object]) -> None:
        """Let the workers do all batches, or as many as there is time for."""
        now, before, started = self._now, self._now.seconds, time.monotonic()
        workers, threads = self._settings.workers, 1
        if self._settings.drawn == "all":  # each step moves all entities: two at a time would diverge
            workers, threads = 1, workers
        with ThreadPoolExecutor(workers, "kge", lambda: torch.set_num_threads(threads)) as pool:
            works = [pool.submit(self._work) for _ in range(workers)]
            try:
                while wait(works, timeout=0.5, return_when=FIRST_EXCEPTION).not_done:
                    now.seconds = before + time.monotonic() - started
                    self._stopped = self._stopped or is_late(now, self._settings)
                    report(now)
            finally:
                self._stopped = True  # where all went well there is no batch left
            for work in works:
                work.result()
        now.seconds = before + time.monotonic() - started
        if not all(tensor.sum().isfinite() for tensor in self._tables.named().values()):
            raise self._diverged(len(self._batches), "a vector holds what is no number")

    @torch.no_grad()
    def _work(self) -> None:
        settings, now = self._settings, self._now
        while not self._stopped:
            with self._lock:
                following = next(self._todo, None)
            if following is None:
                return
            number, (lot, rows) = following
            generator = np.random.default_rng((settings.seed, now.epoch, number, now.visits))
            questions, groups = grouped(self._tables, lot.questions.take(rows))
            loss = self._step(lot, questions, groups, generator)
            if not np.isfinite(loss):
                self._stopped = True
                raise self._diverged(number + 1, f"the loss is {loss}")
            with self._lock:
                now.questions += len(rows)
                now.share = self._first + (self._until - self._first) * (number + 1) / len(self._batches)
                now.loss = loss if np.isnan(now.loss) else 0.98 * now.loss + 0.02 * loss

    def _diverged(self, step: int, found: str) -> Diverged:
        visit = self._now.visits + 1 if self._settings.partitions > 1 else None
        return Diverged(step, self._now.epoch + 1, found, visit)

    def _step(
        self, lot: Lot, questions: Questions, groups: list[Group], generator: np.random.Generator
    ) -> float:
        if lot.lists is not None:
            return step_on_all(self._tables, lot.lists, questions, groups, self._settings, self._bf16)
        batch = Batch(questions, groups, lot.draw(questions, generator), int(generator.integers(2**31)))
        return step(self._tables, batch, self._settings, self._bf16)


def questions_of(
    triples: Triples,
    relations: int,
    settings: KgeSettings,
    epoch: int,
    shares: np.ndarray | None = None,
    visit: int = 0,
) -> Questions:
    """Ask for both sides of each triple; or for one, drawn so that the rarer answer is asked for more.

    Wang et al. 2014, Knowledge Graph Embedding by Translating on Hyperplanes: with tph tails a head
    and hpt heads a tail, the head is asked for with probability tph / (tph + hpt).

    Args:
        shares: These probabilities by relation, where the triples are only some of all.
        visit: That is drawn for.
    """
    questions = Questions.of(triples, relations)
    if settings.sides == "both":
        return questions
    shares = bernoulli(triples, relations) if shares is None else shares
    generator = np.random.default_rng((settings.seed, epoch, 1, visit))
    heads = generator.random(len(triples)) < shares[triples.relations]
    return questions.take(np.arange(len(triples)) + len(triples) * heads)


def bernoulli(triples: Triples, relations: int) -> np.ndarray:
    """Give for each relation how often its heads are asked for; one half where it has no triple."""
    tails, heads = answers_each(triples, relations)
    return np.where(tails > 0, tails / np.maximum(tails + heads, 1e-9), 0.5)
