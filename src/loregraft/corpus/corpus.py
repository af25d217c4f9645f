"""Corpus: plain texts of a domain, linked and tokenized once, for as many objectives as read them.

Texts longer than a window are read in several, so that nothing is lost; which texts followed each other in
a document is kept for objectives that ask.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Int64

from loregraft.corpus.tokens import Tokens, tokens_of, windows
from loregraft.errors import BadInput
from loregraft.records import Link


@dataclass(frozen=True)
class Corpus:
    """Linked texts as tokens.

    Attributes:
        texts: In windows, each with its special tokens.
        documents: Which document each window is of, ascending.
        windows: How many windows were made beyond the first of a text.
        lost: How many links were not used: cut by a window's edge, or of no entity of the graph.
    """

    texts: Sequence[Tokens]
    documents: Int64[np.ndarray, " texts"]
    windows: int = 0
    lost: int = 0

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def tokens(self) -> int:
        """How many tokens there are, special ones included."""
        return sum(len(one.ids) for one in self.texts)

    @property
    def links(self) -> int:
        """How many mentions there are."""
        return sum(len(one.spans) for one in self.texts)

    @property
    def coverage(self) -> float:
        """The share of texts with at least one link, 0..1; 0 where there is no text."""
        return sum(bool(one.spans) for one in self.texts) / max(1, len(self))

    def counts(self) -> Counter[int]:
        """Count the mentions of each entity, by index."""
        return Counter(span.entities[0] for one in self.texts for span in one.spans)

    def linked(self, at_least: int = 1) -> Int64[np.ndarray, " linked"]:
        """Give the places of the texts that have so many mentions.

        Raises:
            BadInput: No text has.
        """
        found = np.flatnonzero([len(one.spans) >= at_least for one in self.texts])
        if not len(found):
            what = f"of {len(self):,} texts none has {at_least} linked mention{'s' if at_least > 1 else ''}"
            fix = "Link with a lower nil, add names to the graph, or give texts of its domain."
            raise BadInput(Path("corpus"), 0, f"{what} ({self.coverage:.0%} have any)", fix)
        return found


def read_corpus(
    texts: Sequence[str],
    links: Sequence[Sequence[Link]],
    tokenizer: object,
    index: Callable[[str], int | None],
    max_tokens: int = 128,
    documents: Sequence[int] | None = None,
) -> Corpus:
    """Tokenize linked texts, in windows where they are longer.

    Args:
        index: Gives the index of an entity by its id; None where the graph has none.
        documents: Which document each text is of, ascending; None: each is its own.

    Raises:
        BadInput: There is no text.
    """
    if not any(text.strip() for text in texts):
        fix = "Give files with text: one a line, or a column named text."
        raise BadInput(Path("corpus"), 0, "there is no text", fix)
    whole = tokens_of(tokenizer, texts, links, index, max_tokens=10**9)
    owners = list(documents) if documents is not None else list(range(len(texts)))
    made: list[Tokens] = []
    placed: list[int] = []
    extra = 0
    for one, owner in zip(whole, owners, strict=True):
        parts = list(windows(one, max_tokens))
        extra += max(0, len(parts) - 1)
        made += parts
        placed += [owner] * len(parts)
    lost = sum(one.lost for one in made)
    return Corpus(made, np.array(placed, np.int64), extra, lost)
