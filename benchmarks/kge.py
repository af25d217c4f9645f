"""Vectors of graphs beside PyKEEN: training, filtered ranking, memory, and time to a quality.

    python benchmarks/kge.py --data DIR                    # about half an hour
    python benchmarks/kge.py --data DIR --only training --steps 5 --rounds 1

DIR holds fb15k237/ and wn18rr/ as OpenKE has them (train2id.txt: a count, then head tail relation). Each side
runs in a process of its own, in turn, loregraft PyKEEN loregraft PyKEEN; a ratio is taken within each round,
and the median of the rounds is told. Imports, reading and a first short run are not timed.

What is equal: graph, 200 real numbers an entity (100 complex ones for ComplEx and RotatE), batches of 1,024
positives, 256 negatives a positive, Adagrad, threads. PyKEEN's sLCWA loop corrupts one side of each
positive for a negative, so here too each positive is one question, asked from one side (`sides:
bernoulli`). loregraft's default asks from both sides: two questions a positive, each with 256 negatives, so
that a pass takes twice the time and does twice the work.

What is not, because a product is compared as it comes: PyKEEN draws negatives for each positive, loregraft
for each batch; loregraft has a vector for each direction of a relation, drops negatives known to be true,
takes softmax cross-entropy where PyKEEN has softplus, and multiplies in bfloat16 where the processor has it.
PyKEEN's RotatE takes the length of the whole difference, which is loregraft's `rotate_l2`; `rotate` sums
moduli, as the paper does, which is more work. TransE is that with the Euclidean length on both sides.

Parts: `training` (positives a second of the processor on one thread, and of the clock on two), `ranking`
(filtered, all entities, both sides: test triples a second on one thread; PyKEEN ranks the first ones only)
and `target` (loregraft alone: seconds of the processor on one thread until an MRR of valid is passed,
setting up each pass counted, validation not).
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from pykeen.models import Model
    from pykeen.triples import CoreTriplesFactory

    from loregraft.kge.parts import Parts

DIM, BATCH, NEGATIVES = 200, 1024, 256
PARTS = ("training", "ranking", "target")
PEERS = {
    "distmult": ("DistMult", {}),
    "complex": ("ComplEx", {}),
    "transe": ("TransE", {"scoring_fct_norm": 2}),
    "rotate": ("RotatE", {}),
    "rotate_l2": ("RotatE", {}),
}
"""Our scorer -> PyKEEN's model, and its options."""
BARS = {
    "training": {"distmult": 200, "complex": 200, "transe": 200, "rotate": 30},
    "ranking": {"distmult": 60, "complex": 60, "transe": 50},
}
"""Ratios to reach, in work per second of the processor."""
OURS_A_STEP = 25
"""Steps of ours for one of PyKEEN's, so that both are timed for seconds."""
RANKED_A_STEP = 100
"""Test triples that PyKEEN ranks for each of `--steps`."""


@dataclass(frozen=True)
class Target:
    """An MRR of valid to pass, the seconds of the processor it may take, and the settings for it."""

    graph: str
    mrr: float
    bar_s: float
    settings: dict[str, Any]


TARGETS = [
    Target("fb15k237", 0.25, 5, {"model": "transe"}),
    Target("fb15k237", 0.30, 40, {"model": "complex", "negatives": 1024, "n3": 0.3}),
    Target("wn18rr", 0.40, 8, {"model": "complex", "negatives": 1024, "n3": 0.3, "reciprocal": False}),
]


def read_triples(folder: Path) -> tuple[list[NDArray[np.int64]], int, int]:
    """Read train, valid and test as rows of head, relation, tail, and count entities and relations."""
    names = [folder / f"{part}2id.txt" for part in ("train", "valid", "test")]
    rows = [np.loadtxt(name, np.int64, skiprows=1, usecols=(0, 2, 1)) for name in names]
    every = np.concatenate(rows)
    return rows, int(every[:, [0, 2]].max()) + 1, int(every[:, 1].max()) + 1


def timed(work: Callable[[], object]) -> dict[str, float]:
    """Do something and tell what it took."""
    before, started = time.process_time(), time.perf_counter()
    work()
    return {"cpu_s": time.process_time() - before, "wall_s": time.perf_counter() - started}


