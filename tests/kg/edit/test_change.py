"""Statements come and go as asked; an undo gives back every byte; a kill leaves one graph or the other."""

import random
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.artifact import read_card, sha256_file, verify
from loregraft.disk import hold
from loregraft.errors import CannotWrite, WrongArtifact
from loregraft.kg.edit.change import Change, edited
from loregraft.kg.edit.folder import edit_graph, undo_edit
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.identity import triple_id
from loregraft.kg.readers import read
from loregraft.kg.store import open_graph, save_graph
from loregraft.kg.tables.columns import Columns
from loregraft.records import Triple

FLU_COUGH = Triple(
    "D:2",
    "has_phenotype",
    "P:9",
    source="me",
    confidence=0.5,
    references=("PMID:1", "PMID:2"),
    qualifiers=(("frequency", "1/2"), ("n", 3)),
    valid_from="2020-01-01",
    licence="CC0",
    split="train",
)
FLU_FEVER = Triple("D:2", "has_phenotype", "P:1")


def facts(graph):
    found = set(graph.statements(range(len(graph.triples))))
    return found | set(graph.statements(range(len(graph.negated)), negated=True))


def hashes(folder):
    return {
        path.relative_to(folder).as_posix(): sha256_file(path) for path in folder.rglob("*") if path.is_file()
    }


def test_a_statement_is_added_with_all_that_is_said_of_it(tiny_graph):
    graph, change = edited(tiny_graph, [FLU_COUGH])
    assert change == Change(added=1, new_entities=("P:9",))
    (found,) = [triple for triple in graph.facts("P:9")]
    assert (found, found.source, found.confidence, found.references) == (
        FLU_COUGH,
        "me",
        0.5,
        ("PMID:1", "PMID:2"),
    )
    assert (found.qualifiers, found.valid_from, found.licence) == (FLU_COUGH.qualifiers, "2020-01-01", "CC0")
    assert graph.entity("P:9").name == "P:9"
    assert len(tiny_graph) == 12 and FLU_COUGH not in facts(tiny_graph)


def test_what_is_there_word_for_word_is_not_added_again(tiny_graph):
    (there,) = [triple for triple in tiny_graph.facts("D:2") if triple == FLU_FEVER]
    other = replace(there, source="another file")
    graph, change = edited(tiny_graph, [there, other, other])
    assert change == Change(added=1, already_there=2)
    assert [triple.source for triple in graph.facts("D:2") if triple == FLU_FEVER] == ["tiny", "another file"]


def test_removing_takes_all_statements_of_the_fact_as_the_id_says(tiny_graph):
    rash = triple_id("D:2", "has_phenotype", "P:5", negated=True)
    more, _ = edited(
        tiny_graph, [Triple("D:2", "has_phenotype", "P:5", source="x"), replace(FLU_FEVER, source="y")]
    )
    graph, change = edited(
        more, remove=[rash.upper(), FLU_FEVER, triple_id("no", "such", "fact"), Triple("a", "b", "c")]
    )
    assert change.removed == 3
    assert change.not_found == (triple_id("no", "such", "fact"), "a b c")
    assert facts(graph) == facts(more) - {FLU_FEVER, Triple("D:2", "has_phenotype", "P:5", negated=True)}
    assert Triple("D:2", "has_phenotype", "P:5") in facts(graph)
    assert graph.ids == tiny_graph.ids


def test_replacing_is_removing_and_adding_in_one_step(tiny_graph):
    graph, change = edited(tiny_graph, [replace(FLU_FEVER, confidence=0.25)], [FLU_FEVER])
    assert (change.added, change.removed, change.already_there) == (1, 1, 0)
    assert [triple.confidence for triple in graph.facts("D:2") if triple == FLU_FEVER] == [0.25]


