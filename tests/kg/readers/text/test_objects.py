"""Files with a JSON object a line, as JSON Lines or as an array."""

import pytest

from loregraft.errors import BadInput
from loregraft.kg.readers.text.objects import first_object, read_objects


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1]}\n{"b": []}\n',
        '[\n{"a": [1]},\n{"b": []}\n]\n',
        '[{"a": [1]},\n{"b": []}]\n',
        '[{"a": [1]}\n,\n{"b": []}\n],\n',
    ],
)
def test_lines_and_arrays(text, tmp_path):
    path = tmp_path / "a.json"
    path.write_text(text)
    assert [found for _, found in read_objects(path)] == [{"a": [1]}, {"b": []}]


def test_pairs_of_surrogates_are_characters_and_halves_are_refused(tmp_path):
    path = tmp_path / "a.json"
    path.write_text(
        '{"a": "\\ud83d\\ude00"}\n{"a": "\\ud83d"}\n{"\\uDE00": 1}\n{"a": NaN}\n[1]\n{"a": 1}{"b": 2}\n'
    )
    problems = []
    assert list(read_objects(path, problems)) == [(1, {"a": "😀"})]
    assert [problem.line for problem in problems] == [2, 3, 4, 5, 6]
    assert [problem.found.partition(" in ")[0].partition(":")[0] for problem in problems] == [
        "half of a character",
        "half of a character",
        "no JSON (NaN is no number)",
        "no JSON object",
        "no JSON (Extra data",
    ]
    assert all(problem.fix.endswith(".") for problem in problems)
    with pytest.raises(BadInput, match="line 2: half of a character"):
        list(read_objects(path))


def test_first_object():
    assert first_object('\n[\n{"a": 1},\n') == '{"a": 1},'
    assert first_object('[{"a": 1') == '{"a": 1'
    assert first_object("a\tb\n{}") == first_object("") == first_object('["a"]') == ""
