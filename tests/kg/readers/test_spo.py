"""`.spo` files of K-BERT: ids are names, Chinese where they are."""

import pytest

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import READERS, read, recognise


def test_each_id_is_named_once_in_its_language(tmp_path):
    path = tmp_path / "CnDbpedia.spo"
    path.write_text("北京\t是\t首都\n北京\t有\tDNA\n東京タワー\tin\t北京\n", encoding="utf-8")
    assert recognise(path) == "spo"
    graph = KnowledgeGraph.gather(read(path))
    names = {row["name"]: row["language"] for row in graph.names.to_pylist()}
    assert names == {"北京": "zh", "首都": "zh", "DNA": "", "東京タワー": ""}
    assert graph.entity("北京").name == "北京"
    assert graph.tables["relation_names"].to_pylist() == [
        {"relation": 0, "name": "是", "language": "zh"},
        {"relation": 1, "name": "有", "language": "zh"},
        {"relation": 2, "name": "in", "language": ""},
    ]
    assert len(graph.triples) == 3 and graph.tally["names_merged"] == 0


def test_a_wrong_line_is_named(tmp_path):
    path = tmp_path / "a.spo"
    path.write_text("北京\t是\t首都\n北京 是 首都\n", encoding="utf-8")
    with pytest.raises(BadInput, match=r"line 2: expected 3 fields, found 1 .* one tab"):
        list(READERS["spo"](path, None))
