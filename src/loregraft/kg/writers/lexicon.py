"""Write a lexicon: the words of a graph, with their numbers and categories, a word a row.

`kg/readers/lexicon.py` reads it back.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from loregraft.disk import whole_file
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.mirrors import first_statements
from loregraft.kg.readers.lexicon import (
    CATEGORIES,
    CATEGORY,
    HAS_CATEGORY,
    NUMBERS,
    NUMERIC,
    ONLY_NUMBERS,
    PREFIX,
    WORD,
    is_number,
)
from loregraft.kg.tables.columns import BATCH_ROWS, Bools, Rows
from loregraft.kg.writers.csv_rows import csv_rows, csv_text, header_holds, in_one_line, row_holds
from loregraft.kg.writers.entities import MAX_COLUMNS, Known, known_entities
from loregraft.kg.writers.telling import Told, said_of_relations, sizes, told
from loregraft.kg.writers.triples import statements_with_more

LANGUAGE = "language"
CHANGED = "texts changed in blanks or line ends"

_NUMBERS = pa.array(NUMBERS, pa.large_string())


@dataclass(frozen=True)
class Lexicon:
    """The words of a graph, and the categories they have."""

    graph: KnowledgeGraph
    categorised: Rows
    """The rows of the facts that give a word its category, each fact once."""

    @cached_property
    def category_names(self) -> dict[int, str]:
        """Entity index -> what the category is called: the end of its id, or else its name."""
        found = {}
        for index in np.unique(self.graph.tails[self.categorised]).tolist():
            id, names = self.graph.id_at(index), self.graph.rows_of("names", index)
            called = id.removeprefix(PREFIX) if id.startswith(PREFIX) else names[0]["name"] if names else id
            found[index] = csv_text(called)
        return found

    @cached_property
    def words(self) -> Bools:
        """For each entity: is it a word?"""
        graph, types = self.graph, self.graph.tables["types"]
        found = np.zeros(len(graph), np.bool_)
        found[graph.heads[self.categorised]] = True
        found[np.asarray(types["entity"].filter(pc.equal(types["type"], WORD)))] = True
        rated = graph.attributes.filter(pc.is_in(graph.attributes["property"], value_set=_NUMBERS))
        for start in range(0, len(rated), BATCH_ROWS):
            for row in rated.slice(start, BATCH_ROWS).to_pylist():
                found[row["entity"]] |= is_number(row["value"].strip())
        return found

    @cached_property
    def properties(self) -> list[str]:
        """The properties of words that can be columns, at most `MAX_COLUMNS`: those of most words."""
        attributes = self.graph.attributes
        of_words = attributes["property"].filter(self.words[np.asarray(attributes["entity"])])
        counted = ((row["counts"], row["values"]) for row in pc.value_counts(of_words).to_pylist())
        ranked = sorted(counted, key=lambda found: (found[1] not in NUMBERS, -found[0], found[1]))
        fitting = [name for _, name in ranked if header_holds(name) and name == name.casefold()]
        return [name for name in fitting if name not in (LANGUAGE, *CATEGORIES)][:MAX_COLUMNS]

    def categories_of(self, index: int) -> list[str]:
        """Give the categories of a word."""
        start, end = np.searchsorted(self.graph.heads[self.categorised], [index, index + 1]).tolist()
        tails = self.graph.tails[self.categorised[start:end]].tolist()
        return [name for tail in tails if (name := self.category_names[tail])]


def write_lexicon(graph: KnowledgeGraph, path: Path) -> Told:
    """Write a word a row as CSV with a header row: word, language, category, and its attributes.

    A word is an entity of the type `word`, or one that has a number, such as a polarity, or a fact
    `has_category`. The row has its id where that is a name too, else the preferred name; what has several
    values has several rows. Cannot hold other ids, other names, all other entities and facts, what is said
    of facts, media, descriptions, units, and properties in capitals.
    """
    indexes = [index for index, id in enumerate(graph.relation_ids) if id == HAS_CATEGORY]
    of_category = first_statements(graph) & np.isin(graph.relation_indexes, indexes)
    lexicon = Lexicon(graph, np.flatnonzero(of_category))
    tally: Counter[str] = Counter()
    with whole_file(path) as building, building.open("w", encoding="utf-8", newline="") as file:
        write_row = csv_rows(file, [WORD, LANGUAGE, CATEGORY, *lexicon.properties])
        for index, known in enumerate(known_entities(graph)):
            if lexicon.words[index]:
                for row in _rows(lexicon, index, known, tally):
                    write_row(row)
    return _told(lexicon, tally)


def _rows(lexicon: Lexicon, index: int, known: Known, tally: Counter[str]) -> Iterator[list[str]]:
    """Yield the rows of a word: as many as it has of that of which it has most."""
    names = known.rows["names"]
    called = _called(known.id, names)
    word = csv_text(called)
    if not word:
        tally["words of blanks"] += 1
        return
    alike = [name for name in names if name["name"] == called]
    languages = [csv_text(name["language"]) or "en" for name in alike] or ["en"]
    categories = lexicon.categories_of(index)
    tally["words"] += 1
    tally["names"] += len(alike)
    tally["facts"] += len(categories)
    tally["types"] += any(row["type"] == WORD for row in known.rows["types"])
    tally["ids, for which a name stands"] += word != known.id
    tally["languages of names, now en"] += sum(not name["language"] for name in alike)
    tally["kinds of names, now preferred"] += sum(name["kind"] != "preferred" for name in alike)
    tally[CHANGED] += word != called
    columns = [languages, categories, *_values(lexicon, known, tally)]
    for place in range(max(map(len, columns))):
        said = [column[place] if place < len(column) else "" for column in columns]
        row = [word, said[0] or languages[0], *said[1:]]
        tally[CHANGED] += not row_holds(row)
        yield row if row_holds(row) else in_one_line(row)


def _called(id: str, names: list[dict[str, Any]]) -> str:
    """Give the name that stands for an entity: its id where that is one, else the first, else the id."""
    return id if not names or any(row["name"] == id for row in names) else str(names[0]["name"])


def _values(lexicon: Lexicon, known: Known, tally: Counter[str]) -> list[list[str]]:
    """Give the cells of each property."""
    found: dict[str, list[str]] = {property: [] for property in lexicon.properties}
    for row in known.rows["attributes"]:
        property, cell = row["property"], csv_text(row["value"])
        if property not in found or not cell or (property in ONLY_NUMBERS and not is_number(cell)):
            continue
        found[property].append(cell)
        datatype = NUMERIC if is_number(cell) else ""
        tally["attributes"] += 1
        tally[CHANGED] += cell != row["value"]
        tally["datatypes, units and languages of attributes"] += bool(
            row["datatype"] != datatype or row["unit"] or row["language"]
        )
    return list(found.values())


def _told(lexicon: Lexicon, tally: Counter[str]) -> Told:
    graph = lexicon.graph
    kept = {what: tally.pop(what, 0) for what in ("words", "names", "facts", "types", "attributes")}
    categories = 0
    for index, called in lexicon.category_names.items():
        if not called:
            continue
        is_word, names = bool(lexicon.words[index]), graph.rows_of("names", index)
        categories += not is_word
        tally["ids, for which a name stands"] += graph.id_at(index) != PREFIX + called
        counted_as_word = is_word and _called(graph.id_at(index), names) == called
        kept["names"] += not counted_as_word and any(row["name"] == called for row in names)
        kept["types"] += any(row["type"] == CATEGORY for row in graph.rows_of("types", index))
    left_out = {
        "entities": len(graph) - kept["words"] - categories,
        "names": len(graph.names) - kept["names"],
        "types": len(graph.tables["types"]) - kept["types"],
        "attributes": len(graph.attributes) - kept["attributes"],
        "facts": int(first_statements(graph).sum()) - kept["facts"],
        "statements of what is said of triples": statements_with_more(graph),
        **sizes(graph, ("negated", "descriptions", "media")),
        "relations_with_more_than_an_id": said_of_relations(graph),
        **tally,
    }
    written = {"words": kept["words"], "categories": categories, "attributes": kept["attributes"]}
    return told(written, left_out)
