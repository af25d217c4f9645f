"""Draw an entity and what is around it as a small SVG that needs nothing else.

The same groups of facts as on its card (`kg/show/card.py`): what it is the head of on the right, what it is
the tail of on the left. Names are not trusted; they are escaped, and marks of direction written out.
"""

import html
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.show.card import EntityCard, FactGroup, entity_card
from loregraft.kg.show.printable import printable

COLUMN, GAP, MIDDLE, MARGIN = 330, 100, 210, 16
"""Widths in pixels: of a side, between it and the middle, of the middle, of the rim."""
ROW, HEADING, BETWEEN = 26, 24, 14
"""Heights: of a neighbour, of a relation's name, between two groups."""
_WIDTHS = (
    dict.fromkeys("MW@%—…", 1.0) | dict.fromkeys("mwGOQ&", 0.88) | dict.fromkeys(" -,.;:!|'()[]Ifijlrt", 0.42)
)
_CAPITAL, _OTHER, _IDEOGRAPH = 0.76, 0.64, 1.0
"""Widths of letters, as shares of the size of the type."""

_LAST_LETTERS = 8

_STYLE = """
svg { --ground: #ffffff; --ink: #1c2430; --soft: #5b6675; --line: #9aa6b4; --box: #f1f4f8;
  --mark: #1f5fbf; --on-mark: #ffffff; --false: #b3261e; }
@media (prefers-color-scheme: dark) {
  svg { --ground: #14181f; --ink: #e6eaf0; --soft: #9aa6b4; --line: #566273; --box: #222a35;
    --mark: #8ab4f8; --on-mark: #10151c; --false: #f2877f; }
}
text { font-family: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; fill: var(--ink); }
.ground { fill: var(--ground); }
.middle { fill: var(--mark); }
.title { fill: var(--on-mark); font-size: 15px; font-weight: 600; text-anchor: middle; }
.id { fill: var(--on-mark); font-size: 12px; text-anchor: middle; }
.box { fill: var(--box); stroke: var(--line); stroke-width: 1; }
.name { font-size: 13px; dominant-baseline: central; }
.relation { font-size: 12px; font-weight: 600; fill: var(--soft); }
.more { font-size: 12px; fill: var(--soft); font-style: italic; dominant-baseline: central; }
.way { fill: none; stroke: var(--line); stroke-width: 1.5; }
.false .way { stroke: var(--false); stroke-dasharray: 5 4; }
.false .box { stroke: var(--false); }
.false .relation { fill: var(--false); }
.head { fill: var(--line); }
.false .head { fill: var(--false); }
"""


@dataclass(frozen=True)
class _Group:
    """A group of facts at its place: the top of its heading, and the height of all of it."""

    facts: FactGroup
    top: float
    height: float


def draw_entity(graph: KnowledgeGraph, id: str, most: int = 24) -> str:
    """Draw an entity with the entities around it, as the text of an SVG.

    It has no script and loads nothing; it is light or dark as the reader's screen is. Facts known to
    be false are dashed and in red.

    Args:
        most: How many neighbours to draw; each relation gets its share, and says how many more it has.

    Raises:
        ValueError: No entity has this id, or `most` is below 1.
    """
    if most < 1:
        raise ValueError(f"most must be at least 1, got {most}")
    card = entity_card(graph, id, most)
    chosen, left_out = _shared_out(card.groups, most)
    sides = [_placed([group for group in chosen if group.outgoing == out]) for out in (False, True)]
    title = _lines(printable(card.name), 15, MIDDLE - 24, 4)
    own = 22 * len(title) + 34
    busiest = max(len(side) for side in sides)
    middle_height = max(own, 18 * busiest + 20)
    note = [f"and {left_out:,} more relations"] if left_out else []
    body = max(middle_height, *(_height(side) for side in sides)) + 24 * len(note)
    width, height = 2 * (MARGIN + COLUMN + GAP) + MIDDLE, body + 2 * MARGIN
    centre = height / 2
    parts = [_opening(card, width, height)]
    for side, outgoing in zip(sides, (False, True), strict=True):
        offset = centre - _height(side) / 2
        parts += _side(side, outgoing, offset, (centre, middle_height))
    parts += _middle(title, printable(card.id), centre, middle_height)
    parts += [
        f'<text class="more" x="{width / 2:g}" y="{height - MARGIN:g}" text-anchor="middle">{text}</text>'
        for text in note
    ]
    return "\n".join([*parts, "</svg>", ""])