def test_an_edited_graph_is_in_order_and_its_arrays_fit(tiny_graph):
    graph, _ = edited(
        tiny_graph, [FLU_COUGH, Triple("N:1", "new", "D:2"), Triple("A", "is_a", "A")], [FLU_FEVER]
    )
    rows = list(zip(graph.heads.tolist(), graph.relation_indexes.tolist(), graph.tails.tolist(), strict=True))
    assert rows == sorted(rows)
    index = graph.index("D:2")
    assert len(graph.triples) == 13
    assert {graph.ids[graph.heads[row]] for row in graph.incoming(index)} == {"N:1"}
    assert [graph.ids[tail] for tail in graph.tails[graph.outgoing(index)]] == ["D:4", "P:2", "P:6", "P:9"]


@pytest.mark.parametrize(
    ("add", "remove", "found"),
    [
        ([Triple("", "r", "t")], [], "empty head"),
        ([Triple("h", "r", "t", references=("a|b",))], [], "reference has a '|'"),
        ([], ["D:2"], "16 hexadecimal digits, got 'D:2'"),
        ([], ["0x123456789abcde"], "16 hexadecimal digits"),
    ],
)
def test_wrong_arguments_are_refused(add, remove, found, tiny_graph):
    with pytest.raises(ValueError, match=found.replace("|", r"\|")):
        edited(tiny_graph, add, remove)


def test_undo_gives_back_every_byte(tiny_graph, tmp_path):
    folder = tmp_path / "graph"
    save_graph(tiny_graph, folder, "key", settings={"a": 1}, inputs={"f": "0"}, facts={"joins": {}})
    seen = [hashes(folder)]
    for add, remove in (
        ([FLU_COUGH, Triple("N:1", "new", "N:2")], [FLU_FEVER]),
        ([Triple("N:3", "newer", "D:2", negated=True, source="z")], []),
        ([], [Triple("D:2", "has_phenotype", "P:5", negated=True), FLU_COUGH]),
        ([], list(tiny_graph.statements(range(11)))),
    ):
        assert edit_graph(folder, add, remove)
        assert verify(folder) == []
        seen.append(hashes(folder))
    assert len(open_graph(folder, check=True)) == 16
    assert read_card(folder).facts["edits"] == 4 and read_card(folder).facts["joins"] == {}
    assert len({read_card(folder).key, "key"}) == 2
    assert not list(folder.rglob("kept-*"))
    for expected in reversed(seen[:-1]):
        change = undo_edit(folder)
        assert hashes(folder) == expected
    assert change == Change(2, 0, 1, (), ("P:9", "N:1", "N:2"), ("new",))
    with pytest.raises(WrongArtifact, match="no edit to undo"):
        undo_edit(folder)


