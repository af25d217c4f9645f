"""Partitions: what goes out of memory comes back the same, and no file that a checkpoint needs is lost."""

import numpy as np
import pytest
import torch

from loregraft.errors import CannotWrite, WrongArtifact
from loregraft.kge.partitions.buckets import Layout
from loregraft.kge.partitions.files import PartitionFiles
from loregraft.kge.partitions.ranking import rank_in_partitions
from loregraft.kge.partitions.train import partitioned, write_start
from loregraft.kge.questions import Questions
from loregraft.kge.ranking import rank
from loregraft.kge.scorers import SCORERS
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Table, Tables


def begun(parts, folder, **changes):
    settings = KgeSettings(**{"dim": 8, "partitions": 4, **changes})
    buffer = partitioned(parts, settings, folder)
    write_start(buffer, parts.relations, settings)
    return buffer


def all_rows(buffer):
    """Give what is in the files, in the order of entities."""
    return Table(*(torch.cat(list(buffer.files.in_order(kind))) for kind in (0, 1)))


@pytest.mark.parametrize("changes", [{}, {"by_row": True}, {"optimizer": "adam"}, {"partitions": 1}])
def test_what_is_changed_in_memory_is_in_the_files(ring_parts, tmp_path, changes):
    buffer = begun(ring_parts, tmp_path, **changes)
    expected, layout = all_rows(buffer), buffer.files.layout
    for number, held in enumerate(
        [(0,), (0, 1), (2, 1), (2, 3), (0, 3)] if len(layout.sizes) > 1 else [(0,)]
    ):
        buffer.hold(held)
        for partition in held:
            rows = slice(buffer.first(partition), buffer.first(partition) + layout.sizes[partition])
            own = torch.from_numpy(np.flatnonzero(layout.partition == partition))
            assert torch.equal(buffer.tables.entities.values[rows], expected.values[own])
            assert torch.equal(buffer.tables.entities.state[rows], expected.state[own])
            for tables, changed in ((expected, own), (buffer.tables.entities, rows)):
                tables.values[changed] += number + 1
                tables.state[changed] += number + 1
        every = np.arange(len(layout.row))
        assert torch.equal(buffer.values(every), expected.values)  # in memory or not
    buffer.write()
    found = all_rows(buffer)
    assert torch.equal(found.values, expected.values) and torch.equal(found.state, expected.state)


def test_no_more_partitions_are_in_memory_than_the_buffer_has_places(ring_parts, tmp_path):
    buffer = begun(ring_parts, tmp_path, partitions=10)
    rows = buffer.tables.entities.values.shape[0]
    assert rows == 2 * max(buffer.files.layout.sizes) + buffer.files.layout.sizes[-1] <= 10
    assert ring_parts.entities == 40


def test_one_partition_starts_as_all_in_memory_do(ring_parts, tmp_path):
    buffer = begun(ring_parts, tmp_path, partitions=1)
    tables = Tables.start(ring_parts.entities, ring_parts.relations, KgeSettings(dim=8))
    assert torch.equal(all_rows(buffer).values, tables.entities.values)
    assert torch.equal(buffer.tables.relations.values, tables.relations.values)


def test_each_partition_starts_with_numbers_of_its_own(ring_parts, tmp_path):
    values = all_rows(begun(ring_parts, tmp_path)).values
    assert len(torch.unique(values)) == values.numel() and 0.02 < values.std() < 0.04


def test_files_that_are_needed_stay_and_others_go(ring_parts, tmp_path):
    buffer = begun(ring_parts, tmp_path)
    files = buffer.files
    needed = list(files.stored)
    files.remove_all_but(needed)
    for _ in range(3):
        buffer.hold((0, 1))
        buffer.tables.entities.values.add_(1)
        buffer.write()
    assert len(list((tmp_path / "partitions").iterdir())) == len(needed) + 2
    assert files.intact(needed) and files.intact(files.stored) and needed != files.stored
    (tmp_path / "partitions" / ".0-9.rows.writing").write_bytes(b"cut off")
    files.remove_all_but([])
    kept = sorted(path.name for path in (tmp_path / "partitions").iterdir())
    assert kept == sorted(one.file for one in files.stored) and not files.intact(needed)


def test_a_run_that_goes_on_writes_over_no_file(ring_parts, tmp_path):
    buffer = begun(ring_parts, tmp_path)
    again = PartitionFiles(tmp_path / "partitions", buffer.files.layout, buffer.tables.entities)
    again.stored = list(buffer.files.stored)
    again.remove_all_but(again.stored)
    again.write(0, Table(torch.ones(40, 8), torch.ones(40, 8)))
    assert again.stored[0].file != buffer.files.stored[0].file and again.intact(buffer.files.stored)


def test_a_damaged_file_is_seen(ring_parts, tmp_path):
    files = begun(ring_parts, tmp_path).files
    path = tmp_path / "partitions" / files.stored[2].file
    content = path.read_bytes()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert not files.intact(files.stored)
    path.write_bytes(content[:-1])
    assert not files.intact(files.stored)
    rows = Table(torch.zeros(40, 8), torch.zeros(40, 8))
    with pytest.raises(WrongArtifact, match=r"the file is cut off\. Train the vectors once more"):
        files.read(2, rows)
    path.unlink()
    assert not files.intact(files.stored)


def test_a_refusal_of_the_disk_is_told(ring_parts, tmp_path):
    (tmp_path / "partitions").write_text("a file")
    with pytest.raises(CannotWrite, match="a file is in the way"):
        begun(ring_parts, tmp_path)


@pytest.mark.parametrize("name", sorted(SCORERS))
@pytest.mark.parametrize("filtered", [False, True])
def test_ranks_are_those_of_all_in_memory(ring_parts, tmp_path, name, filtered):
    buffer = begun(ring_parts, tmp_path, model=name)
    buffer.hold((1, 2))  # some in memory, some not
    buffer.tables.entities.values.mul_(2)
    buffer.write()
    own = buffer.tables
    entities = all_rows(buffer)
    entities.values[5] = entities.values[6] = entities.values[7]
    for partition in range(len(buffer.files.layout.sizes)):  # ties across partitions
        rows = np.flatnonzero(buffer.files.layout.partition == partition)
        table = Table(entities.values[torch.from_numpy(rows)], entities.state[torch.from_numpy(rows)])
        buffer.files.write(partition, table)
    buffer = type(buffer)(buffer.files, own, 2)
    buffer.hold((3, 0))
    tables = Tables(own.scorer, entities, own.relations, own.core, own.reciprocal)
    questions = Questions.of(ring_parts.train, ring_parts.relations)
    known = ring_parts.known() if filtered else None
    expected, found = rank(tables, questions, known), rank_in_partitions(buffer, questions, known)
    assert expected.alike.sum() > 0
    for one, other in zip(vars(expected).values(), vars(found).values(), strict=True):
        assert (one == other).all()


def test_layout_is_drawn_from_the_seed(ring_parts):
    first, again, other = (Layout.draw(ring_parts.train, 40, 4, seed).partition for seed in (0, 0, 1))
    assert (first == again).all() and (first != other).any()
