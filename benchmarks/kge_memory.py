"""Peak memory of training a generated graph, all entities in memory and in partitions.

    python benchmarks/kge_memory.py                                   # a million entities, some minutes
    python benchmarks/kge_memory.py --entities 100000 --triples 200000 --partitions 1 4

Each training runs in a process of its own: an epoch, a validation, the vectors written. Told are the peak
of resident memory (VmHWM, with what is mapped from files), what of it was there before the training
(imports, compiled loops and triples), and what the training needed on top. Heads and tails are drawn by
Zipf's law.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path


def memory_mb(name: str) -> float:
    """Read a figure of this process, as VmRSS or VmHWM."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:")) / 1024


def train_once(arguments: argparse.Namespace, partitions: int) -> dict[str, float]:
    """Train for an epoch, and write the vectors."""
    import numpy as np
    from safetensors.torch import save_file

    from loregraft.kge.partitions.learn import learn_buckets, write_numbers
    from loregraft.kge.parts import Parts
    from loregraft.kge.questions import Triples
    from loregraft.kge.settings import KgeSettings
    from loregraft.kge.tables import Tables
    from loregraft.kge.training.train import train

    drawn, entities = np.random.default_rng(0), arguments.entities
    ends = (entities ** drawn.random((2, arguments.triples + 500))).astype(np.int64) % entities
    ends = drawn.permutation(entities)[ends]
    relations = drawn.integers(0, 20, ends.shape[1])
    rows = [slice(500, None), slice(250), slice(250, 500)]
    learnt, valid, test = (Triples.of(ends[0, own], relations[own], ends[1, own]) for own in rows)
    parts = Parts(learnt, valid, test, entities, 20)
    settings = KgeSettings(dim=arguments.dim, epochs=1, partitions=partitions, workers=1)
    few = Parts(valid, valid, test, entities, 20)  # loads what is compiled
    train(Tables.start(entities, 20, KgeSettings(dim=2)), few, KgeSettings(dim=2, epochs=1, workers=1))
    before, started = memory_mb("VmRSS"), time.perf_counter()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        if partitions == 1:
            tables = Tables.start(entities, 20, settings)
            done = train(tables, parts, settings)
            save_file(tables.named(), Path(folder) / "vectors")
        else:
            done, buffer = learn_buckets(parts, settings, Path(folder), "", lambda now: None, 30.0)
            write_numbers(buffer, Path(folder) / "vectors")
    peak = memory_mb("VmHWM")
    wall = time.perf_counter() - started
    return {"peak_mb": peak, "before_mb": before, "training_mb": peak - before, "wall_s": wall} | {
        "training_s": done.seconds
    }


def main() -> None:
    """Train with each number of partitions, and tell."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--entities", type=int, default=1_000_000)
    parser.add_argument("--triples", type=int, default=2_000_000)
    parser.add_argument("--dim", type=int, default=100)
    parser.add_argument("--partitions", type=int, nargs="+", default=[1, 8])
    parser.add_argument("--folder", help="for the partitions; the machine's own for such things if left out")
    parser.add_argument("--once", type=int, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.once:
        print(json.dumps(train_once(arguments, arguments.once)))
        return
    rows = 2 * 4 * arguments.entities * arguments.dim / 2**20
    print(f"{arguments.entities:,} entities, {arguments.triples:,} triples: values and state {rows:,.0f} MB")
    for partitions in arguments.partitions:
        command = [sys.executable, *sys.argv, "--once", str(partitions)]
        told = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        shown = ", ".join(f"{name} {value:,.0f}" for name, value in told.items())
        print(f"partitions {partitions}: {shown}", flush=True)


if __name__ == "__main__":
    main()
