"""Sum up the results in about ten lines of plain text: what a person reads when a run has ended.

No colour and no character that an old terminal lacks; the last line says where the report is.
"""

import textwrap
from pathlib import Path

from loregraft.report.plots import ordered
from loregraft.report.record import LEVELS
from loregraft.report.results import Node, check_schema, estimate, main_task, node, nodes, number, text
from loregraft.report.text import change, clean, count, measure, one_line, signed_interval
from loregraft.report.verdict import FORGETTING, contrast_name, read_verdict, status_of, tiles

WIDTH = 100
_PLAIN = str.maketrans(
    {"−": "-", "–": "-", "—": "-", "×": "x", "…": "...", "“": '"', "”": '"', "\u2019": "'"}
)


def summary(results: Node, report_path: Path | str) -> str:
    """Sum up a run in at most 12 lines of at most 100 characters; the path itself is never cut.

    Raises:
        LoregraftError: The results are of a newer schema.
    """
    check_schema(results)
    verdict, task = read_verdict(results), main_task(results)
    lines = [f"{text(results, 'name', 'run')}: {verdict.headline.upper()}"]
    said = one_line(f"{verdict.sentence} {verdict.advice}".translate(_PLAIN))
    lines += textwrap.wrap(
        said, WIDTH, initial_indent="  ", subsequent_indent="  ", max_lines=2, placeholder=" ..."
    )
    if task:
        lines += [_heading(task), _arms(task), *_contrasts(task)]
    lines += [line for line in (_forgetting(results), _costs(results), _checks(results)) if line]
    return "\n".join([*map(_fit, lines), f"report: {report_path}"])


def _heading(task: Node) -> str:
    metric, size = text(task, "metric"), count(number(task.get("n")))
    return f"{text(task, 'name')}, {metric} over {size} queries:"


def _arms(task: Node) -> str:
    arms, metric = node(task, "arms"), text(task, "metric")
    return "  " + "   ".join(
        f"{name} {measure(estimate(arms[name]).value, metric)}"
        for name in ordered([str(name) for name in arms])
    )


def _contrasts(task: Node) -> list[str]:
    metric = text(task, "metric")
    found = nodes(task, "contrasts")[:3]
    width = max((len(contrast_name(one)) for one in found), default=0)
    return [f"  {contrast_name(one):<{width}}  {_difference(one, metric)}" for one in found]


def _difference(found: Node, metric: str) -> str:
    difference = estimate(found)
    limits = signed_interval(difference, metric)
    shown = change(difference.value, metric) + (f" ({limits})" if limits else "")
    return f"{shown}: {text(found, 'verdict', 'no verdict')}"


def _forgetting(results: Node) -> str:
    found = node(results, "forgetting")
    difference, metric = node(found, "contrast"), text(found, "metric")
    if not difference:
        return ""
    limits = signed_interval(estimate(difference), metric)
    shown = f"{metric} {change(estimate(difference).value, metric)} ({limits})"
    return f"forgetting: {shown}: {FORGETTING.get(status_of(difference), 'no verdict')}"


def _costs(results: Node) -> str:
    cost = tiles(results)[-1]
    return f"cost: {cost.value}" + (f", {cost.note}" if cost.note else "") if node(results, "costs") else ""


def _checks(results: Node) -> str:
    levels = [text(one, "level") for one in nodes(node(results, "graph"), "checks")]
    found = [f"{levels.count(level)} {level}" for level in LEVELS if level in levels]
    return f"data checks: {', '.join(found)}" if found else ""


def _fit(line: str) -> str:
    """Keep the columns of a line, but nothing that is no character, and cut it at the width."""
    plain = clean(line).replace("\n", " ").replace("\t", " ").translate(_PLAIN)
    return plain if len(plain) <= WIDTH else plain[: WIDTH - 3].rstrip() + "..."
