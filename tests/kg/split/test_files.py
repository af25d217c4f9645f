"""Files of a split: what other tools read holds each fact of a part once."""

from loregraft.artifact import read_card, verify
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.split.files import save_parts
from loregraft.kg.split.triples import PARTS, split_triples
from loregraft.kg.tables.columns import Columns


def test_each_fact_is_written_once_and_what_a_line_cannot_hold_is_counted(tmp_path):
    rows = {
        "head": ["a", "a", "b", "c\td"],
        "relation": ["r", "r", "s", "r"],
        "tail": ["b", "b", "c", "a"],
        "source": ["x", "y", "x", "x"],
        "split": ["train", "train", "test", "train"],
    }
    graph = KnowledgeGraph.gather([Columns("triples", rows)])
    save_parts(graph, split_triples(graph, "kept"), tmp_path / "parts", "key", {"mode": "kept"})
    written = {part: (tmp_path / "parts" / f"{part}.tsv").read_text() for part in PARTS}
    assert written == {"train": "a\tr\tb\n", "valid": "", "test": "b\ts\tc\n"}
    card = read_card(tmp_path / "parts", "triples")
    assert card.facts["counts"]["left_out_breaks"] == 1 and card.settings == {"mode": "kept"}
    assert verify(tmp_path / "parts") == []
