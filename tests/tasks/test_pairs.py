"""Pairs of mentions from JSON lines."""

import json

import pytest

from loregraft.errors import BadInput
from loregraft.tasks.pairs import Pair, read_pairs

ROW = {"text": "Measles brings a rash", "head": [0, 7], "tail": [17, 21], "label": "has_phenotype"}
PAIR = Pair("Measles brings a rash", (0, 7), (17, 21), "has_phenotype")


def write(path, *rows):
    path.write_text("\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows))
    return path


def test_reading(tmp_path):
    linked = {**ROW, "entities": ["D:1", None], "source": "ours"}
    unlinked = {**ROW, "entities": None}
    path = write(tmp_path / "a.jsonl", ROW, "", linked, unlinked)
    expected = [PAIR, Pair(PAIR.text, PAIR.head, PAIR.tail, PAIR.label, ("D:1", None)), PAIR]
    assert read_pairs(path) == expected


def test_without_labels(tmp_path):
    row = {name: value for name, value in ROW.items() if name != "label"}
    assert read_pairs(write(tmp_path / "a.jsonl", row, ROW), labelled=False)[0].label == ""


@pytest.mark.parametrize(
    ("wrong", "found"),
    [
        ("nothing", "no JSON"),
        ({"head": [0, 7], "tail": [17, 21], "label": "x"}, "an object without text"),
        ({**ROW, "text": " "}, "an empty text"),
        ({**ROW, "label": " "}, "an empty label"),
        ({"text": "a b", "head": [0, 1], "tail": [2, 3]}, "an object without label"),
        ({**ROW, "head": None}, "'head' is None, and not two whole numbers"),
        ({**ROW, "head": [0]}, "'head' is [0], and not two whole numbers"),
        ({**ROW, "tail": [0, 1.0]}, "'tail' is [0, 1.0], and not two whole numbers"),
        ({**ROW, "tail": [False, True]}, "'tail' is [False, True], and not two whole numbers"),
        ({**ROW, "tail": "17"}, "'tail' is '17', and not two whole numbers"),
        ({**ROW, "head": [3, 3]}, "the head is at 3 to 3, and the text has the characters 0 to 21"),
        ({**ROW, "head": [-1, 3]}, "the head is at -1 to 3"),
        ({**ROW, "tail": [17, 22]}, "the tail is at 17 to 22"),
        ({**ROW, "tail": [7, 8]}, "the tail at 7 to 8 holds only spaces"),
        ({**ROW, "entities": ["D:1"]}, "'entities' is ['D:1'], and not two ids"),
        ({**ROW, "entities": ["D:1", 5]}, "'entities' is ['D:1', 5], and not two ids"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, wrong, found):
    path = write(tmp_path / "a.jsonl", ROW, wrong, ROW)
    with pytest.raises(BadInput) as caught:
        read_pairs(path)
    assert caught.value.line == 2 and found in str(caught.value) and "Write " in str(caught.value)
    problems = []
    assert read_pairs(path, problems) == [PAIR, PAIR] and [one.line for one in problems] == [2]


def test_no_pair_at_all(tmp_path):
    with pytest.raises(BadInput, match="there is no pair"):
        read_pairs(write(tmp_path / "a.jsonl"))
