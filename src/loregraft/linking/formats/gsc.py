"""Read the GSC+ format of the Human Phenotype Ontology's gold standard: an id, a text, its mentions.

Documents are separated by blank lines: the id on a line, the text on the next, then a line for each mention:
`7<tab>27<tab>basal cell carcinoma<tab>HP:0002671`.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import decoded_lines, raise_or_collect
from loregraft.linking.formats.ids import split_ids
from loregraft.linking.formats.records import Annotated, Gold, in_order, mention_at
from loregraft.records import Document

FIX = "Write start, end, mention and id of the entity with one tab between them."
BLOCK_FIX = "Write the id on a line and the text on the next, and put a blank line before the next document."

_ROW = re.compile(r"^\d+\t\d+\t[^\t]+\t[^\t]+$", re.MULTILINE)
_Lines = list[tuple[int, str]]


def read_gsc(
    path: Path, problems: list[BadInput] | None = None, left_out: Counter[str] | None = None
) -> Iterator[Annotated]:
    """Yield the documents of a file in file order. Mentions nest.

    Args:
        problems: Where bad lines go; None stops at the first.
        left_out: Not used: nothing is left out on purpose.

    Raises:
        BadInput: A document has no text, a line of a mention has not four cells, or the mention is not
            where its line says.
    """
    block: _Lines = []
    for number, text in decoded_lines(path, problems):
        line = text.rstrip("\r\n")
        if line.strip():
            block.append((number, line))
        elif block:
            yield from _document(path, block, problems)
            block = []
    if block:
        yield from _document(path, block, problems)


def fits_gsc(path: Path, head: str) -> bool:
    """Tell whether an id stands alone on the first line, and lines of mentions follow."""
    lines = head.lstrip("\ufeff\r\n").replace("\r\n", "\n").split("\n", 2)
    bare = "\t" not in lines[0] and not re.search(r"\s", lines[0].strip()) and not lines[0].startswith("{")
    return len(lines) == 3 and bare and bool(lines[1].strip()) and bool(_ROW.search(lines[2]))


def _document(path: Path, block: _Lines, problems: list[BadInput] | None) -> Iterator[Annotated]:
    number, id = block[0]
    if len(block) < 2 or "\t" in id:
        found = f"a document that begins with {id!r:.40}" + (" and has no text" if len(block) < 2 else "")
        raise_or_collect(BadInput(path, number, found, BLOCK_FIX), problems)
        return
    text, gold = block[1][1], []
    for place, line in block[2:]:
        try:
            gold.append(_mention(path, place, line, text))
        except BadInput as problem:
            raise_or_collect(problem, problems)
    yield Annotated(Document(id.strip(), text), in_order(gold))


def _mention(path: Path, number: int, line: str, text: str) -> Gold:
    cells = line.split("\t")
    if len(cells) != 4 or not (cells[0].isdecimal() and cells[1].isdecimal()):
        raise BadInput(path, number, f"no line of a mention: {line!r:.60}", FIX)
    mention = mention_at(path, number, text, int(cells[0][:18]), int(cells[1][:18]), cells[2])
    entities, composite = split_ids(cells[3])
    return Gold(mention, entities, composite)
