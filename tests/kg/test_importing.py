"""Several sources become one graph: by id at once, by name, cross-reference or table one by one."""

import pytest

from loregraft.errors import BadInput
from loregraft.kg.importing import Source, import_graph, read_id_table
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
