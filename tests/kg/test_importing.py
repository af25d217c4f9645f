"""Several sources become one graph: by id at once, by name, cross-reference or table one by one."""

import os

import pytest

from loregraft.errors import BadInput
from loregraft.kg.importing import Source, import_graph, read_id_table, told_apart
from loregraft.kg.readers.keep import Keep
from loregraft.kg.store import open_graph, save_graph


@pytest.fixture
def files(tmp_path):
    content = {
        "names.tsv": "id\tname\tlanguage\txref\nA:1\tFever\t\tC:7\nA:2\tRash\t\t\nA:2\tAusschlag\tde\t\n",
        "triples.tsv": "A:1\tis_a\tA:0\nA:2\tis_a\tA:0\n",
        "other.tsv": "id\tname\nB:1\tFEVER\nB:2\tCough\nC:7\tPyrexia\n",
        "pairs.tsv": "# ids\nA:2\tB:2\nA:9\tB:9\n",
    }
    for name, text in content.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def sources(files, join):
    return [Source(files / name) for name in ("names.tsv", "triples.tsv")] + [
        Source(files / "other.tsv", join=join)
    ]


def test_sources_that_share_ids_are_one_graph(files):
    imported = import_graph(sources(files, "id"))
    assert imported.graph.ids == ["A:1", "A:2", "A:0", "B:1", "B:2", "C:7"]
    assert list(imported.formats.values()) == ["entities_tsv", "tsv", "entities_tsv"]
    assert imported.joins == {}
    assert imported.graph.triples["source"].to_pylist() == ["triples.tsv"] * 2


@pytest.mark.parametrize(
    ("join", "same"), [("names", ("A:1", "FEVER")), ("xref", ("A:1", "Pyrexia")), ("table", ("A:2", "Cough"))]
)
def test_entities_meet(join, same, files):
    table = read_id_table(files / "pairs.tsv") if join == "table" else None
    imported = import_graph(sources(files, join), table=table)
    id, name = same
    assert name in [found.text for found in imported.graph.entity(id).names]
    assert imported.joins["other.tsv"]["joined"] == 1
    assert imported.joins["other.tsv"]["added"] == 2


def test_an_xref_that_fits_several_joins_none(files):
    rows = "id\tname\txref\nB:1\tFever\tA:1\nB:2\tHeat\tA:1\n"
    (files / "other.tsv").write_text(rows)
    imported = import_graph(sources(files, "xref"))
    assert imported.joins["other.tsv"]["joined"] == 0
    assert imported.joins["other.tsv"]["ambiguous"] == 1


def test_a_source_after_a_joined_one_meets_by_id_only(files):
    (files / "last.tsv").write_text("id\tname\nD:1\tRash\nB:2\tTussis\n")
    given = [*sources(files, "names"), Source(files / "last.tsv")]
    graph = import_graph(given).graph
    assert "D:1" in graph.ids
    assert [name.text for name in graph.entity("B:2").names] == ["Cough", "Tussis"]


def test_languages_and_relations_can_be_chosen(files):
    keep = Keep(frozenset({"en"}), frozenset({"part_of"}))
    graph = import_graph(sources(files, "id")[:2], keep=keep).graph
    assert [name.text for name in graph.entity("A:2").names] == ["Rash"]
    assert len(graph.triples) == 0
    counts = graph.counts()
    assert (counts["left_out_other_language"], counts["left_out_other_relation"]) == (1, 3)


def test_bad_lines_stop_or_are_counted(files):
    (files / "triples.tsv").write_text("A:1\tis_a\tA:0\nA:1 is_a A:0\n")
    with pytest.raises(BadInput, match=r"triples.tsv, line 2"):
        import_graph(sources(files, "id"))
    imported = import_graph(sources(files, "id"), skip_bad=True)
    assert [problem.line for problem in imported.problems] == [2]
    assert len(imported.graph.triples) == 1


def test_nothing_is_refused(files):
    with pytest.raises(BadInput, match="no source"):
        import_graph([])
    (files / "empty.tsv").write_text("")
    with pytest.raises(BadInput, match=r"empty.tsv: the source holds no entity"):
        import_graph([Source(files / "names.tsv"), Source(files / "empty.tsv", format="tsv")])