def test_the_folder_holds_what_edited_gives(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    edit_graph(tmp_path / "graph", [FLU_COUGH], [FLU_FEVER])
    save_graph(edited(tiny_graph, [FLU_COUGH], [FLU_FEVER])[0], tmp_path / "straight", "key")
    found, expected = hashes(tmp_path / "graph"), hashes(tmp_path / "straight")
    assert {name for name in expected if found[name] != expected[name]} == {"card.json"}


def test_texts_that_only_a_removed_row_had_come_back_byte_for_byte(tmp_path):
    """A file keeps a text that no row has any more; a table without rows keeps none."""
    columns = {"head": ["a", "a"], "relation": ["r", "r"], "tail": ["a", "a"], "references": ["", "1"]}
    save_graph(KnowledgeGraph.gather([Columns("triples", columns)]), tmp_path / "graph", "key")
    loop, seen = Triple("a", "r", "a"), []
    for add in ([loop], []):
        seen.append(hashes(tmp_path / "graph"))
        assert edit_graph(tmp_path / "graph", add, [loop])
    for expected in reversed(seen):
        undo_edit(tmp_path / "graph")
        assert hashes(tmp_path / "graph") == expected


IDS = st.sampled_from(["a", "b", "c", "d", "ä"])
CELLS = st.tuples(
    IDS,
    st.sampled_from(["r", "s", "t"]),
    IDS,
    st.booleans(),
    st.sampled_from(["", "x", "y"]),
    st.lists(st.sampled_from(["1", "2"]), max_size=2),
)


def built(rows):
    return [Triple(*row[:5], references=tuple(row[5])) for row in rows]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(CELLS, min_size=1, max_size=12),
    st.lists(st.tuples(st.lists(CELLS, max_size=4), st.lists(CELLS, max_size=4)), max_size=3),
)
def test_edits_are_sets_and_undo_one_after_the_other(tmp_path_factory, start, edits):
    start, edits = built(start), [(built(add), built(remove)) for add, remove in edits]
    columns = {name: [getattr(triple, name) for triple in start]
               for name in ("head", "relation", "tail", "negated", "source")}  # fmt: skip
    columns["references"] = ["|".join(triple.references) for triple in start]
    folder = tmp_path_factory.mktemp("edits") / "graph"
    save_graph(KnowledgeGraph.gather([Columns("triples", columns)]), folder, "key")
    known, seen = set(start), []
    for add, remove in edits:
        before = hashes(folder)
        if edit_graph(folder, add, remove):
            seen.append(before)
        else:
            assert hashes(folder) == before
        known = (known - set(remove)) | set(add)
        assert facts(open_graph(folder, check=True)) == known
    for expected in reversed(seen):
        undo_edit(folder)
        assert hashes(folder) == expected


def test_a_table_that_another_version_wrote_is_kept_whole(tiny_graph, tmp_path):
    import pyarrow.parquet as pq

    folder = tmp_path / "graph"
    save_graph(tiny_graph, folder, "key")
    card = (folder / "card.json").read_text()
    old = sha256_file(folder / "triples.parquet")
    pq.write_table(tiny_graph.triples, folder / "triples.parquet", compression="gzip")
    (folder / "card.json").write_text(card.replace(old, sha256_file(folder / "triples.parquet")))
    before = hashes(folder)
    edit_graph(folder, remove=[FLU_FEVER])
    assert [path.name for path in folder.rglob("kept-*")] == ["kept-triples.parquet"]
    undo_edit(folder)
    assert hashes(folder) == before


