"""Read and write brat standoff: a folder with a text (`.txt`) and its annotations (`.ann`) for each document.

`T1<tab>Disease 0 5<tab>Fever` is a mention and `N1<tab>Reference T1 HP:0001945<tab>Fever` says what it means.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from urllib.parse import quote, unquote

from loregraft.artifact import fingerprint, writing
from loregraft.errors import BadInput
from loregraft.kg.readers.text.lines import raise_or_collect, read_lines
from loregraft.kg.readers.text.objects import MAX_WHOLE
from loregraft.kg.readers.text.opening import open_bytes
from loregraft.kg.writers.telling import Told, told
from loregraft.linking.formats.records import Annotated, Gold, in_order, mention_at
from loregraft.records import Document, Mention

FIX = "Write a tab after the id, and one before the text: `T1<tab>Disease 0 5<tab>Fever`."
COMPOSITE = "Composite"
"""The attribute by which all ids of a mention are meant together; without it each is an alternative."""
TYPE = "Entity"
"""The type of mentions that have none, since brat needs one."""

_NO_ID = "%"
_OTHERS = {"R": "relations", "E": "events", "A": "attributes", "M": "attributes", "*": "equivalences"}
_MENTION = re.compile(r"(T\S*)\t(\S+) (\d{1,18} \d{1,18}(?:;\d{1,18} \d{1,18})*)\t(.*)", re.DOTALL)
_NORM = re.compile(r"N\S*\tReference (\S+) ([^\t]+)(?:\t.*)?", re.DOTALL)
_FLAG = re.compile(rf"[AM]\S*\t{COMPOSITE} (\S+)")
_BLANK = re.compile("[\t\r\n]")


@dataclass
class _Marks:
    """What the annotations of one text say, by the id of the mention."""

    mentions: dict[str, tuple[Mention, str]] = field(default_factory=dict)
    ids: dict[str, list[str]] = field(default_factory=dict)
    composite: set[str] = field(default_factory=set)
    later: list[tuple[int, str, str]] = field(default_factory=list)


def read_brat(
    path: Path, problems: list[BadInput] | None = None, left_out: Counter[str] | None = None
) -> Iterator[Annotated]:
    """Yield the documents of a folder, by name, or one text; its id is the file's name without `.txt`.

    Several references of a mention are alternatives. A mention in pieces is taken whole where only
    blanks are between them (brat cuts mentions at line ends).

    Args:
        problems: Where bad lines go; None stops at the first.
        left_out: Where it is counted what is left out on purpose: mentions in pieces, relations, events,
            attributes, equivalences, notes, and texts without annotations.

    Raises:
        BadInput: A line is of no kind of the format, a mention is not where its line says, or a line
            speaks of a mention that is not there.
    """
    counted: Counter[str] = Counter() if left_out is None else left_out
    for text_file in _texts(Path(path)):
        text = _text(text_file)
        annotations = text_file.with_suffix(".ann")
        marks = _Marks()
        if annotations.is_file():
            for number, line in read_lines(annotations, problems):
                try:
                    _take(annotations, number, line, text, marks, counted)
                except BadInput as problem:
                    raise_or_collect(problem, problems)
            _settle(annotations, marks, problems, counted)
        else:
            counted["texts without annotations"] += 1
        yield Annotated(Document(_id_of(text_file), text), in_order(_gold(marks)))


def write_brat(annotated: Iterable[Annotated], path: Path) -> Told:
    """Write a folder of texts and annotations; the ids, percent-encoded, are the files' names.

    Ids without a colon are written as `id:...`, since brat wants a vocabulary before the id. Cannot hold
    scores and what else is said, types with other characters than letters, digits, `-` and `_` (they
    become `_`), and ids with tabs, line ends or blanks at an end: such a mention is left out.
    """
    written: Counter[str] = Counter(documents=0, mentions=0)
    lost: Counter[str] = Counter()
    names: set[str] = set()
    with writing(path, "annotated texts", fingerprint("brat")) as (building, facts):
        for one in annotated:
            name = _name_of(one.document.id, names, lost)
            (building / f"{name}.txt").write_bytes(one.document.text.encode())
            lines = _lines_of(one, written, lost)
            (building / f"{name}.ann").write_text("".join(lines), encoding="utf-8", newline="\n")
            written["documents"] += 1
            lost["things said of documents"] += len(one.more) + bool(one.language)
        facts["counts"] = dict(written)
    return told(written, lost)


def fits_brat(path: Path, head: str) -> bool:
    """Tell whether it is a folder of texts with annotations, or one of such a pair of files."""
    if path.is_dir():
        return any(file.with_suffix(".txt").is_file() for file in path.glob("*.ann"))
    pair = {".txt": ".ann", ".ann": ".txt"}.get(path.suffix)
    return pair is not None and path.with_suffix(pair).is_file()


def _texts(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path.with_suffix(".txt")]
    files = sorted(path.glob("*.txt"))
    alone = sorted(set(path.glob("*.ann")) - {file.with_suffix(".ann") for file in files})
    if alone:
        raise BadInput(alone[0], 0, "annotations without their text", "Put the .txt file beside them.")
    if not files:
        raise BadInput(path, 0, "there is no .txt file in it", "Give a folder of .txt and .ann files.")
    return files


def _text(path: Path) -> str:
    """Read a text as it is, line ends too, since offsets count them."""
    with open_bytes(path) as file:
        raw = file.read(MAX_WHOLE + 1)
    if len(raw) > MAX_WHOLE:
        raise BadInput(path, 0, f"a text of more than {MAX_WHOLE:,} bytes", "Cut it into parts.")
    try:
        return raw.decode()
    except UnicodeDecodeError as error:
        found = f"byte 0x{raw[error.start]:02x} is not UTF-8"
        line = raw.count(b"\n", 0, error.start) + 1
        raise BadInput(path, line, found, "Save the file as UTF-8.") from error


def _take(path: Path, number: int, line: str, text: str, marks: _Marks, counted: Counter[str]) -> None:
    part = _MENTION.fullmatch(line)
    if part:
        if part[1] in marks.mentions:
            raise BadInput(path, number, f"a second mention with the id {part[1]!r:.40}", "Number them anew.")
        pieces = [tuple(map(int, piece.split())) for piece in part[3].split(";")]
        gaps = pairwise(pieces)
        whole = all(left[1] <= right[0] and not text[left[1] : right[0]].strip() for left, right in gaps)
        if not whole:
            counted["mentions in pieces"] += 1
            marks.ids.setdefault(part[1], [])
            return
        mention = mention_at(path, number, text, pieces[0][0], pieces[-1][1], part[4])
        marks.mentions[part[1]] = (mention, part[2])
    elif norm := _NORM.fullmatch(line):
        id = norm[2].strip()
        marks.later.append((number, norm[1], id.removeprefix("id:")))
    elif flag := _FLAG.fullmatch(line):
        marks.composite.add(flag[1])
    elif line[0] in _OTHERS and "\t" in line:
        counted[_OTHERS[line[0]]] += 1
    elif line[0] == "#":
        counted["notes"] += 1
    else:
        raise BadInput(path, number, f"a line of no known kind: {line!r:.60}", FIX)


def _settle(path: Path, marks: _Marks, problems: list[BadInput] | None, counted: Counter[str]) -> None:
    """Give the ids to their mentions, which may stand after them."""
    for number, target, id in marks.later:
        if target in marks.mentions:
            if id not in marks.ids.setdefault(target, []):
                marks.ids[target].append(id)
        elif target in marks.ids:
            counted["references of mentions in pieces"] += 1
        else:
            fix = "Add the mention, or remove the line."
            raise_or_collect(
                BadInput(path, number, f"a reference of {target!r:.40}, no mention", fix), problems
            )


def _gold(marks: _Marks) -> Iterator[Gold]:
    for key, (mention, type) in marks.mentions.items():
        ids = tuple(marks.ids.get(key, ()))
        yield Gold(mention, ids, key in marks.composite and len(ids) > 1, type="" if type == TYPE else type)


def _id_of(path: Path) -> str:
    return "" if path.stem == _NO_ID else unquote(path.stem)


def _name_of(id: str, names: set[str], lost: Counter[str]) -> str:
    """Give the name of a document's files; one whose id stood before gets a number."""
    name = re.sub(r"^\.|\.(?=txt$|ann$)", "%2E", quote(id, safe=" ~")) or _NO_ID
    count = 2
    while name in names:
        name = f"{name.rpartition('~')[0] if count > 2 else name}~{count}"
        count += 1
    lost["documents with another id, since theirs stands twice"] += count > 2
    names.add(name)
    return name


