"""What `loregraft kg check` says of a graph: what is wrong, what it is good for, what texts have of it."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from loregraft.kg.check.finding import Finding
    from loregraft.kg.check.fitness import Fitness
    from loregraft.linking.coverage import Coverage

SHOWN_RELATIONS = 12


def check_folder(folder: Path, texts: Sequence[Path], as_json: bool) -> bool:
    """Check and tell; see `loregraft kg check`. True when nothing is wrong: notes are fine."""
    from loregraft.kg.check.checks import check_graph
    from loregraft.kg.check.fitness import fitness
    from loregraft.kg.show.printable import printable
    from loregraft.kg.store import open_graph

    graph = open_graph(folder)
    findings, good_for = check_graph(graph), fitness(graph)
    coverage = None
    if texts:
        from loregraft.linking.coverage import measure_coverage, read_texts

        coverage = measure_coverage(graph, read_texts(texts))
    if as_json:
        told = {
            "findings": [asdict(finding) for finding in findings],
            "fitness": asdict(good_for),
            "text": asdict(coverage) if coverage else None,
        }
        typer.echo(json.dumps(told, indent=1))
    else:
        lines = [*_findings(findings), "", *_fitness(good_for)]
        lines += ["", *_coverage(coverage)] if coverage else []
        typer.echo("\n".join(printable(line) for line in lines))
    return all(finding.level in ("pass", "note") for finding in findings)


def _findings(findings: Sequence["Finding"]) -> list[str]:
    lines = []
    order = ("fail", "warn", "note")
    for found in sorted((f for f in findings if f.level != "pass"), key=lambda f: order.index(f.level)):
        lines += [f"{found.level}  {found.name}: {found.count:,}"]
        lines += [f"      such as {'; '.join(found.examples)}"] if found.examples else []
        lines += [f"      {found.fix}"]
    passed = [found.name for found in findings if found.level == "pass"]
    return [*lines, f"pass  {len(passed)} checks: {', '.join(passed)}" if passed else "no check passed"]


def _fitness(good_for: "Fitness") -> list[str]:
    counts = good_for.counts
    shown = ("entities", "facts", "relations", "names", "descriptions", "attributes", "negated", "media")
    triples = ", ".join(
        f"{count:,} ({'all' if share == '1' else f'{float(share):.0%}'})"
        for share, count in good_for.degrees.items()
        if share != "0"
    )
    lines = [
        "what there is",
        "  " + ", ".join(f"{counts[name]:,} {name}" for name in shown if counts.get(name)),
        f"  of the entities {good_for.names:.0%} have a name, {good_for.aliases:.0%} another one, "
        f"{good_for.descriptions:.0%} a description, {good_for.types:.0%} a type",
        f"  names of an entity: {good_for.names_each:.1f}; depth of the hierarchy: {good_for.depth}",
        f"  triples of an entity, at most: {triples}",
        "relations: facts, heads, tails, kind; can it carry a signal?",
    ]
    for use in good_for.relations[:SHOWN_RELATIONS]:
        verdict = "yes" if use.carries_signal else f"no: {use.why}"
        lines.append(
            f"  {use.id:<28} {use.facts:>9,} {use.heads:>9,} {use.tails:>9,}  {use.cardinality}  {verdict}"
        )
    more = len(good_for.relations) - SHOWN_RELATIONS
    return [*lines, f"  and {more:,} more: see --json"] if more > 0 else lines


def _coverage(found: "Coverage") -> list[str]:
    common = ", ".join(
        f"{name.name!r} {name.mentions:,}" + (f" ({name.entities} entities)" if name.entities > 1 else "")
        for name in found.common
    )
    lines = [
        "what the texts have of it",
        f"  {found.mentioning:.0%} of {found.texts:,} texts mention it; {found.mentions:,} mentions, "
        f"{found.mentions_each:.1f} a text; {found.ambiguous:.0%} may mean several entities",
        f"  {found.entities:,} entities are mentioned ({found.reached:.0%})",
        f"  most mentioned: {common or 'none'}",
        "relations: facts, both ends mentioned, both in one text",
    ]
    for reach in found.relations[:SHOWN_RELATIONS]:
        lines.append(f"  {reach.id:<28} {reach.facts:>9,} {reach.mentioned:>9,} {reach.together:>9,}")
    more = len(found.relations) - SHOWN_RELATIONS
    return [*lines, f"  and {more:,} more: see --json"] if more > 0 else lines
