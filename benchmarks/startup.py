"""How long does loregraft take before it does anything?

Times whole processes, from start to exit, each command in turn and round after round, and prints the median
of each beside the same Python doing nothing. The first round, in which files come from the disk, is not
counted.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = sys.executable
LOREGRAFT = str(Path(PYTHON).with_name("loregraft"))  # of the environment that runs this file


def commands(recipe: Path) -> dict[str, list[str]]:
    """Give the commands to time, by what is printed for them."""
    return {
        "python -c pass": [PYTHON, "-c", "pass"],
        "python -c 'import loregraft'": [PYTHON, "-c", "import loregraft"],
        "loregraft --help": [LOREGRAFT, "--help"],
        f"loregraft run {recipe.name} --dry-run": [LOREGRAFT, "run", str(recipe), "--dry-run"],
    }


def seconds(command: list[str]) -> float:
    """Run a command to its end and give what that took.

    Raises:
        SystemExit: It failed; what it said is passed on.
    """
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    took = time.perf_counter() - began
    if done.returncode:
        raise SystemExit(f"{' '.join(command)} failed with exit code {done.returncode}\n{done.stderr}")
    return took


def measure(named: dict[str, list[str]], repeats: int) -> dict[str, list[float]]:
    """Time every command `repeats` times after one round that is not counted."""
    times: dict[str, list[float]] = {name: [] for name in named}
    for number in range(repeats + 1):
        for name, command in named.items():
            took = seconds(command)
            if number:
                times[name].append(round(took, 4))
    return times


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--repeats", type=int, default=10, help="counted processes of each command")
    parser.add_argument("--recipe", type=Path, default=ROOT / "recipes" / "demo.yaml", help="for --dry-run")
    parser.add_argument("--out", type=Path, help="a JSON file to write")
    chosen = parser.parse_args()
    if chosen.repeats < 1:
        parser.error("--repeats must be above 0")
    times = measure(commands(chosen.recipe), chosen.repeats)
    print(f"{'whole process, seconds':<36}{'median':>8}{'least':>8}{'most':>8}")
    for name, each in times.items():
        print(f"{name:<36}{statistics.median(each):>8.3f}{min(each):>8.3f}{max(each):>8.3f}")
    if chosen.out:
        chosen.out.parent.mkdir(parents=True, exist_ok=True)
        chosen.out.write_text(json.dumps({"seconds": times}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
