"""A lexicon that was read and is written is read back as the same words, and of any graph its words are."""

import csv

from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import recognise
from loregraft.kg.readers.lexicon import read_lexicon
from loregraft.kg.tables.columns import Columns
from loregraft.kg.writers import write

NASTY = st.text(st.sampled_from("ab\"',;|#\\ \t\r\n\u3000\u200d中é"), min_size=1, max_size=4)
WORDS = st.one_of(st.sampled_from(["good", "bad", "can't stand", "a,b", "好", ":D", "#fail"]), NASTY)
NUMBERS = st.sampled_from(["1.9", "-2", "+3", ".5", "1e-3", "0"])
CELLS = {
    "polarity": st.just("") | NUMBERS,
    "intensity": st.just("") | NUMBERS,
    "category": st.sampled_from(["", "joy", "anger, or so"]),
    "emotion": st.sampled_from(["", "joy", 'x "y"']),
    "language": st.sampled_from(["", "en", "de"]),
    "pos;of;it;all": st.sampled_from(["", "adj", "7"]),
}


@st.composite
def lexicons(draw):
    """Draw the rows of a lexicon: its header, and words with something said of each."""
    known = st.sampled_from(["polarity", "category", "emotion"])
    more = st.sets(st.sampled_from(sorted(CELLS)))
    columns = sorted({draw(known), *draw(more)})
    row = st.tuples(WORDS.filter(str.strip), *(CELLS[column] for column in columns))
    rows = draw(st.lists(row.filter(lambda cells: any(cells[1:])), min_size=1, max_size=6))
    return [("word", *columns), *rows]


def content(graph):
    """Give each table as rows with ids for indexes, in an order of their own."""
    numbered = {"entity": graph.ids, "head": graph.ids, "tail": graph.ids, "relation": graph.relation_ids}
    return {
        table: sorted(
            repr({name: numbered[name][cell] if name in numbered else cell for name, cell in row.items()})
            for row in rows.to_pylist()
        )
        for table, rows in graph.tables.items()
    }


@settings(max_examples=50, deadline=None)
@given(rows=lexicons())
def test_a_lexicon_that_is_read_and_written_is_the_same(rows, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lexicon")
    with (folder / "a.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, quoting=csv.QUOTE_ALL).writerows(rows)
    graph = KnowledgeGraph.gather(read_lexicon(folder / "a.csv"))
    told = write(graph, folder / "b.csv", "lexicon")
    assert recognise(folder / "b.csv") == "lexicon"
    again = KnowledgeGraph.gather(read_lexicon(folder / "b.csv"))
    assert content(again) == content(graph)
    assert told.left_out == {}
    words = {row[0].strip() for row in rows[1:]}
    assert told.written["words"] == len(words) and told.written["attributes"] == len(graph.attributes)


ENTITIES = ["a", "b", "c", "category:joy", " d "]
PROPERTIES = ["polarity", "score", "note", "Note", "language", "emotion", "word"]
GRAPHS = st.fixed_dictionaries(
    {
        "entities": st.lists(st.tuples(st.sampled_from(ENTITIES), st.sampled_from(["", "word", "gene"]))),
        "names": st.lists(st.tuples(st.sampled_from(ENTITIES), WORDS), max_size=4),
        "attributes": st.lists(
            st.tuples(st.sampled_from(ENTITIES), st.sampled_from(PROPERTIES), WORDS | NUMBERS), max_size=6
        ),
        "triples": st.lists(
            st.tuples(
                st.sampled_from(ENTITIES), st.sampled_from(["has_category", "r"]), st.sampled_from(ENTITIES)
            ),
            max_size=5,
        ),
    }
)
COLUMNS = {
    "entities": ("id", "type"), "names": ("entity", "name"), "attributes": ("entity", "property", "value"),
    "triples": ("head", "relation", "tail"),
}  # fmt: skip


def graph_of(tables):
    batches = [
        Columns(table, dict(zip(COLUMNS[table], map(list, zip(*rows, strict=True)), strict=True)))
        for table, rows in tables.items()
        if rows
    ]
    return KnowledgeGraph.gather([Columns("entities", {"id": ["a", "a"], "type": ["word", "x"]}), *batches])


@settings(max_examples=50, deadline=None)
@given(tables=GRAPHS)
def test_of_any_graph_the_words_are_kept_and_written_once_more_nothing_is_lost(tables, tmp_path_factory):
    folder = tmp_path_factory.mktemp("lexicon")
    graph = graph_of(tables)
    told = write(graph, folder / "a.csv", "lexicon")
    again = KnowledgeGraph.gather(read_lexicon(folder / "a.csv"))
    typed = {id for id, type in tables["entities"] if type == "word"}
    sorted_in = {head for head, relation, _ in tables["triples"] if relation == "has_category"}
    numeric = {
        row["entity"]
        for row in graph.attributes.to_pylist()
        if row["property"] in ("polarity", "score") and row["value"][-1].isdigit()
    }
    words = {"a", *typed, *sorted_in, *(graph.ids[index] for index in numeric)}
    called = dict(zip(graph.ids, graph.preferred_names(), strict=True))
    typed = {again.ids[row["entity"]] for row in again.tables["types"].to_pylist() if row["type"] == "word"}
    assert typed == {called[id].strip() for id in words}
    assert told.written["words"] == len(words)
    held = len(graph.attributes) - told.left_out.get("attributes", 0)
    assert told.written["attributes"] == held >= len(again.attributes)
    assert {row["property"] for row in again.attributes.to_pylist()} <= {"polarity", "score", "note", "word"}
    told = write(again, folder / "b.csv", "lexicon")
    assert content(KnowledgeGraph.gather(read_lexicon(folder / "b.csv"))) == content(again)
    assert told.left_out.keys() <= {"kinds of names, now preferred"}  # of a word that is a category too


def test_what_a_lexicon_cannot_hold_is_counted(tiny_graph, tmp_path):
    rated = Columns(
        "attributes",
        {
            "entity": ["P:1", "P:1", "P:2", "P:2"],
            "property": ["polarity", "Polarity", "score", "dose"],
            "value": ["-1", "2", "high", "3"],
            "datatype": ["integer", "", "", "decimal"],
            "unit": ["", "", "", "mg"],
        },
    )
    facts = Columns("triples", {"head": ["P:2"], "relation": ["has_category"], "tail": ["D:4"]})
    types = Columns("entities", {"id": ["P:1", "P:2"], "type": ["phenotype"] * 2})
    names = Columns(
        "names", {"entity": ["P:1", "P:1", "D:4"], "name": ["Fever", "Pyrexia", "Viral infection"]}
    )
    graph = KnowledgeGraph.gather([types, names, rated, facts])
    told = write(graph, tmp_path / "a.csv", "lexicon")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines() == [
        "word,language,category,polarity,score,dose",
        "Fever,en,,-1,,",
        "P:2,en,Viral infection,,,3",
    ]
    assert told.written == {"words": 2, "categories": 1, "attributes": 2}
    assert told.left_out == {
        "names": 1, "types": 2, "attributes": 2, "ids, for which a name stands": 2,
        "kinds of names, now preferred": 1, "datatypes, units and languages of attributes": 2,
    }  # fmt: skip
    assert write(tiny_graph, tmp_path / "b.csv", "lexicon").written["words"] == 0
