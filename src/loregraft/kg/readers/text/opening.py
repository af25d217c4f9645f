"""Open files of unknown origin: packed or not, and never trusted to be as small as they look.

All readers of text open their file here. .gz, .bz2, .xz and .zst are unpacked on the way, by what
the file starts with and not by its name; archives of several files are refused, so that no path
inside one is ever used.
"""

import bz2
import gzip
import io
import lzma
import stat
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from loregraft.errors import BadInput

MAX_RATIO = 100
"""How many times larger than packed a file may unpack; counted from `SAFE_BYTES` on."""
SAFE_BYTES = 64 << 20
MAX_UNPACKED = 4 << 40
"""Bytes that a packed file may unpack to; a dump of all of Wikidata has less than half of it."""

HEAD_BYTES = 65_536
"""Of a file, by which its format is recognised."""

_HEAD = 512
MAX_WINDOW = 128 << 20
"""Bytes that an unpacker may remember: more than `zstd --ultra -22` and `xz -9` ask for."""

_PACKED_BYTES = 1 << 10  # a block of 4 bytes unpacks to 128 KiB (zstd's RLE), so these to 32 MiB at most
_DAMAGED = (EOFError, gzip.BadGzipFile, zlib.error, lzma.LZMAError)


def open_bytes(path: Path) -> io.BufferedReader:
    """Open a file of text for reading, unpacked.

    Raises:
        BadInput: There is no such file, it cannot be read, it is a pipe or a device (some readers
            read twice), an archive, or text that is not UTF-8 by its first bytes. Reading on raises
            it too: for a damaged file, or one that unpacks to too much.
    """
    try:
        mode = Path(path).stat().st_mode
        if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
            fix = "Write what comes out of it to a file, and give that."
            raise BadInput(path, 0, "this is a pipe or a device, not a file", fix)
        file = Path(path).open("rb")
    except FileNotFoundError as error:
        raise BadInput(path, 0, "there is no such file", "Check the path.") from error
    except IsADirectoryError as error:
        raise BadInput(path, 0, "this is a folder, not a file", "Give a file inside it.") from error
    except OSError as error:
        raise BadInput(path, 0, f"it cannot be read ({error.strerror})", "Check the permission.") from error
    try:
        head = file.read(_HEAD)
        file.seek(0)
        _refuse(path, head)
        unpack = next((unpack for magic, unpack in _PACKED.items() if head.startswith(magic)), None)
        if unpack is None:
            return file
        return io.BufferedReader(_Unpacked(Path(path), file, unpack(file)), 1 << 20)
    except BaseException:
        file.close()
        raise


def first_bytes(path: Path, size: int) -> bytes:
    """Give the first bytes of a file, unpacked.

    Raises:
        BadInput: As `open_bytes`.
    """
    with open_bytes(path) as file:
        return file.read(size)


def fitting(path: Path, fits: Mapping[str, Callable[[Path, str], bool]]) -> tuple[str | None, str]:
    """Name the first format that a file or folder fits, and give its first characters, "" for a folder.

    Raises:
        BadInput: As `open_bytes`.
    """
    head = "" if path.is_dir() else first_bytes(path, HEAD_BYTES).decode("utf-8-sig", "replace")
    return next((format for format, is_one in fits.items() if is_one(path, head)), None), head


class _Unpacked(io.RawIOBase):
    """Reads through an unpacker, and stops when it gives more than is plausible."""

    def __init__(self, path: Path, packed: BinaryIO, unpacked: Any) -> None:
        self._path, self._packed, self._unpacked, self._given = path, packed, unpacked, 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            chunk = self._unpacked.read(len(buffer))
        except BadInput:
            raise
        except (*_DAMAGED, OSError, ValueError) as error:
            fix = "Copy or download it again."
            raise BadInput(self._path, 0, f"it cannot be unpacked ({error})", fix) from error
        except Exception as error:  # zstandard.ZstdError, which is imported only where it is needed
            if type(error).__name__ != "ZstdError":
                raise
            fix = "Copy or download it again."
            raise BadInput(self._path, 0, f"it cannot be unpacked ({error})", fix) from error
        self._given += len(chunk)
        self._judge()
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _judge(self) -> None:
        ratio = self._given / max(self._packed.tell(), 1)
        if self._given > MAX_UNPACKED:
            found = f"it unpacks to more than {MAX_UNPACKED:,} bytes"
        elif self._given > SAFE_BYTES and ratio > MAX_RATIO:
            found = f"it unpacks to {ratio:.0f} times its size, and no text does"
        else:
            return
        fix = "If you trust it, unpack it yourself and give the unpacked file."
        raise BadInput(self._path, 0, found, fix)

    def close(self) -> None:
        self._unpacked.close()
        self._packed.close()
        super().close()


_WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")


def _refuse(path: Path, head: bytes) -> None:
    if path.suffix.casefold() in _WORKBOOKS and head.startswith((b"PK", b"\xd0\xcf\x11\xe0")):
        fix = "Save the sheet as CSV (UTF-8) and give that."
        raise BadInput(path, 0, "this is a workbook of a spreadsheet, not text", fix)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")) or head[257:262] == b"ustar":
        fix = "Unpack it into a folder and give the files inside."
        raise BadInput(path, 0, "this is an archive of several files", fix)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise BadInput(path, 1, "the text is UTF-16, not UTF-8", "Save the file as UTF-8.")


class _Frames:
    """Unpacks frames, or streams, one after another, and notices that the last one is cut off.

    No more than some MB are unpacked at once, and an unpacker may not ask for more than `MAX_WINDOW`;
    the packages' own readers fail in one or the other.
    """

    def __init__(self, file: io.BufferedReader, begin: Callable[[], Any]) -> None:
        self._file, self._begin = file, begin
        self._frame: Any = None
        self._packed, self._ready, self._given = b"", b"", 0

    def read(self, size: int) -> bytes:
        while self._given == len(self._ready) and self._more():
            pass
        given = self._ready[self._given : self._given + size]
        self._given += len(given)
        return given

    def close(self) -> None:
        self._frame = None

    def _more(self) -> bool:
        self._packed = self._packed or self._file.read(_PACKED_BYTES)
        if self._frame is None:
            self._packed = self._packed.lstrip(b"\0")  # padding between streams of xz
        if not self._packed:
            if self._frame is not None:
                raise EOFError("the last frame is cut off")
            return bool(self._file.peek(1))
        self._frame = self._frame or self._begin()
        self._ready, self._given = self._frame.decompress(self._packed), 0
        self._packed = self._frame.unused_data if self._frame.eof else b""
        self._frame = None if self._frame.eof else self._frame
        return True


def _zstd(file: io.BufferedReader) -> _Frames:
    import zstandard

    return _Frames(file, zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW).decompressobj)


def _xz(file: io.BufferedReader) -> _Frames:
    return _Frames(file, lambda: lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=MAX_WINDOW))


_PACKED: dict[bytes, Callable[[io.BufferedReader], Any]] = {
    b"\x1f\x8b": lambda file: gzip.GzipFile(fileobj=file),
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\x00": _xz,
    b"\x28\xb5\x2f\xfd": _zstd,
}
"""What a packed file starts with -> how to unpack it."""
