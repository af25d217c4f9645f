"""Read several sources into one graph: those that share ids at once, the others joined one after another."""

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path
from typing import Literal

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.join import join_graphs
from loregraft.kg.readers import is_address, read, recognise
from loregraft.kg.readers.keep import ALL, Keep
from loregraft.kg.readers.text.lines import Problems, raise_or_collect, read_lines
from loregraft.kg.tables.columns import Columns, storable

Join = Literal["id", "names", "xref", "table"]


@dataclass(frozen=True)
class Source:
    """One file, folder or address of a graph.

    Attributes:
        format: A key of `readers.READERS`; empty: recognised.
        name: What its rows are marked with; empty: the file's name.
        join: How its entities meet those of the sources before it; those of equal id always do.
        join_types: Types or id prefixes of entities that may meet by more than their id; empty: all.
    """

    path: Path | str
    format: str = ""
    name: str = ""
    join: Join = "id"
    join_types: tuple[str, ...] = ()

    @property
    def label(self) -> str:
        """What its rows are marked with."""
        name = str(self.path) if is_address(self.path) else Path(self.path).name
        return self.name or storable(name)


@dataclass
class Imported:
    """A graph, and how it came about.

    Attributes:
        formats: The format that was taken, by label of the source, in order; empty for a server.
        joins: How the sources that were joined one by one met the ones before, as `join_graphs` counts.
        problems: The bad lines that were left out, in order; the first of them, when there are many.
    """

    graph: KnowledgeGraph
    formats: dict[str, str] = field(default_factory=dict)
    joins: dict[str, dict[str, int]] = field(default_factory=dict)
    problems: Problems = field(default_factory=Problems)


def import_graph(
    sources: Sequence[Source],
    *,
    skip_bad: bool = False,
    keep: Keep = ALL,
    table: Mapping[str, str] | None = None,
    advance: Callable[[float, str], object] = lambda share, words: None,
) -> Imported:
    """Read sources, in order, into one graph.

    Sources without a name are told apart as `told_apart` does it.

    Args:
        skip_bad: Leave bad lines out and list them, instead of stopping at the first.
        keep: Which languages and relations to take.
        table: For sources with `join="table"`: id before -> id in the source.
        advance: Told how far the work is (0..1) and what is done.

    Raises:
        BadInput: There is no source, one cannot be read, or together they hold no entity.
    """
    if not sources:
        raise BadInput(Path("graph"), 0, "no source of a graph is named", "Name at least one file.")
    sources = [replace(source, format=source.format or _format(source)) for source in told_apart(sources)]
    problems = Problems() if skip_bad else None
    joins: dict[str, dict[str, int]] = {}
    graph: KnowledgeGraph | None = None
    for number, group in enumerate(_groups(sources)):
        advance(number / (len(sources) + 1), f"reading {', '.join(source.label for source in group)}")
        batches = (_read(source, problems, keep) for source in group)
        more = KnowledgeGraph.gather(chain.from_iterable(batches), group[0].label)
        if graph is None:
            graph = more
        else:
            source = group[0]
            if source.join == "id":
                graph, counts = join_graphs(graph, more, types=())
            else:
                graph, counts = join_graphs(graph, more, source.join, source.join_types or None, table)
            joins[source.label] = counts
    assert graph is not None
    formats = {source.label: source.format for source in sources}
    return Imported(graph, formats, joins, Problems() if problems is None else problems)


def told_apart(sources: Sequence[Source]) -> list[Source]:
    """Give sources a name that no other has, where they have none; names that are given stay.

    Files of equal name get their folder before it, as far up as is needed; one that is there twice gets
    a number.
    """
    paths = [
        str(source.path) if is_address(source.path) else os.path.abspath(source.path) for source in sources
    ]
    labels = {path: source.label for path, source in zip(paths, sources, strict=True) if not source.name}
    upwards = {path: [] if is_address(path) else path.split(os.sep)[1:-1] for path in labels}
    while climbing := [path for path in _alike(labels) if upwards[path]]:
        for path in climbing:
            labels[path] = f"{storable(upwards[path].pop())}/{labels[path]}"
    told: list[Source] = []
    times = Counter(source.name for source in sources if source.name)
    for path, source in zip(paths, sources, strict=True):
        name = source.name or labels[path]
        if not source.name:
            times[name] += 1
            name += f" ({times[name]})" if times[name] > 1 else ""
        told.append(replace(source, name=name))
    return told


def _alike(labels: Mapping[str, str]) -> list[str]:
    """Give the paths of which another has the same label."""
    counts = Counter(labels.values())
    return [path for path, label in labels.items() if counts[label] > 1]


def read_id_table(path: Path) -> dict[str, str]:
    """Read a table of ids that mean the same: id <tab> id, a pair a line, `#` for comments.

    Raises:
        BadInput: A line has not two cells, or an id stands twice on the left.
    """
    table: dict[str, str] = {}
    for number, line in read_lines(path):
        if line.startswith("#"):
            continue
        cells = [cell.strip() for cell in line.split("\t")]
        if len(cells) != 2 or not all(cells):
            fix = "Write the id before and the id in the new source, with one tab between them."
            raise_or_collect(BadInput(path, number, f"expected 2 ids, found {line!r:.80}", fix), None)
        if cells[0] in table:
            raise BadInput(path, number, f"the id {cells[0]!r} stands twice on the left", "Keep one of them.")
        table[cells[0]] = cells[1]
    return table


def _read(source: Source, problems: list[BadInput] | None, keep: Keep) -> Iterator[Columns]:
    empty = True
    for batch in read(source.path, source.format, source.label, problems, keep):
        empty = False
        yield batch
    if empty:
        raise BadInput(
            Path(source.label), 0, "the source holds no entity", "Give a file with triples or entities."
        )


def _groups(sources: Sequence[Source]) -> list[list[Source]]:
    """Put the first sources together as long as they join by id; each other one stands alone."""
    groups: list[list[Source]] = []
    for source in sources:
        if len(groups) == 1 and source.join == "id":
            groups[-1].append(source)
        else:
            groups.append([source])
    return groups


def _format(source: Source) -> str:
    return "" if is_address(source.path) else recognise(Path(source.path))
