"""Did the numbers do it? Vectors without literals, with them, and with the same numbers at other entities.

The gate adds parameters, and which entities have a number at all says something: both help by themselves at
times. The arm `shuffled` has the same parameters and the same entities with numbers; only which entity has
which number differs. What `gate` has over `shuffled` is the numbers' own.
"""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from jaxtyping import Float64
from numpy.typing import NDArray

from loregraft.artifact import Json
from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kge.judging.evaluate import rank_part
from loregraft.kge.learn import learn_vectors
from loregraft.kge.literals.numbers import literals_of
from loregraft.kge.parts import parts_of
from loregraft.kge.settings import KgeSettings

Arm = Literal["none", "gate", "shuffled"]
ARMS: tuple[Arm, ...] = ("none", "gate", "shuffled")
PAIRS: tuple[tuple[Arm, Arm], ...] = (("gate", "shuffled"), ("gate", "none"), ("shuffled", "none"))
RESAMPLES = 5_000
RESAMPLED_AT_ONCE = 1 << 24
"""Numbers that the bootstrap holds at once."""
FEWEST_OF_RELATION = 10
"""Triples of test that a relation needs to be told on its own."""

Reciprocals = Float64[np.ndarray, "arms seeds triples"]


@dataclass(frozen=True)
class Difference:
    """A difference of two arms' MRR, with the interval that holds the true one with 95 % confidence."""

    value: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """What it shows: `helped` above 0, `hurt` below 0, else `no evidence`."""
        return "helped" if self.low > 0 else "hurt" if self.high < 0 else "no evidence"


def literal_proof(
    graph: KnowledgeGraph,
    settings: KgeSettings,
    seeds: Sequence[int],
    report: Callable[[str, float], object] = lambda words, share: None,
) -> dict[str, Json]:
    """Train the three arms with the same settings and seeds, and compare their ranks on test.

    Args:
        settings: Of all arms; `literals` and `seed` are set here.
        seeds: Each arm is trained once with each; the numbers are shuffled anew for each.
        report: Told what is trained, and the share that is done, 0..1.

    Returns:
        The object that `kge prove-literals --json` prints.

    Raises:
        BadInput: The graph has no numbers, no test part, or nothing to train on; or no seed, or one twice.
    """
    if not seeds or len(set(seeds)) < len(seeds):
        raise BadInput(Path("seeds"), 0, f"the seeds are {list(seeds)}", "Give one or more, each once.")
    parts, literals = parts_of(graph), literals_of(graph)
    if not len(parts.test):
        fix = "Split the graph (loregraft kg split)."
        raise BadInput(Path("graph"), 0, "the part test of the graph is empty", fix)
    found = np.zeros((len(ARMS), len(seeds), len(parts.test)))
    for place in range(len(ARMS) * len(seeds)):
        arm, seed = divmod(place, len(seeds))
        report(f"literals {ARMS[arm]}, seed {seeds[seed]}", place / (len(ARMS) * len(seeds)))
        own = settings.model_copy(update={"literals": ARMS[arm], "seed": seeds[seed]})
        with tempfile.TemporaryDirectory() as folder:
            vectors = learn_vectors(graph, "", Path(folder) / "vectors", own)
        reciprocals = 1 / rank_part(vectors.tables, parts, "test").values
        found[arm, seed] = reciprocals.reshape(2, -1).mean(0)  # both questions of a triple
    told = compared(found)
    return {
        **told,
        "seeds": list(seeds),
        "n": 2 * len(parts.test),
        "relations": _by_relation(found, parts.test.relations, graph.relation_ids),
        "literals": literals.facts(),
    }


def compared(found: Reciprocals) -> dict[str, Json]:
    """Give the MRR of each arm, alone and by seed, and the differences; the verdict is on gate - shuffled."""
    gaps = differences(found)
    return {
        "verdict": gaps["gate", "shuffled"].verdict,
        "mrr": {arm: float(found[place].mean()) for place, arm in enumerate(ARMS)},
        "mrr_by_seed": {arm: found[place].mean(1).tolist() for place, arm in enumerate(ARMS)},
        "differences": {f"{a} - {b}": dict(vars(gap)) for (a, b), gap in gaps.items()},
    }


def _by_relation(found: Reciprocals, relations: NDArray[np.int64], ids: Sequence[str]) -> dict[str, Json]:
    told: dict[str, Json] = {}
    for relation in np.unique(relations).tolist():
        own = found[:, :, relations == relation]
        if own.shape[2] >= FEWEST_OF_RELATION:
            told[ids[relation]] = {"n": 2 * own.shape[2], **compared(own)}
    return told


def differences(found: Reciprocals, resamples: int = RESAMPLES) -> dict[tuple[Arm, Arm], Difference]:
    """Compare arms by a paired bootstrap: percentile intervals.

    In each of the resampled worlds, the same for all arms, triples are drawn with their two questions,
    as these are not independent, and seeds are drawn too. One seed alone tells nothing of how much the first
    numbers matter.

    Reference:
        Efron and Tibshirani 1993, An Introduction to the Bootstrap, ch. 13; for two levels Davison and
        Hinkley 1997, Bootstrap Methods and their Application, sec. 3.8.
    """
    arms, seeds, triples = found.shape
    generator, means = np.random.default_rng(0), np.empty((resamples, arms))
    step = max(1, RESAMPLED_AT_ONCE // triples)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = generator.multinomial(triples, np.full(triples, 1 / triples), rows) / triples
        by_seed = (drawn @ found.reshape(arms * seeds, triples).T).reshape(rows, arms, seeds)
        chosen = generator.integers(0, seeds, (rows, 1, seeds))
        means[start : start + rows] = np.take_along_axis(by_seed, chosen, axis=2).mean(2)
    told = {}
    for a, b in PAIRS:
        first, second = ARMS.index(a), ARMS.index(b)
        low, high = np.quantile(means[:, first] - means[:, second], [0.025, 0.975]).tolist()
        told[a, b] = Difference(float(found[first].mean() - found[second].mean()), low, high)
    return told
