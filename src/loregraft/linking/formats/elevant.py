"""Read and write the JSON Lines of ELEVANT, which judges and shows entity linkers: an article a line.

Its `labels` are what is right, its `entity_mentions` what a linker found. ELEVANT knows one id a mention; the
others are in `also`, a key of our own that it does not look at, and so is `composite`.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from loregraft.artifact import Json
from loregraft.disk import whole_file
from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import raise_or_collect
from loregraft.kg.readers.text.objects import first_keys, read_objects
from loregraft.kg.writers.telling import Told, told
from loregraft.linking.formats.jsonl import typed
from loregraft.linking.formats.records import Annotated, Gold, in_order, mention_at
from loregraft.records import Document

FIX = "Write an article a line, as ELEVANT's page on its JSONL format says."
UNKNOWN = "Unknown"
"""How the id of a mention begins that means nothing in the knowledge base."""

_OF_ARTICLE = ("id", "text", "labels", "entity_mentions", "language", "evaluation_span")
_OF_MENTION = ("id", "entity_id", "span", "also", "composite", "score", "type", "parent", "children")


def read_elevant(
    path: Path, problems: list[BadInput] | None = None, left_out: Counter[str] | None = None
) -> Iterator[Annotated]:
    """Yield the articles of a file with their labels; with their entity mentions where there are no labels.

    Ids that begin with `Unknown` are NIL. Keys that mean nothing here are kept in `more`.

    Args:
        problems: Where bad lines go; None stops at the first. An article with one bad label is read
            without it.
        left_out: Where the entity mentions are counted that stand beside labels.

    Raises:
        BadInput: A line is no JSON object, has no text, or a value that its key cannot hold.
    """
    for number, said in read_objects(path, problems):
        try:
            text = typed(path, number, said, "text", str, fix=FIX)
            id = typed(path, number, said, "id", (str, int), str(number), FIX)
            language = typed(path, number, said, "language", str, "", FIX)
            found = typed(path, number, said, "entity_mentions", (list, type(None)), [], FIX) or []
            labels = typed(path, number, said, "labels", (list, type(None)), [], FIX)
        except BadInput as problem:
            raise_or_collect(problem, problems)
            continue
        key = "labels" if labels or (labels is not None and not found) else "entity_mentions"
        if key == "labels" and found and left_out is not None:
            left_out["entity mentions beside labels"] += len(found)
        gold = []
        for mention in labels if key == "labels" else found:
            try:
                gold.append(_gold(path, number, text, mention, key))
            except BadInput as problem:
                raise_or_collect(problem, problems)
        more = {name: value for name, value in said.items() if name not in _OF_ARTICLE}
        yield Annotated(Document(str(id), text), in_order(gold), language, more)


def write_elevant(annotated: Iterable[Annotated], path: Path) -> Told:
    """Write articles with labels: what is right. Cannot hold scores."""
    return _write(annotated, path, _labels)


def write_elevant_links(annotated: Iterable[Annotated], path: Path) -> Told:
    """Write articles with entity mentions: what a linker found."""
    return _write(annotated, path, _entity_mentions)


def fits_elevant(path: Path, head: str) -> bool:
    """Tell whether the first object has a text, and labels or entity mentions."""
    keys = first_keys(head)
    return "text" in keys and bool(keys & {"labels", "entity_mentions", "evaluation_span"})


def _write(
    annotated: Iterable[Annotated], path: Path, mentions: Callable[[Sequence[Gold]], dict[str, Json]]
) -> Told:
    written: Counter[str] = Counter(documents=0, mentions=0)
    lost: Counter[str] = Counter()
    with whole_file(path) as building, building.open("w", encoding="utf-8", newline="\n") as file:
        for one in annotated:
            article: dict[str, Json] = {"id": _number(one.document.id), "title": one.document.id}
            article |= {"text": one.document.text} | ({"language": one.language} if one.language else {})
            article |= mentions(one.gold)
            article["evaluation_span"] = [0, len(one.document.text)]
            article |= {key: value for key, value in one.more.items() if key not in _OF_ARTICLE}
            file.write(json.dumps(article, ensure_ascii=False, allow_nan=False) + "\n")
            written["documents"] += 1
            written["mentions"] += len(one.gold)
            lost["scores"] += mentions is _labels and sum(gold.score != 1.0 for gold in one.gold)
    return told(written, lost)


def _number(id: str) -> int | str:
    """Give an id as a number where it is one, as ELEVANT wants it."""
    plain = id.isascii() and id.isdecimal() and len(id) < 16 and str(int(id)) == id
    return int(id) if plain else id


def _labels(gold: Sequence[Gold]) -> dict[str, Json]:
    parents = _parents(gold)
    children: list[list[int]] = [[] for _ in gold]
    for child, parent in enumerate(parents):
        if parent is not None:
            children[parent].append(child)
    labels: list[Json] = [
        {
            "id": number,
            "span": [one.mention.start, one.mention.end],
            "entity_id": one.entities[0] if one.entities else f"{UNKNOWN}{number}",
            "name": one.mention.text,
            "parent": parents[number],
            "children": list(children[number]),
            "optional": False,
            "type": one.type,
            **_more(one),
        }
        for number, one in enumerate(gold)
    ]
    return {"labels": labels}


def _entity_mentions(gold: Sequence[Gold]) -> dict[str, Json]:
    mentions: list[Json] = [
        {
            "span": [one.mention.start, one.mention.end],
            "recognized_by": "loregraft",
            "id": one.entities[0] if one.entities else None,
            "linked_by": "loregraft",
            "candidates": list(one.entities),
            "score": one.score,
            **({"type": one.type} if one.type else {}),
            **_more(one),
        }
        for one in gold
    ]
    return {"entity_mentions": mentions}


def _more(one: Gold) -> dict[str, Json]:
    said: dict[str, Json] = {key: value for key, value in one.more.items() if key not in _OF_MENTION}
    if len(one.entities) > 1:
        said["also"] = list(one.entities[1:])
    return said | ({"composite": True} if one.composite else {})


def _parents(gold: Sequence[Gold]) -> list[int | None]:
    """For each mention, in order: which other one is the smallest that it lies in?"""
    parents: list[int | None] = []
    open: list[int] = []
    for one in gold:
        while open and gold[open[-1]].mention.end < one.mention.end:
            open.pop()  # mentions that cross are no parents
        parents.append(open[-1] if open else None)
        open.append(len(parents) - 1)
    return parents


def _gold(path: Path, number: int, text: str, said: Any, key: str) -> Gold:
    if not isinstance(said, dict):
        raise BadInput(path, number, f"{key!r} holds {said!r:.40}", FIX)
    span = typed(path, number, said, "span", list, fix=FIX)
    if len(span) != 2 or not all(type(at) is int for at in span):
        raise BadInput(path, number, f"'span' holds {span!r:.40}", "Write start and end as whole numbers.")
    id_key = "entity_id" if key == "labels" else "id"
    entity = typed(path, number, said, id_key, (str, type(None)), "", FIX)
    also = typed(path, number, said, "also", list, [], FIX)
    if not all(isinstance(id, str) and id for id in also):
        raise BadInput(path, number, f"'also' holds {also!r:.60}", "Write ids as texts.")
    score = typed(path, number, said, "score", (int, float, type(None)), 1.0, FIX)
    score = 1.0 if score is None else float(score)
    type_ = typed(path, number, said, "type", (str, type(None)), "", FIX) or ""
    composite = typed(path, number, said, "composite", bool, False, FIX)
    known = bool(entity) and not (entity or "").startswith(UNKNOWN)
    entities = (entity, *also) if known else tuple(also)
    mention = mention_at(path, number, text, span[0], span[1], None)
    more = {name: value for name, value in said.items() if name not in _OF_MENTION}
    return Gold(mention, entities, composite and len(entities) > 1, score, type_, more)
