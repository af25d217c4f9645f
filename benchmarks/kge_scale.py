"""What an epoch of vectors costs as the graph grows: seconds a triple and memory, 0.1 to 20 million triples.

    python benchmarks/kge_scale.py                                  # about twenty minutes, 6 GB
    python benchmarks/kge_scale.py --millions 0.1 0.3 1 --plot out/kge_scale.svg

Graphs are generated: a twentieth as many entities as triples, 50 relations, both ends drawn by a power law,
as the degrees of real graphs are. Each size runs in a process of its own on one thread: one pass over all
triples, DistMult of 100 numbers, batches of 1,024 questions, 256 negatives. Told are the seconds of the
processor of the pass, setting it up counted, the nanoseconds a triple, and the peak memory. Were the cost of
an epoch linear, the nanoseconds would stay alike.
"""

import argparse
import json
import math
import resource
import subprocess
import sys
import time
from pathlib import Path

MILLIONS = (0.1, 0.3, 1.0, 3.0, 10.0, 20.0)
TRIPLES_AN_ENTITY, RELATIONS = 20, 50
WIDTH, HEIGHT, EDGE = 640, 400, 60


def one_pass(millions: float) -> dict[str, float]:
    """Train one pass over a generated graph."""
    import numpy as np
    import torch

    from loregraft.kge.parts import Parts
    from loregraft.kge.questions import Triples
    from loregraft.kge.settings import KgeSettings
    from loregraft.kge.tables import Tables
    from loregraft.kge.training.train import train

    torch.set_num_threads(1)
    generator = np.random.default_rng(0)

    def graph(count: int) -> Parts:
        entities = max(100, count // TRIPLES_AN_ENTITY)
        ends = (entities * generator.random((2, count)) ** 2).astype(np.int64)  # many facts of a few
        triples = Triples.of(ends[0], generator.integers(0, RELATIONS, count), ends[1])
        none = triples.take(np.zeros(0, np.int64))
        return Parts(triples, none, none, entities, RELATIONS)

    settings = KgeSettings(model="distmult", dim=100, epochs=1, workers=1)
    small = graph(5_000)
    train(Tables.start(small.entities, RELATIONS, settings), small, settings)  # compiles what is compiled
    parts = graph(round(millions * 1e6))
    tables = Tables.start(parts.entities, RELATIONS, settings)
    before = time.process_time()
    train(tables, parts, settings)
    seconds = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"millions": millions, "seconds": round(seconds, 2), "peak_mb": round(peak)} | {
        "nanoseconds_a_triple": round(1000 * seconds / millions)
    }


def plot(rows: list[dict[str, float]]) -> str:
    """Draw seconds over millions of triples, both logarithmic, and the line of equal cost from the first."""
    sizes, seconds = [row["millions"] for row in rows], [row["seconds"] for row in rows]
    straight = [seconds[0] * size / sizes[0] for size in sizes]
    low, high = min(seconds + straight), max(seconds + straight)

    def place(size: float, cost: float) -> str:
        across = math.log(size / sizes[0]) / math.log(sizes[-1] / sizes[0])
        up = math.log(cost / low) / math.log(high / low)
        return f"{EDGE + across * (WIDTH - 2 * EDGE):.1f},{HEIGHT - EDGE - up * (HEIGHT - 2 * EDGE):.1f}"

    def line(costs: list[float], style: str) -> str:
        points = " ".join(map(place, sizes, costs))
        return f'<polyline points="{points}" fill="none" {style}/>'

    drawn = [
        line(straight, 'stroke="#999" stroke-dasharray="4"'),
        line(seconds, 'stroke="#0a6" stroke-width="2"'),
    ]
    for row in rows:
        x, y = place(row["millions"], row["seconds"]).split(",")
        drawn.append(f'<circle cx="{x}" cy="{y}" r="3" fill="#0a6"/>')
        drawn.append(
            f'<text x="{x}" y="{HEIGHT - EDGE / 2}" text-anchor="middle">{row["millions"]:g} M</text>'
        )
        drawn.append(
            f'<text x="{x}" y="{float(y) - 10:.0f}" text-anchor="middle">{row["seconds"]:.3g} s</text>'
        )
    title = "Processor seconds of an epoch over millions of triples; dashed: equal cost a triple"
    drawn.append(f'<text x="{EDGE}" y="24">{title}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
    head += ' font-family="sans-serif" font-size="12">'
    return (
        "\n".join([head, f'<rect width="{WIDTH}" height="{HEIGHT}" fill="#fff"/>', *drawn, "</svg>"]) + "\n"
    )


def main() -> None:
    """Measure each size and print a line of JSON for it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--millions", type=float, nargs="+", default=MILLIONS, help="sizes, ascending")
    parser.add_argument("--plot", type=Path, help="an SVG file to write")
    parser.add_argument("--child", type=float, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        print(json.dumps(one_pass(given.child)))
        return
    rows = []
    for millions in given.millions:
        command = [sys.executable, __file__, "--child", str(millions)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        rows.append(json.loads(done.stdout))
        print(json.dumps(rows[-1]), flush=True)
    if given.plot and len(rows) > 1:
        given.plot.parent.mkdir(parents=True, exist_ok=True)
        given.plot.write_text(plot(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