def our_parts(rows: list[NDArray[np.int64]], entities: int, relations: int) -> "Parts":
    """Give the parts as loregraft takes them."""
    from loregraft.kge.parts import Parts
    from loregraft.kge.questions import Triples

    return Parts(*(Triples.of(*part.T) for part in rows), entities, relations)


def our_training(folder: Path, model: str, steps: int, threads: int) -> dict[str, float]:
    """Time passes over train, from the end of the first to the end of the last."""
    from loregraft.kge.settings import KgeSettings
    from loregraft.kge.tables import Tables
    from loregraft.kge.training.train import Progress, train

    (rows, _, _), entities, relations = read_triples(folder)
    part = rows[: BATCH * steps * OURS_A_STEP]
    parts = our_parts([part, part[:0], part[:0]], entities, relations)
    settings = KgeSettings.model_validate(
        {"model": model, "dim": DIM, "batch": BATCH, "negatives": NEGATIVES, "epochs": 3}
        | {"sides": "bernoulli", "workers": threads}
    )
    ends = []

    def keep(progress: Progress) -> None:
        ends.append((time.process_time(), time.perf_counter()))

    train(Tables.start(entities, relations, settings), parts, settings, keep=keep)
    cpu_s, wall_s = (end - first for end, first in zip(ends[-1], ends[0], strict=True))
    return {"work": len(part) * (len(ends) - 1), "cpu_s": cpu_s, "wall_s": wall_s}


def our_ranking(folder: Path, model: str, steps: int, threads: int) -> dict[str, float]:
    """Time ranking all of test, with vectors as they start."""
    from loregraft.kge.judging.evaluate import rank_part
    from loregraft.kge.settings import KgeSettings
    from loregraft.kge.tables import Tables

    rows, entities, relations = read_triples(folder)
    settings = KgeSettings.model_validate({"model": model, "dim": DIM, "reciprocal": False})
    tables = Tables.start(entities, relations, settings)
    rank_part(tables, our_parts([*rows[:2], rows[2][:BATCH]], entities, relations), "test")
    parts = our_parts(rows, entities, relations)
    return {"work": len(parts.test), **timed(lambda: rank_part(tables, parts, "test"))}


def peer_model(model: str, triples: "CoreTriplesFactory") -> "Model":
    """Make PyKEEN's model; its `embedding_dim` counts complex numbers."""
    from pykeen.models import model_resolver

    name, options = PEERS[model]
    dim = DIM // 2 if name in ("ComplEx", "RotatE") else DIM
    return model_resolver.make(
        name, options, triples_factory=triples, embedding_dim=dim, loss="softplus", random_seed=0
    )


def peer_triples(rows: NDArray[np.int64], entities: int, relations: int) -> "CoreTriplesFactory":
    """Give triples as PyKEEN takes them."""
    import torch
    from pykeen.triples import CoreTriplesFactory

    return CoreTriplesFactory(torch.from_numpy(np.ascontiguousarray(rows)), entities, relations)


def peer_training(folder: Path, model: str, steps: int, threads: int) -> dict[str, float]:
    """Time a pass over as many triples as the steps take."""
    from pykeen.training import SLCWATrainingLoop
    from torch.optim import Adagrad

    (rows, _, _), entities, relations = read_triples(folder)
    part = rows[: BATCH * steps]
    peer = peer_model(model, peer_triples(rows, entities, relations))

    def run(some: NDArray[np.int64]) -> None:
        triples = peer_triples(some, entities, relations)
        loop = SLCWATrainingLoop(
            model=peer,
            triples_factory=triples,
            optimizer=Adagrad(peer.parameters(), lr=0.1),
            negative_sampler_kwargs={"num_negs_per_pos": NEGATIVES},
        )
        loop.train(triples, num_epochs=1, batch_size=BATCH, use_tqdm=False, use_tqdm_batch=False)

    run(part[:BATCH])
    return {"work": len(part), **timed(lambda: run(part))}


