"""Render the results as one HTML page that needs nothing else: no network, no script, no second file.

The rooms next door decide what is shown (`verdict`, `comparison`, `samples`, `record`); the
templates beside this file lay it out. Every string of the results passes `clean` and is escaped.
"""

from pathlib import Path

from loregraft.report.comparison import arm_names, compare, forgetting, seed_names
from loregraft.report.plots import arm_style
from loregraft.report.record import (
    checks,
    costs,
    counts,
    fingerprints,
    generators,
    leaks,
    linking_figures,
    losses,
    recipe_yaml,
    setting,
    sources,
    training,
    vectors,
)
from loregraft.report.results import Node, check_schema, items, node, nodes, number, text
from loregraft.report.samples import groups, linked_texts
from loregraft.report.text import clean, count, shorten
from loregraft.report.verdict import read_verdict, tiles

ARM_MEANINGS = {
    "exact": "the query equals a name in the graph but for case and punctuation; no model",
    "ngram": "the name that shares most letter sequences with the query; no model",
    "untouched": "the encoder as it came",
    "shuffled": "the same training with the names dealt out at random, one by one: what training alone does",
    "grafted": "the same training on the real graph",
}


def render_page(results: Node) -> str:
    """Render the whole report as one HTML document, below 2 MB for any results.

    Parts that the results lack are left out. Nothing in it loads from anywhere; a content security
    policy in the page says so to the browser.

    Args:
        results: The content of `results.json`, schema 1.

    Raises:
        LoregraftError: The results are of a newer schema.
    """
    check_schema(results)
    # Imported here: the terminal summary must not wait for a template engine.
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters["short"] = lambda value, limit: shorten(str(value), limit)
    return environment.get_template("page.html.j2").render(page=_content(results)).lstrip()


def _finalize(value: object) -> object:
    """Clean every expression's output; a plain string stays plain, so that it is escaped after this."""
    return clean(value) if type(value) is str else value


def _content(results: Node) -> dict[str, object]:
    reproduce = node(results, "reproduce")
    texts, more_texts = linked_texts(results)
    forgetting_arms, forgetting_contrast = forgetting(results)
    shown_checks, more_checks = checks(results)
    return {
        "name": text(results, "name", "run"),
        "date": text(results, "date"),
        "seeds": seed_names(results),
        "version": text(reproduce, "version"),
        "notices": [str(notice) for notice in items(results, "notices")],
        "verdict": read_verdict(results),
        "tiles": tiles(results),
        "arms": [(name, arm_style(name), ARM_MEANINGS.get(name, "")) for name in arm_names(results)],
        "tasks": [compare(task, nodes(results, "per_seed")) for task in nodes(results, "tasks")],
        "groups": groups(results),
        "forgetting": (forgetting_arms, forgetting_contrast),
        "forgetting_note": _forgetting_note(results),
        "leaks": leaks(results),
        "leaks_note": text(node(results, "leaks"), "note"),
        "checks": shown_checks,
        "more_checks": more_checks,
        "linking": linking_figures(results),
        "generators": generators(results),
        "linked_texts": texts,
        "more_texts": more_texts,
        "counts": counts(results),
        "vectors": vectors(results),
        "sources": sources(results),
        "losses": losses(results),
        "training": training(results),
        "costs": costs(results),
        "command": text(reproduce, "command"),
        "reproduce": setting(results),
        "fingerprints": fingerprints(results),
        "recipe": recipe_yaml(results),
    }


def _forgetting_note(results: Node) -> str:
    found = node(results, "forgetting")
    shown = f"{text(found, 'metric')} over {count(number(found.get('n')))} items"
    return text(found, "note") or f"A test of what the graph says nothing about: {shown}."
