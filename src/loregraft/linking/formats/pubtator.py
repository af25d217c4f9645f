"""Read and write PubTator: a title line, an abstract line and a line for each mention, by tabs.

`12|t|Title`, `12|a|Abstract`, `12<tab>0<tab>5<tab>Title<tab>Disease<tab>D008661`. The text is the title,
a line end and the abstract: offsets count one character between them.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from loregraft.disk import whole_file
from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import raise_or_collect, read_lines
from loregraft.kg.writers.telling import Told, told
from loregraft.linking.formats.ids import join_ids, split_ids
from loregraft.linking.formats.records import Annotated, Gold, in_order, mention_at
from loregraft.records import Document

FIX = "Write id, start, end, mention, type and id of the entity with one tab between them."
TEXT_FIX = "Begin each document with a line such as `12|t|Title`, and then `12|a|Abstract`."

_TEXT = re.compile(r"([^|\t]*)\|([ta])\|(.*)", re.DOTALL)
_LINE_END = re.compile("[\t\r\n]")


@dataclass
class _Begun:
    """A document of which not all lines are read."""

    id: str
    title: str
    abstract: str = ""
    gold: list[Gold] = field(default_factory=list)

    @property
    def text(self) -> str:
        return f"{self.title}\n{self.abstract}" if self.abstract else self.title

    def whole(self) -> Annotated:
        return Annotated(Document(self.id, self.text), in_order(self.gold))


def read_pubtator(
    path: Path, problems: list[BadInput] | None = None, left_out: Counter[str] | None = None
) -> Iterator[Annotated]:
    """Yield the documents of a file in file order; a document that stands twice is yielded twice.

    Several ids are split as `ids.split_ids` says. A seventh cell (the parts of a composite mention) is
    kept in `more`. Relations, lines of four cells whose second is no number, are left out and counted.

    Args:
        problems: Where bad lines go; None stops at the first.
        left_out: Where it is counted what is left out on purpose.

    Raises:
        BadInput: A line is of no kind of the format, or a mention is not where its line says.
    """
    begun: _Begun | None = None
    for number, line in read_lines(path, problems):
        part = _TEXT.fullmatch(line)
        if part and part[2] == "t":
            if begun:
                yield begun.whole()
            begun = _Begun(part[1].strip(), part[3])
            continue
        try:
            if part:
                _begin_abstract(path, number, begun, part[1].strip(), part[3])
            else:
                _add_line(path, number, begun, line, left_out)
        except BadInput as problem:
            raise_or_collect(problem, problems)
    if begun:
        yield begun.whole()


def write_pubtator(annotated: Iterable[Annotated], path: Path) -> Told:
    """Write documents, their texts cut at the first line end into title and abstract.

    Cannot hold scores, tabs and other line ends (they become spaces, so that offsets stay), alternatives
    of the type CompositeMention, and ids with `|`, `+` or line ends: such mentions are left out.
    """
    written: Counter[str] = Counter(documents=0, mentions=0)
    lost: Counter[str] = Counter()
    with whole_file(path) as building, building.open("w", encoding="utf-8", newline="\n") as file:
        for one in annotated:
            file.writelines(line + "\n" for line in _lines_of(one, written, lost))
            file.write("\n")
    return told(written, lost)


def fits_pubtator(path: Path, head: str) -> bool:
    """Tell whether the first line that says something is a title."""
    first = head.lstrip("\ufeff \r\n\t").split("\n", 1)[0]
    part = _TEXT.fullmatch(first)
    return bool(part and part[2] == "t")


def _begin_abstract(path: Path, number: int, begun: _Begun | None, id: str, abstract: str) -> None:
    if begun is None or begun.id != id:
        raise BadInput(path, number, f"an abstract of {id!r:.40} without its title", TEXT_FIX)
    if begun.abstract or begun.gold:
        raise BadInput(path, number, f"an abstract of {id!r:.40} after its abstract or mentions", TEXT_FIX)
    begun.abstract = abstract


def _add_line(
    path: Path, number: int, begun: _Begun | None, line: str, left_out: Counter[str] | None
) -> None:
    cells = line.split("\t")
    if begun is None or cells[0].strip() != begun.id:
        raise BadInput(path, number, f"a line that belongs to no text: {line!r:.60}", TEXT_FIX)
    if len(cells) == 4 and not cells[1].isdecimal():
        if left_out is not None:
            left_out["relations"] += 1
        return
    if not 5 <= len(cells) <= 7 or not (cells[1].isdecimal() and cells[2].isdecimal()):
        raise BadInput(path, number, f"neither text, mention nor relation: {line!r:.60}", FIX)
    mention = mention_at(path, number, begun.text, int(cells[1][:18]), int(cells[2][:18]), cells[3])
    type = cells[4].strip()
    entities, composite = split_ids(cells[5] if len(cells) > 5 else "", type)
    parts = cells[6].split("|") if len(cells) > 6 else []
    composite = composite or (len(parts) > 1 and len(entities) > 1)
    begun.gold.append(Gold(mention, entities, composite, type=type, more={"parts": parts} if parts else {}))


def _lines_of(one: Annotated, written: Counter[str], lost: Counter[str]) -> Iterator[str]:
    id = re.sub(r"[|\s]", "_", one.document.id)
    lost["documents with another id"] += id != one.document.id
    title, line_end, abstract = one.document.text.partition("\n")
    texts = [_LINE_END.sub(" ", part) for part in (title, abstract)]
    lost["line ends and tabs, now spaces"] += len(_LINE_END.findall(title + abstract))
    yield f"{id}|t|{texts[0]}"
    if line_end:
        lost["line ends at the end of a text"] += not abstract
        yield f"{id}|a|{texts[1]}"
    size = len(one.document.text) if abstract else len(title)
    written["documents"] += 1
    lost["things said of documents"] += len(one.more) + bool(one.language)
    for gold in one.gold:
        cell, type = join_ids(gold.entities, gold.composite, gold.type), _LINE_END.sub(" ", gold.type)
        if cell is None:
            lost["mentions with ids that the format cannot hold"] += 1
            continue
        start, end = gold.mention.start, min(gold.mention.end, size)
        if start >= end:
            lost["mentions of the line end of a text"] += 1
            continue
        surface = _LINE_END.sub(" ", gold.mention.text[: end - start])
        place = f"{start}\t{end}"
        yield f"{id}\t{place}\t{surface}\t{type}\t{cell}"
        written["mentions"] += 1
        lost["scores"] += gold.score != 1.0
        lost["things said of mentions"] += len(gold.more)
