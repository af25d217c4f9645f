"""Checks of names: those that do not tell apart, and those that are damaged or not what they seem.

Most work on whole columns at once; only names with letters beyond ASCII are looked at one by one.
"""

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from loregraft.kg.check.damage import DAMAGE_HINT, damage
from loregraft.kg.check.finding import EXAMPLES, Finding, Level, finding, of_names
from loregraft.kg.check.look_alikes import MIXED, case_folded, is_disguised, look
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.names import fold_name
from loregraft.records import SAME_MEANING

_NOTHING = r"^[\s\p{Z}\p{Cc}\p{Cf}]*$"
_QUOTED = r'^"[^"]*"$'
_INVISIBLE = r"[\p{Cc}\p{Cf}]"  # control characters; zero-width and direction marks, soft hyphens


def empty_names(graph: KnowledgeGraph) -> Finding:
    """Find names of which nothing can be seen."""
    found = pc.match_substring_regex(graph.names["name"], _NOTHING)
    return of_names("empty names", "fail", graph, found, "Remove these names, or write them.")


def shared_names(graph: KnowledgeGraph) -> Finding:
    """Find names, folded, that denote several entities."""
    rows = graph.names.filter(graph.kind_mask(SAME_MEANING))
    folded = pa.array([fold_name(name) for name in rows["name"].to_pylist()], pa.large_string())
    encoded = folded.dictionary_encode()
    pairs = np.unique(np.stack([np.asarray(encoded.indices), np.asarray(rows["entity"])], axis=1), axis=0)
    names, starts, owners = np.unique(pairs[:, 0], return_index=True, return_counts=True)
    shared = np.flatnonzero(owners > 1)
    examples = [
        f"{encoded.dictionary[int(names[i])].as_py()!r}: "
        + ", ".join(graph.ids[entity] for entity in pairs[starts[i] : starts[i] + min(owners[i], 3), 1])
        + (", ..." if owners[i] > 3 else "")
        for i in shared[:EXAMPLES]
    ]
    fix = "Join the entities if they are one thing; else these names can only be told apart by their context."
    return finding("names shared by several entities", "note", len(shared), examples, fix)


def spelled_apart(graph: KnowledgeGraph) -> Finding:
    """Find names that stand in the graph in several spellings: of case, width, or letters that look alike."""
    encoded = graph.names["name"].combine_chunks().dictionary_encode()
    keys = _looks(encoded.dictionary).dictionary_encode()
    codes = np.asarray(keys.indices)
    several = np.flatnonzero(np.bincount(codes, minlength=len(keys.dictionary)) > 1)
    examples = []
    for key in several[:EXAMPLES].tolist():
        spellings = encoded.dictionary.take(pa.array(np.flatnonzero(codes == key)[:3])).to_pylist()
        examples.append(" / ".join(ascii(text) if is_disguised(text) else repr(text) for text in spellings))
    level: Level = "warn" if _any_disguised(encoded.dictionary, codes, several) else "note"
    fix = "Write each name in one way; texts are compared without case and width, but not without script."
    return finding(
        "names that differ only in case, width or look-alike letters", level, len(several), examples, fix
    )


def _any_disguised(names: pa.Array, codes: NDArray[np.integer[Any]], several: NDArray[np.int64]) -> bool:
    """Tell whether names that look alike still differ when case and width are put aside."""
    rows = np.flatnonzero(np.isin(codes, several))
    texts = names.take(pa.array(rows)).to_pylist()
    plain = {(code, case_folded(text)) for code, text in zip(codes[rows].tolist(), texts, strict=True)}
    return len(plain) > len(several)


def invisible(graph: KnowledgeGraph) -> Finding:
    """Find names with characters that cannot be seen."""
    found = pc.match_substring_regex(graph.names["name"], _INVISIBLE)
    fix = "Remove the invisible characters (control, zero-width, direction): they make equal names differ."
    return of_names("names with invisible characters", "warn", graph, found, fix)


def in_quotes(graph: KnowledgeGraph) -> Finding:
    """Find ids and names that stand in double quotes, as a spreadsheet writes them into TSV."""
    ids = graph.entities["id"].filter(pc.match_substring_regex(graph.entities["id"], _QUOTED))
    names = graph.names.filter(pc.match_substring_regex(graph.names["name"], _QUOTED))
    examples = [repr(id) for id in ids.slice(0, EXAMPLES).to_pylist()]
    examples += [
        f"{graph.ids[row['entity']]}: {row['name']!r}" for row in names.slice(0, EXAMPLES).to_pylist()
    ]
    fix = (
        "In TSV quotes are a part of the text: save such a table as CSV and import it again; fine for titles."
    )
    return finding("ids and names in quotes", "note", len(ids) + len(names), examples[:EXAMPLES], fix)


def mixed_scripts(graph: KnowledgeGraph) -> Finding:
    """Find names with a word of letters of several scripts, which look like one and match no text."""
    found = pc.match_substring_regex(graph.names["name"], MIXED)
    fix = "Write each word in one script: a Cyrillic or Greek letter that looks Latin is another letter."
    return of_names("names that mix scripts in a word", "warn", graph, found, fix)


def damaged(graph: KnowledgeGraph) -> Finding:
    """Find names and descriptions that were read in a wrong encoding, or never unescaped."""
    count, examples = 0, list[str]()
    for table, column in ((graph.names, "name"), (graph.descriptions, "text")):
        rows = table.filter(pc.match_substring_regex(table[column], DAMAGE_HINT))
        for entity, text in zip(rows["entity"].to_pylist(), rows[column].to_pylist(), strict=True):
            found = damage(text)
            count += found is not None
            if found is not None and len(examples) < EXAMPLES:
                examples.append(f"{graph.ids[entity]}: {found}")
    fix = "Read the source with its true encoding (most often UTF-8) and unescape it, then import it again."
    return finding("names and descriptions with damaged characters", "warn", count, examples, fix)


def _looks(names: pa.Array) -> pa.Array:
    """Give what names look like: compatible characters (NFKC), case and script put aside."""
    folded = pc.utf8_lower(names)
    others = pc.invert(pc.string_is_ascii(names))
    if not pc.any(others).as_py():
        return folded
    looks = [look(name) for name in names.filter(others).to_pylist()]
    return pc.replace_with_mask(folded, others, pa.array(looks, names.type))
