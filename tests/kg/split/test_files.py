"""Files of a split: what other tools read holds each fact of a part once."""

from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.artifact import read_card, verify
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import read
from loregraft.kg.split.files import save_parts
from loregraft.kg.split.triples import PARTS, SplitSettings, split_triples
from loregraft.kg.tables.columns import Columns


def test_each_fact_is_written_once_and_what_a_line_cannot_hold_is_counted(tmp_path):
    rows = {
        "head": ["a", "a", "b", "c\td", "#1", " e"],
        "relation": ["r", "r", "s", "r", "r", "r"],
        "tail": ["b", "b", "c", "a", "a", "a"],
        "source": ["x", "y", "x", "x", "x", "x"],
        "split": ["train", "train", "test", "train", "train", "train"],
    }
    graph = KnowledgeGraph.gather([Columns("triples", rows)])
    split = split_triples(graph, SplitSettings(mode="kept"))
    left_out = save_parts(graph, split, tmp_path / "parts", "key", {"mode": "kept"})
    written = {part: (tmp_path / "parts" / f"{part}.tsv").read_text() for part in PARTS}
    assert written == {"train": "a\tr\tb\n", "valid": "", "test": "b\ts\tc\n"}
    card = read_card(tmp_path / "parts", "triples")
    assert card.facts["counts"]["left_out_ids"] == left_out == 3 and card.settings == {"mode": "kept"}
    assert verify(tmp_path / "parts") == []


ENDS = st.text(
    st.sampled_from("ab# \t\r\n\ufeff\u3000\u200d\x0b\x1c\x85\u2028\u4e2d"), min_size=1, max_size=3
)


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(st.tuples(ENDS, ENDS, ENDS, st.sampled_from(PARTS)), min_size=1, max_size=12),
    first=st.sampled_from(["a", "#", " a"]),
)
def test_what_is_written_is_read_back_equal(rows, first, tmp_path_factory):
    rows = [(first, "r", "b", "train"), *rows]
    columns = [list(column) for column in zip(*rows, strict=True)]
    names = ("head", "relation", "tail", "split")
    graph = KnowledgeGraph.gather([Columns("triples", dict(zip(names, columns, strict=True)))])
    split = split_triples(graph, SplitSettings(mode="kept"))
    folder = tmp_path_factory.mktemp("split") / "parts"
    left_out = save_parts(graph, split, folder, "key", {})
    again = triples_of(read(folder, "splits"))
    facts = {
        (fact.head, fact.relation, fact.tail, PARTS[split.parts[row]])
        for row, fact in enumerate(graph.statements(range(len(graph.triples))))
    }
    assert set(again) <= facts and len(again) == len(set(again)) == len(facts) - left_out
    assert {fact for fact in facts if all(end.isalnum() for end in fact)} <= set(again)


def triples_of(batches):
    found = []
    for batch in batches:
        ends = (batch.rows[name] for name in ("head", "relation", "tail", "split"))
        found += zip(*(map(str, end) for end in ends), strict=True)
    return found