def _lines_of(one: Annotated, written: Counter[str], lost: Counter[str]) -> Iterator[str]:
    references = flags = 0
    kept = [gold for gold in one.gold if all(map(_holds, gold.entities))]
    lost["mentions with ids that the format cannot hold"] += len(one.gold) - len(kept)
    for number, gold in enumerate(kept, start=1):
        type = re.sub(r"[^\w-]", "_", gold.type) or TYPE
        lost["types in another spelling"] += type != (gold.type or TYPE)
        pieces = _pieces(gold.mention)
        surface = " ".join(gold.mention.text[start:end] for start, end in pieces)
        shift = gold.mention.start
        places = ";".join(f"{shift + start} {shift + end}" for start, end in pieces)
        yield f"T{number}\t{type} {places}\t{_BLANK.sub(' ', surface)}\n"
        for id in gold.entities:
            references += 1
            given = id if ":" in id and not id.startswith("id:") else f"id:{id}"
            yield f"N{references}\tReference T{number} {given}\t{_BLANK.sub(' ', surface)}\n"
        if gold.composite:
            flags += 1
            yield f"A{flags}\t{COMPOSITE} T{number}\n"
        written["mentions"] += 1
        lost["scores"] += gold.score != 1.0
        lost["things said of mentions"] += len(gold.more)


def _holds(id: str) -> bool:
    return bool(id) and id == id.strip() and not _BLANK.search(id)


def _pieces(mention: Mention) -> list[tuple[int, int]]:
    """Cut a mention at its line ends, as brat does; one with a line end at an end is left whole."""
    found = [match.span() for match in re.finditer(r"[^\r\n]+", mention.text)]
    if not found or found[0][0] != 0 or found[-1][1] != len(mention.text):
        return [(0, len(mention.text))]
    return found
