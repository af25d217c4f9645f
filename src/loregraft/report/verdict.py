"""The verdict in words and five figures: the same for the page, the Markdown and the terminal.

The verdict itself is computed by the evaluation; here it is only said, and said plainly.
"""

from dataclasses import dataclass

from loregraft.report.results import (
    GRAFTED,
    SHUFFLED,
    UNTOUCHED,
    Node,
    contrast,
    estimate,
    items,
    main_task,
    node,
    nodes,
    number,
    text,
)
from loregraft.report.text import NOTHING, duration, is_percent, measure, megabytes, signed, signed_interval

STATUSES = {"helped": "helped", "no evidence": "none", "hurt": "hurt"}
HEADLINES = {
    "helped": "Knowledge helped",
    "none": "No evidence that the knowledge helped",
    "hurt": "Knowledge hurt",
    "missing": "No verdict",
}
ADVICE = {
    "helped": "",
    "none": "What was gained, if anything, could be chance or the training alone. "
    "Do not count on the graph for this task.",
    "hurt": "The grafted model did worse than what it was compared with. Do not use it for this task.",
    "missing": "The results carry no verdict, so nothing is claimed.",
}
FORGETTING = {
    "helped": "better outside the graph",
    "none": "no evidence of forgetting",
    "hurt": "worse outside the graph",
}


@dataclass(frozen=True)
class Tile:
    """One of the five figures under the verdict."""

    label: str
    value: str
    note: str
    status: str = ""
    unit: str = ""


@dataclass(frozen=True)
class Verdict:
    """The banner: `status` is helped, none, hurt or missing."""

    status: str
    headline: str
    sentence: str
    advice: str
    not_run: tuple[str, ...]


def status_of(found: Node) -> str:
    """Give the class of a verdict or a contrast: helped, none, hurt, or missing if it has none."""
    return STATUSES.get(text(found, "status") or text(found, "verdict"), "missing")


def read_verdict(results: Node) -> Verdict:
    """Say what the run found; the sentence does not repeat the headline."""
    found = node(results, "verdict")
    status = status_of(found)
    headline, sentence = HEADLINES[status], text(found, "sentence").strip()
    if sentence.lower().startswith(headline.lower()):
        sentence = sentence[len(headline) :].lstrip(" :.,;–-")
    not_run = tuple(str(item) for item in items(found, "not_run"))
    return Verdict(status, headline, sentence[:1].upper() + sentence[1:], ADVICE[status], not_run)


def tiles(results: Node) -> tuple[Tile, ...]:
    """Give the five figures: two gains, the multiple, forgetting, cost; a dash where not measured."""
    task = main_task(results)
    return (
        _gain(task, UNTOUCHED, "Gain over untouched"),
        _gain(task, SHUFFLED, "Gain over shuffled"),
        _multiple(task),
        _forgetting(results),
        _cost(results),
    )


def _gain(task: Node, other: str, label: str) -> Tile:
    found = contrast(task, GRAFTED, other)
    metric, gain = text(task, "metric"), estimate(found)
    limits = signed_interval(gain, metric)
    words = [text(found, "verdict"), f"95% interval {limits}" if limits else ""]
    note = "not measured" if gain.value is None else "; ".join(word for word in words if word)
    unit = "points" if is_percent(metric) and gain.value is not None else ""
    return Tile(label, signed(gain.value, metric), note, status_of(found) if found else "", unit)


def _multiple(task: Node) -> Tile:
    arms, metric = node(task, "arms"), text(task, "metric")
    grafted, untouched = (estimate(arms.get(name)).value for name in (GRAFTED, UNTOUCHED))
    known = grafted is not None and untouched is not None and untouched > 0
    value = f"{grafted / untouched:.2f}×" if known and grafted is not None and untouched else NOTHING
    note = f"{measure(grafted, metric)} against {measure(untouched, metric)}"
    return Tile("Times untouched", value, note)


def _forgetting(results: Node) -> Tile:
    found = node(results, "forgetting")
    if not found:
        return Tile("Forgetting", NOTHING, "not measured")
    metric, difference = text(found, "metric"), node(found, "contrast")
    status = status_of(difference)
    note = FORGETTING.get(status, "no verdict")
    unit = "points" if is_percent(metric) else ""
    return Tile("Forgetting", signed(estimate(difference).value, metric), f"{metric}: {note}", status, unit)


def _cost(results: Node) -> Tile:
    costs = node(results, "costs")
    minutes = number(costs.get("minutes"))
    notes = {"peak": "peak_memory_mb", "model": "model_mb"}
    sizes = {label: number(costs.get(key)) for label, key in notes.items()}
    note = ", ".join(f"{label} {megabytes(size)}" for label, size in sizes.items() if size is not None)
    return Tile("Cost", duration(None if minutes is None else 60 * minutes), note)


def contrast_name(found: Node) -> str:
    """Name a contrast: `grafted − untouched`."""
    return f"{text(found, 'a')} − {text(found, 'b')}"


def is_significant(task: Node, arm: str) -> bool:
    """Tell whether an arm beats every arm that it is contrasted with (false with no contrast)."""
    own = [found for found in nodes(task, "contrasts") if found.get("a") == arm]
    return bool(own) and all(status_of(found) == "helped" for found in own)