def _shared_out(groups: Sequence[FactGroup], most: int) -> tuple[list[FactGroup], int]:
    """Give each group its share of the neighbours, one after the other; and how many groups get none."""
    shares = [0] * len(groups)
    left = most
    while left and any(share < len(group.facts) for share, group in zip(shares, groups, strict=True)):
        for number, group in enumerate(groups):
            if left and shares[number] < len(group.facts):
                shares[number] += 1
                left -= 1
    chosen = [
        replace(group, facts=group.facts[:share])
        for share, group in zip(shares, groups, strict=True)
        if share
    ]
    return chosen, len(groups) - len(chosen)


def _placed(groups: Sequence[FactGroup]) -> list[_Group]:
    placed, top = [], 0.0
    for group in groups:
        rows = len(group.facts) + (group.total > len(group.facts))
        height = HEADING + ROW * rows
        placed.append(_Group(group, top, height))
        top += height + BETWEEN
    return placed


def _height(side: Sequence[_Group]) -> float:
    return side[-1].top + side[-1].height if side else 0


def _opening(card: EntityCard, width: float, height: float) -> str:
    title = html.escape(f"{printable(card.name)} ({printable(card.id)}) and what is around it")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="title" '
        f'viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}">\n'
        f'<title id="title">{title}</title>\n<style>{_STYLE}</style>\n'
        f'<rect class="ground" width="{width:g}" height="{height:g}"/>'
    )


def _middle(title: Sequence[str], id: str, centre: float, height: float) -> Iterator[str]:
    left = MARGIN + COLUMN + GAP
    x, top, first = left + MIDDLE / 2, centre - height / 2, centre - 11 * len(title) + 7
    yield f'<rect class="middle" x="{left}" y="{top:g}" width="{MIDDLE}" height="{height:g}" rx="10"/>'
    for number, line in enumerate(title):
        yield f'<text class="title" x="{x:g}" y="{first + 22 * number:g}">{html.escape(line)}</text>'
    shown = html.escape(_cut(id, 12, MIDDLE - 24))
    yield f'<text class="id" x="{x:g}" y="{first + 22 * len(title):g}">{shown}</text>'


def _side(
    groups: Sequence[_Group], outgoing: bool, offset: float, middle: tuple[float, float]
) -> Iterator[str]:
    """Yield the groups of one side: a way from the middle to each, which parts to its neighbours."""
    centre, height = middle
    towards = 1 if outgoing else -1
    inner = MARGIN + COLUMN + GAP + (MIDDLE if outgoing else 0)  # the rim of the middle
    rim = inner + towards * GAP  # where the boxes begin
    bar = rim - towards * 22
    step = (height - 20) / max(len(groups), 1)
    for number, group in enumerate(groups):
        start = centre - height / 2 + 10 + step * (number + 0.5)
        yield f'<g class="{"false" if group.facts.negated else "true"}">'
        yield from _ways(group, offset + group.top + HEADING, (inner, start), (bar, rim, towards))
        yield from _boxes(group, offset + group.top, rim, outgoing)
        yield "</g>"