@pytest.mark.parametrize("text", ["a\n", "a\t\n", "a\tb\tc\n", "a\tb\na\tc\n"])
def test_a_wrong_table_of_ids_is_named(text, tmp_path):
    (tmp_path / "pairs.tsv").write_text(text)
    with pytest.raises(BadInput, match=r"pairs.tsv, line [12]"):
        read_id_table(tmp_path / "pairs.tsv")


def test_the_order_of_saving_and_joining_changes_nothing(files, tmp_path):
    first = import_graph(sources(files, "names")).graph
    save_graph(first, tmp_path / "graph", "key")
    again = open_graph(tmp_path / "graph")
    assert all(again.tables[table].equals(rows) for table, rows in first.tables.items())


def test_files_of_equal_name_are_told_apart(tmp_path):
    for folder in ("a/x", "b/x", "c"):
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "t.tsv").write_text(f"{folder}\tr\tz\n")
    (tmp_path / "t2.tsv").write_text("q\tr\tz\n")
    paths = [tmp_path / "a/x/t.tsv", tmp_path / "b/x/t.tsv", tmp_path / "c/t.tsv", tmp_path / "t2.tsv"]
    imported = import_graph([Source(path) for path in paths])
    labels = ["a/x/t.tsv", "b/x/t.tsv", "c/t.tsv", "t2.tsv"]
    assert imported.graph.triples["source"].to_pylist() == labels
    assert list(imported.formats) == labels
    same = told_apart([Source(paths[0]), Source(paths[0], "csv"), Source("https://a"), Source("https://a")])
    assert len({source.label for source in same}) == 4
    assert [source.label for source in same[2:]] == ["https://a", "https://a (2)"]
    named = told_apart([Source(path, name="all") for path in paths])
    assert {source.label for source in named} == {"all"}  # names that are given stay


def test_one_file_in_two_formats(tmp_path):
    (tmp_path / "a.tsv").write_text("head\trelation\ttail\na\tr\tb\n")
    imported = import_graph([Source(tmp_path / "a.tsv", "tsv"), Source(tmp_path / "a.tsv", "triples_tsv")])
    assert imported.formats == {"a.tsv": "tsv", "a.tsv (2)": "triples_tsv"}
    assert imported.graph.triples["source"].to_pylist() == ["a.tsv", "a.tsv (2)"]


def test_the_language_of_a_format_that_tells_none_is_its_default(files):
    keep = Keep(languages=frozenset({"DE"}))
    graph = import_graph([Source(files / "other.tsv"), Source(files / "names.tsv")], keep=keep).graph
    assert graph.names["name"].to_pylist() == ["Ausschlag"]
    assert graph.counts()["left_out_other_language"] == 5
    obo = "format-version: 1.2\n\n[Term]\nid: A:1\nname: Fever\n"
    (files / "a.obo").write_text(obo)
    graph = import_graph([Source(files / "a.obo")], keep=keep).graph
    assert (graph.ids, len(graph.names)) == (["A:1"], 0)


def test_a_file_whose_name_is_not_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.tsv")
    path.write_text("a\tr\tb\n")
    graph = import_graph([Source(path)]).graph
    assert graph.triples["source"].to_pylist() == ["caf\\udce9.tsv"]


def test_two_of_left_fold_when_the_table_says_so(tmp_path):
    (tmp_path / "left.tsv").write_text("Q1\tr\tQ3\nQ2\tr\tQ4\n")
    (tmp_path / "right.tsv").write_text("X\tr\tY\n")
    sources = [Source(tmp_path / "left.tsv"), Source(tmp_path / "right.tsv", join="table")]
    imported = import_graph(sources, table={"Q2": "X", "Q1": "X"})
    assert imported.graph.ids == ["Q1", "Q3", "Q4", "Y"]
    assert imported.joins["right.tsv"]["folded"] == 1
    assert imported.joins["right.tsv"]["ambiguous"] == 0
