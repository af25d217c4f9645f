"""What happens to the problems of a file."""

import gc

import pytest

from loregraft.errors import BadInput
from loregraft.kg.readers import READERS
from loregraft.kg.readers.text import lines
from loregraft.kg.readers.text.lines import Problems


def test_all_problems_are_counted_and_the_first_are_kept(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "MAX_PROBLEMS", 10)
    path = tmp_path / "a.jsonl"
    path.write_text("{\n" * 50)
    problems = Problems()
    assert list(READERS["jsonl"](path, problems)) == []
    assert (problems.total, len(problems)) == (50, 10)
    assert [problem.line for problem in problems] == list(range(1, 11))
    assert str(problems[0]).startswith(f"{path}, line 1: no JSON")


def test_a_kept_problem_holds_nothing_else(tmp_path):
    path = tmp_path / "a.obo"
    path.write_bytes(b"[Term]\nid: a\nname: b\n\xff\n")
    problems = Problems()
    list(READERS["obo"](path, problems))
    (problem,) = problems
    assert problem.__traceback__ is problem.__cause__ is problem.__context__ is None
    assert not any(isinstance(held, UnicodeDecodeError) for held in gc.get_referents(problem))


def test_without_a_list_the_first_problem_ends_the_reading(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("{\n")
    with pytest.raises(BadInput) as caught:
        list(READERS["jsonl"](path, None))
    assert caught.value.__traceback__ is not None