def peer_ranking(folder: Path, model: str, steps: int, threads: int) -> dict[str, float]:
    """Time ranking the first triples of test, in batches of 256."""
    import torch
    from pykeen.evaluation import RankBasedEvaluator

    rows, entities, relations = read_triples(folder)
    peer = peer_model(model, peer_triples(rows[0], entities, relations))
    train, valid, test = (torch.from_numpy(part) for part in rows)

    def run(some: torch.Tensor) -> None:
        evaluator = RankBasedEvaluator(filtered=True)
        known = [train, valid, test]
        evaluator.evaluate(peer, some, 256, additional_filter_triples=known, use_tqdm=False)

    run(test[:64])
    some = test[: steps * RANKED_A_STEP]
    return {"work": len(some), **timed(lambda: run(some))}


def run_target(folder: Path, target: Target, epochs: int) -> dict[str, float]:
    """Train on one thread, pass after pass, until valid is ranked well enough."""
    from loregraft.kge.questions import Questions
    from loregraft.kge.ranking import rank
    from loregraft.kge.settings import KgeSettings
    from loregraft.kge.tables import Tables
    from loregraft.kge.training.train import Progress, train

    rows, entities, relations = read_triples(folder)
    parts = our_parts(rows, entities, relations)
    unwatched = our_parts([rows[0], rows[1][:0], rows[2][:0]], entities, relations)
    settings = KgeSettings.model_validate({**target.settings, "dim": DIM, "workers": 1})
    known, questions = parts.known(), Questions.of(parts.valid, relations)
    warm = our_parts([rows[0][:BATCH], rows[1][:0], rows[2][:0]], entities, relations)
    train(Tables.start(entities, relations, settings), warm, settings.model_copy(update={"epochs": 1}))
    tables, progress, cpu_s, mrr = Tables.start(entities, relations, settings), Progress(), 0.0, 0.0
    while progress.epoch < epochs and mrr < target.mrr:
        longer = settings.model_copy(update={"epochs": progress.epoch + 1})
        before = time.process_time()
        train(tables, unwatched, longer, progress)
        cpu_s += time.process_time() - before
        mrr = float((1 / rank(tables, questions, known).realistic).mean())
    return {"work": progress.epoch, "cpu_s": cpu_s, "wall_s": progress.seconds, "mrr": mrr}


SIDES = {
    ("training", "loregraft"): our_training,
    ("training", "pykeen"): peer_training,
    ("ranking", "loregraft"): our_ranking,
    ("ranking", "pykeen"): peer_ranking,
}
"""Part and side -> what is timed."""


