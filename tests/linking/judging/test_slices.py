"""Slices: labels and shares by hand."""

import json

import numpy as np
import pytest

from loregraft.linking.formats.records import Gold
from loregraft.linking.judging.slices import by_ambiguity, by_nesting, by_zero_shot, sliced, told
from loregraft.records import Mention


def gold(start, end, *ids):
    return Gold(Mention(start, end, "x" * (end - start)), ids)


def test_labels_by_hand():
    assert by_ambiguity(np.array([0, 1, 2, 5, 6, 99])) == ["0", "1", "2-5", "2-5", ">5", ">5"]
    mentions = [gold(0, 1, "A"), gold(0, 1, "B", "A"), gold(0, 1, "B"), gold(0, 1)]
    assert by_zero_shot(mentions, {"A"}) == ["seen", "seen", "zero-shot", "NIL"]


def test_nesting_by_hand():
    first = [gold(0, 20), gold(2, 10), gold(3, 5), gold(30, 35), gold(30, 35), gold(33, 40), gold(50, 55)]
    assert by_nesting([first, [], [gold(0, 20)]]) == [
        *("holds another", "inside another", "inside another"),
        *("crosses another", "crosses another", "crosses another", "flat", "flat"),
    ]


def test_shares_by_hand():
    right = np.array([1, 0, 1, 1])
    labels = {"ambiguity": [">5", "1", "1", "2-5"], "language": ["zh", "en", "en", "zh"]}
    slices = sliced(right, labels, np.array([0, 0, 1, 1]))
    assert [(one.name, one.label, one.mentions, one.right, one.share.value) for one in slices] == [
        ("ambiguity", "1", 2, 1, 0.5),
        ("ambiguity", "2-5", 1, 1, 1.0),
        ("ambiguity", ">5", 1, 1, 1.0),
        ("language", "en", 2, 1, 0.5),
        ("language", "zh", 2, 2, 1.0),
    ]
    assert (slices[0].share.low, slices[0].share.high) == (0, 1)
    for name in labels:
        assert sum(one.mentions for one in slices if one.name == name) == 4
    assert told(slices)[1].split() == ["ambiguity:", "1", "2", "1", "50.0", "0.0-100.0"]
    written = json.loads(json.dumps([one.as_dict() for one in slices], allow_nan=False))
    assert written[0]["share"] == {"value": 0.5, "low": 0.0, "high": 1.0}
    assert sliced(np.array([], bool), {}) == []
    with pytest.raises(ValueError, match="1 labels of 'x' for 4 mentions"):
        sliced(right, {"x": ["a"]})
