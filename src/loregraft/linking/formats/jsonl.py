"""Read and write annotated texts as JSON Lines: a document a line, in the words of this project.

`{"id": "1", "text": "...", "links": [{"start": 0, "end": 5, "text": "Fever", "entity": "P:1"}]}`.
`entity` is null for NIL. A link of several ids has all in `entities`, and `composite` says that all are
meant together. Any other key, such as candidates, features or evidence, is kept as given.
"""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from loregraft.artifact import Json
from loregraft.disk import whole_file
from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import raise_or_collect
from loregraft.kg.readers.text.objects import first_keys, read_objects
from loregraft.kg.writers.telling import Told, told
from loregraft.linking.formats.records import Annotated, Gold, in_order, mention_at
from loregraft.records import Document

FIX = 'Write {"id": ..., "text": ..., "links": [{"start": 0, "end": 5, "entity": ...}]}, a document a line.'

_OF_DOCUMENT = ("id", "text", "language", "links")
_OF_LINK = ("start", "end", "text", "entity", "entities", "composite", "score", "type")


def read_jsonl(
    path: Path, problems: list[BadInput] | None = None, left_out: Counter[str] | None = None
) -> Iterator[Annotated]:
    """Yield the documents of a file in file order. `id` and `links` may be missing: the line number, none.

    Args:
        problems: Where bad lines go; None stops at the first. A document with one bad link is read
            without it.
        left_out: Not used: nothing is left out on purpose.

    Raises:
        BadInput: A line is no JSON object, has no text, or a value that its key cannot hold; or a mention
            is not where its link says.
    """
    for number, said in read_objects(path, problems, once=True):
        try:
            text = typed(path, number, said, "text", str)
            id = typed(path, number, said, "id", (str, int), str(number))
            language = typed(path, number, said, "language", str, "")
            links = typed(path, number, said, "links", list, [])
        except BadInput as problem:
            raise_or_collect(problem, problems)
            continue
        gold = []
        for link in links:
            try:
                gold.append(_gold(path, number, text, link))
            except BadInput as problem:
                raise_or_collect(problem, problems)
        more = {key: value for key, value in said.items() if key not in _OF_DOCUMENT}
        yield Annotated(Document(str(id), text), in_order(gold), language, more)


def write_jsonl(annotated: Iterable[Annotated], path: Path) -> Told:
    """Write a document a line, with all that is known of it."""
    written: Counter[str] = Counter(documents=0, mentions=0)
    with whole_file(path) as building, building.open("w", encoding="utf-8", newline="\n") as file:
        for one in annotated:
            file.write(json.dumps(as_json(one), ensure_ascii=False, allow_nan=False) + "\n")
            written["documents"] += 1
            written["mentions"] += len(one.gold)
    return told(written, {})


def fits_jsonl(path: Path, head: str) -> bool:
    """Tell whether the first object has a text and links."""
    return {"text", "links"} <= first_keys(head)


def as_json(one: Annotated) -> dict[str, Json]:
    """Give a document as the object that stands on its line."""
    said: dict[str, Json] = {"id": one.document.id, "text": one.document.text}
    if one.language:
        said["language"] = one.language
    said["links"] = [_link(gold) for gold in one.gold]
    return {**said, **{key: value for key, value in one.more.items() if key not in _OF_DOCUMENT}}


def typed(
    path: Path, number: int, said: dict[str, Any], key: str, type: Any, default: object = None, fix: str = FIX
) -> Any:
    """Give the value of a key, of a type that it must have; without a default it must be there.

    Raises:
        BadInput: It is of another type, or is not there.
    """
    value = said.get(key, default)
    if value is None and key not in said:
        raise BadInput(path, number, f"there is no {key!r} in {', '.join(map(repr, said)) or 'it'}", fix)
    wanted = type if isinstance(type, tuple) else (type,)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise BadInput(path, number, f"{key!r} holds {value!r:.40}", fix)
    return value


def _link(gold: Gold) -> dict[str, Json]:
    mention = gold.mention
    said: dict[str, Json] = {"start": mention.start, "end": mention.end, "text": mention.text}
    said["entity"] = gold.entities[0] if gold.entities else None
    if len(gold.entities) > 1:
        said["entities"] = list(gold.entities)
    if gold.composite:
        said["composite"] = True
    said["score"] = gold.score
    if gold.type:
        said["type"] = gold.type
    return {**said, **{key: value for key, value in gold.more.items() if key not in _OF_LINK}}


def _gold(path: Path, number: int, text: str, link: object) -> Gold:
    if not isinstance(link, dict):
        raise BadInput(path, number, f"'links' holds {link!r:.40}", FIX)
    start, end = (typed(path, number, link, key, int) for key in ("start", "end"))
    surface = typed(path, number, link, "text", str) if "text" in link else None
    entity = typed(path, number, link, "entity", (str, type(None)), "")
    entities = typed(path, number, link, "entities", list, [])
    if not all(isinstance(id, str) and id for id in entities) or len(set(entities)) < len(entities):
        raise BadInput(path, number, f"'entities' holds {entities!r:.60}", "Write different ids as texts.")
    if entities and entity and entity != entities[0]:
        found = f"'entity' is {entity!r:.40} and the first of 'entities' {entities[0]!r:.40}"
        raise BadInput(path, number, found, "Write the same id in both.")
    score = typed(path, number, link, "score", (int, float), 1.0)
    composite = typed(path, number, link, "composite", bool, False)
    kind = typed(path, number, link, "type", str, "")
    more = {key: value for key, value in link.items() if key not in _OF_LINK}
    ids = tuple(entities) or ((entity,) if entity else ())
    mention = mention_at(path, number, text, start, end, surface)
    return Gold(mention, ids, composite and len(ids) > 1, float(score), kind, more)
