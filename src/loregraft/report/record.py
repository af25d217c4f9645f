"""The record behind the figures: checks, leaks, linking, graph, training, costs and what reproduces them.

Plain tables and lists for the lower half of the page.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import yaml

from loregraft.report.comparison import seed_names
from loregraft.report.plots import CurvePlot, arm_style, curve_plot, ordered
from loregraft.report.results import Node, estimate, items, node, nodes, number, text
from loregraft.report.tables import Cell, Table
from loregraft.report.text import (
    count,
    duration,
    measure,
    megabytes,
    one_line,
    sentence_case,
    shorten,
    signed,
    signed_interval,
)

LEVELS = ("fail", "warn", "note", "pass")
CHECKS = 100
EXAMPLES_PER_CHECK = 5


@dataclass(frozen=True)
class Check:
    """One line of the data checks; `level` is pass, note, warn or fail."""

    name: str
    level: str
    count: str
    examples: tuple[str, ...]
    fix: str


def checks(results: Node) -> tuple[list[Check], int]:
    """Give the checks of the graph, failures first, and how many more there are than 100."""
    found = [_check(one) for one in nodes(node(results, "graph"), "checks")]
    found.sort(key=lambda check: LEVELS.index(check.level))
    return found[:CHECKS], max(0, len(found) - CHECKS)


def leaks(results: Node) -> list[tuple[str, str]]:
    """Give what was held out and removed, as label and number."""
    return _figures(node(results, "leaks"), without=("note",))


def linking_figures(results: Node) -> list[tuple[str, str]]:
    """Give the sizes of the linked text, as label and number."""
    found = node(results, "linking")
    figures = _figures(found, without=("by_generator", "examples"))
    linked, documents = number(found.get("documents_with_link")), number(found.get("documents"))
    if linked is not None and documents:
        figures.append(("Share with a link", measure(linked / documents, "acc")))
    return figures


def generators(results: Node) -> Table:
    """Show which candidate generator found how many of the links."""
    found = {
        str(key): number(value) or 0.0
        for key, value in node(node(results, "linking"), "by_generator").items()
    }
    total = sum(found.values()) or 1.0
    rows = tuple(
        (Cell(name), Cell(count(value)), Cell(measure(value / total, "acc"), share=100 * value / total))
        for name, value in found.items()
    )
    return Table("Links by candidate generator", ("Generator", "Links", "Share"), rows)


def vectors(results: Node) -> Table:
    """Show how well vectors of the graph rank held-out facts, beside popularity alone."""
    found = node(results, "vectors")
    rows = []
    for one in [*nodes(found, "relations"), found] if found else []:
        name = text(one, "relation", "all relations")
        figures = (measure(number(one.get(key)), "mrr") for key in ("mrr", "popularity"))
        gap = estimate(one.get("difference"))
        difference = Cell(signed(gap.value, "mrr"), note=signed_interval(gap, "mrr"))
        rows.append((*map(Cell, (name, count(number(one.get("n"))), *figures)), difference))
    made = f"{text(found, 'model')}, {count(number(found.get('dim')))} numbers, trained in "
    title = f"Filtered MRR on held-out facts: {made}{duration(number(found.get('seconds')))}"
    head = ("Relation", "Facts", "Vectors", "Popularity", "Difference")
    return Table(title, head, tuple(rows)) if rows else _empty()


def counts(results: Node) -> list[tuple[str, str]]:
    """Give the sizes of the graph, as label and number."""
    return _figures(node(node(results, "graph"), "counts"))


def sources(results: Node) -> Table:
    """Show where the graph came from, under which licence, and whom to name."""
    keys = ("name", "version", "licence", "attribution")
    rows = tuple(
        tuple(Cell(text(one, key)) for key in keys) for one in nodes(node(results, "graph"), "sources")
    )
    return Table("Sources of the graph", tuple(map(sentence_case, keys)), rows, (0, 1, 2, 3))


def losses(results: Node) -> CurvePlot | None:
    """Place the loss curves of the trained arms, in nats over steps."""
    arms = node(node(results, "pretraining"), "arms")
    names = ordered([str(name) for name in arms])
    curves = [(name, _points(items(node(arms, name), "loss"))) for name in names]
    return curve_plot("Training loss of the trained arms", curves)


def training(results: Node) -> Table:
    """Show what each trained arm was given: equal steps and tokens make the arms comparable."""
    found = node(results, "pretraining")
    arms = node(found, "arms")
    rows = []
    for name in ordered([str(name) for name in arms]):
        arm, points = node(arms, name), _points(items(node(arms, name), "loss"))
        ends = (f"{points[0][1]:.2f}", f"{points[-1][1]:.2f}") if points else ("–", "–")
        sizes = (number(found.get("steps")), number(found.get("batch")), number(arm.get("tokens")))
        cells = [*map(count, sizes), duration(number(arm.get("seconds"))), *ends]
        rows.append((Cell(name, arm=arm_style(name)), *map(Cell, cells)))
    head = ("Arm", "Steps", "Batch", "Tokens", "Time", "First loss", "Last loss")
    pairs = count(number(found.get("pairs_available")))
    return Table(f"Training; {pairs} pairs available", head, tuple(rows))


def costs(results: Node) -> Table:
    """Show the time of each stage and its share, then memory and size."""
    found = node(results, "costs")
    stages = [(text(one, "name"), number(one.get("seconds"))) for one in nodes(found, "stages")]
    total = sum(seconds or 0.0 for _, seconds in stages) or 1.0
    rows = [
        (Cell(name), Cell(duration(seconds)), Cell("", share=100 * (seconds or 0.0) / total))
        for name, seconds in stages
    ]
    minutes = number(found.get("minutes"))
    rows.append(
        (Cell("total"), Cell(duration(None if minutes is None else 60 * minutes), strong=True), Cell(""))
    )
    rows.append((Cell("peak memory"), Cell(megabytes(number(found.get("peak_memory_mb")))), Cell("")))
    rows.append((Cell("saved model"), Cell(megabytes(number(found.get("model_mb")))), Cell("")))
    return (
        Table("Time by stage, memory and size", ("Stage", "Cost", "Share of time"), tuple(rows), (0, 2))
        if found
        else _empty()
    )


def setting(results: Node) -> list[tuple[str, str]]:
    """Give what a second run must share with this one, as label and value."""
    found = node(results, "reproduce")
    facts = {
        "loregraft": text(found, "version"),
        "Commit": text(found, "commit"),
        "Seeds": seed_names(results),
        "Threads": text(found, "threads"),
    }
    return [(label, shorten(value, 200)) for label, value in facts.items() if value]


def fingerprints(results: Node) -> tuple[Table, Table]:
    """Show the versions of the packages and the hashes of the inputs."""
    found = node(results, "reproduce")
    packages = tuple((Cell(str(name)), Cell(str(value))) for name, value in node(found, "packages").items())
    inputs = tuple((Cell(str(name)), Cell(str(value))) for name, value in node(found, "inputs").items())
    return (
        Table("Packages", ("Package", "Version"), packages, (0, 1)),
        Table("Inputs", ("File", "SHA-256"), inputs, (0, 1)),
    )


def recipe_yaml(results: Node) -> str:
    """Write the recipe as YAML, keys in the order of the recipe."""
    plain = json.loads(json.dumps(node(results, "recipe"), default=str))
    return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=100) if plain else ""


def _check(found: Node) -> Check:
    level = text(found, "level")
    shown = [shorten(one_line(str(item)), 160) for item in items(found, "examples")[:EXAMPLES_PER_CHECK]]
    name = sentence_case(one_line(text(found, "name")))
    # An unknown level is shown as a warning: a check that cannot be read has not passed.
    known = level if level in LEVELS else "warn"
    return Check(name, known, count(number(found.get("count"))), tuple(shown), text(found, "fix"))


def _figures(found: Node, without: Sequence[str] = ()) -> list[tuple[str, str]]:
    return [
        (
            sentence_case(str(key)),
            count(number(value)) if number(value) is not None else shorten(str(value), 200),
        )
        for key, value in found.items()
        if key not in without and not isinstance(value, Mapping | list)
    ]


def _points(loss: Sequence[object]) -> list[tuple[float, float]]:
    points = []
    for pair in loss:
        if isinstance(pair, list | tuple) and len(pair) == 2:
            step, value = number(pair[0]), number(pair[1])
            if step is not None and value is not None:
                points.append((step, value))
    return points


def _empty() -> Table:
    return Table("", (), ())
