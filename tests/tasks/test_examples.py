"""Labelled texts from files of several forms."""

import pytest

from loregraft.errors import BadInput
from loregraft.tasks.examples import Example, read_examples

SAME = [Example("a fever", "sick"), Example("all is well", "fine")]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (
            "a.jsonl",
            '{"text": "a fever", "label": "sick"}\n{"label": "fine", "text": "all is well", "id": 3}\n',
        ),
        ("a.txt", '{"text": "a fever", "label": "sick"}\n{"text": "all is well", "label": "fine"}\n'),
        ("a.tsv", "id\tLabel\ttext\n1\tsick\ta fever\n2\tfine\tall is well\n"),
        ("a.csv", 'text,label\n"a fever",sick\nall is well,fine\n'),
        ("a.txt", "sick a fever\nfine all is well\n"),
        ("a.all", "sick\ta fever\nfine\tall is well\n"),
    ],
)
def test_forms(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    assert read_examples(path) == SAME


@pytest.mark.parametrize(
    ("name", "content", "line", "found"),
    [
        ("a.jsonl", '{"text": "a", "label": "x"}\nnothing\n', 2, "not JSON"),
        ("a.jsonl", '{"text": "a"}\n', 1, "an object without text or label"),
        ("a.tsv", "text\tlable\na\tx\n", 1, "no column is named 'label'. Did you mean 'lable'"),
        ("a.tsv", "text\tlabel\na\n", 2, "1 cells where the header has 2"),
        ("a.tsv", "text\tlabel\na\t \n", 2, "an empty label"),
        ("a.txt", "lonely\n", 1, "an empty text"),
        ("a.txt", "", 0, "there is no labelled text"),
    ],
)
def test_what_is_wrong_is_named(tmp_path, name, content, line, found):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    with pytest.raises(BadInput) as caught:
        read_examples(path)
    assert caught.value.line == line and found in str(caught.value)


def test_bad_lines_are_collected_and_the_rest_is_read(tmp_path):
    path, problems = tmp_path / "a.txt", []
    path.write_text("sick a fever\nlonely\nfine all is well\n", encoding="utf-8")
    assert read_examples(path, problems) == SAME and [one.line for one in problems] == [2]
