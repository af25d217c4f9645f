"""The second stage: definitions and texts to a folder with the entities that each mentions.

A definition that mentions a held-out entity is not learned from, in whatever words it does so: that is what
the links are for (`tainted_by`).
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from jaxtyping import Int64

from loregraft.artifact import Json, fingerprint, is_current, read_card, writing
from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.linking.linker import Linker, looked_for
from loregraft.linking.mentions.scanner import SOURCES
from loregraft.linking.scoring.features import DEFAULT, DEFAULT_NIL
from loregraft.linking.settings import LinkSettings
from loregraft.recipe.knowledge import Texts
from loregraft.recipe.settings import Recipe
from loregraft.recipe.talk import UNCHANGED, Talk, stage

CHUNK = 2_000
EXAMPLES = 4
LONGEST_EXAMPLE = 240

GENERATORS = ("name", "variant", "abbreviation")
"""How a mention is found: as a name, by a name in other words, by an abbreviation that its text defines."""

_GENERATOR = pa.array(["name" if source == "exact_case" else source for source in SOURCES])


def linking_stage(
    recipe: Recipe, graph: KnowledgeGraph, graph_key: str, texts: Texts, folder: Path, talk: Talk
) -> None:
    """Link definitions and texts to the graph's entities and write the links to `folder`.

    Raises:
        BadInput: The settings leave out entities that are asked for.
    """
    with stage(talk, "linking", f"{len(texts.documents):,} texts") as line:
        chosen = link_settings(recipe, graph)
        settings: dict[str, Json] = chosen.model_dump(mode="json")
        content = fingerprint([document.text for document in texts.documents], texts.about)
        key = fingerprint("links", 2, settings, DEFAULT, DEFAULT_NIL, graph_key, content)
        skipped = is_current(folder, "links", key)
        if not skipped:
            links = find_links(Linker.build(graph, settings=chosen), texts, talk)
            with writing(folder, "links", key, settings=settings, parents={"graph": graph_key}) as (
                target,
                facts,
            ):
                pq.write_table(links, target / "links.parquet", compression="zstd")
                facts["counts"] = count_links(links, len(texts.documents))
                facts["by_generator"] = count_generators(links)
                facts["examples"] = _examples(texts, links, graph)
        told = read_card(folder).facts
        counts, by = told["counts"], told["by_generator"]
        assert isinstance(counts, dict) and isinstance(by, dict)
        line.append(f"{counts['documents']:,} texts -> {counts['mentions']:,} mentions of other entities")
        line.append(f"({by['name']:,} by name, {by['variant']:,} in other words,")
        line.append(f"{by['abbreviation']:,} by abbreviation)")
        line.append(UNCHANGED if skipped else "")


def link_settings(recipe: Recipe, graph: KnowledgeGraph) -> LinkSettings:
    """Give the settings of linking, with the prefix of `evaluate` where they have none.

    Raises:
        BadInput: They leave out entities that are asked for, so that what mentions these would be learned.
    """
    settings, asked = recipe.linking, recipe.evaluate.prefix
    if not settings.prefix:
        settings = settings.model_copy(update={"prefix": asked})
    missed = ~looked_for(graph, settings) & np.array([id.startswith(asked) for id in graph.ids], bool)
    if missed.any():
        example = graph.id_at(int(np.flatnonzero(missed)[0]))
        found = f"linking looks for fewer entities than evaluate asks for: not for {example!r}"
        found += f" and {int(missed.sum()) - 1:,} more"
        fix = "Leave linking.prefix and linking.under empty, or narrow evaluate.prefix as well."
        raise BadInput(Path("recipe"), 0, found, fix)
    return settings


def find_links(linker: Linker, texts: Texts, talk: Talk) -> pa.Table:
    """Give the mentions in all texts, a row each, by text and place.

    A definition's mentions of its own entity are left out, with what lies inside of them.
    """
    size, about = len(texts.documents), np.array(texts.about, np.int64)
    parts = [_links_of(linker, [], about, 0)]
    for first in range(0, size, CHUNK):
        some = [document.text for document in texts.documents[first : first + CHUNK]]
        parts.append(_links_of(linker, some, about[first : first + CHUNK], first))
        talk.advance((first + len(some)) / size, f"{first + len(some):,} texts")
    return pa.concat_tables(parts).combine_chunks()


def _links_of(
    linker: Linker, texts: Sequence[str], about: Int64[np.ndarray, " texts"], first: int
) -> pa.Table:
    """Link some texts, of which the first has the number `first`."""
    judged = linker.judge(texts)
    rows = np.flatnonzero(linker.kept(judged))
    entities = judged.pool.entities[judged.best[rows]]
    others = entities != about[judged.spans.texts[rows]]
    rows, entities = rows[others], entities[others]
    spans = judged.spans.take(rows)
    columns = {
        "document": spans.texts.astype(np.int64) + first,
        "start": spans.starts.astype(np.int64),
        "end": spans.ends.astype(np.int64),
        "entity": entities,
        "score": np.round(judged.probabilities[rows], 4),
        "generator": _GENERATOR.take(pa.array(spans.sources)),
        "candidates": np.diff(judged.pool.starts)[rows],
    }
    return pa.table(columns)


def count_links(links: pa.Table, documents: int) -> dict[str, Json]:
    """Count texts, those with a link, mentions, and those by a name that several entities have."""
    shared = pc.and_(pc.equal(links["generator"], "name"), pc.greater(links["candidates"], 1))
    return {
        "documents": documents,
        "documents_with_link": len(links["document"].unique()),
        "mentions": len(links),
        "ambiguous": pc.sum(shared).as_py() or 0,
    }


def count_generators(links: pa.Table) -> dict[str, Json]:
    """Count links by how their mention is found."""
    return {name: pc.sum(pc.equal(links["generator"], name)).as_py() or 0 for name in GENERATORS}


def _examples(texts: Texts, links: pa.Table, graph: KnowledgeGraph) -> list[Json]:
    """Take a few short texts that have mentions by name and in other words, evenly over all."""
    by = {
        name: set(links.filter(pc.equal(links["generator"], name))["document"].to_pylist())
        for name in GENERATORS
    }
    short = [n for n in sorted(by["name"] & by["variant"]) if len(texts.documents[n].text) < LONGEST_EXAMPLE]
    names = graph.preferred_names()
    return [
        {
            "text": texts.documents[number].text,
            "links": [
                {
                    "start": row["start"],
                    "end": row["end"],
                    "entity": graph.id_at(row["entity"]),
                    "name": names[row["entity"]],
                    "score": row["score"],
                }
                for row in links.filter(pc.equal(links["document"], number)).to_pylist()
            ],
        }
        for number in short[:: max(1, len(short) // EXAMPLES)][:EXAMPLES]
    ]


def tainted_by(folder: Path, texts: Texts, held_out: Sequence[int]) -> frozenset[int]:
    """Give the entities whose definition mentions a held-out entity, in whatever words."""
    table = pq.read_table(folder / "links.parquet", columns=["document", "entity"])
    kept_apart = frozenset(held_out)
    return frozenset(
        texts.about[document]
        for document, entity in zip(table["document"].to_pylist(), table["entity"].to_pylist(), strict=True)
        if entity in kept_apart and texts.about[document] >= 0
    )
