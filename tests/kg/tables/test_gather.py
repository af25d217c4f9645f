"""Batches become raw tables: in bounded time and memory, however the batches are cut."""

import time

import pyarrow as pa
import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers.text.lines import in_batches
from loregraft.kg.tables import gather as gathering
from loregraft.kg.tables.columns import Columns
from loregraft.kg.tables.gather import gather
from loregraft.kg.tables.text_policy import clean


def alternating(count):
    """Yield triples of which every other one names its source."""
    for number in range(count):
        row = (f"E{number % 1000}", "r", f"E{number}", False, "", "", 1.0, "", "", "", "")
        yield "triples", (*row, "mine") if number % 2 else row


def test_rows_with_and_without_a_source_take_turns():
    begun = time.monotonic()
    gathered = gather(in_batches(alternating(200_000)), "file")
    assert time.monotonic() - begun < 60  # when all batches are counted at each one it takes an hour
    triples = gathered.tables()["triples"]
    assert triples["source"].to_pylist()[:4] == ["file", "mine"] * 2
    assert gathered.entities.texts()[:2] == ["E0", "E1"] and len(triples) == 200_000


def test_how_batches_are_cut_does_not_count():
    rows = list(alternating(50))
    whole = KnowledgeGraph.gather(in_batches(rows), "file")
    single = KnowledgeGraph.gather((batch for row in rows for batch in in_batches([row])), "file")
    assert all(single.tables[table].equals(found) for table, found in whole.tables.items())


def test_batches_of_lists_and_arrays_go_together():
    batches = [
        Columns("names", {"entity": ["a"], "name": ["x"], "source": ["one"]}),
        Columns("names", {"entity": pa.array(["b", "c"]), "name": pa.array(["y", "z"])}),
        Columns("names", {"entity": ["d"], "name": pa.array(["w"], pa.large_string()), "kind": ["lay"]}),
    ]
    names = KnowledgeGraph.gather(batches, "file").names
    assert names.select(["name", "kind", "language", "source"]).to_pylist() == [
        {"name": "x", "kind": "exact", "language": "en", "source": "one"},
        {"name": "y", "kind": "exact", "language": "en", "source": "file"},
        {"name": "z", "kind": "exact", "language": "en", "source": "file"},
        {"name": "w", "kind": "lay", "language": "en", "source": "file"},
    ]


def test_long_texts_are_left_out_before_many_are_held(monkeypatch):
    monkeypatch.setattr(gathering, "GATHER_BYTES", 1 << 20)
    held = []

    def watched(table, rows, tally):
        held.append(len(rows["entity"]))
        return clean(table, rows, tally)

    monkeypatch.setattr(gathering, "clean", watched)
    batches = (Columns("descriptions", {"entity": [f"E{n}"], "text": ["x" * 300_000]}) for n in range(20))
    gathered = gather(batches)
    assert gathered.tally["left_out_too_long"] == 20
    assert max(held) == 3


def test_ids_of_a_source_that_is_not_utf8():
    graph = KnowledgeGraph.gather([Columns("names", {"entity": ["a"], "name": ["x"]})], "caf\udce9.tsv")
    assert graph.names["source"].to_pylist() == ["caf\\udce9.tsv"]


@pytest.mark.parametrize("batches", [[], [Columns("names", {"entity": [], "name": []})]])
def test_nothing_gives_empty_tables(batches):
    tables = gather(batches).tables()
    assert all(len(rows) == 0 for rows in tables.values())
