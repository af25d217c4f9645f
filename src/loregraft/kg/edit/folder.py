"""Change the statements of a graph folder, with an undo that gives back every byte.

What an undo needs lies in `edits/` inside the folder (`kg/edit/journal.py`) and is listed in its card.
"""

import contextlib
import fcntl
import logging
import shutil
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from loregraft.artifact import CARD, Card, Json, fingerprint, read_card, sha256_file, verify, writing
from loregraft.disk import cannot_write, hold
from loregraft.errors import CannotWrite, WrongArtifact
from loregraft.kg.edit.change import Change, edited_step
from loregraft.kg.edit.journal import EDITS, edit_folders, read_step, write_step
from loregraft.kg.edit.rows import Step, put_back
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.indexes import COMPUTE, ArrayName
from loregraft.kg.store import KIND, open_graph, read_table
from loregraft.kg.tables.assemble import SCHEMAS, GraphTable, Tables
from loregraft.records import Triple

_log = logging.getLogger(__name__)


def edit_graph(folder: Path, add: Iterable[Triple] = (), remove: Iterable[Triple | str] = ()) -> Change:
    """Change a graph folder as `edited` does a graph; a kill leaves the old one or the new.

    The folder is written anew, which takes about 2 s for a million triples. What its undo needs
    lies in `edits/` inside it. An edit that changes nothing writes nothing. A SPARQL index in the folder
    is left out, and made anew by the next query.

    Raises:
        WrongArtifact: It is no graph folder, or its files are not what was written.
        CannotWrite: No permission, the disk is full, or another process is changing the folder.
        ValueError: As `edited` says.
    """
    folder, add, remove = Path(folder), list(add), list(remove)
    with _held(folder):
        before, card = _intact(folder), read_card(folder, KIND)
        after, change, step = edited_step(before, add, remove)
        if not change:
            return change
        changed = {table for table in SCHEMAS if after.tables[table] is not before.tables[table]}
        earlier = edit_folders(folder)
        key = fingerprint("edit", card.key, [repr(triple) for triple in add], [repr(fact) for fact in remove])
        with _writing(folder, replace(card, key=key)) as (building, facts):
            _write(folder, building, after, changed, earlier)
            last = building / EDITS / f"{len(earlier) + 1:06}"
            write_step(last, step, card, asdict(change))
            written = {table: read_table(building, table) for table in changed}
            as_read = KnowledgeGraph({**after.tables, **written}, after.tally)
            _keep_what_cannot_be_put_back(folder, last, as_read, step)
            facts.update(card.facts, counts={**after.counts()}, edits=len(earlier) + 1)
    return change


def undo_edit(folder: Path) -> Change:
    """Take back the last edit of a graph folder, so that all its files are as they were, byte for byte.

    With another version of pyarrow than at the edit the content is as it was, but the bytes may not
    be; that is logged.

    Returns:
        What the edit had done.

    Raises:
        WrongArtifact: It is no graph folder, its files are not what was written, or it has no edit left.
        CannotWrite: No permission, the disk is full, or another process is changing the folder.
    """
    folder = Path(folder)
    with _held(folder):
        after, edits = _intact(folder), edit_folders(folder)
        if not edits:
            fix = "Only what `loregraft kg edit` did can be undone."
            raise WrongArtifact(folder, "there is no edit to undo", fix)
        *earlier, last = edits
        step, card, change = read_step(last)
        tables = _tables_before(after, step)
        changed = {table for table in SCHEMAS if tables[table] is not after.tables[table]}
        with _writing(folder, card) as (building, facts):
            _write(folder, building, KnowledgeGraph(tables, after.tally), changed, earlier)
            for kept in last.glob("kept-*.parquet"):
                shutil.copyfile(kept, building / kept.name.removeprefix("kept-"))
            facts.update(card.facts)
            other = [name for name, hash in card.outputs.items() if sha256_file(building / name) != hash]
            if other:
                _log.warning("the content is as it was, but not the bytes of %s", ", ".join(other))
    told: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in change.items()
    }
    return Change(**told)


def _tables_before(after: KnowledgeGraph, step: Step) -> Tables:
    tables: Tables = dict(after.tables)
    for part, moves in step.moves.items():
        tables[part] = put_back(after.tables[part], moves)
    if step.entities < len(after.entities):
        tables["entities"] = after.entities.slice(0, step.entities)
    if step.relations < len(after.relations):
        tables["relations"] = after.relations.slice(0, step.relations)
    return tables


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a graph folder for this process, also against whoever makes its SPARQL index."""
    with hold(folder):
        read_card(folder, KIND)
        try:
            with (folder / CARD).open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield
        except BlockingIOError as error:
            fix = "Wait for it to end and run the same command again."
            raise CannotWrite(
                folder, "another process is changing this folder or making its index", fix
            ) from error
        except OSError as error:
            raise cannot_write(folder, error) from error


def _intact(folder: Path) -> KnowledgeGraph:
    problems = verify(folder)
    if problems:
        fix = "Move away what is not listed, or take the folder from a backup."
        raise WrongArtifact(folder, "; ".join(problems[:3]), fix)
    return open_graph(folder)


def _writing(folder: Path, card: Card) -> contextlib.AbstractContextManager[tuple[Path, dict[str, Json]]]:
    return writing(
        folder,
        card.kind,
        card.key,
        settings=card.settings,
        seed=card.seed,
        inputs=card.inputs,
        parents=card.parents,
        held=True,
    )


_MADE_OF: dict[ArrayName, set[GraphTable]] = {
    "heads": {"triples"},
    "relations": {"triples", "relations"},
    "tails": {"triples"},
    "out_pointers": {"triples", "entities"},
    "in_pointers": {"triples", "entities"},
    "in_rows": {"triples"},
    "id_index": {"entities"},
    "name_order": {"names"},
    "name_pointers": {"names"},
    "name_bytes": {"names"},
}
"""The tables that an array depends on; the arrays of others stay as they are."""


def _write(
    folder: Path, building: Path, graph: KnowledgeGraph, changed: set[GraphTable], journal: Sequence[Path]
) -> None:
    """Write the files of a graph; those of tables that did not change are copied from its folder."""
    for table in SCHEMAS:
        if table in changed:
            _write_table(graph.tables[table], building / f"{table}.parquet")
        else:
            shutil.copyfile(folder / f"{table}.parquet", building / f"{table}.parquet")
    for name in COMPUTE:
        if _MADE_OF[name] & changed:
            np.save(building / f"{name}.npy", graph.array(name))
        else:
            shutil.copyfile(folder / f"{name}.npy", building / f"{name}.npy")
    for edit in journal:
        shutil.copytree(edit, building / EDITS / edit.name)


def _write_table(rows: pa.Table, path: Path) -> None:
    """Write a table with the settings of `store.write_graph`; test_undo_gives_back_every_byte guards it."""
    pq.write_table(rows, path, compression="zstd")


def _keep_what_cannot_be_put_back(folder: Path, journal: Path, after: KnowledgeGraph, step: Step) -> None:
    """Try the undo, and keep the whole file of a table of which it would not give the same bytes.

    Such a file was written by another version of pyarrow, or its table has no row left.
    """
    trial = journal / "trial.parquet"
    before = _tables_before(after, step)
    for table in before:
        if before[table] is not after.tables[table]:
            _write_table(before[table], trial)
            if sha256_file(trial) != sha256_file(folder / f"{table}.parquet"):
                shutil.copyfile(folder / f"{table}.parquet", journal / f"kept-{table}.parquet")
    trial.unlink(missing_ok=True)
