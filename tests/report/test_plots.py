"""Positions in plots, by hand and over many values."""

from hypothesis import given
from hypothesis import strategies as st

from loregraft.report.plots import Series, arm_style, curve_plot, ordered, row_plot, ticks
from loregraft.report.results import Estimate


def test_ticks_are_round():
    assert ticks(0.0, 0.284) == [0.0, 0.1, 0.2, 0.3]
    assert ticks(-0.06, 0.185) == [-0.1, 0.0, 0.1, 0.2]
    assert ticks(5.0, 5.0)[0] <= 5.0 <= ticks(5.0, 5.0)[-1]


@given(st.floats(-1e6, 1e6), st.floats(1e-3, 1e6))
def test_ticks_enclose_the_values(low, span):
    marks = ticks(low, low + span)
    assert marks[0] <= low + span * 1e-6 and marks[-1] >= low + span * (1 - 1e-6)
    assert 2 <= len(marks) <= 8 and marks == sorted(set(marks))


def test_rows_by_hand():
    series = [Series("grafted", "26.0%", [("grafted", Estimate(0.1, 0.0, 0.2))])]
    plot = row_plot("arms", series, lambda value: f"{value:g}")
    assert plot is not None
    (dot,) = plot.rows[0].dots
    assert (dot.low, dot.x, dot.high) == (2.0, 50.0, 98.0)
    assert [tick.label for tick in plot.ticks] == ["0", "0.05", "0.1", "0.15", "0.2"]
    assert [tick.anchor for tick in plot.ticks] == ["start", "middle", "middle", "middle", "end"]
    assert plot.ticks[0].is_zero
    assert plot.description == "grafted: 26.0%"


def test_nothing_to_show():
    assert row_plot("arms", [Series("a", "", [("grafted", Estimate(None))])], str) is None
    assert curve_plot("loss", [("grafted", [(0.0, 1.0)])]) is None


def test_axis_without_zero_fits_the_values():
    series = [Series("a", "", [("grafted", Estimate(0.7, 0.65, 0.75))])]
    plot = row_plot("arms", series, lambda value: f"{value:g}", with_zero=False)
    assert plot is not None
    assert plot.ticks[0].label == "0.65"


def test_long_curves_are_thinned_and_keep_their_ends():
    points = [(float(step), 100_000.0 - step) for step in range(100_000)]
    plot = curve_plot("loss", [("grafted", points)])
    assert plot is not None
    drawn = plot.curves[0].points.split()
    assert len(drawn) <= 302
    assert (drawn[0], drawn[-1]) == ("0.0,0.0", "1000.0,1000.0")


def test_arms_go_from_simple_to_grafted():
    assert ordered(["mine", "grafted", "exact", "yours"]) == ["exact", "grafted", "mine", "yours"]
    assert arm_style("x' onload=") == "other"
