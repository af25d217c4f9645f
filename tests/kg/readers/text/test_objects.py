"""Files with a JSON object a line, as JSON Lines or as an array."""

import pytest

from loregraft.errors import BadInput
from loregraft.kg.readers.text.objects import first_keys, first_object, parse_object, read_objects


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


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": ' + "[" * 64 + "]" * 64 + "}", "nested too deep"),
        ('{"a": ' + "[" * 100_000 + "}", "nested too deep"),
        ('{"a": -1e999}', "too large a number"),
        ('{"a": Infinity}', "Infinity is no number"),
        ('{"a": ' + "9" * 5_000 + "}", "no JSON"),
        ('{"a": 1, "b": 2, "a": 3}', "the key 'a' stands twice"),
    ],
)
def test_what_no_row_can_hold_is_refused(text, found):
    with pytest.raises(ValueError, match=found):
        parse_object(text, once=True)


def test_depth_counts_what_is_nested_and_nothing_else():
    assert parse_object('{"a": ' + "[" * 63 + "]" * 63 + "}")
    assert parse_object('{"a": "' + "[" * 1000 + '", "b": [' + "[]," * 1000 + "[]]}")
    assert parse_object('{"a": 1, "a": 2}') == {"a": 2}


def test_first_keys():
    assert first_keys('[\n{"a": {"b": 1}, "c": ["d", {"e": 1}], "f\\"": "g", "h": "i') == {
        "a",
        "c",
        'f\\"',
        "h",
    }
    assert first_keys('{"a": 1}{"b": 1}') == {"a"}
    assert first_keys("") == first_keys('["a"]') == set()
