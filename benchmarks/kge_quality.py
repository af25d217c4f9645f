"""How well vectors rank: filtered MRR on test after the recipes of recipes/kge, over several seeds.

    python benchmarks/kge_quality.py --data DIR                        # hours
    python benchmarks/kge_quality.py --data DIR --only wn18rr-complex --seeds 1

DIR holds fb15k237/ and wn18rr/ as OpenKE has them. Each recipe is run by the product's own commands, `kg
import`, `kge train --recipe` and `kge rank --split test`, once for each seed. Told are the mean and the
spread (largest less smallest) of test MRR, and the seconds of the processor, over all threads, that `kge
train` took, reading and validation counted. The bars are the best figures that LibKGE publishes for each
model (its README, 2020), each within 15 minutes of the processor.
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

RECIPES = Path(__file__).parents[1] / "recipes" / "kge"
BARS = {
    **{"fb15k237-transe": 0.313, "fb15k237-distmult": 0.343, "fb15k237-complex": 0.350},
    **{"fb15k237-rotate": 0.333, "fb15k237-rescal": 0.356},
    **{"wn18rr-transe": 0.228, "wn18rr-distmult": 0.452, "wn18rr-complex": 0.476},
    **{"wn18rr-rotate": 0.478, "wn18rr-rescal": 0.467},
}
MOST_SECONDS = 15 * 60


def run(*arguments: str | Path) -> str:
    """Run a command of loregraft and give what it printed."""
    command = [sys.executable, "-m", "loregraft", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def processor_seconds() -> float:
    """Give the seconds of the processor of all processes that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(graph: Path, recipe: Path, seed: int, folder: Path) -> dict[str, float]:
    """Train and rank once."""
    out, before = folder / f"{recipe.stem}-{seed}", processor_seconds()
    told = json.loads(run("kge", "train", graph, out, "--recipe", recipe, "--set", f"seed={seed}", "--json"))
    seconds = processor_seconds() - before
    ranked = json.loads(run("kge", "rank", out, "--graph", graph, "--split", "test", "--json"))
    best = told["best"]["valid_mrr"]
    return {"test": ranked["mrr"], "hits@10": ranked["hits@10"], "valid": best, "seconds": seconds}


def summed_up(name: str, runs: list[dict[str, float]]) -> dict[str, Any]:
    """Give the mean and spread of some runs of a recipe, beside its bar."""
    tests, seconds = [one["test"] for one in runs], max(one["seconds"] for one in runs)
    found: dict[str, Any] = {"recipe": name, "seeds": len(runs), "test_mrr": round(statistics.mean(tests), 4)}
    found |= {"spread": round(max(tests) - min(tests), 4), "processor_seconds": round(seconds)}
    found["hits@10"] = round(statistics.mean(one["hits@10"] for one in runs), 4)
    found["valid_mrr"] = round(statistics.mean(one["valid"] for one in runs), 4)
    bar = BARS.get(name)
    reached = bar is not None and found["test_mrr"] >= bar and seconds <= MOST_SECONDS
    return found | {"bar": bar, "reached": reached}


def parse() -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("LOREGRAFT_DATA"), help="see above")
    parser.add_argument("--only", default="", help="the recipes whose names begin so")
    parser.add_argument("--seeds", type=int, default=3)
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the folder of the data: --data DIR, or set LOREGRAFT_DATA")
    return given


def main() -> None:
    """Measure each recipe and print a line of JSON for it."""
    given = parse()
    recipes = sorted(path for path in RECIPES.glob("*.yaml") if path.stem.startswith(given.only))
    with tempfile.TemporaryDirectory() as folder:
        for recipe in recipes:
            data = recipe.stem.split("-")[0]
            graph = Path(folder) / data
            if not graph.exists():
                run("kg", "import", Path(given.data) / data, graph)
            runs = [measure(graph, recipe, seed, Path(folder)) for seed in range(given.seeds)]
            print(json.dumps(summed_up(recipe.stem, runs)), flush=True)


if __name__ == "__main__":
    main()
