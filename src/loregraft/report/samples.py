"""Single cases to look at: example cards with each arm's answers, and texts with their links marked.

The page shows them as drawn; what is cut for length is counted and said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from loregraft.report.plots import arm_style, ordered
from loregraft.report.results import Node, node, nodes, number, text
from loregraft.report.text import count, one_line, shorten

CARDS_PER_GROUP = 8
LINKED_TEXTS = 12
TEXT_LIMIT = 1200
GROUPS = {
    "fixed": ("Fixed", "wrong when untouched, right when grafted", "helped"),
    "broken": ("Broken", "right when untouched, wrong when grafted", "hurt"),
    "random": ("Random", "whatever came up", "none"),
}
KINDS = {"lay": "lay name", "exact": "synonym"}


@dataclass(frozen=True)
class Answer:
    """One entity that an arm gave; `matched` is the name that the query came closest to."""

    id: str
    name: str
    matched: str
    score: str
    is_right: bool


@dataclass(frozen=True)
class ArmAnswers:
    """What one arm said, and at which rank it had the right entity."""

    arm: str
    style: str
    rank: str
    is_right: bool
    answers: tuple[Answer, ...]


@dataclass(frozen=True)
class Card:
    """One query."""

    query: str
    kind: str
    gold_id: str
    gold_name: str
    description: str
    arms: tuple[ArmAnswers, ...]


@dataclass(frozen=True)
class Group:
    """The cards drawn from one kind of outcome."""

    name: str
    meaning: str
    status: str
    cards: tuple[Card, ...]
    left_out: int


@dataclass(frozen=True)
class Piece:
    """A stretch of text; `entity` is empty where nothing is linked."""

    text: str
    entity: str = ""
    name: str = ""
    score: str = ""


def groups(results: Node) -> list[Group]:
    """Sort the examples into fixed, broken and random, and any other group in the order given."""
    found: dict[str, list[Node]] = {}
    for example in nodes(results, "examples"):
        found.setdefault(text(example, "group", "random"), []).append(example)
    names = [name for name in GROUPS if name in found] + [name for name in found if name not in GROUPS]
    return [_group(name, found[name]) for name in names]


def linked_texts(results: Node) -> tuple[list[tuple[Piece, ...]], int]:
    """Give the first texts of the linking sample in pieces, and how many more there are."""
    found = nodes(node(results, "linking"), "examples")
    shown = [pieces(text(one, "text"), nodes(one, "links")) for one in found[:LINKED_TEXTS]]
    return shown, max(0, len(found) - LINKED_TEXTS)


def pieces(whole: str, links: Sequence[Node]) -> tuple[Piece, ...]:
    """Cut a text at its links, which count in characters from 0, end not included.

    Of links that overlap the one that starts first is marked (the longer one if they start
    together); links outside the text are not. The text is cut at 1,200 characters.
    """
    shown, done, result = shorten(whole, TEXT_LIMIT), 0, []
    for start, end, link in sorted(_spans(links), key=lambda span: (span[0], -span[1])):
        if start < done or end > len(shown) or start >= end:
            continue
        if start > done:
            result.append(Piece(shown[done:start]))
        score = number(link.get("score"))
        name = text(link, "name") or text(link, "entity")
        result.append(
            Piece(shown[start:end], text(link, "entity"), name, "" if score is None else f"{score:.2f}")
        )
        done = end
    return (*result, Piece(shown[done:])) if done < len(shown) else tuple(result)


def _spans(links: Sequence[Node]) -> list[tuple[int, int, Node]]:
    found = []
    for link in links:
        start, end = link.get("start"), link.get("end")
        if isinstance(start, int) and isinstance(end, int) and start >= 0:
            found.append((start, end, link))
    return found


def _group(name: str, examples: Sequence[Node]) -> Group:
    title, meaning, status = GROUPS.get(name, (name, "", "none"))
    cards = tuple(_card(example) for example in examples[:CARDS_PER_GROUP])
    return Group(title, meaning, status, cards, len(examples) - len(cards))


def _card(example: Node) -> Card:
    gold, answers, ranks = node(example, "gold"), node(example, "answers"), node(example, "ranks")
    names = ordered(list(dict.fromkeys([*map(str, answers), *map(str, ranks)])))
    kind = text(example, "kind")
    return Card(
        shorten(one_line(text(example, "query")), 200),
        KINDS.get(kind, kind),
        text(gold, "id"),
        shorten(one_line(text(gold, "name")), 160),
        shorten(one_line(text(gold, "description")), 320),
        tuple(
            _answers(name, nodes(answers, name), number(ranks.get(name)), text(gold, "id")) for name in names
        ),
    )


def _answers(arm: str, found: Sequence[Node], rank: float | None, gold: str) -> ArmAnswers:
    shown = []
    for one in found[:3]:
        score, name = number(one.get("score")), one_line(text(one, "name"))
        matched = one_line(text(one, "matched"))
        shown.append(
            Answer(
                text(one, "id"),
                shorten(name, 120),
                "" if matched.casefold() == name.casefold() else shorten(matched, 120),
                "" if score is None else f"{score:.2f}",
                bool(gold) and text(one, "id") == gold,
            )
        )
    place = "not ranked" if rank is None else f"rank {count(rank)}"
    return ArmAnswers(arm, arm_style(arm), place, rank == 1, tuple(shown))
