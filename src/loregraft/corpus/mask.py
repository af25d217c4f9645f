"""Masks: what of a text is hidden, as a pure function of a seed and the text's number.

No state: the same seed and the same texts hide the same tokens, in whatever order and process.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loregraft.corpus.tokens import Tokens

Unit = tuple[int, int]
"""Tokens that are hidden together: first to last, last not included."""


@dataclass(frozen=True)
class Masked:
    """A text with hidden tokens.

    Attributes:
        ids: What the encoder reads.
        places: The hidden tokens, ascending.
        targets: What stood there.
    """

    ids: list[int]
    places: list[int]
    targets: list[int]


@dataclass(frozen=True)
class Vocabulary:
    """What masking must know of a tokenizer.

    Attributes:
        mask: The id that hides a token.
        size: Random tokens are drawn below it.
        special: Ids that are never drawn.
    """

    mask: int
    size: int
    special: frozenset[int]

    @classmethod
    def of(cls, tokenizer: object) -> "Vocabulary":
        """Ask a tokenizer.

        Raises:
            ValueError: It has no token that hides another.
        """
        mask = tokenizer.mask_token_id  # type: ignore[attr-defined]
        if mask is None:
            raise ValueError("the tokenizer has no mask token, which this objective needs")
        return cls(int(mask), len(tokenizer), frozenset(tokenizer.all_special_ids))  # type: ignore[arg-type, attr-defined]


def words_of(tokens: Tokens) -> list[Unit]:
    """Give the words of a text, in order."""
    units: list[Unit] = []
    for place, word in enumerate(tokens.words):
        if word < 0:
            continue
        if units and units[-1][1] == place and tokens.words[place - 1] == word:
            units[-1] = (units[-1][0], place + 1)
        else:
            units.append((place, place + 1))
    return units


def mentions_of(tokens: Tokens) -> list[Unit]:
    """Give the mentions of a text that do not overlap, the first and longest of those that do."""
    units: list[Unit] = []
    for span in sorted(tokens.spans, key=lambda one: (one.first, -one.last)):
        if not units or span.first >= units[-1][1]:
            units.append((span.first, span.last))
    return units


def random_spans(tokens: Tokens, generator: np.random.Generator) -> list[Unit]:
    """Give as many spans of words as there are mentions, as long as they, elsewhere in the text by chance.

    The control of entity masking: it hides as much in pieces as large, without knowing what is an entity.
    """
    inner = [place for place, word in enumerate(tokens.words) if word >= 0]
    if not inner:
        return []
    units: list[Unit] = []
    taken = np.zeros(len(tokens.ids), bool)
    for first, last in mentions_of(tokens):
        length = last - first
        starts = [place for place in inner if place + length <= inner[-1] + 1]
        free = [place for place in starts if not taken[place : place + length].any()]
        if free:
            start = int(generator.choice(free))
            taken[start : start + length] = True
            units.append((start, start + length))
    return sorted(units)


def choose(
    first: Sequence[Unit], others: Sequence[Unit], budget: int, generator: np.random.Generator
) -> list[Unit]:
    """Choose what is hidden: units of the first kind in a random order, then of the others, up to a budget.

    At least one unit is chosen where there is any; a unit that does not fit any more is passed over.

    Args:
        budget: Tokens.
    """
    chosen: list[Unit] = []
    taken: set[int] = set()
    for kind in (first, others):
        for place in generator.permutation(len(kind)).tolist():
            unit = kind[place]
            inside = range(*unit)
            fits = len(taken) + len(inside) <= budget or not chosen
            if fits and taken.isdisjoint(inside):
                chosen.append(unit)
                taken.update(inside)
    return sorted(chosen)


def hide(
    ids: Sequence[int],
    units: Sequence[Unit],
    vocabulary: Vocabulary,
    generator: np.random.Generator,
    kept: float = 0.1,
    replaced: float = 0.1,
) -> Masked:
    """Hide units: each as a whole is masked, left as it is, or replaced by random tokens.

    Args:
        kept: Share of units that stay and must be predicted all the same.
        replaced: Share of units whose tokens are drawn at random.

    Reference:
        Devlin et al. 2019, BERT, sec. 3.1 (80, 10 and 10 %), here for each unit.
    """
    changed, places, targets = list(ids), list[int](), list[int]()
    for first, last in units:
        fate = generator.random()
        for place in range(first, last):
            places.append(place)
            targets.append(ids[place])
            if fate < 1 - kept - replaced:
                changed[place] = vocabulary.mask
            elif fate < 1 - kept:
                changed[place] = _random_token(vocabulary, generator)
    return Masked(changed, places, targets)


def _random_token(vocabulary: Vocabulary, generator: np.random.Generator) -> int:
    while (token := int(generator.integers(vocabulary.size))) in vocabulary.special:
        pass
    return token
