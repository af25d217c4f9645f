"""Render the results as short Markdown, to paste into a model card; also written as report.md.

Figures and plots stay on the page; here are the verdict, the arms, the differences and the limits.
"""

import re
from collections.abc import Sequence

from loregraft.report.comparison import compare, forgetting, seed_names
from loregraft.report.record import vectors
from loregraft.report.results import Node, check_schema, items, node, nodes, text
from loregraft.report.tables import Cell, Table
from loregraft.report.text import one_line, shorten
from loregraft.report.verdict import read_verdict, tiles

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>|#~$])")


def render_markdown(results: Node) -> str:
    """Render the verdict, each task's arms and contrasts, forgetting, costs, vectors, sources and notices.

    Labels are escaped, so that none of them can start a link, a table or HTML.

    Raises:
        LoregraftError: The results are of a newer schema.
    """
    check_schema(results)
    parts = [_verdict(results), *map(_task, nodes(results, "tasks")), _forgetting(results), _figures(results)]
    parts += [_vectors(results), _sources(results), _reproduce(results)]
    return "\n\n".join(part for part in parts if part) + "\n"


def escape(label: str) -> str:
    """Make a label one line of plain text in Markdown."""
    return _SPECIAL.sub(r"\\\1", shorten(one_line(label), 600))


def _verdict(results: Node) -> str:
    verdict = read_verdict(results)
    notices = [f"> {escape(str(notice))}" for notice in items(results, "notices")]
    lines = [f"## Did the knowledge help? {verdict.headline}", "\n>\n".join(notices)]
    lines += [escape(verdict.sentence), verdict.advice]
    if verdict.not_run:
        lines.append(f"Not compared in this run: {escape('; '.join(verdict.not_run))}.")
    return "\n\n".join(line for line in lines if line)


def _task(task: Node) -> str:
    found = compare(task, ())
    title = f"### {escape(found.title)}\n\n{escape(found.note)}; 95% intervals in brackets."
    return "\n\n".join(
        part for part in (title, _table(found.arms.table), _table(found.contrasts.table)) if part
    )


def _forgetting(results: Node) -> str:
    tables = [_table(figure.table) for figure in forgetting(results) if figure.table.rows]
    return "\n\n".join(["### What was forgotten", *tables]) if tables else ""


def _vectors(results: Node) -> str:
    table = vectors(results)
    return "\n\n".join(["### Vectors of the graph", _table(table)]) if table.rows else ""


def _figures(results: Node) -> str:
    shown = [tile for tile in tiles(results) if tile.label in ("Times untouched", "Cost")]
    return "\n".join(f"- {tile.label}: {tile.value} ({escape(tile.note)})" for tile in shown)


def _sources(results: Node) -> str:
    lines = [
        "- " + ", ".join(escape(text(one, key)) for key in ("name", "version", "licence") if one.get(key))
        for one in nodes(node(results, "graph"), "sources")
    ]
    return "\n".join(["Sources of the graph:", "", *lines]) if lines else ""


def _reproduce(results: Node) -> str:
    found = node(results, "reproduce")
    command = one_line(text(found, "command")).replace("`", "'")
    facts = {
        "loregraft": text(found, "version"),
        "commit": text(found, "commit"),
        "seed": seed_names(results),
    }
    shown = ", ".join(f"{label} {escape(value)}" for label, value in facts.items() if value)
    return f"Reproduce: `{command}` ({shown})" if command else ""


def _table(content: Table) -> str:
    if not content.rows:
        return ""
    rule = ["---" if place in content.words else "---:" for place in range(len(content.head))]
    lines = [_row([escape(title) for title in content.head]), _row(rule)]
    lines += [_row([_cell(cell) for cell in row]) for row in content.rows]
    return "\n".join(lines)


def _cell(cell: Cell) -> str:
    shown = escape(cell.text)
    note = f" ({escape(cell.note)})" if cell.note else ""
    return (f"**{shown}**" if cell.strong else shown) + note


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
