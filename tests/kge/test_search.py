"""The search for settings: under its budget, going on where it was cut off, the best kept as a recipe."""

import json

import pytest

from loregraft.config import load_settings
from loregraft.errors import BadInput
from loregraft.kge.parts import Parts
from loregraft.kge.search import SearchSettings, ranges_of, search
from loregraft.kge.settings import KgeSettings

BASE = KgeSettings(model="distmult", dim=16, batch=64, negatives=16, workers=1, epochs=4)
FIXED = frozenset({"batch", "negatives", "drawn"})


def budget(minutes, **more):
    return SearchSettings(**{"minutes": minutes, "trial_minutes": 0.01, "fixed": FIXED, **more})


@pytest.mark.parametrize("method", ["tpe", "random"])
def test_a_search_ends_in_time_and_keeps_the_best_as_a_recipe(ring_parts, tmp_path, method):
    told = []
    tried = search(
        ring_parts, BASE, tmp_path, budget(0.03, method=method), report=lambda t, now: told.append(now)
    )
    assert len(tried) >= 2 and all(0 <= one.mrr <= 1 and one.seconds <= 5 for one in tried)
    assert {frozenset(one.params) for one in tried} == {frozenset({"rate", "n3", "reciprocal"})}
    assert len({one.params["rate"] for one in tried}) == len(tried)
    best = load_settings(KgeSettings, tmp_path / "best.yaml")
    winner = max(tried, key=lambda one: one.mrr)
    assert best == BASE.model_copy(update=winner.params)
    assert any(now is not None for now in told)


def test_it_goes_on_where_it_was_cut_off(ring_parts, tmp_path):
    def stop(tried, now):
        if len(tried) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        search(ring_parts, BASE, tmp_path, budget(10), report=stop)
    path = tmp_path / "trials.jsonl"
    before = path.read_text()
    path.write_text(before + before.splitlines()[-1][:-9])  # killed while it wrote a line
    spent = sum(json.loads(line)["seconds"] for line in before.splitlines()[1:])
    again = search(ring_parts, BASE, tmp_path, budget(spent / 60 + 0.01))
    assert path.read_text().startswith(before)
    assert len(again) == len(path.read_text().splitlines()) - 1 >= 3
    assert len({one.params["rate"] for one in again}) == len(again)
    after = path.read_bytes()
    assert search(ring_parts, BASE, tmp_path, budget(0.0001)) == again  # no time is left
    assert path.read_bytes() == after


def test_what_diverges_is_told_and_not_the_end(ring_parts, tmp_path):
    wild = BASE.model_copy(update={"rate": 1e10, "epochs": 2})
    tried = search(ring_parts, wild, tmp_path, budget(0.01, fixed=FIXED | {"rate", "reciprocal"}))
    assert tried[0].ended == "diverged"


@pytest.mark.parametrize(
    ("model", "own"), [("transe", {"scale"}), ("tucker", {"n3"}), ("rescal", {"n3", "reciprocal"})]
)
def test_what_is_searched_for_depends_on_the_scorer(model, own):
    found = set(ranges_of(KgeSettings(model=model)))
    assert own <= found and len(found & {"scale", "n3"}) == 1
    assert "reciprocal" in found  # all built-in scorers can ask for heads


def test_what_cannot_be_searched_is_refused(ring_parts, tmp_path):
    none = ring_parts.valid.take(ring_parts.valid.heads[:0])
    bare = Parts(ring_parts.train, none, none, ring_parts.entities, ring_parts.relations)
    with pytest.raises(BadInput, match="no valid part"):
        search(bare, BASE, tmp_path, budget(1))
    with pytest.raises(BadInput, match="all entities in memory"):
        search(ring_parts, BASE.model_copy(update={"partitions": 2}), tmp_path, budget(1))
    every = frozenset(ranges_of(BASE))
    with pytest.raises(BadInput, match="nothing to search for"):
        search(ring_parts, BASE, tmp_path, budget(1, fixed=every))
    search(ring_parts, BASE, tmp_path, budget(0.005))
    with pytest.raises(BadInput, match="another search"):
        search(ring_parts, BASE, tmp_path, budget(1), graph_key="other")
