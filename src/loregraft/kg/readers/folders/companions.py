"""Read the names and descriptions that lie beside the triples of a benchmark folder, where there are any.

Known are `entity2text.txt`, `entity2textlong.txt` and `relation2text.txt` (id <tab> text, as in
KG-BERT), and `entity2wikidata.json` (id -> label, alternatives, description, wikidata_id, wikipedia).
"""

from collections.abc import Iterator
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.rows.triples import Said, id_of, text_of
from loregraft.kg.readers.text.blocks import read_cells
from loregraft.kg.readers.text.lines import Row, in_batches, raise_or_collect
from loregraft.kg.readers.text.objects import read_object
from loregraft.kg.tables.columns import BATCH_ROWS, Columns, Table

_TEXTS: dict[str, tuple[Table, str, str]] = {
    "entity2text.txt": ("names", "entity", "name"),
    "entity2textlong.txt": ("descriptions", "entity", "text"),
    "relation2text.txt": ("relations", "id", "name"),
}


def read_companions(folder: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield names, descriptions and attributes from the files that lie in a folder; in English.

    Raises:
        BadInput: A line has not two cells, or the JSON is not as expected.
    """
    for file, (table, id, text) in _TEXTS.items():
        if (folder / file).is_file():
            for ids, texts in read_pairs(folder / file, problems):
                rows = {id: ids, text: texts}
                if table == "names":
                    rows["kind"] = ["preferred"] * len(ids)
                yield Columns(table, rows)
    if (folder / "entity2wikidata.json").is_file():
        yield from in_batches(_wikidata(folder / "entity2wikidata.json", problems))


def read_pairs(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[list[str], list[str]]]:
    """Yield the two columns of a file, id and text, some lines at a time."""
    for cells in read_cells(path, 2, problems):
        for number, line in cells.odd:
            if not line.startswith("#"):
                found = f"expected an id and a text, found {line!r:.80}"
                fix = "Write the id and its text with one tab between them."
                raise_or_collect(BadInput(path, number, found, fix), problems)
        for start in range(0, len(cells.numbers), BATCH_ROWS):
            left, right = (column.slice(start, BATCH_ROWS).to_pylist() for column in cells.columns)
            yield left, right


def _wikidata(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    try:
        _, by_id = read_object(path, "Write an object: id, what is known of it.")
    except BadInput as problem:
        raise_or_collect(problem, problems)
        return
    for id, said in by_id.items():
        try:
            id_of(path, 0, "id", id)
            if not isinstance(said, dict):
                raise BadInput(path, 0, f"{id!r:.60} holds {said!r:.40}", "Write an object there.")
            rows = _entity(path, id, said)
        except BadInput as problem:
            raise_or_collect(problem, problems)
            continue
        yield from rows


def _entity(path: Path, id: str, said: Said) -> list[tuple[Table, Row]]:
    label, description = (text_of(path, 0, key, said.get(key)) for key in ("label", "description"))
    alternatives = said.get("alternatives") or []
    if not isinstance(alternatives, list):
        raise BadInput(path, 0, f"the alternatives of {id!r:.60} are no list", "Write a list of texts.")
    rows: list[tuple[Table, Row]] = [("names", (id, label, "preferred"))] if label else []
    for name in alternatives:
        if text := text_of(path, 0, "alternatives", name):
            rows.append(("names", (id, text, "exact")))
    if description:
        rows.append(("descriptions", (id, description)))
    for property in ("wikidata_id", "wikipedia"):
        if value := text_of(path, 0, property, said.get(property)):
            rows.append(("attributes", (id, property, value)))
    return rows
