"""Tokens: a linked text as an encoder reads it, with the tokens of each mention and of each word.

What fusion and pre-training both need and neither should do twice: where a mention lies among the tokens,
and which links fell to the encoder's length or to an edit of the graph.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from loregraft.linking.folds import CJK_CHARACTER
from loregraft.records import Link

NOWHERE = (-1, -1)
"""The characters of a token that is not of the text."""


@dataclass(frozen=True)
class Span:
    """The tokens of a mention, first to last (not included), and what it may mean.

    Attributes:
        entities: Indexes in the graph, the likeliest first.
        priors: How likely each is, 0..1.
    """

    first: int
    last: int
    entities: tuple[int, ...]
    priors: tuple[float, ...]


@dataclass(frozen=True)
class Tokens:
    """One text as an encoder reads it, special tokens included, with its mentions.

    Attributes:
        offsets: The characters of each token; `NOWHERE` where it is not of the text.
        spans: By place; they may overlap.
        cut: The text lost its end.
        lost: How many links fell with it, or meant nothing that the graph has.
        words: Which word each token is of, from 0; -1: none. A Chinese character is a word.
    """

    ids: list[int]
    offsets: list[tuple[int, int]]
    spans: list[Span] = field(default_factory=list)
    cut: bool = False
    lost: int = 0
    words: list[int] = field(default_factory=list)


def tokens_of(
    tokenizer: object,
    texts: Sequence[str],
    links: Sequence[Sequence[Link]],
    index: Callable[[str], int | None],
    max_tokens: int,
) -> list[Tokens]:
    """Tokenize texts and find the tokens of their mentions.

    Several links of one place are candidates of one mention; their scores are its priors.

    Args:
        index: Gives the index of an entity by its id; None where the graph has none.
        max_tokens: Special tokens included; longer texts lose their end.
    """
    if not texts:
        return []
    encoded = tokenizer(  # type: ignore[operator]
        list(texts), truncation=True, max_length=max_tokens, return_offsets_mapping=True
    )
    rows = zip(encoded["input_ids"], encoded["offset_mapping"], encoded.encodings, links, strict=True)
    return [_tokens(ids, offsets, encoding, found, index) for ids, offsets, encoding, found in rows]


def _tokens(
    ids: list[int],
    offsets: list[tuple[int, int]],
    encoding: object,
    links: Sequence[Link],
    index: Callable[[str], int | None],
) -> Tokens:
    special: list[int] = encoding.special_tokens_mask  # type: ignore[attr-defined]
    own = [NOWHERE if marked else (int(a), int(b)) for (a, b), marked in zip(offsets, special, strict=True)]
    by_place: dict[tuple[int, int], dict[int, float]] = {}
    lost = 0
    for link in links:
        entity = None if link.entity is None else index(link.entity)
        place = (link.mention.start, link.mention.end)
        if entity is not None:
            by_place.setdefault(place, {}).setdefault(entity, link.score)
        elif link.entity is not None:
            lost += 1
    spans = []
    for (start, end), meant in sorted(by_place.items()):
        inside = [token for token, (a, b) in enumerate(own) if a < end and b > start and a < b]
        if not inside:
            lost += len(meant)
            continue
        ordered = sorted(meant.items(), key=lambda pair: (-pair[1], pair[0]))
        entities, priors = zip(*ordered, strict=True)
        spans.append(Span(inside[0], inside[-1] + 1, entities, priors))
    words = _words(encoding.word_ids, encoding.tokens)  # type: ignore[attr-defined]
    return Tokens(ids, own, spans, bool(encoding.overflowing), lost, words)  # type: ignore[attr-defined]


def _words(numbers: Sequence[int | None], tokens: Sequence[str]) -> list[int]:
    """Give each token the number of its word; each Chinese character is one."""
    words: list[int] = []
    last, count = None, -1
    for number, token in zip(numbers, tokens, strict=True):
        if number is None:
            words.append(-1)
        else:
            count += number != last or bool(CJK_CHARACTER.search(token))
            words.append(count)
        last = number
    return words


def windows(one: Tokens, most: int) -> Iterator[Tokens]:
    """Cut a text between words; each window gets the special tokens of the whole, and its own mentions.

    A text without any word has no window.
    """
    if len(one.ids) <= most:
        if any(word >= 0 for word in one.words):
            yield one
        return
    inner = [place for place, word in enumerate(one.words) if word >= 0]
    first, last = inner[0], inner[-1] + 1
    before, after = slice(0, first), slice(last, len(one.ids))
    room = most - first - (len(one.ids) - last)
    lost, start = one.lost, first
    while start < last:
        end = min(last, start + room)
        while end < last and end > start + 1 and one.words[end] == one.words[end - 1]:
            end -= 1
        shift = first - start
        spans = [span for span in one.spans if span.first >= start and span.last <= end]
        lost += sum(1 for span in one.spans if span.first < end < span.last)
        moved = [Span(s.first + shift, s.last + shift, s.entities, s.priors) for s in spans]
        part = slice(start, end)
        ids = one.ids[before] + one.ids[part] + one.ids[after]
        offsets = one.offsets[before] + one.offsets[part] + one.offsets[after]
        words = one.words[before] + one.words[part] + one.words[after]
        yield Tokens(ids, offsets, moved, False, lost, words)
        lost, start = 0, end
