"""Parquet files of triples and entities from other programs, and damaged ones."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import READERS, read, recognise
from loregraft.kg.readers.keep import Keep
from loregraft.records import Triple


def file_of(folder, columns, **settings):
    pq.write_table(pa.table(columns), folder / "a.parquet", **settings)
    return folder / "a.parquet"


def refused(path):
    with pytest.raises(BadInput) as caught:
        list(READERS["parquet"](path, None))
    assert caught.value.fix.endswith((".", "?"))
    return caught.value.line, caught.value.found


def test_plain_and_other_columns(tmp_path):
    ends = {"head": ["a", "b"], "relation": ["r", "r"], "tail": ["b", "c"]}
    path = file_of(tmp_path, ends)
    assert recognise(path) == "parquet"
    assert len(KnowledgeGraph.gather(read(path)).triples) == 2
    more = {"dose": [1.5, None], "negated": [None, True], "confidence": [0.5, None], "split": ["train", None]}
    graph = KnowledgeGraph.gather(read(file_of(tmp_path, ends | more)))
    (true,) = graph.facts("a")
    assert (true.qualifiers, true.confidence, true.split) == ((("dose", 1.5),), 0.5, "train")
    assert graph.facts("c") == [Triple("b", "r", "c", negated=True)]
    only = KnowledgeGraph.gather(read(path, keep=Keep(relations=frozenset({"r"}))))
    assert len(only.triples) == 1


def test_ids_may_be_numbers_and_large_text(tmp_path):
    columns = {"head": [1, 2], "relation": pa.array(["r", "r"], pa.large_string()), "tail": ["b", "c"]}
    assert KnowledgeGraph.gather(read(file_of(tmp_path, columns))).ids == ["1", "2", "b", "c"]


def test_entities(tmp_path):
    columns = {"id": ["a", "a"], "name": ["Ada", "Lady"], "kind": [None, "lay"], "legs": [2, None]}
    graph = KnowledgeGraph.gather(read(file_of(tmp_path, columns)))
    assert [(name.text, name.kind) for name in graph.entity("a").names] == [
        ("Ada", "preferred"),
        ("Lady", "lay"),
    ]
    assert [(row.value, row.datatype) for row in graph.attributes_of("a")] == [("2", "integer")]


@pytest.mark.parametrize(
    "columns, line, found",
    [
        ({"head": ["a", None], "relation": ["r", "r"], "tail": ["b", "b"]}, 2, "a row without a head"),
        ({"head": ["a", ""], "relation": ["r", "r"], "tail": ["b", "b"]}, 2, "a row without a head"),
        ({"head": ["a"], "relation": ["r"], "tail": ["b"], "confidence": [2.0]}, 1, "'confidence' is 2.0"),
        ({"head": ["a"], "relation": ["r"], "tail": ["b"], "split": ["dev"]}, 1, "there is no split 'dev'"),
        ({"head": [[1]], "relation": ["r"], "tail": ["b"]}, 1, "'head' is [1] and no text"),
        ({"subject": ["a"]}, 0, "its columns are subject"),
        ({"id": ["a"], "name": [""]}, 1, "name-less entity: 'a' has no name"),
    ],
)
def test_wrong_rows_are_named(tmp_path, columns, line, found):
    where, told = refused(file_of(tmp_path, columns))
    assert where == line and told.startswith(found)


def test_numbers_of_rows_count_over_batches(tmp_path):
    size = 70_000
    columns = {"head": ["a"] * size, "relation": ["r"] * size, "tail": ["b"] * (size - 1) + [""]}
    assert refused(file_of(tmp_path, columns)) == (size, "a row without a tail")
    problems = []
    batches = list(READERS["parquet"](tmp_path / "a.parquet", problems))
    assert sum(map(len, batches)) == size - 1 and len(problems) == 1


def test_damaged_files(tmp_path):
    path = file_of(tmp_path, {"head": ["a"], "relation": ["r"], "tail": ["b"]})
    content = path.read_bytes()
    for broken in (
        content[:-8],
        content[:40],
        b"PAR1",
        b"PAR1" + b"\xff" * 100,
        content[:4] + bytes(60) + content[64:],
    ):
        path.write_bytes(broken)
        assert refused(path)[1].startswith("it cannot be read")
    path.write_bytes(b"no parquet")
    assert refused(path)[1] == "it does not start as a Parquet file does"
    path.write_bytes(b"")
    assert refused(path)[1] == "it does not start as a Parquet file does"
    with pytest.raises(BadInput, match="no such file"):
        list(READERS["parquet"](tmp_path / "absent", None))
    with pytest.raises(BadInput, match="folder"):
        list(READERS["parquet"](tmp_path, None))


def test_what_unpacks_to_too_much_is_refused(tmp_path):
    cell = "x" * (2 << 20)
    columns = {"head": ["a"], "relation": ["r"], "tail": [cell]}
    assert refused(file_of(tmp_path, columns)) == (0, "a cell of 2,097,152 bytes in the column 'tail'")
    columns = {"head": ["x" * 1000 + str(n) for n in range(70_000)], "relation": ["r"] * 70_000}
    path = file_of(tmp_path, columns | {"tail": ["b"] * 70_000}, compression="zstd", use_dictionary=False)
    assert "times its size" in refused(path)[1]


ENDS = {"head": ["a"] * 2, "relation": ["r"] * 2, "tail": ["b", "c"]}


def test_numbers_that_are_no_truth_and_half_floats(tmp_path):
    assert refused(file_of(tmp_path, ENDS | {"negated": [0.3, 1.0]})) == (1, "'negated' is 0.3")
    halves = pa.array([0.5, 0.25], pa.float16())
    graph = KnowledgeGraph.gather(read(file_of(tmp_path, ENDS | {"confidence": halves})))
    assert [triple.confidence for triple in graph.facts("a")] == [0.5, 0.25]
    assert refused(file_of(tmp_path, ENDS | {"licence": [b"x", b"y"]}))[1] == "'licence' is b'x' and no text"


def repeated(text, size, type):
    return pa.DictionaryArray.from_arrays(pa.array([0] * size, pa.int32()), pa.array([text], type))


@pytest.mark.parametrize("type", [pa.string(), pa.large_string()])
def test_a_long_text_in_many_rows_is_read_some_rows_at_a_time(tmp_path, type):
    size = 20_000
    columns = {"head": ["a"] * size, "relation": ["r"] * size, "tail": ["b"] * size}
    text = repeated("x" * 1_000_000, size, type)  # 20 GB
    path = file_of(tmp_path, columns | {"licence": text})
    assert path.stat().st_size < 1 << 20
    allocated = pa.total_allocated_bytes()
    most, rows = 0, 0
    for batch in READERS["parquet"](path, None):
        rows += len(batch)
        most = max(most, pa.total_allocated_bytes() - allocated)
    assert rows == size and most < 256 << 20
    assert "a cell of 2,000,000 bytes" in refused(
        file_of(tmp_path, columns | {"licence": repeated("x" * 2_000_000, size, type)})
    )[1]  # fmt: skip


def test_bombs_of_lists_and_prefixes(tmp_path):
    lists = pa.ListArray.from_arrays(pa.array([0, 1, 1_000_000], pa.int32()), pa.array(["x"] * 1_000_000))
    assert refused(file_of(tmp_path, ENDS | {"references": lists}))[1].startswith("1,000,000 items in 2 rows")
    long = pa.array([["x" * 2_000_000], []])
    assert "a cell of 2,000,000 bytes" in refused(file_of(tmp_path, ENDS | {"references": long}))[1]
    path = file_of(tmp_path, ENDS, use_dictionary=False, column_encoding={"head": "DELTA_BYTE_ARRAY"})
    assert "DELTA_BYTE_ARRAY" in refused(path)[1]
    few = pa.array([["x", "y|z"], []])
    first, second = KnowledgeGraph.gather(read(file_of(tmp_path, ENDS | {"references": few}))).facts("a")
    assert (first.references, second.references) == (("x", "y%7Cz"), ())
