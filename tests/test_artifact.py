"""A folder is whole or absent, says what it is, and is found out when it is not what it says."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loregraft.artifact import (
    CARD,
    FORMAT,
    fingerprint,
    is_current,
    read_card,
    sha256_file,
    sha256_folder,
    verify,
    writing,
)
from loregraft.disk import cannot_write, keep_apart, lock, replace_file
from loregraft.errors import CannotWrite, WrongArtifact

FILES = {"a.txt": b"alpha", "empty": b"", "inner/b.bin": bytes(range(256)), "inner/deep/c": b"c" * 5_000}


def make(folder: Path, key: str = "key", files: dict[str, bytes] = FILES) -> Path:
    with writing(folder, "thing", key, settings={"x": 1}, seed=3, inputs={"in": "00"}) as (building, facts):
        for name, content in files.items():
            (building / name).parent.mkdir(parents=True, exist_ok=True)
            (building / name).write_bytes(content)
        facts["count"] = len(files)
    return folder


def tree(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.name != CARD
    }


def run_code(code: str, *arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# Whole or absent


def test_the_folder_holds_what_was_written_and_the_card_says_so(tmp_path):
    folder = make(tmp_path / "runs" / "thing")
    assert tree(folder) == FILES
    card = read_card(folder, "thing")
    assert (card.kind, card.key, card.settings, card.seed) == ("thing", "key", {"x": 1}, 3)
    assert (card.inputs, card.facts, card.format) == ({"in": "00"}, {"count": 4}, FORMAT)
    assert card.outputs == {name: sha256_file(folder / name) for name in FILES}
    assert {"loregraft", "torch", "numpy"} <= set(card.packages)
    assert verify(folder) == []
    assert [path.name for path in folder.parent.iterdir()] == ["thing"]


def test_the_card_names_no_person_and_no_place(tmp_path):
    text = (make(tmp_path / "thing") / CARD).read_text(encoding="utf-8")
    assert str(tmp_path) not in text
    assert str(Path.home()) not in text
    assert os.uname().nodename not in text


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt, SystemExit])
def test_an_error_inside_leaves_nothing(tmp_path, raised):
    with pytest.raises(raised), writing(tmp_path / "thing", "thing", "key") as (building, _):
        (building / "half").write_text("half")
        raise raised
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("raised", [ValueError, KeyboardInterrupt])
def test_an_error_inside_leaves_the_old_folder(tmp_path, raised):
    folder = make(tmp_path / "thing")
    before = tree(folder)
    with pytest.raises(raised), writing(folder, "thing", "new") as (building, _):
        (building / "half").write_text("half")
        raise raised
    assert (tree(folder), read_card(folder).key, verify(folder)) == (before, "key", [])
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_a_new_folder_replaces_the_old_one_whole(tmp_path):
    folder = make(make(tmp_path / "thing"), "new", {"only": b"this"})
    assert (tree(folder), read_card(folder).key, verify(folder)) == ({"only": b"this"}, "new", [])
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_what_a_killed_process_left_is_swept_away(tmp_path):
    (tmp_path / ".thing.writing" / "inner").mkdir(parents=True)
    (tmp_path / ".thing.writing" / "inner" / "half").write_text("half")
    assert tree(make(tmp_path / "thing")) == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_a_relative_folder_is_taken_from_where_the_process_stands(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make(Path("thing"))
    assert verify(tmp_path / "thing") == []


def test_replace_file_writes_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "deep" / "plan.json"
    replace_file(path, "old")
    replace_file(path, "näw\n")
    assert path.read_text(encoding="utf-8") == "näw\n"

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CannotWrite, match="disk is full"):
        replace_file(path, "newer")
    assert path.read_text(encoding="utf-8") == "näw\n"
    assert [file.name for file in path.parent.iterdir()] == ["plan.json"]


def test_an_interrupted_replace_file_leaves_nothing(tmp_path, monkeypatch):
    def interrupted(descriptor: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        replace_file(tmp_path / "plan.json", "half")
    assert list(tmp_path.iterdir()) == []


KILL_AT_EACH_POINT = """
import io, os, sys
from pathlib import Path
from loregraft.artifact import read_card, verify, writing
from loregraft.disk import lock

root, with_old, disk = Path(sys.argv[1]), sys.argv[2] == "old", sys.argv[3]
EVENTS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "fsync", "ctypes.dlsym"}

