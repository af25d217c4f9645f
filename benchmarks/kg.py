"""Importing a graph beside PyKEEN, rdflib and pyoxigraph: triples per second, memory, disk; and sampling.

Each side reads the same generated triples in a process of its own, in turn, on the cores it takes.
`python benchmarks/kg.py` (1 million triples, about five minutes); `--large` adds 10 million.
"""

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np


def write_triples(folder: Path, triples: int, seed: int) -> tuple[Path, Path]:
    """Write the same triples as TSV and as N-Triples: 5 a head, tails skewed, 200 relations."""
    generator = np.random.default_rng(seed)
    entities = max(triples // 5, 10)
    heads = generator.integers(0, entities, triples)
    tails = (generator.random(triples) ** 2 * entities).astype(np.int64)
    relations = generator.integers(0, 200, triples)
    tsv, nt = folder / "triples.tsv", folder / "triples.nt"
    with tsv.open("w") as plain, nt.open("w") as rdf:
        for head, relation, tail in zip(heads.tolist(), relations.tolist(), tails.tolist(), strict=True):
            plain.write(f"http://x.org/e{head}\thttp://x.org/r{relation}\thttp://x.org/e{tail}\n")
            rdf.write(f"<http://x.org/e{head}> <http://x.org/r{relation}> <http://x.org/e{tail}> .\n")
    return tsv, nt


def loregraft_import(path: Path, out: Path) -> int:
    """Read a file and write the graph folder."""
    from loregraft.kg.importing import Source, import_graph
    from loregraft.kg.store import save_graph

    graph = import_graph([Source(path)]).graph
    save_graph(graph, out, "benchmark")
    return len(graph.triples) + graph.tally["triples_merged"]


def pykeen_tsv(path: Path, out: Path) -> int:
    """Read with PyKEEN; nothing is written."""
    from pykeen.triples import TriplesFactory

    return int(TriplesFactory.from_path(path).num_triples)


def rdflib_nt(path: Path, out: Path) -> int:
    """Read with rdflib into its memory store; nothing is written."""
    from rdflib import Graph

    return len(Graph().parse(path, format="nt"))


def pyoxigraph_nt(path: Path, out: Path) -> int:
    """Load in bulk into pyoxigraph's store on disk."""
    from pyoxigraph import RdfFormat, Store

    store = Store(str(out))
    store.bulk_load(path=str(path), format=RdfFormat.N_TRIPLES)
    return len(store)


SIDES: dict[str, Callable[[Path, Path], int]] = {
    "loregraft tsv": loregraft_import,
    "pykeen tsv": pykeen_tsv,
    "loregraft nt": loregraft_import,
    "rdflib nt": rdflib_nt,
    "pyoxigraph nt": pyoxigraph_nt,
}


def in_child(side: str, path: Path, out: Path) -> dict[str, float]:
    """Run a side in a process of its own; imports are not timed."""
    command = [sys.executable, __file__, "--side", side, "--path", str(path), "--out", str(out)]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(ran.stdout.splitlines()[-1]))


def run_side(side: str, path: Path, out: Path) -> None:
    """Time a side and print what it took; a small file first, so that what it imports is loaded."""
    with tempfile.TemporaryDirectory() as small:
        tsv, nt = write_triples(Path(small), 1_000, 1)
        SIDES[side](tsv if side.endswith("tsv") else nt, Path(small) / "warm")
    before, started = time.process_time(), time.perf_counter()
    triples = SIDES[side](path, out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    wall, cpu = time.perf_counter() - started, time.process_time() - before
    print(json.dumps({"triples": triples, "wall_s": wall, "cpu_s": cpu, "peak_mb": peak}))


def sampling(folder: Path) -> dict[str, float]:
    """Time opening the graph and drawing neighbours, 10 for each of 100,000 entities, one thread."""
    from loregraft.kg.indexes import COMPUTE
    from loregraft.kg.store import open_graph
    from loregraft.kg.walk import sample_neighbours

    started = time.perf_counter()
    graph = open_graph(folder)
    opened = time.perf_counter() - started
    generator = np.random.default_rng(0)
    entities = generator.integers(0, len(graph), 100_000).astype(np.int32)
    sample_neighbours(graph, entities, 10, generator)
    before = time.process_time()
    for _ in range(5):
        sample_neighbours(graph, entities, 10, generator)
    spent = (time.process_time() - before) / 5
    links = ("relations", "tails", "heads", "out_pointers", "in_pointers", "in_rows")
    assert set(links) <= set(COMPUTE)
    size = sum((folder / f"{name}.npy").stat().st_size for name in links)
    return {
        "open_ms": 1000 * opened,
        "samples_per_cpu_s": 1_000_000 / spent,
        "bytes_per_triple": size / len(graph.tails),
        "folder_bytes_per_triple": sum(f.stat().st_size for f in folder.iterdir()) / len(graph.tails),
    }


def main() -> None:
    """Run all sides in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--triples", type=int, default=1_000_000)
    parser.add_argument("--large", action="store_true", help="also import 10 million triples")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--side", choices=SIDES)
    parser.add_argument("--path", type=Path)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    if given.side:
        run_side(given.side, given.path, given.out)
        return
    print(f"load at start: {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tsv, nt = write_triples(folder, given.triples, 0)
        rows: dict[str, list[dict[str, float]]] = {side: [] for side in SIDES}
        for number in range(given.rounds):
            for side in SIDES:
                out = folder / f"{side.replace(' ', '-')}-{number}"
                rows[side].append(in_child(side, tsv if side.endswith("tsv") else nt, out))
        speeds = {}
        for side, runs in rows.items():
            best = min(runs, key=lambda run: run["cpu_s"])
            speeds[side] = best["triples"] / best["cpu_s"], best["triples"] / best["wall_s"]
            print(
                f"{side:<14} {speeds[side][0]:>12,.0f} triples/cpu-s {speeds[side][1]:>12,.0f} triples/s"
                f" {best['peak_mb']:>8,.0f} MB peak"
            )
        for side, peer in (("tsv", "pykeen"), ("nt", "rdflib"), ("nt", "pyoxigraph")):
            ours, theirs = speeds[f"loregraft {side}"], speeds[f"{peer} {side}"]
            ratios = f"{ours[0] / theirs[0]:.1f} (cpu), {ours[1] / theirs[1]:.1f} (wall)"
            print(f"loregraft / {peer}, {side}: {ratios}")
        for name, value in sampling(folder / "loregraft-tsv-0").items():
            print(f"{name}: {value:,.1f}")
        if given.large:
            shutil.rmtree(folder / "pyoxigraph-nt-0", ignore_errors=True)
            tsv, _ = write_triples(folder, 10_000_000, 0)
            print("10 million:", in_child("loregraft tsv", tsv, folder / "large"))
            print(sampling(folder / "large"))


if __name__ == "__main__":
    main()
