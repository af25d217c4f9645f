"""Link a stream of texts with several processes: each opens the linker's folder, whose memory they share."""

import tempfile
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loregraft.records import Link

if TYPE_CHECKING:
    from loregraft.linking.linker import Linker

AHEAD = 2
"""Batches a process has waiting; more would only take memory."""

_opened: dict[str, "Linker"] = {}


def piped(linker: "Linker", texts: Iterable[str], workers: int, batch: int) -> Iterator[list[Link]]:
    """Yield the links of each text, in order; texts are read as they are needed.

    Raises:
        ValueError: A number is below 1.
    """
    if workers < 1 or batch < 1:
        raise ValueError(f"workers is {workers} and batch {batch}; both must be at least 1")
    batches = in_batches(texts, batch)
    if workers == 1:
        for some in batches:
            yield from linker.links(some)
        return
    with _folder_of(linker) as folder, _processes(linker, folder, workers) as pool:
        waiting: deque[Future[list[list[Link]]]] = deque()
        for some in batches:
            waiting.append(pool.submit(_link, some))
            if len(waiting) > AHEAD * workers:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def in_batches(texts: Iterable[str], size: int) -> Iterator[list[str]]:
    """Give the texts of a stream some at a time."""
    left = iter(texts)
    while some := list(islice(left, size)):
        yield some


@contextmanager
def _folder_of(linker: "Linker") -> Iterator[Path]:
    """Give a folder with the linker's index: where it was read from, or one made for this."""
    if linker.index.folder is not None:
        yield linker.index.folder
        return
    with tempfile.TemporaryDirectory(prefix="loregraft-linker-") as place:
        folder = Path(place) / "linker"
        linker.save(folder)
        yield folder


@contextmanager
def _processes(linker: "Linker", folder: Path, workers: int) -> Iterator[ProcessPoolExecutor]:
    # Not forked: a copy of a process with threads of torch in it may hang.
    dense = linker.index.dense
    encoder = None if dense is None else dense.encoder.folder
    given = (folder, encoder, linker.without_index())
    pool = ProcessPoolExecutor(workers, get_context("spawn"), initializer=_open, initargs=given)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def _open(folder: Path, encoder: Path | None, learned: dict[str, Any]) -> None:
    from dataclasses import replace

    import torch

    from loregraft.encoder.load import load_encoder
    from loregraft.linking.linker import Linker

    torch.set_num_threads(1)
    found = Linker.load(folder, None if encoder is None else load_encoder(encoder))
    _opened["linker"] = replace(found, **learned)


def _link(texts: list[str]) -> list[list[Link]]:
    return _opened["linker"].links(texts)