def cannot_exchange(event, arguments):
    if event == "ctypes.dlsym" and disk == "old disk" and arguments[1] == "renameat2":
        raise OSError

sys.addaudithook(cannot_exchange)

def make(folder, key):
    with writing(folder, "thing", key) as (building, facts):
        (building / "inner").mkdir()
        for name in ("a", "inner/b"):
            (building / name).write_text(key * 3)

def content(folder):
    if not folder.exists():
        return None
    assert verify(folder) == [], verify(folder)
    key = read_card(folder).key
    assert all((folder / name).read_text() == key * 3 for name in ("a", "inner/b"))
    return key

def killed_at(point, folder):
    left = point
    def count(event, arguments=()):
        nonlocal left
        if event in EVENTS:
            left -= 1
            if not left:
                os._exit(9)
    fsync = os.fsync
    def counted(descriptor):
        count("fsync")
        fsync(descriptor)
    os.fsync = counted
    sys.addaudithook(count)
    make(folder, "new")
    os._exit(0)

point, seen = 0, []
while True:
    point += 1
    folder = root / str(point) / "thing"
    folder.parent.mkdir()
    if with_old:
        make(folder, "old")
    process = os.fork()
    if not process:
        killed_at(point, folder)
    code = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    if with_old and disk == "new disk":
        assert folder.exists(), point
    before = content(folder)
    if with_old and not folder.exists():
        copy = root / str(point) / "reader" / "thing"
        copy.parent.mkdir()
        os.rename(folder.with_name(".thing.replaced"), copy.with_name(".thing.replaced"))
        assert read_card(copy).key == "old"
        os.rename(copy, folder.with_name(".thing.replaced"))
        os.rmdir(copy.parent)
    with lock(folder.parent):
        after = content(folder)
    assert before in (after, None), (before, after)
    seen.append(after)
    make(folder, "next")
    assert content(folder) == "next"
    assert sorted(os.listdir(folder.parent)) == [".lock", "thing"], os.listdir(folder.parent)
    if code == 0:
        break
    assert code == 9
print(*seen)
"""


@pytest.mark.parametrize("disk", ["new disk", "old disk"])
@pytest.mark.parametrize("before", ["old", "nothing"])
def test_a_kill_at_any_point_leaves_the_old_folder_or_the_new(tmp_path, before, disk):
    """A new disk can exchange two folders in one step; on an old one there are two."""
    ran = run_code(KILL_AT_EACH_POINT, tmp_path, before, disk)
    out, error = ran.communicate(timeout=60)
    assert ran.returncode == 0, error
    seen = out.split()
    old = "old" if before == "old" else "None"
    assert len(seen) > 15, "too few points were hit for this test to mean much"
    assert set(seen) == {old, "new"}
    assert seen == sorted(seen, key=[old, "new"].index), "once the new folder is there it stays"


# Never what is another's


@pytest.mark.parametrize("card", [None, "not json", "{}", '{"kind": "thing"}'])
def test_a_folder_that_is_not_ours_is_never_replaced(tmp_path, card):
    folder = tmp_path / "photos"
    folder.mkdir()
    (folder / "one.jpg").write_bytes(b"precious")
    if card is not None:
        (folder / CARD).write_text(card)
    before = sorted(path.name for path in folder.iterdir())
    with pytest.raises(CannotWrite, match=r"never replaced\. Choose another folder, or move this one away\."):
        make(folder)
    assert sorted(path.name for path in folder.iterdir()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["photos"]


def test_an_empty_folder_is_replaced(tmp_path):
    (tmp_path / "thing").mkdir()
    assert tree(make(tmp_path / "thing")) == FILES


def test_of_a_link_the_folder_is_written(tmp_path):
    make(tmp_path / "real" / "thing", "old")
    (tmp_path / "link").symlink_to(tmp_path / "real" / "thing")
    (tmp_path / "loose").symlink_to(tmp_path / "real" / "new")
    for link in ("link", "loose"):
        make(tmp_path / link)
        assert (tmp_path / link).is_symlink()
    assert [read_card(tmp_path / "real" / name).key for name in ("thing", "new")] == ["key", "key"]
    assert sorted(path.name for path in (tmp_path / "real").iterdir()) == ["new", "thing"]


def test_an_output_holds_nothing_that_is_read(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "graph")
    keep_apart(tmp_path / "graph", [tmp_path, tmp_path / "graph-2", tmp_path / "other"])
    for source in ("graph", "link", "graph/notes.tsv"):
        with pytest.raises(CannotWrite, match=r"read\. Choose another place for the output\."):
            keep_apart(tmp_path / "graph", [tmp_path / "other", tmp_path / source])


# One writer at a time

WRITE = """
import sys
from pathlib import Path
from loregraft.artifact import writing
from loregraft.disk import replace_file
from loregraft.errors import CannotWrite
try:
    if sys.argv[2] == "folder":
        with writing(Path(sys.argv[1]), "thing", sys.argv[3]) as (building, _):
            (building / "a").write_text(sys.argv[3])
            print("writing", flush=True)
            sys.stdin.readline()
    else:
        replace_file(Path(sys.argv[1]), sys.argv[3])
