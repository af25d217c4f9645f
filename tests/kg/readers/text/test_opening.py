"""Files of unknown origin: unpacked by what they are, refused when they are not what they seem."""

import bz2
import gzip
import io
import lzma
import os
import tarfile
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import pytest
import zstandard

from loregraft.errors import BadInput
from loregraft.kg.readers import read, recognise
from loregraft.kg.readers.text import opening
from loregraft.kg.readers.text.lines import MAX_LINE, read_lines
from loregraft.kg.readers.text.opening import first_bytes, open_bytes

TEXT = b"a\tr\tb\nb\tr\tc\n"
PACK = {
    "gz": gzip.compress,
    "bz2": bz2.compress,
    "xz": lzma.compress,
    "zst": lambda text: zstandard.ZstdCompressor().compress(text),
}


@pytest.mark.parametrize("packing", PACK)
def test_packed_files_are_unpacked_whatever_their_name(packing, tmp_path):
    path = tmp_path / "graph.tsv"
    path.write_bytes(PACK[packing](TEXT))
    with open_bytes(path) as file:
        assert file.read() == TEXT
    assert recognise(path) == "tsv"
    assert sum(map(len, read(path))) == 2


def test_several_members_and_frames_are_one_text(tmp_path):
    path = tmp_path / "a"
    for packing in ("gz", "zst", "xz", "bz2"):
        path.write_bytes(PACK[packing](TEXT) + PACK[packing](TEXT))
        assert first_bytes(path, -1) == TEXT + TEXT, packing


@pytest.mark.parametrize("packing", PACK)
def test_a_cut_off_file_is_named(packing, tmp_path):
    path = tmp_path / "a.tsv"
    packed = PACK[packing](bytes(range(256)) * 4096)
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(BadInput, match=r"a\.tsv: it cannot be unpacked .*download it again"):
        first_bytes(path, 1 << 30)


@pytest.mark.parametrize("packing", PACK)
def test_a_bomb_is_stopped_by_its_ratio(packing, tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "SAFE_BYTES", 1 << 20)
    path = tmp_path / "bomb"
    path.write_bytes(PACK[packing](b"\n" * (8 << 20)))
    with pytest.raises(BadInput, match="times its size"):
        list(read_lines(path))
    problems = []
    with pytest.raises(BadInput, match="times its size"):
        list(read(path, "tsv", problems=problems))


def test_a_bomb_is_stopped_by_its_size(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, "MAX_UNPACKED", 1 << 20)
    path = tmp_path / "large.gz"
    path.write_bytes(gzip.compress(bytes(range(256)) * (8 << 10)))
    with pytest.raises(BadInput, match="more than 1,048,576 bytes"):
        first_bytes(path, -1)


def test_what_repeats_itself_a_little_is_no_bomb(tmp_path):
    path = tmp_path / "a.gz"
    text = "".join(f"e{number % 997}\tis_a\te{number % 31}\n" for number in range(20_000)).encode()
    path.write_bytes(gzip.compress(text))
    assert first_bytes(path, -1) == text


def test_archives_are_refused_and_nothing_is_written(tmp_path):
    archive = tmp_path / "a.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("../../evil.tsv", "a\tr\tb\n")
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        tar.addfile(tarfile.TarInfo("../evil.tsv"))
    (tmp_path / "a.tar").write_bytes(packed.getvalue())
    for name in ("a.zip", "a.tar"):
        with pytest.raises(BadInput, match=r"archive of several files\. Unpack it"):
            recognise(tmp_path / name)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar", "a.zip"]


def test_utf16_is_named(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("a\tr\tb\n", encoding="utf-16")
    with pytest.raises(BadInput, match=r"line 1: the text is UTF-16, not UTF-8\. Save"):
        list(read(path, "tsv"))


@pytest.mark.parametrize("format", ["tsv", "obo", "entities_tsv"])
def test_a_line_without_end_is_a_problem_and_the_rest_is_read(format, tmp_path):
    path = tmp_path / "a"
    good = {"tsv": b"a\tr\tb\n", "obo": b"[Term]\nid: a\nname: b\n", "entities_tsv": b"id\tname\na\tb\n"}[
        format
    ]
    path.write_bytes(good + b"x" * (MAX_LINE + 5) + b"\n" + good.replace(b"id\tname\n", b""))
    number = good.count(b"\n") + 1
    with pytest.raises(BadInput, match="more than 16,777,216 bytes") as caught:
        list(read(path, format))
    assert caught.value.line == number
    problems = []
    batches = list(read(path, format, problems=problems))
    assert [problem.line for problem in problems] == [number]
    assert sum(len(batch) for batch in batches) >= 2


def test_missing_and_unreadable(tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        open_bytes(tmp_path / "absent")
    with pytest.raises(BadInput, match="this is a folder"):
        open_bytes(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/null")):
        with pytest.raises(BadInput, match=r"a pipe or a device.*Write what comes out"):
            recognise(path)
        with pytest.raises(BadInput, match="a pipe or a device"):
            list(read(path, "tsv"))


def _with_dictionary(packed, size):
    """Change the size of the dictionary that an .xz file asks for."""
    place = packed.index(b"\x21\x01", 12)
    block = bytearray(packed[12:24])
    block[place + 2 - 12] = size
    block[8:12] = zlib.crc32(bytes(block[:8])).to_bytes(4, "little")
    return packed[:12] + bytes(block) + packed[24:]


def test_an_unpacker_may_not_ask_for_all_memory(tmp_path):
    path = tmp_path / "a.tsv.xz"
    path.write_bytes(_with_dictionary(lzma.compress(TEXT), 38))  # 2 GiB
    with pytest.raises(BadInput, match=r"cannot be unpacked \(Memory usage limit"):
        first_bytes(path, -1)
    window = zstandard.ZstdCompressionParameters(window_log=28, enable_ldm=True)
    packer = zstandard.ZstdCompressor(compression_params=window).compressobj()
    path.write_bytes(packer.compress(TEXT) + packer.flush())
    with pytest.raises(BadInput, match="cannot be unpacked"):
        first_bytes(path, -1)


def test_a_bomb_of_repeated_blocks_is_unpacked_bit_by_bit(tmp_path):
    head = b"\x28\xb5\x2f\xfd\x00\x38"  # no size, a window of 128 KiB
    block = (0 | 1 << 1 | (128 << 10) << 3).to_bytes(4, "little")[:3] + b"a"
    path = tmp_path / "bomb.zst"
    path.write_bytes(head + block * 4_096)
    tracemalloc.start()
    with pytest.raises(BadInput, match="times its size"):
        first_bytes(path, -1)
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert most < 3 * opening.SAFE_BYTES  # what was read so far, and some MB at a time


def test_padding_between_streams_is_nothing(tmp_path):
    path = tmp_path / "a.xz"
    path.write_bytes(lzma.compress(TEXT) + bytes(8_192) + lzma.compress(TEXT) + bytes(4))
    assert first_bytes(path, -1) == TEXT + TEXT
