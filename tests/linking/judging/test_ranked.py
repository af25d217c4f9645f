"""Candidates of given mentions: ranks and accuracies by hand, both protocols."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.linking.formats import read
from loregraft.linking.formats.records import Gold
from loregraft.linking.judging.matching import PROTOCOLS, Protocol
from loregraft.linking.judging.ranked import accuracies, accuracy, ranks, told
from loregraft.records import Mention

DATA = Path(os.environ.get("LOREGRAFT_DATA", Path(__file__).parents[4] / "shared" / "data"))
PLACE = Mention(0, 1, "x")
GOLD = [
    Gold(PLACE, ("A",)),
    Gold(PLACE, ("A", "B")),
    Gold(PLACE, ("A", "B"), composite=True),
    Gold(PLACE),
    Gold(PLACE, ("Z",)),
    Gold(PLACE, ("C",)),
]
CANDIDATES = [["B", "A"], ["B"], ["C", "A", "A", "B"], [None, "A"], ["A", None], []]


def test_ranks_by_hand():
    inf = np.inf
    assert ranks(GOLD, CANDIDATES).tolist() == [2, 1, 2, 1, inf, inf]
    assert ranks(GOLD, CANDIDATES, Protocol("all")).tolist() == [2, 1, 2, 1, inf, inf]
    assert ranks(GOLD, CANDIDATES, in_graph={"A", "B", "C"}).tolist() == [2, 1, 2, 1, 2, inf]
    both = [Gold(PLACE, ("A", "B"), composite=True)]
    for ids, by_any, by_all in (("AB", 1, 1), ("BCA", 1, 2), ("CA", 2, inf), ("", inf, inf)):
        assert ranks(both, [list(ids)]).tolist() == [by_any]
        assert ranks(both, [list(ids)], Protocol("all")).tolist() == [by_all]
    with pytest.raises(ValueError, match="1 mentions, candidates of 2"):
        ranks(GOLD[:1], CANDIDATES[:2])


def test_accuracy_by_hand():
    result = accuracy(GOLD, CANDIDATES, np.array([0, 0, 1, 1, 2, 2]))
    assert result.mentions == 6
    assert result.at == {1: pytest.approx(2 / 6), 5: pytest.approx(4 / 6), 20: pytest.approx(4 / 6)}
    assert result.recall == pytest.approx(4 / 6)
    assert result.mrr == pytest.approx(3 / 6)
    assert (result.first.value, result.first.low, result.first.high) == pytest.approx((2 / 6, 0, 0.5))
    kept = accuracy(
        GOLD, CANDIDATES, None, Protocol(keep_composite=False, keep_out_of_graph=False), {"A", "C"}
    )
    assert (kept.mentions, kept.first) == (4, None)
    none = accuracy([], [])
    assert (none.mentions, none.at[1], none.recall, none.mrr) == (0, 0, 0, 0)


def test_accuracies_are_told_and_are_json():
    results = accuracies(GOLD, CANDIDATES, np.array([0, 0, 1, 1, 2, 2]), {"A", "B", "C"})
    lines = told(results)
    assert lines[0].split() == ["mentions", "@1", "@5", "@20", "recall", "MRR", "@1,", "95", "%"]
    assert lines[1].split()[:6] == ["all", "mentions,", "any", "id", "6", "33.3"]
    assert len(lines) == 1 + len(PROTOCOLS) and max(map(len, lines)) <= 110
    written = json.loads(json.dumps([result.as_dict() for result in results], allow_nan=False))
    assert written[4]["mentions"] == 5 and written[0]["accuracy_at"]["1"] == 0.33333


@settings(max_examples=50, deadline=None)
@given(
    rows=st.lists(
        st.tuples(
            st.lists(st.sampled_from("ABCD"), max_size=3, unique=True),
            st.booleans(),
            st.lists(st.none() | st.sampled_from("ABCDE"), max_size=6),
        ),
        max_size=8,
    )
)
def test_properties_of_ranks(rows):
    gold = [Gold(PLACE, tuple(ids), both and len(ids) > 1) for ids, both, _ in rows]
    candidates = [list(found) for *_, found in rows]
    by_any, by_all = (ranks(gold, candidates, Protocol(rule)) for rule in ("any", "all"))
    assert (by_any >= 1).all() and (by_any <= by_all).all()
    perfect = [list(one.entities) or [None] for one in gold]
    assert (ranks(gold, perfect, Protocol("all")) == 1).all()
    result = accuracy(gold, candidates)
    assert result.at[1] <= result.at[5] <= result.at[20] <= result.recall + 1e-12
    assert result.at[1] <= result.mrr + 1e-12


def test_the_ncbi_corpus_by_all_protocols():
    path = DATA / "ncbi_disease_linking" / "NCBItestset_corpus.txt"
    if not path.is_file():
        pytest.skip(f"there is no {path} (set LOREGRAFT_DATA)")
    gold = [one for document in read(path) for one in document.gold]
    first = [[one.entities[0]] for one in gold]
    results = {result.protocol.name: result for result in accuracies(gold, first)}
    assert results["all mentions, any id"].at[1] == 1
    assert results["all mentions, all ids"].at[1] == pytest.approx(1 - 12 / 960)
    assert results["without composite"].mentions == 948