except CannotWrite as error:
    print(error)
"""


def writer(path: Path, what: str, key: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITE, str(path), what, key]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def test_a_second_writer_is_refused_and_disturbs_nothing(tmp_path):
    folder = make(tmp_path / "thing")
    first = writer(folder, "folder", "first")
    assert first.stdout is not None and first.stdout.readline() == "writing\n"
    (tmp_path / "link").symlink_to(folder)
    for name in ("thing", "link"):
        with pytest.raises(
            CannotWrite, match=r"another loregraft process is writing it\. Wait for it to end"
        ):
            make(tmp_path / name, "second")
    with pytest.raises(CannotWrite, match="is writing it"):
        replace_file(folder, "second")
    assert read_card(folder).key == "key"
    first.communicate("go on\n", timeout=30)
    assert (read_card(folder).key, verify(folder)) == ("first", [])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "thing"]


def test_a_writer_that_was_killed_holds_nothing(tmp_path):
    first = writer(tmp_path / "thing", "folder", "first")
    assert first.stdout is not None and first.stdout.readline() == "writing\n"
    first.send_signal(signal.SIGKILL)
    first.communicate(timeout=30)
    assert tree(make(tmp_path / "thing")) == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


def test_writers_in_a_race_leave_one_whole_folder_or_file(tmp_path):
    for what in ("folder", "file"):
        writers = [writer(tmp_path / what, what, str(number)) for number in range(4)]
        said = [process.communicate("go on\n", timeout=60)[0] for process in writers]
        assert all("is writing it" in words or words in ("writing\n", "") for words in said), said
    assert verify(tmp_path / "folder") == []
    assert (tmp_path / "file").read_text() in "0123"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_lock_that_a_kill_left_inside_is_no_part_of_an_artifact(tmp_path):
    folder = make(tmp_path / "thing")
    (folder / ".index.lock").touch()
    assert verify(folder) == []


def test_reading_puts_back_what_was_cut_between_two_renames(tmp_path):
    folder = make(tmp_path / "thing")
    folder.rename(tmp_path / ".thing.replaced")
    assert (read_card(folder).key, verify(folder)) == ("key", [])
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


# Verify


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_found(tmp_path, name):
    folder = make(tmp_path / "thing")
    (folder / name).unlink()
    assert verify(folder) == [f"{name}: missing"]
    assert not is_current(folder, "thing", "key")


def test_an_artifact_inside_another_is_a_matter_of_its_own(tmp_path):
    folder = make(tmp_path / "thing")
    make(folder / "index")
    (folder / ".index.writing").mkdir()
    (folder / ".index.writing" / "half").write_bytes(b"")
    assert verify(folder) == []
    (folder / "index" / CARD).unlink()
    assert verify(folder) == [f"index/{name}: not listed in the card" for name in sorted(FILES)]


@pytest.mark.parametrize("name", ["new", "inner/new", "inner/card.json"])
def test_an_extra_file_is_found(tmp_path, name):
    folder = make(tmp_path / "thing")
    (folder / name).write_bytes(b"")
    assert verify(folder) == [f"{name}: not listed in the card"]


@pytest.mark.parametrize("name", FILES)
def test_a_longer_or_emptied_file_is_found(tmp_path, name):
    folder = make(tmp_path / "thing")
    (folder / name).write_bytes(FILES[name] + b"\n")
    assert verify(folder) == [f"{name}: changed since it was written"]
    (folder / name).write_bytes(b"")
    assert verify(folder) == ([f"{name}: changed since it was written"] if FILES[name] else [])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_flipped_bit_anywhere_is_found(tmp_path, data):
    folder = tmp_path / "thing"
    if not folder.exists():
        make(folder)
    name = data.draw(st.sampled_from([name for name, content in FILES.items() if content]))
    place = data.draw(st.integers(0, len(FILES[name]) - 1))
    spoilt = bytearray(FILES[name])
    spoilt[place] ^= 1 << data.draw(st.integers(0, 7))
    (folder / name).write_bytes(spoilt)
    assert verify(folder) == [f"{name}: changed since it was written"]
    (folder / name).write_bytes(FILES[name])
    assert verify(folder) == []


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_spoilt_card_is_refused_in_our_own_words(tmp_path, data):
    folder = tmp_path / "thing"
    if not folder.exists():
        make(folder)
    content = (folder / CARD).read_bytes()
    spoilt = bytearray(content)
    spoilt[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    (folder / CARD).write_bytes(spoilt)
    try:
        verify(folder)
        is_current(folder, "thing", "key")
    except WrongArtifact:
        pass  # the only error there may be
    finally:
        (folder / CARD).write_bytes(content)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "not json",
        "[]",
        "3",
        "null",
        '{"kind": "thing"}',
        '{"kind": "thing", "key": "k", "surprise": 1}',
        '{"kind": "thing", "key": "k", "format": "2"}',
        '{"kind": "thing", "key": "k", "format": null}',
        '{"kind": "thing", "key": "k", "outputs": ["a"]}',
        '{"kind": "thing", "key": "k", "outputs": {"a": 1}, "facts": []}',
        '{"kind": 1, "key": "k"}',
        "[" * 100_000,
        b"\xff\xfe{}",
    ],
)
def test_a_card_that_is_none_is_refused(tmp_path, content):
    folder = make(tmp_path / "thing")
    (folder / CARD).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(WrongArtifact, match=r"(?s)card cannot be read .*Make the folder again\."):
        read_card(folder)
    with pytest.raises(WrongArtifact):
        verify(folder)
    assert not is_current(folder, "thing", "k")


def test_a_folder_without_a_card_is_refused(tmp_path):
    with pytest.raises(WrongArtifact, match=r"no card\.json.*loregraft command wrote"):
        read_card(tmp_path)
    with pytest.raises(WrongArtifact):
        read_card(tmp_path / "nowhere")


def test_another_kind_is_refused_by_both_names(tmp_path):
    with pytest.raises(WrongArtifact, match="this is a thing, not a graph"):
        read_card(make(tmp_path / "thing"), "graph")


def test_a_newer_format_is_refused(tmp_path):
    folder = make(tmp_path / "thing")
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    newer = card | {"format": FORMAT + 1, "a field of then": 1}
    (folder / CARD).write_text(json.dumps(newer), encoding="utf-8")
    with pytest.raises(WrongArtifact, match=rf"format {FORMAT + 1}.*up to {FORMAT}.*newer loregraft"):
        verify(folder)
    assert not is_current(folder, "thing", "key")


def test_current_means_same_kind_same_key_and_intact(tmp_path):
    folder = make(tmp_path / "thing")
    assert is_current(folder, "thing", "key")
    assert not is_current(folder, "thing", "other")
    assert not is_current(folder, "graph", "key")
    assert not is_current(tmp_path / "nowhere", "thing", "key")
    (folder / "a.txt").write_bytes(b"alphq")
    assert not is_current(folder, "thing", "key"), "a damaged folder is made again"


# Fingerprints


def test_a_fingerprint_knows_values_and_not_the_order_of_keys():
    assert fingerprint({"a": 1, "b": [2, "x"]}) == fingerprint({"b": [2, "x"], "a": 1})
    different = [fingerprint(*parts) for parts in (("ab",), ("a", "b"), (["a", "b"],), (1,), ("1",), (None,))]
    assert len(set(different)) == len(different)


def test_a_folder_hash_knows_names_and_bytes(tmp_path):
    for name, files in {"one": {"a": b"x"}, "two": {"b": b"x"}, "three": {"a": b"y"}}.items():
        (tmp_path / name).mkdir()
        for file, content in files.items():
            (tmp_path / name / file).write_bytes(content)
    assert len({sha256_folder(tmp_path / name) for name in ("one", "two", "three")}) == 3


# The machine refuses


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "the disk is full"),
        (errno.EFBIG, "the disk is full"),
        (errno.EACCES, "no permission"),
        (errno.EROFS, "no permission"),
        (errno.ENOTDIR, "a file is in the way"),
        (errno.EIO, "Input/output error"),
    ],
)
def test_a_refusal_of_the_machine_says_what_to_do(number, said):
    error = cannot_write(Path("out/graph"), OSError(number, os.strerror(number)))
    assert str(error).startswith(f"out/graph: {said}") or said in str(error)
    assert str(error).endswith(".")


@pytest.mark.parametrize("inside", ["thing", "deep/er/thing"])
def test_a_file_in_the_way_is_named(tmp_path, inside):
    (tmp_path / "file").write_text("precious")
    with pytest.raises(CannotWrite, match=r"file is in the way.*Choose another folder\.$"):
        make(tmp_path / "file" / inside)
    with pytest.raises(CannotWrite, match="file is in the way"):
        replace_file(tmp_path / "file" / inside, "x")
    assert (tmp_path / "file").read_text() == "precious"


def test_a_file_of_the_same_name_is_not_replaced_by_a_folder(tmp_path):
    (tmp_path / "thing").write_text("precious")
    with pytest.raises(CannotWrite, match="file is in the way"):
        make(tmp_path / "thing")
    assert (tmp_path / "thing").read_text() == "precious"
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


@pytest.mark.parametrize("place", ["/proc/thing", "/sys/thing"])
def test_where_nobody_may_write_the_refusal_is_ours(place):
    for attempt in (lambda: make(Path(place)), lambda: replace_file(Path(place) / "f", "x")):
        with pytest.raises(CannotWrite, match=place):
            attempt()
    with pytest.raises(CannotWrite, match=place), lock(Path(place)):
        pass


FULL_DISK = """
import resource, sys
from pathlib import Path
from loregraft.artifact import writing
from loregraft.errors import CannotWrite
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
try:
    with writing(Path(sys.argv[1]), "thing", "new") as (building, facts):
        (building / "small").write_bytes(b"x" * 9_000)
        (building / "large").write_bytes(b"x" * 11_000)
