"""A world of words: an entity called "fever rash" starts with "fever" and ends with "rash".

Some of its pairs are in no triple of train. Who reads their names can answer; who does not, cannot.
"""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.kge.text.learn import learn_text_vectors
from loregraft.kge.text.settings import TextKgeSettings
from loregraft.kge.text.vectors import TextVectors

FIRST = ("fever", "headache", "migraine", "asthma", "measles", "influenza", "fatigue", "weakness")
SECOND = ("rash", "skin", "lesion", "breathing", "infection", "viral", "gamma", "swine")


def word_world() -> KnowledgeGraph:
    """Sixteen words and 64 pairs of them; thirteen pairs are in test only. One entity has no text."""
    names = {f"A:{number}": word for number, word in enumerate(FIRST)}
    names |= {f"B:{number}": word for number, word in enumerate(SECOND)}
    rows: dict[str, list[str]] = {"head": [], "relation": [], "tail": [], "split": []}
    for a in range(8):
        for b in range(8):
            pair = f"P:{a}{b}"
            names[pair] = f"{FIRST[a]} {SECOND[b]}"
            part = "test" if (3 * a + b) % 8 == 0 or (a + 3 * b) % 16 == 5 else "train"
            for relation, tail in (("starts_with", f"A:{a}"), ("endsWith", f"B:{b}")):
                for column, cell in zip(rows.values(), (pair, relation, tail, part), strict=True):
                    column.append(cell)
    for column, cell in zip(rows.values(), ("Z:silent", "endsWith", "B:0", "train"), strict=True):
        column.append(cell)
    entities = Columns("names", {"entity": list(names), "name": list(names.values())})
    return KnowledgeGraph.gather([entities, Columns("triples", rows)])


def shuffled_texts(graph: KnowledgeGraph, seed: int) -> KnowledgeGraph:
    """Give the graph with the same triples and every name at another entity."""
    order = np.random.default_rng(seed).permutation(len(graph))
    names = graph.names
    moved = order[names["entity"].to_numpy()]
    place = names.schema.get_field_index("entity")
    names = names.set_column(place, "entity", pa.array(moved, names.schema.field("entity").type))
    return KnowledgeGraph({**graph.tables, "names": names.take(pa.array(np.argsort(moved)))})


@pytest.fixture(scope="session")
def words() -> KnowledgeGraph:
    return word_world()


@pytest.fixture(scope="session")
def text_settings(tiny_encoder_folder: Path) -> TextKgeSettings:
    """Settings that learn the words in about a second."""
    return TextKgeSettings(
        encoder=str(tiny_encoder_folder), epochs=25, batch=104, rate=5e-3, max_tokens=16, bf16=False
    )


@pytest.fixture(scope="session")
def learnt(words, text_settings, tmp_path_factory) -> tuple[TextVectors, Path]:
    folder = tmp_path_factory.mktemp("words") / "vectors"
    return learn_text_vectors(words, "key", folder, text_settings), folder


@pytest.fixture(scope="session", params=[0, 1])
def shuffled_words(request, words) -> KnowledgeGraph:
    return shuffled_texts(words, request.param)
