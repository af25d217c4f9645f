"""Where things go in a plot: numbers in, positions out; `plots.html.j2` draws them as inline SVG.

x is in percent of the width, so that a plot fits a phone and a desk without shrinking its letters;
y is in pixels. Every plot carries a description that says in words what it shows.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from loregraft.report.results import Estimate

ROW_HEIGHT = 42
AXIS_HEIGHT = 26
EDGE = 2.0
"""Percent of the width kept free on both sides, so that a marker at the end is not cut."""
CURVE_POINTS = 300
CURVE_HEIGHT = 240
ARM_STYLES = ("exact", "ngram", "untouched", "shuffled", "grafted")
_ARM_ORDER = {name: place for place, name in enumerate(ARM_STYLES)}


@dataclass(frozen=True)
class Dot:
    """A marker with its interval; `style` is the class that gives colour and shape."""

    style: str
    x: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Row:
    """A line of a plot: words above, a track below; `extra` goes where the screen is narrow."""

    label: str
    note: str
    extra: str
    y: int
    dots: tuple[Dot, ...]


@dataclass(frozen=True)
class Tick:
    """A grid line and what it stands for."""

    at: float
    label: str
    anchor: Literal["start", "middle", "end"]
    is_zero: bool


@dataclass(frozen=True)
class RowPlot:
    """Dots and intervals, one row each, over one axis."""

    title: str
    description: str
    height: int
    rows: tuple[Row, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Curve:
    """A line through `points`, written as SVG wants them, both axes 0..1000.

    Its name stands at `x` percent and `y` pixels, each line's at another x, so that the names of
    lines that run together do not cover each other.
    """

    label: str
    style: str
    points: str
    x: float
    y: float


@dataclass(frozen=True)
class CurvePlot:
    """Lines over two axes; ticks of y are in pixels from the top, those of x in percent."""

    title: str
    description: str
    height: int
    curves: tuple[Curve, ...]
    x_ticks: tuple[Tick, ...]
    y_ticks: tuple[Tick, ...]


@dataclass(frozen=True)
class Series:
    """What a row shows before it has a place: label, note, and an estimate per style."""

    label: str
    note: str
    dots: Sequence[tuple[str, Estimate]]
    extra: str = ""


def arm_style(name: str) -> str:
    """Give the class of an arm; arms that the report has no colour for share one."""
    return name if name in _ARM_ORDER else "other"


def ordered(names: Sequence[str]) -> list[str]:
    """Sort arms from the simplest to the grafted one; unknown arms keep their order at the end."""
    return sorted(names, key=lambda name: _ARM_ORDER.get(name, len(_ARM_ORDER)))


def ticks(low: float, high: float, steps: int = 4) -> list[float]:
    """Give round numbers from at or below `low` to at or above `high`, about `steps` apart."""
    span = (high - low) or abs(high) or 1.0
    raw = span / steps
    magnitude = 10.0 ** math.floor(math.log10(raw))
    step = next((m * magnitude for m in (1, 2, 2.5, 5) if m * magnitude >= raw * 0.999), 10 * magnitude)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [round(place * step, 12) for place in range(first, max(last, first + 1) + 1)]


def row_plot(
    title: str,
    series: Sequence[Series],
    write: Callable[[float], str],
    *,
    with_zero: bool = True,
) -> RowPlot | None:
    """Place dots and their intervals, a row per series; None if there is no number to show.

    Args:
        write: Turns a value of the axis into its label.
        with_zero: The axis includes 0, so that lengths compare; without, it fits the values.
    """
    values = [number for row in series for _, found in row.dots for number in _numbers(found)]
    if not values:
        return None
    if with_zero:
        values.append(0.0)
    marks = ticks(min(values), max(values))
    place = _scale(marks[0], marks[-1])
    rows = tuple(
        Row(one.label, one.note, one.extra, index * ROW_HEIGHT, tuple(_dots(one, place)))
        for index, one in enumerate(series)
    )
    height = len(rows) * ROW_HEIGHT + AXIS_HEIGHT
    said = [", ".join(part for part in (one.note, one.extra) if part) for one in series]
    description = "; ".join(f"{one.label}: {words}" for one, words in zip(series, said, strict=True))
    return RowPlot(title, description, height, rows, tuple(_tick(mark, place, write) for mark in marks))


def curve_plot(title: str, curves: Sequence[tuple[str, Sequence[tuple[float, float]]]]) -> CurvePlot | None:
    """Place lines given as (arm, points); long lines are thinned to about 300 points, ends kept."""
    kept = [(name, _thin(points)) for name, points in curves if len(points) > 1]
    every = [point for _, points in kept for point in points]
    if not every:
        return None
    x_marks = ticks(min(x for x, _ in every), max(x for x, _ in every), 5)
    y_marks = ticks(min(y for _, y in every), max(y for _, y in every))
    right = max(x for x, _ in every)
    across, up = _scale(x_marks[0], right, 0.0), _scale(y_marks[0], y_marks[-1], 0.0)
    lines = tuple(_curve(name, index, points, across, up) for index, (name, points) in enumerate(kept))
    description = "; ".join(f"{name} from {points[0][1]:.2f} to {points[-1][1]:.2f}" for name, points in kept)
    y_ticks = (Tick(CURVE_HEIGHT * (1 - up(mark) / 100), f"{mark:g}", "start", False) for mark in y_marks)
    x_ticks = (_tick(mark, across, lambda value: f"{value:,g}") for mark in x_marks if mark <= right)
    return CurvePlot(title, description, CURVE_HEIGHT, lines, tuple(x_ticks), tuple(y_ticks))


def _curve(
    name: str,
    index: int,
    points: Sequence[tuple[float, float]],
    across: Callable[[float], float],
    up: Callable[[float], float],
) -> Curve:
    written = " ".join(f"{10 * across(x):.1f},{1000 - 10 * up(y):.1f}" for x, y in points)
    at, value = points[len(points) * (3 + 2 * (index % 3)) // 10]
    height = round(CURVE_HEIGHT * (1 - up(value) / 100) - 14, 1)
    return Curve(name, arm_style(name), written, across(at), height)


def _numbers(found: Estimate) -> list[float]:
    return [number for number in (found.value, found.low, found.high) if number is not None]


def _scale(low: float, high: float, edge: float = EDGE) -> Callable[[float], float]:
    span = (high - low) or 1.0
    return lambda value: round(edge + (100 - 2 * edge) * (value - low) / span, 3)


def _dots(series: Series, place: Callable[[float], float]) -> list[Dot]:
    return [
        Dot(
            style,
            place(found.value),
            None if found.low is None else place(found.low),
            None if found.high is None else place(found.high),
        )
        for style, found in series.dots
        if found.value is not None
    ]


def _tick(value: float, place: Callable[[float], float], write: Callable[[float], str]) -> Tick:
    at = place(value)
    anchor: Literal["start", "middle", "end"] = "start" if at < 5 else "end" if at > 95 else "middle"
    return Tick(at, write(value), anchor, value == 0)


def _thin(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    stride = max(1, math.ceil(len(points) / CURVE_POINTS))
    kept = list(points[::stride])
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]
