"""The first stage, files to a graph folder; and the texts that go with the graph."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from loregraft.artifact import Json, fingerprint, is_current, read_card, sha256_file
from loregraft.errors import BadInput
from loregraft.kg.check.checks import check_graph
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.importing import Source, import_graph
from loregraft.kg.store import open_graph, save_graph
from loregraft.recipe.settings import Recipe, SourceSettings
from loregraft.recipe.sources import find_file
from loregraft.recipe.talk import UNCHANGED, Talk, stage
from loregraft.records import Document


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
