"""Read the `results` dict without trusting it: an absent or odd part is empty, never an error.

Every other file of this room goes through these few functions, so that a report of half a run
shows the half that is there.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loregraft.errors import LoregraftError

SCHEMA = 1
GRAFTED, SHUFFLED, UNTOUCHED = "grafted", "shuffled", "untouched"
Node = Mapping[str, object]


@dataclass(frozen=True)
class Estimate:
    """A number with its 95% interval; None is a number that was not measured."""

    value: float | None
    low: float | None = None
    high: float | None = None


def check_schema(results: Node) -> None:
    """Refuse results of a newer schema, which this version would misread.

    Raises:
        LoregraftError: The schema is above 1 or is not a number.
    """
    schema = results.get("schema", SCHEMA)
    if not isinstance(schema, int) or schema > SCHEMA:
        raise LoregraftError(
            f"results of schema {schema!r}, and this version reads up to {SCHEMA}. Install a newer loregraft."
        )


def node(parent: Node, key: str) -> Node:
    """Give the mapping under a key, or an empty one."""
    found = parent.get(key)
    return found if isinstance(found, Mapping) else {}


def nodes(parent: Node, key: str) -> list[Node]:
    """Give the mappings in the list under a key, or none."""
    return [item for item in items(parent, key) if isinstance(item, Mapping)]


def items(parent: Node, key: str) -> Sequence[object]:
    """Give the list under a key, or an empty one."""
    found = parent.get(key)
    return found if isinstance(found, list | tuple) else ()


def text(parent: Node, key: str, default: str = "") -> str:
    """Give what is under a key as a string."""
    found = parent.get(key)
    return default if found is None else str(found)


def number(value: object) -> float | None:
    """Give a finite number, or None for anything else (NaN, infinity, text, True)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) else None


def estimate(value: object) -> Estimate:
    """Read a bare number, `{value, low, high}` or `{difference, low, high}`."""
    if not isinstance(value, Mapping):
        return Estimate(number(value))
    middle = value.get("value", value.get("difference"))
    return Estimate(number(middle), number(value.get("low")), number(value.get("high")))


def main_task(results: Node) -> Node:
    """Give the task that the verdict is about: the first one."""
    tasks = nodes(results, "tasks")
    return tasks[0] if tasks else {}


def contrast(task: Node, first: str, second: str) -> Node:
    """Give the contrast `first - second` of a task, or an empty mapping."""
    for found in nodes(task, "contrasts"):
        if (found.get("a"), found.get("b")) == (first, second):
            return found
    return {}
