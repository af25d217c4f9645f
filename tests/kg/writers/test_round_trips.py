"""A graph written and read again is the same graph, up to what the writer says it cannot hold."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.disk import whole_file
from loregraft.errors import CannotWrite
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.importing import Source, import_graph
from loregraft.kg.readers import READERS, recognise
from loregraft.kg.readers.folders.graph import graph_columns
from loregraft.kg.readers.rows.triples import pack_qualifiers
from loregraft.kg.store import save_graph
from loregraft.kg.tables.columns import Columns
from loregraft.kg.writers import WRITERS, write

SAID = ("references", "qualifiers", "confidence", "valid_from", "valid_to", "licence", "split", "source")
NASTY = st.text(st.sampled_from("ab\"',;|#\\ \t\r\n\ufeff\u3000\u200d中é"), min_size=1, max_size=4)
PLAIN = st.sampled_from(["a", "b", "c", "a,b", 'say "hi"', "中文", "x|y", "Q42", "7"])
IDS = st.one_of(PLAIN, PLAIN, NASTY)
TEXTS = st.one_of(PLAIN, NASTY)
SCALARS = st.one_of(TEXTS, st.booleans(), st.integers(-9, 9), st.sampled_from([0.5, 1e-9]))
TRIPLE = st.fixed_dictionaries(
    {
        "head": IDS,
        "relation": IDS,
        "tail": IDS,
        "negated": st.booleans(),
        "references": st.sampled_from(["", "PMID:1", "PMID:1|http://x/?a=1,2", " odd"]),
        "qualifiers": st.one_of(
            st.just(""),
            st.just('{"a": 1}'),
            st.dictionaries(st.sampled_from(["dose", "onset", "head"]), SCALARS, max_size=2).map(
                pack_qualifiers
            ),
        ),
        "confidence": st.one_of(st.just(1.0), st.floats(0, 1, width=32)),
        "valid_from": st.sampled_from(["", "2020-01-02"]),
        "valid_to": st.sampled_from(["", "2021"]),
        "licence": st.sampled_from(["", "CC BY 4.0", " odd"]),
        "split": st.sampled_from(["", "train", "valid", "test"]),
        "source": st.sampled_from(["", "one.tsv", "two"]),
    }
)
ENTITY = st.fixed_dictionaries({"id": IDS, "type": st.sampled_from(["", "gene", "a b"]), "source": PLAIN})
NAME = st.fixed_dictionaries(
    {
        "entity": IDS,
        "name": TEXTS,
        "kind": st.sampled_from(["preferred", "exact", "lay", "abbreviation", "related"]),
        "language": st.sampled_from(["en", "zh", ""]),
        "source": st.sampled_from(["", "one"]),
    }
)
DESCRIPTION = st.fixed_dictionaries(
    {"entity": IDS, "text": TEXTS, "language": st.sampled_from(["en", "zh", ""]), "source": PLAIN}
)
ATTRIBUTE = st.fixed_dictionaries(
    {
        "entity": IDS,
        "property": TEXTS,
        "value": st.one_of(st.just(""), TEXTS),
        "datatype": st.sampled_from(["", "integer"]),
        "unit": st.sampled_from(["", "mg"]),
        "language": st.sampled_from(["", "de"]),
        "source": st.sampled_from(["", "one"]),
    }
)
MEDIA = st.fixed_dictionaries(
    {
        "entity": IDS,
        "reference": TEXTS,
        "kind": st.sampled_from(["image", "video"]),
        "licence": st.sampled_from(["", "CC0"]),
        "source": st.sampled_from(["", "one"]),
    }
)
RELATION = st.fixed_dictionaries(
    {"id": IDS, "name": st.one_of(st.just(""), TEXTS), "inverse": st.sampled_from(["", "a"]),
     "symmetric": st.booleans(), "domain": st.sampled_from(["", "gene"])}
)  # fmt: skip
READER_OF = {"entities_parquet": "parquet"}
ROWS = {
    "triples": TRIPLE, "entities": ENTITY, "names": NAME, "descriptions": DESCRIPTION,
    "attributes": ATTRIBUTE, "media": MEDIA, "relations": RELATION,
}  # fmt: skip
GRAPHS = st.fixed_dictionaries({table: st.lists(row, max_size=6) for table, row in ROWS.items()}).filter(
    lambda tables: any(len(rows) for table, rows in tables.items() if table != "relations")
)


def columns_of(table, rows):
    return Columns(table, {column: [row[column] for row in rows] for column in rows[0]})


def graph_of(tables):
    """Gather rows, and an entity for the case that no row of the others is kept."""
    batches = (columns_of(table, rows) for table, rows in tables.items() if rows)
    return KnowledgeGraph.gather([Columns("entities", {"id": ["a"]}), *batches])


def read_again(graph, format, path):
    told = WRITERS[format](graph, path)
    batches = list(READERS[READER_OF.get(format, format)](path, None))
    return (KnowledgeGraph.gather(batches) if batches else None), told


def triples_of(graph, columns=SAID):
    """Give the statements by id; each once."""
    found = set()
    for rows, negated in ((graph.triples, False), (graph.negated, True)) if graph else ():
        for row in rows.to_pylist():
            ends = (graph.ids[row["head"]], graph.relation_ids[row["relation"]], graph.ids[row["tail"]])
            found.add((*ends, negated, *(row[column] for column in columns)))
    return found


def of_entities(graph, table, columns):
    """Give rows by entity id, in order within one entity."""
    found = {}
    for row in graph.tables[table].to_pylist() if graph else ():
        found.setdefault(graph.ids[row["entity"]], []).append(tuple(row[column] for column in columns))
    return found


def counted(told, words):
    found = re.search(rf"([\d,]+) {words}", str(told))
    return int(found[1].replace(",", "")) if found else 0


def trimmed(text):
    return text == text.strip() and text != ""


def holds_in_lines(text):
    return trimmed(text) and not re.search(r"[\t\r\n]", text)


@settings(max_examples=25, deadline=None)
@given(tables=GRAPHS)
def test_a_graph_read_as_columns_is_the_same_graph(tables):
    graph = graph_of(tables)
    again = KnowledgeGraph.gather(graph_columns(graph))
    assert {name: rows.to_pylist() for name, rows in again.tables.items()} == {
        name: rows.to_pylist() for name, rows in graph.tables.items()
    }


@settings(max_examples=15, deadline=None)
@given(tables=GRAPHS)
def test_graph_folder(tables, tmp_path_factory):
    graph, path = graph_of(tables), tmp_path_factory.mktemp("graph") / "a"
    save_graph(graph, path, "key")
    assert recognise(path) == "graph"
    again = KnowledgeGraph.gather(READERS["graph"](path, None))
    assert {name: rows.to_pylist() for name, rows in again.tables.items()} == {
        name: rows.to_pylist() for name, rows in graph.tables.items()
    }


@pytest.mark.parametrize("format", ["jsonl", "parquet"])
@settings(max_examples=25, deadline=None)
@given(tables=GRAPHS)
def test_triples_with_all_that_is_said_of_them(format, tables, tmp_path_factory):
    graph, path = graph_of(tables), tmp_path_factory.mktemp("triples") / "a"
    again, told = read_again(graph, format, path)
    assert triples_of(again) == triples_of(graph)
    assert counted(told, "triples") == len(graph.triples) + len(graph.negated)
    assert counted(told, "names") == len(graph.names)
    if again:
        assert recognise(path) == format


@settings(max_examples=25, deadline=None)
@given(tables=GRAPHS)
def test_csv_of_triples_but_those_with_blanks_at_an_end(tables, tmp_path_factory):
    graph, path = graph_of(tables), tmp_path_factory.mktemp("csv") / "a"
    again, told = read_again(graph, "csv", path)
    held = {
        row for row in triples_of(graph)
        if all(trimmed(end) for end in row[:3]) and all(c == c.strip() for c in row if isinstance(c, str))
    }  # fmt: skip
    assert triples_of(again) == held
    assert counted(told, "triples with blanks at an end") == len(triples_of(graph)) - len(held)
    assert recognise(path) == "csv"


@settings(max_examples=25, deadline=None)
@given(tables=GRAPHS)
def test_tsv_of_facts_by_plain_ids(tables, tmp_path_factory):
    graph, path = graph_of(tables), tmp_path_factory.mktemp("tsv") / "a"
    again, told = read_again(graph, "tsv", path)
    facts = {row[:3] for row in triples_of(graph) if not row[3]}
    held = {row for row in facts if all(map(holds_in_lines, row)) and not row[0].startswith(("#", "\ufeff"))}
    assert {row[:3] for row in triples_of(again)} == held
    assert counted(told, "triples") == len(held)
    assert counted(told, "facts with ids") == len(facts) - len(held)
    assert counted(told, "negated facts") == len(graph.negated)


@settings(max_examples=25, deadline=None)
@given(tables=GRAPHS)
def test_openke_folder_keeps_ids_facts_and_splits(tables, tmp_path_factory):
    graph, path = graph_of(tables), tmp_path_factory.mktemp("openke") / "a"
    again, told = read_again(graph, "openke", path)
    held = {
        (*row[:3], row[-1] or "train")
        for row in triples_of(graph, ("split",))
        if not row[3] and all(map(holds_in_lines, row[:3]))
    }
    assert {(*row[:3], row[-1]) for row in triples_of(again, ("split",))} == held
    assert (again.ids if again else []) == [id for id in graph.ids if holds_in_lines(id)]
    assert sum(counted(told, f"{split} triples") for split in ("train", "valid", "test")) == len(held)
    assert recognise(path) == "openke"


@settings(max_examples=25, deadline=None)
@given(tables=GRAPHS)
def test_jsonl_of_entities_keeps_all_but_the_sources_of_types(tables, tmp_path_factory):
    graph, path = graph_of(tables), tmp_path_factory.mktemp("entities") / "a"
    again, told = read_again(graph, "entities_jsonl", path)
    one, other = ({row["id"]: row for row in each.entities.to_pylist()} for each in (again, graph))
    assert one == other
    for table in ("types", "names", "descriptions", "attributes", "media"):
        columns = [column for column in graph.tables[table].column_names if column != "entity"]
        if table == "types":
            columns.remove("source")
        one, other = (of_entities(each, table, columns) for each in (again, graph))
        if table == "attributes":  # those of one property come together
            one, other = ({id: sorted(rows) for id, rows in each.items()} for each in (one, other))
        assert one == other
    assert counted(told, "entities") == len(graph)
    assert counted(told, "triples") == len(graph.triples)


def flat(text):
    return re.sub(r"[\t\r\n]+", " ", text).strip()


@pytest.mark.parametrize(
    "format, plain", [("entities_tsv", flat), ("entities_csv", str.strip), ("entities_parquet", str)]
)
@settings(max_examples=25, deadline=None)
@given(tables=GRAPHS)
def test_tables_of_entities(format, plain, tables, tmp_path_factory):
    graph, path = graph_of(tables), tmp_path_factory.mktemp("entities") / "a"
    again, told = read_again(graph, format, path)
    names = of_entities(graph, "names", ("name", "kind", "language"))
    descriptions = of_entities(graph, "descriptions", ("text", "language"))
    held, held_descriptions = {}, {}
    for id, rows in names.items():
        kept = [(plain(name), kind, language) for name, kind, language in rows if plain(name)]
        if kept and id == plain(id) and not (plain is flat and id.startswith("#")):
            held[id] = {(name, language or "en") for name, _, language in kept}
            languages = {language for _, _, language in kept}
            held_descriptions[id] = {
                (plain(text), language or "en")
                for text, language in descriptions.get(id, [])
                if plain(text) and language in languages
            }
    found = of_entities(again, "names", ("name", "language"))
    assert {id: set(rows) for id, rows in found.items()} == held
    found = of_entities(again, "descriptions", ("text", "language"))
    assert {id: set(rows) for id, rows in found.items()} == {
        id: rows for id, rows in held_descriptions.items() if rows
    }
    types = of_entities(graph, "types", ("type",))
    assert of_entities(again, "types", ("type",)) == {id: rows for id, rows in types.items() if id in held}
    assert counted(told, "entities") == len(held)
    values = of_entities(graph, "attributes", ("property", "value"))
    properties = [property for rows in values.values() for property in {property for property, _ in rows}]
    several = {
        property for rows in values.values() for property, _ in rows
        if [other for other, _ in rows].count(property) > 1
    }  # fmt: skip
    columns = {property for property in properties if property == plain(property)} - several
    if format == "entities_csv":
        columns = {property for property in columns if not re.search(r"[\t\r\n]", property)}
    held_values = {
        id: {(property, plain(value)) for property, value in rows if property in columns and plain(value)}
        for id, rows in values.items()
        if id in held
    }
    found = of_entities(again, "attributes", ("property", "value"))
    assert {id: set(rows) for id, rows in found.items()} == {
        id: rows for id, rows in held_values.items() if rows
    }
    written = sum(map(len, held_values.values()))
    assert told.written["attributes"] == written
    assert told.left_out.get("attributes", 0) == len(graph.attributes) - written


def test_a_property_that_is_a_column_already_is_left_out(tmp_path):
    rows = {"entity": ["a", "a"], "property": ["Type", "head"], "value": ["x", "y"]}
    names = {"entity": ["a"], "name": ["b"]}
    graph = KnowledgeGraph.gather([Columns("names", names), Columns("attributes", rows)])
    for format in ("entities_tsv", "entities_csv", "entities_parquet"):
        again, told = read_again(graph, format, tmp_path / format)
        assert not len(again.attributes) and len(again.tables["types"]) == 0
        assert told.left_out["attributes"] == 2


@settings(max_examples=25, deadline=None)
@given(tables=GRAPHS)
def test_spo_of_facts_by_names(tables, tmp_path_factory):
    graph, path = graph_of(tables), tmp_path_factory.mktemp("spo") / "a.spo"
    again, told = read_again(graph, "spo", path)
    names, relations = dict(zip(graph.ids, graph.preferred_names(), strict=True)), {}
    for row in graph.tables["relation_names"].to_pylist():
        relations.setdefault(graph.relation_ids[row["relation"]], row["name"])
    facts = {row[:3] for row in triples_of(graph) if not row[3]}
    called = {fact: (names[fact[0]], relations.get(fact[1], fact[1]), names[fact[2]]) for fact in facts}
    held = {
        fact: row for fact, row in called.items()
        if all(map(holds_in_lines, row)) and not row[0].startswith(("#", "\ufeff"))
    }  # fmt: skip
    assert {row[:3] for row in triples_of(again)} == set(held.values())
    assert counted(told, "triples") == len(held)
    assert counted(told, "facts with names") == len(facts) - len(held)
    if again:
        assert recognise(path) == "spo" and all(again.entity(id).name == id for id in again.ids)


def test_kinds_and_order_of_names_stay(tiny_graph, tmp_path):
    for format in ("entities_tsv", "entities_csv", "entities_jsonl", "entities_parquet"):
        again, _ = read_again(tiny_graph, format, tmp_path / format)
        assert recognise(tmp_path / format) == format.replace("entities_parquet", "parquet")
        for id in tiny_graph.ids:
            assert again.entity(id) == tiny_graph.entity(id)


def test_each_writer_says_what_it_left_out(tiny_graph, tmp_path):
    told = {
        format: str(WRITERS[format](tiny_graph, tmp_path / format)) for format in ("tsv", "csv", "openke")
    }
    more = "29 names, 8 descriptions, 2 attributes, 12 types"
    assert told["tsv"] == (
        f"11 triples; left out: 11 statements of what is said of triples, 1 negated facts, {more}"
    )
    assert told["csv"] == f"12 triples; left out: {more}"
    assert told["openke"].startswith("11 train triples, 0 valid triples, 0 test triples; left out: 1 negated")
    told = WRITERS["entities_tsv"](tiny_graph, tmp_path / "e")
    assert str(told) == "12 entities, 2 attributes; left out: 11 triples, 1 negated, 3 relations"
    assert told.left_out == {"triples": 11, "negated": 1, "relations": 3}


@pytest.mark.parametrize("format", [format for format in WRITERS if format in READERS])
def test_nothing_is_overwritten_and_nothing_is_left_behind(format, tiny_graph, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite):
        write(tiny_graph, tmp_path / "file" / "a", format)
    write(tiny_graph, tmp_path / "b", format)
    with pytest.raises(CannotWrite, match="exists already"):
        write(tiny_graph, tmp_path / "b", format)
    write(tiny_graph, tmp_path / "b", format, force=True)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["b", "file"]


def test_a_file_is_whole_or_absent(tmp_path):
    path = tmp_path / "a"
    for old in (False, True):
        with pytest.raises(KeyError), whole_file(path) as building:
            building.write_text("half")
            raise KeyError
        assert list(tmp_path.iterdir()) == ([path] if old else [])
        path.write_text("old")
    with whole_file(path) as building:
        building.write_text("new")
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]


def test_a_graph_and_a_file_are_merged(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    (tmp_path / "more.csv").write_text("head,relation,tail\nD:1,has_phenotype,P:4\nD:9,is_a,D:4\n")
    imported = import_graph([Source(tmp_path / "graph"), Source(tmp_path / "more.csv")])
    assert list(imported.formats.values()) == ["graph", "csv"]
    assert len(imported.graph) == 13 and len(imported.graph.triples) == 13
    assert imported.graph.entity("D:1") == tiny_graph.entity("D:1")
    assert set(imported.graph.triples["source"].to_pylist()) == {"tiny", "more.csv"}


def test_csv_of_odd_columns_and_of_many_lines_is_read_back(tmp_path):
    """A semicolon in a header could be taken for what stands between cells; a row may have 1,000 lines."""
    lines = "\n".join(map(str, range(1_500)))
    attributes = {
        "entity": ["a"] * 3, "property": [";;;;;;;;", "x\ty", "note"], "value": ["1", "2", lines]
    }  # fmt: skip
    names = {"entity": ["a"], "name": ["Ada"]}
    triple = {"head": ["a", "a"], "relation": ["r"] * 2, "tail": ["b", "c"]}
    triple["qualifiers"] = ["", pack_qualifiers({"x": 1})]
    triple["licence"] = ["CC0", lines]
    graph = KnowledgeGraph.gather(
        [Columns("names", names), Columns("attributes", attributes), Columns("triples", triple)]
    )
    again, told = read_again(graph, "entities_csv", tmp_path / "e.csv")
    assert recognise(tmp_path / "e.csv") == "entities_csv"
    found = {row["property"]: row["value"] for row in again.attributes.to_pylist()}
    assert found == {";;;;;;;;": "1", "note": lines.replace("\n", " ")}
    assert told.left_out["attributes"] == 1 and counted(told, "texts changed") == 1
    again, told = read_again(graph, "csv", tmp_path / "t.csv")
    assert len(again.triples) == 1 and counted(told, "triples with blanks at an end") == 1