def test_a_damaged_folder_is_not_edited(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    (tmp_path / "graph" / "notes.txt").write_text("mine")
    with pytest.raises(WrongArtifact, match=r"notes.txt: not listed in the card. Move away"):
        edit_graph(tmp_path / "graph", [FLU_COUGH])
    assert (tmp_path / "graph" / "notes.txt").read_text() == "mine"
    with pytest.raises(WrongArtifact, match=r"no card.json"):
        edit_graph(tmp_path / "absent", [FLU_COUGH])


def test_a_damaged_journal_is_told(tiny_graph, tmp_path):
    folder = tmp_path / "graph"
    save_graph(tiny_graph, folder, "key")
    edit_graph(folder, [FLU_COUGH])
    note = folder / "edits" / "000001" / "edit.json"
    card = (folder / "card.json").read_text()
    old = sha256_file(note)
    note.write_text("{}")
    with pytest.raises(WrongArtifact, match=r"edit.json: changed since it was written"):
        undo_edit(folder)
    (folder / "card.json").write_text(card.replace(old, sha256_file(note)))
    with pytest.raises(WrongArtifact, match="the journal cannot be read"):
        undo_edit(folder)


def test_two_processes_do_not_edit_at_once(tiny_graph, tmp_path):
    import fcntl

    save_graph(tiny_graph, tmp_path / "graph", "key")
    with hold(tmp_path / "graph"), pytest.raises(CannotWrite, match="another loregraft process is writing"):
        edit_graph(tmp_path / "graph", [FLU_COUGH])
    with (tmp_path / "graph" / "card.json").open() as held:  # as who makes the SPARQL index
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(CannotWrite, match="another process is changing this folder"):
            edit_graph(tmp_path / "graph", [FLU_COUGH])


def test_a_folder_left_between_two_renames_is_put_back(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "graph", "key")
    (tmp_path / "graph").rename(tmp_path / ".graph.replaced")
    assert edit_graph(tmp_path / "graph", [FLU_COUGH]).added == 1
    assert [path.name for path in tmp_path.iterdir()] == ["graph"]


def test_a_folder_behind_a_link_is_edited_again_and_again(tiny_graph, tmp_path):
    save_graph(tiny_graph, tmp_path / "real" / "graph", "key")
    before, link = hashes(tmp_path / "real" / "graph"), tmp_path / "link"
    link.symlink_to(tmp_path / "real" / "graph")
    for tail in ("P:7", "P:8"):
        assert edit_graph(link, [replace(FLU_COUGH, tail=tail)]).added == 1
        assert link.is_symlink() and verify(link) == []
    for _ in range(2):
        undo_edit(link)
    assert hashes(tmp_path / "real" / "graph") == before
    assert sorted(path.name for path in tmp_path.rglob("*") if path.name[0] == ".") == []


EDIT = """
import sys
from pathlib import Path
from loregraft.kg.edit.folder import edit_graph
from loregraft.records import Triple
print("ready", flush=True)
edit_graph(Path(sys.argv[1]), [Triple("new", "r", f"e{n}") for n in range(2000)], [])
"""


@pytest.mark.slow
def test_kills_leave_the_old_graph_or_the_new(tmp_path):
    import numpy as np

    ends = np.random.default_rng(0).integers(0, 20_000, (2, 200_000))
    columns = {
        "head": [f"e{n}" for n in ends[0]],
        "relation": ["r"] * 200_000,
        "tail": [f"e{n}" for n in ends[1]],
    }
    folder = tmp_path / "graph"
    save_graph(KnowledgeGraph.gather([Columns("triples", columns)]), folder, "key")
    before, moments, killed, started = hashes(folder), random.Random(0), 0, 0.0
    took = 2.0
    for attempt in range(13):
        process = subprocess.Popen([sys.executable, "-c", EDIT, str(folder)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        started = time.monotonic()
        if attempt:
            time.sleep(moments.uniform(0, took))
            process.send_signal(signal.SIGKILL)
        killed += process.wait() == -signal.SIGKILL
        process.stdout.close()
        took = took if attempt else time.monotonic() - started
        replaced = tmp_path / ".graph.replaced"
        whole = folder if folder.exists() else replaced
        assert verify(whole) == []
        if hashes(whole) != before:
            undo_edit(folder)
        assert whole == replaced or hashes(folder) == before
    assert killed >= 6


@pytest.mark.parametrize("file", ["a.jsonl", "a.csv"])
def test_a_file_that_was_imported_is_already_there(file, tmp_path):
    said = '"qualifiers": "{\\"x\\":1,\\"y\\":\\"z\\"}", "references": "|P:1||P:2"'
    rows = f'{{"head": "a", "relation": "r", "tail": "b", {said}}}\n'
    csv = 'head,relation,tail,qualifiers,references\na,r,b,"{""x"":1,""y"":""z""}",|P:1||P:2\n'
    (tmp_path / file).write_text(rows if file == "a.jsonl" else csv)
    graph = KnowledgeGraph.gather(read(tmp_path / file))
    again = KnowledgeGraph.gather(read(tmp_path / file))
    _, change = edited(graph, again.statements(range(len(again.triples))))
    assert change == Change(already_there=1)


def test_a_graph_that_spells_otherwise_has_it_word_for_word_too():
    rows = {
        "head": ["a"],
        "relation": ["r"],
        "tail": ["b"],
        "qualifiers": ['{"x":1}'],
        "references": ["|P:1"],
    }
    graph = KnowledgeGraph.gather([Columns("triples", rows)])
    assert edited(graph, [graph.triple(0)])[1] == Change(already_there=1)
