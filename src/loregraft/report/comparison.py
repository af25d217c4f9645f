"""The arms side by side: what each task's plots and tables show, by slice and by seed, and forgetting.

Bold means that an arm beats every arm it is contrasted with; a difference that could be chance is
never set in bold.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from loregraft.report.plots import RowPlot, Series, arm_style, ordered, row_plot
from loregraft.report.results import Node, estimate, items, node, nodes, number, text
from loregraft.report.tables import Cell, Table
from loregraft.report.text import (
    count,
    interval,
    is_percent,
    measure,
    one_line,
    sentence_case,
    shorten,
    signed,
    signed_interval,
)
from loregraft.report.verdict import contrast_name, is_significant, status_of

LABEL_LIMIT = 60


@dataclass(frozen=True)
class Figure:
    """A plot (None if nothing is to draw) and the table with its numbers."""

    plot: RowPlot | None
    table: Table


@dataclass(frozen=True)
class Comparison:
    """One task, ready to lay out; a figure without rows is not shown."""

    title: str
    note: str
    arms: Figure
    contrasts: Figure
    slices: Figure
    seeds: Figure


def compare(task: Node, per_seed: Sequence[Node]) -> Comparison:
    """Lay out one task of the results."""
    name, metric = text(task, "name"), text(task, "metric")
    seeds = [(f"seed {text(one, 'seed')}", node(node(one, "tasks"), name)) for one in per_seed]
    slices = [(text(one, "name"), node(one, "arms")) for one in nodes(task, "slices")]
    sizes = [number(one.get("n")) for one in nodes(task, "slices")]
    title = text(task, "title") or sentence_case(name)
    return Comparison(
        title,
        f"{metric}, {count(number(task.get('n')))} queries",
        _arms(task, title),
        _contrasts(nodes(task, "contrasts"), metric, title),
        _grid(f"{title}: by slice", "Slice", slices, metric, sizes),
        _grid(f"{title}: by seed", "Seed", [pair for pair in seeds if pair[1]], metric),
    )


def forgetting(results: Node) -> tuple[Figure, Figure]:
    """Lay out what became of a skill that the graph says nothing about: arms, then the contrast."""
    found = node(results, "forgetting")
    difference = node(found, "contrast")
    shown = [difference] if difference else []
    return (
        _arms(found, "Outside the graph", with_zero=False),
        _contrasts(shown, text(found, "metric"), "Outside the graph"),
    )


def arm_names(results: Node) -> list[str]:
    """List the arms that occur in any task, simplest first."""
    found = {str(name): None for task in nodes(results, "tasks") for name in node(task, "arms")}
    return ordered(list(found))


def _arms(task: Node, title: str, *, with_zero: bool = True) -> Figure:
    arms, metric = node(task, "arms"), text(task, "metric")
    names = ordered([str(name) for name in arms])
    others = _other_metrics(arms)
    series = [
        Series(
            _label(name),
            measure(estimate(arms[name]).value, metric),
            [(arm_style(name), estimate(arms[name]))],
        )
        for name in names
    ]
    rows = tuple(_arm_row(task, name, others) for name in names)
    table = Table(f"{title}: arms, with 95% intervals", ("Arm", metric, *map(_metric_name, others)), rows)
    plot = row_plot(
        f"{title}: {metric} of each arm", series, lambda value: _axis(value, metric), with_zero=with_zero
    )
    return Figure(plot, table)


def _arm_row(task: Node, name: str, others: Sequence[str]) -> tuple[Cell, ...]:
    metric, arm = text(task, "metric"), node(task, "arms")[name]
    found, strong = estimate(arm), is_significant(task, name)
    cells = [Cell(_label(name), arm=arm_style(name), strong=strong)]
    cells.append(Cell(measure(found.value, metric), interval(found, metric), strong))
    for other in others:
        also = estimate(arm.get(other)) if isinstance(arm, Mapping) else estimate(None)
        cells.append(Cell(measure(also.value, other), interval(also, other)))
    return tuple(cells)


def _other_metrics(arms: Node) -> list[str]:
    """List what arms carry beside value, low and high, in the order first seen."""
    keys = [str(key) for arm in arms.values() if isinstance(arm, Mapping) for key in arm]
    return [key for key in dict.fromkeys(keys) if key not in ("value", "low", "high", "n")]


def _contrasts(found: Sequence[Node], metric: str, title: str) -> Figure:
    series, rows = [], []
    for one in found:
        difference, status = estimate(one), status_of(one)
        verdict = text(one, "verdict", "no verdict")
        shown = signed(difference.value, metric)
        series.append(Series(contrast_name(one), shown, [(status, difference)], verdict))
        strong = status in ("helped", "hurt")
        limits = signed_interval(difference, metric)
        rows.append((Cell(contrast_name(one)), Cell(shown, limits, strong), Cell(verdict, status=status)))
    unit = "points" if is_percent(metric) else metric
    head = ("Contrast", f"Difference ({unit})", "Verdict")
    plot = row_plot(
        f"{title}: differences between arms", series, lambda value: _axis(value, metric, signs=True)
    )
    return Figure(plot, Table(f"{title}: differences, with 95% intervals", head, tuple(rows), (0, 2)))


def _grid(
    title: str,
    first: str,
    groups: Sequence[tuple[str, Node]],
    metric: str,
    sizes: Sequence[float | None] = (),
) -> Figure:
    """Show several arms per row: slices or seeds. Single numbers are not tested, so none is bold."""
    names = ordered(list(dict.fromkeys(str(name) for _, arms in groups for name in arms)))
    series, rows = [], []
    for place, (label, arms) in enumerate(groups):
        size = count(sizes[place]) if sizes else ""
        found = [(arm_style(name), estimate(arms.get(name))) for name in names]
        series.append(Series(_label(label), f"n {size}" if size else "", found))
        cells = [Cell(measure(one.value, metric)) for _, one in found]
        rows.append((Cell(_label(label)), *([Cell(size)] if sizes else []), *cells))
    head = (first, *(["n"] if sizes else []), *map(_label, names))
    plot = row_plot(title, series, lambda value: _axis(value, metric))
    return Figure(plot, Table(f"{title}, {metric}", head, tuple(rows)))


def _label(name: str) -> str:
    return shorten(one_line(name), LABEL_LIMIT)


def _metric_name(metric: str) -> str:
    return metric.upper() if metric in ("mrr", "auc") else metric


def _axis(value: float, metric: str, *, signs: bool = False) -> str:
    shown = f"{100 * value:g}" if is_percent(metric) else f"{value:g}"
    if signs:
        return ("+" if value > 0 else "") + shown.replace("-", "−")
    return shown.replace("-", "−") + ("%" if is_percent(metric) else "")


def seed_names(results: Node) -> str:
    """Name the seeds of the run: `0, 1, 2`."""
    return ", ".join(str(seed) for seed in items(results, "seeds"))
