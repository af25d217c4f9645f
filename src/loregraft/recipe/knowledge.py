"""The first two stages: files to a graph folder, definitions and texts to a links folder."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from loregraft.artifact import Json, fingerprint, is_current, read_card, sha256_file, writing
from loregraft.encoder.load import Encoder
from loregraft.errors import BadInput
from loregraft.kg.check.checks import check_graph
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.importing import Source, import_graph
from loregraft.kg.store import open_graph, save_graph
from loregraft.linking.plain import FoundLink, PlainLinker, count_links, link_columns
from loregraft.recipe.settings import Recipe, SourceSettings
from loregraft.recipe.sources import find_file
from loregraft.recipe.talk import UNCHANGED, Talk, stage
from loregraft.records import Document

CHUNK = 2_000


@dataclass(frozen=True)
class Texts:
    """Plain texts to link and to learn from.

    Attributes:
        about: For each document the entity whose definition it is; -1 for the user's own text.
    """

    documents: tuple[Document, ...]
    about: tuple[int, ...]


def kg_stage(recipe: Recipe, beside: Path, folder: Path, talk: Talk) -> KnowledgeGraph:
    """Read the sources, join them, check the graph and write it to `folder`.

    Raises:
        BadInput: No source is named, one cannot be read, or together they hold no entity.
    """
    if not recipe.graph.sources:
        raise BadInput(folder, 0, "the recipe names no source of a graph", "Set graph.sources to your files.")
    paths = [find_file(source.path, beside) for source in recipe.graph.sources]
    with stage(talk, "kg", ", ".join(path.name for path in paths)) as line:
        inputs = {s.path: sha256_file(p) for s, p in zip(recipe.graph.sources, paths, strict=True)}
        settings = recipe.graph.model_dump(mode="json", exclude={"text"})
        key = fingerprint("graph", 2, settings, inputs)
        skipped = is_current(folder, "graph", key)
        if not skipped:
            _build_graph(recipe, paths, folder, key, inputs, talk)
        graph = open_graph(folder)
        counts = graph.counts()
        parts = ("entities", "names", "descriptions", "triples", "relations")
        line.append(f"{len(paths)} files -> " + ", ".join(f"{counts[part]:,} {part}" for part in parts))
        line.append(UNCHANGED if skipped else "")
    _tell_findings(read_card(folder).facts, talk)
    return graph


def _tell_findings(facts: Mapping[str, Json], talk: Talk) -> None:
    """Say what the checks found, and what was left out on the way in."""
    checks = facts.get("checks")
    assert isinstance(checks, list)
    found = [check for check in checks if check["level"] != "pass"]
    talk.say(f"          checks: {len(checks) - len(found)} passed, {len(found)} found something")
    for check in found:
        talk.say(f"          {check['level']}: {check['name']}: {check['count']:,}")
    if facts.get("bad_lines"):
        talk.say(f"          {facts['bad_lines']} bad lines left out; the first are in graph/card.json")


def _build_graph(
    recipe: Recipe, paths: Sequence[Path], folder: Path, key: str, inputs: dict[str, str], talk: Talk
) -> None:
    sources = [
        Source(path, source.format or "", source_name(source), source.join, source.join_types)
        for source, path in zip(recipe.graph.sources, paths, strict=True)
    ]
    imported = import_graph(sources, skip_bad=recipe.graph.skip_bad, advance=talk.advance)
    talk.advance(len(paths) / (len(paths) + 1), "checking")
    findings: list[Json] = [_finding(asdict(finding)) for finding in check_graph(imported.graph)]
    joins: dict[str, Json] = {name: dict(counts) for name, counts in imported.joins.items()}
    facts: dict[str, Json] = {"checks": findings, "joins": joins, "bad_lines": imported.problems.total}
    facts["problems"] = [str(problem) for problem in imported.problems[:100]]
    settings: dict[str, Json] = recipe.graph.model_dump(mode="json")
    save_graph(imported.graph, folder, key, settings=settings, inputs=inputs, facts=facts)


def _finding(found: dict[str, object]) -> dict[str, Json]:
    """Turn a Finding into plain JSON."""
    plain: dict[str, Json] = {}
    for name, value in found.items():
        plain[name] = [str(item) for item in value] if isinstance(value, tuple | list) else value  # type: ignore[assignment]
    return plain


def source_name(source: SourceSettings) -> str:
    """Give the name by which the report and `source_weights` call a source."""
    return source.name or Path(source.path).name


def collect_texts(recipe: Recipe, beside: Path, graph: KnowledgeGraph) -> Texts:
    """Gather the definitions and the user's own texts, a document a line.

    Raises:
        BadInput: A text file is missing or not UTF-8.
    """
    documents, about = [], []
    for entity, text in zip(
        graph.descriptions["entity"].to_pylist(), graph.descriptions["text"].to_pylist(), strict=True
    ):
        documents.append(Document(graph.ids[entity], text))
        about.append(entity)
    for path in (find_file(name, beside) for name in recipe.graph.text):
        for number, raw in enumerate(path.read_bytes().splitlines(), start=1):
            try:
                text = raw.decode("utf-8-sig").strip()
            except UnicodeDecodeError as error:
                found = f"byte {error.start + 1} (0x{raw[error.start]:02x}) is not UTF-8"
                raise BadInput(path, number, found, "Save the file as UTF-8.") from error
            if text:
                documents.append(Document(f"{path.name}:{number}", text))
                about.append(-1)
    return Texts(tuple(documents), tuple(about))


def linking_stage(
    recipe: Recipe,
    graph: KnowledgeGraph,
    graph_key: str,
    encoder: Encoder,
    texts: Texts,
    folder: Path,
    talk: Talk,
) -> None:
    """Link definitions and texts to the graph's entities and write the links to `folder`."""
    with stage(talk, "linking", f"{len(texts.documents):,} texts") as line:
        settings: dict[str, Json] = recipe.linking.model_dump(mode="json")
        prefix = recipe.evaluate.prefix
        content = fingerprint([document.text for document in texts.documents], texts.about)
        key = fingerprint("links", 1, settings, prefix, graph_key, encoder.sha256, content)
        skipped = is_current(folder, "links", key)
        if not skipped:
            linker = PlainLinker(graph, encoder, prefix, recipe.linking)
            links: list[list[FoundLink]] = []
            for first in range(0, len(texts.documents), CHUNK):
                part = slice(first, first + CHUNK)
                links += linker.link(texts.documents[part], texts.about[part])
                talk.advance(len(links) / len(texts.documents), f"{len(links):,} texts")
            with writing(folder, "links", key, settings=settings, parents={"graph": graph_key}) as (
                target,
                facts,
            ):
                pq.write_table(pa.table(link_columns(links)), target / "links.parquet", compression="zstd")
                facts["counts"] = dict(count_links(links))
                facts["examples"] = _link_examples(texts, links, graph)
        counts = read_card(folder).facts["counts"]
        assert isinstance(counts, dict)
        line.append(f"{counts['documents']:,} texts -> {counts['mentions']:,} mentions of other entities")
        line.append(f"({counts['exact']:,} by name, {counts['ngram']:,} by letters and vectors)")
        line.append(UNCHANGED if skipped else "")


def _link_examples(texts: Texts, links: list[list[FoundLink]], graph: KnowledgeGraph) -> list[Json]:
    names = graph.preferred_names()
    chosen = [
        n for n, group in enumerate(links) if {"ngram", "exact"} <= {found.generator for found in group}
    ]
    chosen = [n for n in chosen if len(texts.documents[n].text) < 240]
    return [
        {
            "text": texts.documents[number].text,
            "links": [
                {
                    "start": found.link.mention.start,
                    "end": found.link.mention.end,
                    "entity": found.link.entity,
                    "name": names[found.entity],
                    "score": found.link.score,
                }
                for found in links[number]
            ],
        }
        for number in chosen[:: max(1, len(chosen) // 4)][:4]
    ]


def tainted_by(folder: Path, texts: Texts, held_out: Sequence[int]) -> frozenset[int]:
    """Give the entities whose definition mentions a held-out entity, by whatever spelling."""
    table = pq.read_table(folder / "links.parquet", columns=["document", "entity"])
    kept_apart = frozenset(held_out)
    return frozenset(
        texts.about[document]
        for document, entity in zip(table["document"].to_pylist(), table["entity"].to_pylist(), strict=True)
        if entity in kept_apart and texts.about[document] >= 0
    )
