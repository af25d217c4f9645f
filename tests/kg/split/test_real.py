"""Splits of WN18RR, a public benchmark: its own parts leak through symmetric relations, ours do not."""

import os
from pathlib import Path

import numpy as np
import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.mirrors import distinct_facts
from loregraft.kg.split.triples import PARTS, SplitSettings, split_triples
from loregraft.kg.tables.columns import Columns

DATA = Path(os.environ.get("LOREGRAFT_DATA", Path(__file__).parents[4] / "shared" / "data")) / "wn18rr"


@pytest.fixture(scope="module")
def wordnet():
    if not DATA.is_dir():
        pytest.skip(f"there is no {DATA} (set LOREGRAFT_DATA)")
    entities, relations = (
        [line.rsplit(maxsplit=1)[0] for line in (DATA / name).read_text().splitlines()[1:]]
        for name in ("entity2id.txt", "relation2id.txt")
    )
    batches = []
    for part in PARTS:
        lines = (DATA / f"{part}2id.txt").read_text().splitlines()[1:]
        head, tail, relation = np.array([line.split() for line in lines], np.int64).T.tolist()
        rows = {
            "head": [entities[index] for index in head],
            "relation": [relations[index] for index in relation],
            "tail": [entities[index] for index in tail],
            "split": [part] * len(lines),
        }
        batches.append(Columns("triples", rows))
    return KnowledgeGraph.gather(batches)


def leaks(graph, parts):
    """Count, by another way than the code does, held-out facts whose reverse pair is in train."""
    facts = distinct_facts(graph)
    part = parts[facts.rows]
    train = set(facts.pairs[part == 0].tolist())
    return sum(pair in train for pair in facts.reverse[part != 0].tolist())


def test_its_own_parts_stay_and_their_leaks_are_told(wordnet):
    split = split_triples(wordnet, SplitSettings(mode="kept"))
    assert [split.counts[part] for part in PARTS] == [86_835, 3_034, 3_134]
    assert split.counts["moved_earlier"] == split.counts["without_part"] == 0
    assert split.counts["leaks"] >= leaks(wordnet, split.parts) > 2_000


@pytest.mark.parametrize("mode", ["transductive", "inductive"])
def test_parts_drawn_do_not_leak(wordnet, mode):
    split = split_triples(wordnet, SplitSettings(mode=mode))
    assert leaks(wordnet, split.parts) == 0
    assert [split.counts[part] for part in PARTS] == [74_403, 9_300, 9_300]
    assert (split.counts["unseen_entities"] == 0) == (mode == "transductive")
