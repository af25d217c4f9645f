"""A text with links in it as what follows on one another: text, a link begins, a link ends.

What shows linked texts, a page or a terminal, walks along it. Links may nest; of two that cross, the one that
ends later is cut in pieces, so that what is open always closes in reverse order.
"""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass

from loregraft.records import Link


@dataclass(frozen=True, slots=True)
class Begin:
    """A link begins; `first` is False where it goes on after a cut."""

    link: Link
    first: bool


@dataclass(frozen=True, slots=True)
class End:
    """The link that began last ends; `last` is False where it goes on after a cut."""

    link: Link
    last: bool


def walk(text: str, links: Sequence[Link]) -> Iterator[str | Begin | End]:
    """Yield a text and its links in order; the strings joined are the text.

    Raises:
        ValueError: A link is empty, or not in the text.
    """
    for link in links:
        if not 0 <= link.mention.start < link.mention.end <= len(text):
            place = f"{link.mention.start}-{link.mention.end}"
            raise ValueError(f"a link at {place} in a text of {len(text)} characters")
    waiting = sorted(links, key=lambda link: (-link.mention.start, link.mention.end))  # the first is the last
    opened: list[Link] = []
    at = 0
    while waiting or opened:
        stop = min([link.mention.end for link in opened] + [link.mention.start for link in waiting[-1:]])
        if stop > at:
            yield text[at:stop]
        at = stop
        cut = yield from _close(opened, at)
        new: list[Link] = []
        while waiting and waiting[-1].mention.start == at:
            new.append(waiting.pop())
        for link in sorted([*cut, *new], key=lambda link: -link.mention.end):
            opened.append(link)
            yield Begin(link, link.mention.start == at)
    if at < len(text):
        yield text[at:]


def _close(opened: list[Link], at: int) -> Generator[End, None, list[Link]]:
    """Close what ends here, with all that is inside of it; return what of that has to begin again."""
    lowest = next((place for place, link in enumerate(opened) if link.mention.end == at), len(opened))
    inside = opened[lowest:]
    del opened[lowest:]
    for link in reversed(inside):
        yield End(link, link.mention.end == at)
    return [link for link in inside if link.mention.end > at]
