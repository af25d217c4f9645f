"""Folders of benchmarks: OpenKE, and triples in parts, with the texts that lie beside them."""

import gzip
import os
from pathlib import Path

import pytest

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import READERS, read, recognise
from loregraft.kg.readers.keep import Keep
from loregraft.records import Entity, Name

OPENKE = {
    "entity2id.txt": "3\nnew york\t1\na\t0\n#b\t2\n",
    "relation2id.txt": "2\nr 0\ns 1\n",
    "train2id.txt": "2\n0 1 0\n2\t2\t1\n",
    "test2id.txt": "1\n1 0 1\n",
    "entity2text.txt": "a\tAda\nnew york\tNew York\n",
    "entity2textlong.txt": "a\tA person.\n",
    "relation2text.txt": "r\tknows\n",
    "entity2wikidata.json": '{"a": {"label": "Ada", "alternatives": ["Lady"], "wikidata_id": "Q7259"}}',
}
SPLITS = {"train.txt": "# c\na\tr\tb\nb\tr\tc\n", "dev.txt": "a\tr\tc\n", "test.txt": "c\tr\ta\n"}


def folder_of(path, files):
    path.mkdir(exist_ok=True)
    for name, content in files.items():
        (path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def triples_of(graph):
    rows = graph.triples.to_pylist()
    ends = [
        (graph.ids[row["head"]], graph.relation_ids[row["relation"]], graph.ids[row["tail"]]) for row in rows
    ]
    return {(*end, row["split"]) for end, row in zip(ends, rows, strict=True)}  # fmt: skip


def refused(format, path):
    with pytest.raises(BadInput) as caught:
        list(READERS[format](path, None))
    assert caught.value.fix.endswith((".", "?"))
    return caught.value.path.name, caught.value.line, caught.value.found


def test_openke_with_texts_beside(tmp_path):
    path = folder_of(tmp_path / "f", OPENKE)
    assert recognise(path) == "openke"
    graph = KnowledgeGraph.gather(read(path))
    assert graph.ids == ["a", "new york", "#b"] and graph.relation_ids == ["r", "s"]
    assert triples_of(graph) == {
        ("a", "r", "new york", "train"), ("#b", "s", "#b", "train"), ("new york", "s", "a", "test"),
    }  # fmt: skip
    assert graph.entity("a") == Entity("a", (Name("Ada", "preferred"), Name("Lady")), "A person.")
    assert graph.tables["relation_names"]["name"].to_pylist() == ["knows"]
    assert graph.attributes_of("a")[0].value == "Q7259"
    only = KnowledgeGraph.gather(read(path, keep=Keep(relations=frozenset({"r"}))))
    assert triples_of(only) == {("a", "r", "new york", "train")}


@pytest.mark.parametrize(
    "file, content, line, found",
    [
        ("entity2id.txt", "4\na\t0\nb\t1\nc\t2\n", 1, "it says that 4 lines follow, and 3 do"),
        ("entity2id.txt", "a\t0\nb\t1\nc\t2\n", 1, "expected the number of lines, found 'a\\t0'"),
        ("entity2id.txt", "", 0, "there is nothing in it"),
        ("entity2id.txt", "3\na\t0\na\t1\nc\t2\n", 3, "the id 'a' stands twice"),
        ("entity2id.txt", "3\na\t0\nb\t0\nc\t2\n", 3, "the index 0 stands twice"),
        ("entity2id.txt", "3\na\t0\nb\nc\t2\n", 3, "expected an id and its index, found 'b'"),
        ("entity2id.txt", b"3\na\t0\n\xff\t1\nc\t2\n", 3, "byte 1 (0xff) is not UTF-8"),
        ("entity2id.txt", "3\na\t0\n".encode("utf-16"), 1, "the text is UTF-16, not UTF-8"),
        ("entity2id.txt", "x" * (17 << 20), 1, "a line of more than 16,777,216 bytes"),
        ("relation2id.txt", "1\nr\t0\n", None, None),
        ("train2id.txt", "2\n0 1 0\n0 3 0\n", 3, "the tail 3 is no index of entity2id.txt"),
        ("train2id.txt", "2\n0 1 0\n0 2 999\n", 3, "the relation 999 is no index of relation2id.txt"),
        ("train2id.txt", "2\n0 1 0\n0 1 9999999999\n", 3, "expected 3 indexes, found '0 1 9999999999'"),
        ("train2id.txt", "2\n0 1 0\n0 -1 0\n", 3, "expected 3 indexes, found '0 -1 0'"),
        ("train2id.txt", "2\n0 1 0\n0 1\n", 3, "expected 3 indexes, found '0 1'"),
        ("train2id.txt", "3\n0 1 0\n", 1, "it says that 3 lines follow, and 1 do"),
        ("train2id.txt", "0 1 0\n", 1, "expected the number of lines, found '0 1 0'"),
        ("entity2text.txt", "a\n", 1, "expected an id and a text, found 'a'"),
        ("entity2wikidata.json", "{", 1, "no JSON"),
        ("entity2wikidata.json", "[]", 1, "no JSON object"),
        ("entity2wikidata.json", '{"a": 1}', 0, "'a' holds 1"),
        ("entity2wikidata.json", '{"a": {"label": "\\ud800"}}', 1, "half of a character"),
    ],
)  # fmt: skip
def test_a_wrong_openke_file_is_named(tmp_path, file, content, line, found):
    path = folder_of(tmp_path / "f", OPENKE | {file: content})
    if line is None:  # the relation 1 is used in train2id.txt, line 3
        assert refused("openke", path)[:2] == ("train2id.txt", 3)
        return
    name, where, told = refused("openke", path)
    assert (name, where) == (file, line) and told.startswith(found)


def test_the_rest_of_a_bad_openke_folder_is_read(tmp_path):
    path = folder_of(tmp_path / "f", OPENKE | {"train2id.txt": "5\n0 1 0\n0 9 0\nx\n2 2 1\n9 9 9\n"})
    problems = []
    graph = KnowledgeGraph.gather(READERS["openke"](path, problems))
    assert [problem.line for problem in problems] == [3, 4, 6]
    assert len(graph.triples) == 3


def test_no_folder_and_no_file(tmp_path):
    for format in ("openke", "splits", "graph"):
        assert refused(format, tmp_path / "absent")[2] == "there is no such file or folder"
        (tmp_path / "file").write_text("")
        assert refused(format, tmp_path / "file")[2] == "this is a file, not a folder"
    empty = folder_of(tmp_path / "empty", {})
    assert refused("openke", empty) == ("entity2id.txt", 0, "there is no such file")
    assert refused("splits", empty)[2] == "the folder has no part that is called train"
    with pytest.raises(BadInput, match="a folder with nothing in it"):
        recognise(empty)


def test_parts_by_ids(tmp_path):
    path = folder_of(tmp_path / "f", SPLITS | {"entities.dict": "0\tz\n1\ta\n", "relations.dict": "0\tr\n"})
    assert recognise(path) == "splits"
    graph = KnowledgeGraph.gather(read(path))
    assert graph.ids == ["z", "a", "b", "c"]
    expected = {
        ("a", "r", "b", "train"),
        ("b", "r", "c", "train"),
        ("a", "r", "c", "valid"),
        ("c", "r", "a", "test"),
    }
    assert triples_of(graph) == expected  # fmt: skip
    packed = {"train.txt.gz": gzip.compress(SPLITS["train.txt"].encode()), "test.txt": SPLITS["test.txt"]}
    path = folder_of(tmp_path / "packed", packed)
    assert recognise(path) == "splits"
    assert {row[-1] for row in triples_of(KnowledgeGraph.gather(read(path)))} == {"train", "test"}


@pytest.mark.parametrize(
    "names",
    [
        ("entity_ids.del", "relation_ids.del", "train.del", "valid.del"),
        ("entities.tsv", "relations.tsv", "train.tsv", "valid.tsv"),
    ],
)
def test_parts_by_indexes(tmp_path, names):
    contents = ("0\ta\n1\tb\n", "0\tr\n", "0\t0\t1\n", "1\t0\t0\n")
    path = folder_of(tmp_path / "f", dict(zip(names, contents, strict=True)))
    assert recognise(path) == "splits"
    assert triples_of(KnowledgeGraph.gather(read(path))) == {
        ("a", "r", "b", "train"),
        ("b", "r", "a", "valid"),
    }
    (path / names[2]).write_text("0\t0\t1\n0\t5\t1\n0\t0\tx\n0\t0\n")
    assert refused("splits", path) == (names[2], 2, f"the relation '5' is no index of {names[1]}")
    problems = []
    list(READERS["splits"](path, problems))
    assert [problem.line for problem in problems] == [2, 3, 4]


@pytest.mark.parametrize(
    "content, found",
    [
        ("0\ta\n0\tb\n", "the index of '0' 'b' stands twice"),
        ("0\ta\n1\ta\n", "the id of '1' 'a' stands twice"),
        ("0\ta\nx\tb\n", "'x' is no index"),
        ("0\ta\n1\n", "expected an index and an id, found '1'"),
    ],
)
def test_a_wrong_list_of_ids_is_named(tmp_path, content, found):
    path = folder_of(tmp_path / "f", SPLITS | {"entities.dict": content})
    assert refused("splits", path) == ("entities.dict", 2, found)


def test_texts_in_parts_are_no_graph(tmp_path):
    with pytest.raises(BadInput, match=r"no known format: a folder with test\.txt, train\.txt"):
        recognise(folder_of(tmp_path / "f", {"train.txt": "a text\n", "test.txt": "another\n"}))
    path = folder_of(tmp_path / "g", SPLITS | {"test.txt": "c\tr\n"})
    assert refused("splits", path) == ("test.txt", 1, "expected 3 fields, found 2 in 'c\\tr'")


@pytest.mark.parametrize(
    "name, entities, relations, sizes",
    [
        ("fb15k237", 14_541, 237, {"train": 272_115, "valid": 17_535, "test": 20_466}),
        ("wn18rr", 40_943, 11, {"train": 86_835, "valid": 3_034, "test": 3_134}),
    ],
)
def test_benchmarks_have_the_published_counts(name, entities, relations, sizes):
    beside = Path(__file__).parents[5] / "shared" / "data"
    path = Path(os.environ.get("LOREGRAFT_DATA", beside)) / name
    if not path.is_dir():
        pytest.skip(f"{name} is not there; set LOREGRAFT_DATA to the folder it lies in")
    assert recognise(path) == "openke"
    graph = KnowledgeGraph.gather(read(path))
    assert (len(graph), len(graph.relations)) == (entities, relations)
    splits = graph.triples["split"].to_pylist()
    assert {split: splits.count(split) for split in sizes} == sizes
    assert len(splits) == sum(sizes.values())
    if name == "fb15k237":
        denton = graph.entity("/m/010016")
        assert (denton.name, denton.description) == ("Denton", "city in Texas, United States")
        assert Name("Denton, Texas") in denton.names
