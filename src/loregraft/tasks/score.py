"""Score: how often labels are right, in numbers that a report can compare."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from loregraft.artifact import Json


@dataclass(frozen=True)
class Score:
    """What predictions are worth; shares and F1 lie in 0..1, higher is better.

    Attributes:
        macro_f1: The mean of the F1 of each label that is right or was said somewhere.
        micro_f1: F1 of all labels together; the accuracy, unless labels are left out.
        f1: Of each label that counts.
        unlearnt: How many examples have a label that was not learnt, by label: always wrong.
        cut: How many texts lost their end.
        unseen: How many texts lost a whole mention with it.
    """

    examples: int
    accuracy: float
    macro_f1: float
    micro_f1: float
    f1: dict[str, float]
    unlearnt: dict[str, int]
    cut: int = 0
    unseen: int = 0

    def to_json(self) -> dict[str, Json]:
        """Give it as JSON can hold it."""
        return dict(self.__dict__)


def score_labels(
    gold: Sequence[str],
    said: Sequence[str],
    learnt: Collection[str],
    *,
    without: Collection[str] = (),
    cut: int = 0,
    unseen: int = 0,
) -> Score:
    """Compare labels with what they should be.

    Args:
        learnt: All labels that could be said.
        without: Labels that count in no F1, such as no-relation; in the accuracy all count.

    Reference:
        Zhang et al. 2017, Position-aware Attention and Supervised Data Improve Slot Filling: micro F1 without
        no-relation.
    """
    from sklearn.metrics import f1_score  # slow to import

    labels = sorted({*gold, *said} - {*without})
    each, micro = [0.0] * len(labels), 0.0
    if labels:
        options = {"labels": labels, "zero_division": 0.0}
        each = [float(value) for value in f1_score(gold, said, average=None, **options)]
        micro = float(f1_score(gold, said, average="micro", **options))
    right = sum(a == b for a, b in zip(gold, said, strict=True))
    unlearnt = Counter(label for label in gold if label not in learnt)
    return Score(
        len(gold),
        right / max(1, len(gold)),
        sum(each) / max(1, len(each)),
        micro,
        dict(zip(labels, each, strict=True)),
        dict(sorted(unlearnt.items())),
        cut,
        unseen,
    )
