"""Write a file whole or not at all, however long the writing takes."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from loregraft.disk import cannot_write, hold


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a hidden path to write to, and rename it to `path` when the block ends well.

    If the block raises, nothing is left and an older file of that name stays as it was.

    Raises:
        CannotWrite: No permission, the disk is full, another process is writing it, or there is a folder of
            that name.
    """
    building = path.with_name(f".{path.name}.writing")
    with hold(path):
        try:
            yield building
            with building.open("rb") as file:
                os.fsync(file.fileno())
            building.replace(path)
        except BaseException as error:
            with contextlib.suppress(OSError):
                building.unlink()
            if isinstance(error, OSError):
                raise cannot_write(path, error) from error
            raise
