"""One step of training: a batch of questions, their answers as each other's negatives, the loss.

A batch follows from seed and step alone, as `training/loop.py` needs it; so does a run that was cut off.
"""

import copy
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from loregraft.encoder.encode import embed
from loregraft.encoder.load import Encoder
from loregraft.kge.questions import Answers, Ints, Questions, Triples
from loregraft.kge.text.loss import info_nce
from loregraft.kge.text.readers import Readers
from loregraft.kge.text.settings import TextKgeSettings
from loregraft.kge.text.texts import Texts
from loregraft.kge.training.negatives import among
from loregraft.training.loop import Losses, StepLoss, seconds_per_step
from loregraft.training.settings import LoopSettings


@dataclass(frozen=True)
class Lesson:
    """What the readers are taught.

    Attributes:
        triples: Their two ends have a text.
        entities: How many the graph has.
    """

    triples: Triples
    texts: Texts
    entities: int
    settings: TextKgeSettings

    def __len__(self) -> int:
        """Count the questions: both sides of each triple."""
        return 2 * len(self.triples)

    def epochs(self, steps: int) -> float:
        """Say how many passes some steps are."""
        return steps / steps_per_epoch(len(self), self.settings.batch)


def loop_settings(settings: TextKgeSettings) -> LoopSettings:
    """Give what the training loop is to do."""
    return LoopSettings(
        learning_rate=settings.rate,
        dropout=settings.dropout,
        bf16=settings.bf16,
        checkpoint_every_s=settings.checkpoint_every_s,
    )


def readable(triples: Triples, texts: Texts) -> Triples:
    """Give the triples whose two ends have a text."""
    missing = texts.missing
    return triples.take(np.flatnonzero(~(missing[triples.heads] | missing[triples.tails])))


def steps_per_epoch(questions: int, batch: int) -> int:
    """Say how many steps a pass takes; batches differ in size by one at most."""
    return math.ceil(questions / batch)


def draw(questions: int, batch: int, seed: int, step: int) -> Ints:
    """Give the rows of a step's batch: a part of a new order of all for each pass."""
    each = steps_per_epoch(questions, batch)
    epoch, place = divmod(step, each)
    order = np.random.default_rng([seed, epoch]).permutation(questions)
    return order[place * questions // each : (place + 1) * questions // each]


def make_step_loss(readers: Readers, lesson: Lesson) -> StepLoss:
    """Give the function from a step's number to its loss. Texts are tokenized as they are needed."""
    texts, settings, relations = lesson.texts, lesson.settings, len(lesson.texts.relations)
    questions = Questions.of(lesson.triples, relations)
    known = Answers.of(questions, relations)

    def step_loss(step: int) -> tuple[Losses, int]:
        batch = questions.take(draw(len(questions), settings.batch, settings.seed, step))
        asked, tokens = _read(readers.questions, texts.key(batch), texts.question, settings.max_tokens)
        wanted = np.r_[batch.answers, batch.given] if settings.self_negatives else batch.answers
        read, more = _read(readers.entities, wanted, texts.entities.__getitem__, settings.max_tokens)
        cosines = asked @ read[: len(batch)].T
        if settings.self_negatives:
            cosines = torch.cat([cosines, (asked * read[len(batch) :]).sum(1, keepdim=True)], 1)
        left_out = torch.from_numpy(left_out_of(batch, known, lesson.entities, settings))
        weights = torch.from_numpy(batch.weights)
        loss = info_nce(cosines.float(), left_out, readers.sharpness(), settings.margin, weights)
        return {"contrast": loss}, tokens + more

    return step_loss


def left_out_of(
    batch: Questions, known: Answers, entities: int, settings: TextKgeSettings
) -> Bool[np.ndarray, "questions candidates"]:
    """Tell which candidates of a batch do not compete: known answers, and the right one's own doubles.

    With self negatives the last column is the entity asked about, unless it is an answer itself.
    """
    same = batch.answers[:, None] == batch.answers
    mask = same | among(batch, batch.answers, known, entities) if settings.drop_known else same
    np.fill_diagonal(mask, False)
    if not settings.self_negatives:
        return mask
    rows = known.rows(batch)
    answers, asked = known.lists(batch)
    own = np.zeros(len(rows), bool)
    own[asked[answers == batch.given[asked]]] = True
    return np.c_[mask, own]


def plan_steps(readers: Readers, lesson: Lesson) -> int:
    """Turn epochs, or minutes where they end first, into steps, by timing a dozen on a copy."""
    settings = lesson.settings
    steps = settings.epochs * steps_per_epoch(len(lesson), settings.batch)
    if settings.minutes is None:
        return steps
    copied = copy.deepcopy(readers)
    each_s = seconds_per_step(copied, make_step_loss(copied, lesson), loop_settings(settings))
    return max(1, min(steps, int(settings.minutes * 60 / each_s)))


def _read(encoder: Encoder, keys: Ints, text: Callable[[int], str], max_tokens: int) -> tuple[Tensor, int]:
    """Give the vectors of some texts, each different one read once, and the number of tokens read."""
    different, places = np.unique(keys, return_inverse=True)
    tokens = encoder.tokenize([text(key) for key in different.tolist()], max_tokens)
    vectors = embed(encoder, tokens, np.arange(len(different), dtype=np.int64))
    return vectors[torch.from_numpy(places)], int(tokens.lengths.sum())