def run_child(given: argparse.Namespace) -> None:
    """Measure one thing and print it as JSON."""
    import logging

    import torch

    logging.disable(logging.WARNING)  # PyKEEN's advice
    torch.set_num_threads(given.threads)
    if given.child == "target":
        target = TARGETS[int(given.name)]
        found = run_target(given.data / target.graph, target, given.epochs)
    else:
        measure = SIDES[given.child, given.side]
        found = measure(given.data / given.graph, given.name, given.steps, given.threads)
    found["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


def in_child(given: argparse.Namespace, part: str, name: str, side: str, threads: int) -> dict[str, float]:
    """Measure in a process of its own.

    Raises:
        SystemExit: It failed; what it said is passed on.
    """
    told = {"child": part, "name": name, "side": side, "threads": threads}
    told |= {key: getattr(given, key) for key in ("data", "graph", "steps", "epochs")}
    command = [sys.executable, __file__, *(f"--{key}={value}" for key, value in told.items())]
    environment = os.environ | {"OMP_NUM_THREADS": str(threads), "TQDM_DISABLE": "1"}
    ran = subprocess.run(command, capture_output=True, text=True, env=environment)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit code {ran.returncode}\n{ran.stderr}")
    return {**told, "data": given.data.name, **json.loads(ran.stdout.splitlines()[-1])}


def compare(given: argparse.Namespace, part: str, threads: int, clock: str) -> Iterator[dict[str, Any]]:
    """Measure both sides of every model in turn, and print a line for each."""
    print(f"\n{part}, {given.graph}, threads {threads}, work a second of {clock}", flush=True)
    print(f"{'model':<12}{'loregraft':>12}{'PyKEEN':>10}{'ratio':>8}  {'MB':>7}{'PyKEEN MB':>11}")
    for model in given.models:
        rounds: list[dict[str, dict[str, float]]] = []
        for _ in range(given.rounds):
            rounds.append({s: in_child(given, part, model, s, threads) for s in ("loregraft", "pykeen")})
            yield from rounds[-1].values()
        speeds = [{side: run["work"] / run[clock] for side, run in one.items()} for one in rounds]
        own, peer = (statistics.median(one[side] for one in speeds) for side in ("loregraft", "pykeen"))
        ratio = statistics.median(one["loregraft"] / one["pykeen"] for one in speeds)
        peaks = [max(one[side]["peak_mb"] for one in rounds) for side in ("loregraft", "pykeen")]
        bar = BARS[part].get(model) if clock == "cpu_s" else None
        told = f"  bar {bar} {'met' if ratio >= bar else 'missed'}" if bar else ""
        print(
            f"{model:<12}{own:>12,.0f}{peer:>10,.1f}{ratio:>8.1f}  {peaks[0]:>7,.0f}{peaks[1]:>11,.0f}{told}",
            flush=True,
        )


def reach(given: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Train to every target, and print a line for each."""
    print("\ntarget, threads 1, loregraft alone", flush=True)
    for number, target in enumerate(TARGETS):
        found = in_child(given, "target", str(number), "loregraft", 1)
        met = "met" if found["mrr"] >= target.mrr and found["cpu_s"] <= target.bar_s else "missed"
        print(
            f"{target.graph} {target.settings['model']}: MRR {found['mrr']:.4f} of {target.mrr} after"
            f" {found['cpu_s']:.1f} cpu-s, {found['work']} passes, {found['peak_mb']:,.0f} MB;"
            f" bar {target.bar_s:g} s {met}",
            flush=True,
        )
        yield {**found, "target": target.mrr, "settings": target.settings}


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    beside = Path(__file__).resolve().parents[2] / "shared" / "data"
    data = Path(os.environ.get("LOREGRAFT_DATA", beside))
    parser.add_argument("--data", type=Path, default=data, help="holds fb15k237/ and wn18rr/")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS), help="which parts")
    parser.add_argument("--models", nargs="+", choices=PEERS, default=list(PEERS))
    parser.add_argument("--graph", choices=("fb15k237", "wn18rr"), default="fb15k237", help="not of targets")
    parser.add_argument(
        "--steps", type=int, default=10, help=f"of PyKEEN; {OURS_A_STEP} times as many of ours"
    )
    parser.add_argument("--rounds", type=int, default=2, help="how often each pair is timed")
    parser.add_argument("--epochs", type=int, default=12, help="passes after which a target is given up")
    parser.add_argument("--out", type=Path, help="a JSON file to write")
    for hidden in ("--child", "--name", "--side"):
        parser.add_argument(hidden, help=argparse.SUPPRESS)
    parser.add_argument("--threads", type=int, default=1, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if min(chosen.steps, chosen.rounds, chosen.epochs) < 1:
        parser.error("--steps, --rounds and --epochs must be above 0")
    return chosen


def main() -> None:
    """Measure, print, write."""
    given = parse()
    if given.child:
        run_child(given)
        return
    missing = [name for name in ("fb15k237", "wn18rr") if not (given.data / name).is_dir()]
    if missing:
        print(f"{given.data} has no {' or '.join(missing)}: nothing is measured. Set LOREGRAFT_DATA.")
        return
    from loregraft.training.device import has_bf16

    print(f"load at start: {os.getloadavg()[0]:.1f}, bf16 {has_bf16()}, dim {DIM}, batch {BATCH}")
    runs: list[dict[str, Any]] = []
    if "training" in given.only:
        runs += compare(given, "training", 1, "cpu_s")
        runs += compare(given, "training", 2, "wall_s")
    if "ranking" in given.only:
        runs += compare(given, "ranking", 1, "cpu_s")
    if "target" in given.only:
        runs += reach(given)
    if given.out:
        given.out.write_text(json.dumps(runs, indent=1) + "\n")


if __name__ == "__main__":
    main()