except CannotWrite as error:
    print(error)
"""


def test_a_full_disk_leaves_the_old_folder(tmp_path):
    folder = make(tmp_path / "thing")
    ran = run_code(FULL_DISK, folder)
    out, error = ran.communicate(timeout=60)
    assert "the disk is full. Free some space and run the same command again." in out, error
    assert (tree(folder), verify(folder)) == (FILES, [])
    assert [path.name for path in tmp_path.iterdir()] == ["thing"]


# The lock

HOLD = """
import sys, time
from pathlib import Path
from loregraft.disk import lock
with lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_second_process_is_refused_at_once_and_a_dead_one_holds_nothing(tmp_path):
    holder = run_code(HOLD, tmp_path)
    assert holder.stdout is not None and holder.stdout.readline() == "held\n"
    started = time.monotonic()
    with pytest.raises(CannotWrite, match=r"another loregraft process.*Choose another"), lock(tmp_path):
        pass
    assert time.monotonic() - started < 1
    holder.send_signal(signal.SIGKILL)
    holder.communicate(timeout=10)
    with lock(tmp_path):
        pass


def test_a_lock_is_free_again_after_its_block(tmp_path):
    with pytest.raises(ValueError, match="inside"), lock(tmp_path / "new"):
        raise ValueError("inside")
    with lock(tmp_path / "new"):
        pass


def test_a_replacement_cut_between_two_renames_is_put_back(tmp_path):
    folder = make(tmp_path / "arms" / "thing")
    folder.rename(folder.with_name(".thing.replaced"))
    with lock(tmp_path):
        assert (tree(folder), verify(folder)) == (FILES, [])
    assert [path.name for path in folder.parent.iterdir()] == ["thing"]


def test_a_replacement_cut_after_both_renames_is_swept(tmp_path):
    folder = make(tmp_path / "thing", "new")
    make(tmp_path / ".thing.replaced", "old")
    with lock(tmp_path):
        assert read_card(folder).key == "new"
    assert sorted(path.name for path in tmp_path.iterdir()) == [".lock", "thing"]
