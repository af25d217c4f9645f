"""The check of Chinese names: those of which one is written in simplified and another in traditional script.

The characters are told by OpenCC, the extra `zh`; without it the check says that it was not made.
"""

import importlib
from collections.abc import Callable, Iterable

import pyarrow as pa
import pyarrow.compute as pc

from loregraft.kg.check.finding import EXAMPLES, Finding, finding
from loregraft.kg.check.look_alikes import look
from loregraft.kg.graph import KnowledgeGraph

NAME = "names that differ only in simplified and traditional Chinese"
NOT_MADE = "Chinese names, not compared in simplified and traditional script"

_HAN = r"\p{Han}"
_CONFIG = "t2s"  # by characters and known phrases: words that differ by region stay apart


def two_scripts(graph: KnowledgeGraph) -> Finding:
    """Find Chinese names that stand in the graph in both scripts, whether of one entity or of several.

    Words that differ by region (software is 软件 or 軟體) are other names. Where OpenCC is not installed
    the names in Chinese characters are counted, and the finding says that they were not compared.
    """
    rows = graph.names.filter(pc.match_substring_regex(graph.names["name"], _HAN))
    if not len(rows):
        return finding(NAME, "note", 0, (), "")
    simplified = simplifier()
    if simplified is None:
        fix = "Install what compares them (pip install 'loregraft[zh]') and check again."
        return finding(NOT_MADE, "note", len(rows), _first_names(graph, rows), fix)
    names = dict(zip(reversed(rows["name"].to_pylist()), reversed(rows["entity"].to_pylist()), strict=True))
    spellings: dict[str, dict[str, str]] = {}
    for name in reversed(names):  # in the order of the graph, each with its first entity
        looks = look(name)
        spellings.setdefault(simplified(looks), {}).setdefault(looks, name)
    found = [tuple(written.values()) for written in spellings.values() if len(written) > 1]
    examples = (
        " / ".join(f"{name!r} ({graph.ids[names[name]]})" for name in written) for written in found[:EXAMPLES]
    )
    fix = "Join entities that are one thing, and give each both names: texts are compared by character."
    return finding(NAME, "note", len(found), examples, fix)


def simplifier() -> Callable[[str], str] | None:
    """Give what writes a text in simplified characters; None where OpenCC is not installed."""
    try:
        opencc = importlib.import_module("opencc")
    except ImportError:
        return None
    convert: Callable[[str], str] = opencc.OpenCC(_CONFIG).convert
    return convert


def _first_names(graph: KnowledgeGraph, rows: pa.Table) -> Iterable[str]:
    shown = rows.slice(0, EXAMPLES).to_pylist()
    return [f"{graph.ids[row['entity']]}: {row['name']!r}" for row in shown]
