"""A file is written whole or not at all, by one process at a time."""

import pytest

from loregraft.disk import hold, whole_file
from loregraft.errors import CannotWrite


def test_a_file_is_replaced_when_it_is_whole(tmp_path):
    path = tmp_path / "new" / "a.tsv"
    for content in ("one", "two"):
        with whole_file(path) as building:
            building.write_text(content)
    assert path.read_text() == "two"
    with pytest.raises(ValueError, match="inside"), whole_file(path) as building:
        building.write_text("half")
        raise ValueError("inside")
    assert path.read_text() == "two"
    assert [file.name for file in path.parent.iterdir()] == ["a.tsv"]


def test_a_second_writer_is_refused_and_disturbs_nothing(tmp_path):
    path = tmp_path / "a.tsv"
    with whole_file(path) as building:
        building.write_text("first")
        with pytest.raises(CannotWrite, match="another loregraft process is writing it"), whole_file(path):
            pass
        with pytest.raises(CannotWrite, match="is writing it"), hold(path):
            pass
    assert path.read_text() == "first"
    assert [file.name for file in tmp_path.iterdir()] == ["a.tsv"]


def test_a_folder_is_never_replaced_by_a_file(tmp_path):
    (tmp_path / "a").mkdir()
    with pytest.raises(CannotWrite, match=r"a folder is in the way of a file\. Choose another name\."):
        with whole_file(tmp_path / "a") as building:
            building.write_text("x")
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