def _ways(
    group: _Group, top: float, start: tuple[float, float], columns: tuple[float, float, int]
) -> Iterator[str]:
    """Yield the lines of a group, and arrows at the tails of its facts."""
    (x, y), (bar, rim, towards) = start, columns
    outgoing = towards > 0
    rows = [top + ROW * (number + 0.5) for number in range(len(group.facts.facts))]
    join = (rows[0] + rows[-1]) / 2
    bend = (bar - x) * 0.55
    near = x if outgoing else x - 9  # an arrow stands there
    curve = f"C{x + bend:g} {y:g} {bar - bend:g} {join:g} {bar:g} {join:g}"
    yield f'<path class="way" d="M{near:g} {y:g} {curve}"/>'
    if len(rows) > 1:
        yield f'<path class="way" d="M{bar:g} {rows[0]:g} V{rows[-1]:g}"/>'
    for row in rows:
        yield f'<path class="way" d="M{bar:g} {row:g} H{rim - 9 if outgoing else rim:g}"/>'
        if outgoing:
            yield f'<path class="head" d="M{rim:g} {row:g} l-10 -5 v10 z"/>'
    if not outgoing:
        yield f'<path class="head" d="M{x:g} {y:g} l-10 -5 v10 z"/>'


def _boxes(group: _Group, top: float, rim: float, outgoing: bool) -> Iterator[str]:
    left = rim if outgoing else rim - COLUMN
    facts = group.facts
    heading = printable(f"not {facts.name}" if facts.negated else facts.name)
    shown = html.escape(_cut(heading, 12, COLUMN - 70))
    yield (
        f'<text class="relation" x="{left + 2:g}" y="{top + HEADING - 8:g}">{shown} ({facts.total:,})'
        f"<title>{html.escape(printable(facts.relation))}</title></text>"
    )
    y = top + HEADING
    for fact in facts.facts:
        name = html.escape(_cut_inside(printable(fact.name), 13, COLUMN - 20))
        whole = html.escape(f"{printable(fact.name)} ({printable(fact.other)})")
        yield f'<rect class="box" x="{left:g}" y="{y + 2:g}" width="{COLUMN}" height="{ROW - 4}" rx="6"/>'
        yield (
            f'<text class="name" x="{left + 10:g}" y="{y + ROW / 2:g}">{name}<title>{whole}</title></text>'
        )
        y += ROW
    more = facts.total - len(facts.facts)
    if more:
        yield f'<text class="more" x="{left + 10:g}" y="{y + ROW / 2:g}">and {more:,} more</text>'


def _width(text: str, size: float) -> float:
    """Estimate how wide a text is, in pixels; rather too wide than too narrow."""
    return size * sum(_letter_width(letter) for letter in text)


def _letter_width(letter: str) -> float:
    if unicodedata.combining(letter):
        return 0.0
    if unicodedata.east_asian_width(letter) in "WF":
        return _IDEOGRAPH
    return _WIDTHS.get(letter, _CAPITAL if letter.isupper() else _OTHER)


def _cut(text: str, size: float, width: float) -> str:
    """Give as much of a text as fits. Looks at no more of it, however long it is."""
    total, whole = 0.0, 0  # how wide it is so far, and how much of it would leave room for the mark
    for place, letter in enumerate(text):
        total += size * _letter_width(letter)
        if total > width:
            return text[:whole].rstrip() + "…"
        if total <= width - size:
            whole = place + 1
    return text


def _cut_inside(text: str, size: float, width: float) -> str:
    """Give as much of a text as fits, the last letters too: many names differ only there."""
    if _cut(text, size, width) == text:
        return text
    end = text[-_LAST_LETTERS:]
    return _cut(text[:-_LAST_LETTERS], size, width - _width(end, size)).rstrip("…") + "…" + end.lstrip()


def _lines(text: str, size: float, width: float, most: int) -> list[str]:
    """Break a text into lines that fit; the last one is cut."""
    lines, line = [], ""
    words = text.split(" ")
    for number, word in enumerate(words):
        longer = f"{line} {word}".strip()
        if line and _width(longer, size) > width:
            lines.append(_cut(line, size, width))
            line = word
            if len(lines) == most - 1:
                return [*lines, _cut(" ".join(words[number:]), size, width)]
        else:
            line = longer
    return [*lines, _cut(line, size, width)]
