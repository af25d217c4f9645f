"""First lines: what their cells are called, and what is wrong with them."""

from pathlib import Path

import pytest

from loregraft.errors import BadInput
from loregraft.kg.readers import READERS, recognise
from loregraft.kg.readers.text.headers import first_line, first_twice, header_problem, named


@pytest.mark.parametrize(
    ("cells", "columns"),
    [
        (["Head", "RELATION", " tail ", "Dose"], ["head", "relation", "tail", "Dose"]),
        (["subject", "predicate", "object"], ["head", "relation", "tail"]),
        (["h", "t", "r"], ["head", "tail", "relation"]),
        (["source", "relation", "target", "Confidence"], ["head", "relation", "tail", "confidence"]),
        (["head", "relation", "tail", "source"], ["head", "relation", "tail", "source"]),
        (["subject", "is_a", "object"], ["subject", "is_a", "object"]),
    ],
)
def test_columns_are_known_by_other_words(cells, columns):
    assert named(cells, ("head", "relation", "tail")) == columns
    assert named(["ID", "Name", "subject", "p", "o"], ("id", "name")) == ["id", "name", "subject", "p", "o"]


@pytest.mark.parametrize("end", [",", "\t", ";"])
@pytest.mark.parametrize(
    "header",
    ["Head Relation Tail", "subject predicate object", "h r t", "head rel tail", "source edge target"],
)
def test_a_header_is_no_triple(header, end, tmp_path):
    path = tmp_path / ("a.tsv" if end == "\t" else "a.csv")
    path.write_text(f"{header} \na is_a b\n".replace(" \n", "\n").replace(" ", end))
    format = recognise(path)
    assert format == ("triples_tsv" if end == "\t" else "csv")
    for name in {format, "tsv" if end == "\t" else "csv"}:
        (batch,) = READERS[name](path, None)
        assert [next(iter(column)) for column in map(_list, list(batch.rows.values())[:3])] == [
            "a",
            "is_a",
            "b",
        ]
        assert len(batch) == 1


def _list(column):
    return column if isinstance(column, list) else column.to_pylist()


def test_columns_in_another_order_are_refused_where_there_is_no_header(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("subject\tobject\tpredicate\na\tb\tis_a\n")
    with pytest.raises(BadInput, match=r"line 1: columns in another order.*triples_tsv"):
        list(READERS["tsv"](path, None))
    (batch,) = READERS[recognise(path)](path, None)
    assert (batch.rows["relation"], batch.rows["tail"]) == (["is_a"], ["b"])


def test_capitals_of_entities(tmp_path):
    for name, text in {"a.tsv": "ID\tName\tType\na\tAda\tx\n", "a.csv": "Id,Name,Type\na,Ada,x\n"}.items():
        (tmp_path / name).write_text(text)
        assert recognise(tmp_path / name).startswith("entities")
        batches = {batch.table: batch for batch in READERS[recognise(tmp_path / name)](tmp_path / name, None)}
        assert batches["entities"].rows == {"id": ["a"], "type": ["x"]}


def test_first_line():
    assert first_line("\n# x\r\n a\u2028b\r\nc") == "# x"
    assert first_line("\n# x\r\n a\u2028b\r\nc", "#") == " a\u2028b"
    assert first_line("") == first_line("\n \n#", "#") == ""


def test_a_line_separator_is_no_line_end(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("a\u2028x\tr\tb\n", encoding="utf-8")
    assert recognise(path) == "tsv"


def test_problems_of_headers():
    where = Path("a"), 1
    assert header_problem(*where, ["a", "b"], ["a"]) is None
    assert header_problem(*where, ["a", "b", "b"], ["a"]).found == "the header has the column 'b' twice"
    assert header_problem(*where, ["a", ""], ["a"]).found == "column 2 has no name"
    many = [str(number) for number in range(300_000)]
    assert first_twice(many) is None and first_twice([*many, "7"]) == "7"
    assert header_problem(*where, ["a", *many, "a"], ["a"]).found == "the header has the column 'a' twice"
