"""Each format holds the numbers bit for bit, says what it loses, and writes whole or not at all."""

import json
from urllib.parse import unquote

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loregraft.artifact import verify
from loregraft.errors import BadInput, CannotWrite
from loregraft.kge.exchange.exporting import WRITERS, export_vectors
from loregraft.kge.exchange.rows import text_rows

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@given(st.lists(st.lists(FLOATS, min_size=3, max_size=3), min_size=1, max_size=4))
@settings(max_examples=50, deadline=None)
def test_text_gives_each_number_back(rows):
    values = torch.tensor(rows, dtype=torch.float32)
    again = [[np.float32(number) for number in row.split()] for row in text_rows(values, " ")]
    assert np.array_equal(np.array(again, np.float32), values.numpy())


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1), min_size=40, max_size=40, unique=True))
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_word2vec_round_trip(make, tmp_path, ids):
    vectors = make("distmult", ids=ids)
    told = export_vectors(vectors, tmp_path / "out.txt", "word2vec", force=True)
    lines = (tmp_path / "out.txt").read_bytes().decode().split("\n")
    assert lines[0] == "40 8" and lines[-1] == "" and len(lines) == 42
    rows = [line.split(" ") for line in lines[1:-1]]
    assert [unquote(row[0]) for row in rows] == ids
    assert np.array_equal(np.array([row[1:] for row in rows], np.float32), vectors.tables.entities.values)
    assert told.written == {"entities": 40} and "4 relations are not written" in told.notes[0]
    assert len(told.notes) == 1 + any(row[0] != id for row, id in zip(rows, ids, strict=True))


@pytest.mark.parametrize("model", ["complex", "tucker"])
@pytest.mark.parametrize("reciprocal", [False, True])
def test_parquet_holds_all_there_is(make, tmp_path, model, reciprocal):
    vectors = make(model, reciprocal)
    told = export_vectors(vectors, tmp_path / "out", "parquet")
    entities, relations = (
        pq.read_table(tmp_path / "out" / f"{name}.parquet") for name in ("entities", "relations")
    )
    assert entities.schema.field("vector").type == pa.list_(pa.float32(), 8)
    assert entities["id"].to_pylist() == vectors.ids
    assert np.array_equal(
        np.array(entities["vector"].to_pylist(), np.float32), vectors.tables.entities.values
    )
    assert np.array_equal(
        np.array(relations["vector"].to_pylist(), np.float32), vectors.tables.relations.values
    )
    if reciprocal:
        assert relations["backwards"].to_pylist() == [False] * 4 + [True] * 4
    assert relations["id"].to_pylist() == vectors.relation_ids * (1 + reciprocal)
    assert (tmp_path / "out" / "core.parquet").exists() == (model == "tucker")
    assert told.notes == [] and ("relations backwards" in told.written) == reciprocal


@pytest.mark.parametrize("format", sorted(WRITERS))
def test_a_writer_is_whole_and_overwrites_only_when_told_to(make, tmp_path, format):
    out = tmp_path / "out"
    told = export_vectors(make(), out, format)
    assert str(told).startswith("40 entities")
    if out.is_dir():
        assert verify(out) == []
    with pytest.raises(CannotWrite, match="it exists already"):
        export_vectors(make(), out, format)
    export_vectors(make("transe"), out, format, force=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out"]


@pytest.mark.parametrize("format", sorted(WRITERS))
def test_what_cannot_be_written_leaves_nothing(make, tmp_path, format):
    broken = make()
    broken.tables.relations.values[1, 2] = torch.inf
    with pytest.raises(BadInput, match=r"relations hold a number that is none \(NaN\) or infinite"):
        export_vectors(broken, tmp_path / "out", format)
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite, match="a file is in the way of a folder"):
        export_vectors(make(), tmp_path / "file" / "out", format)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("format", ["openke", "pykeen", "dglke"])
def test_a_model_that_scores_otherwise_there_is_refused(make, tmp_path, format):
    with pytest.raises(BadInput, match="has no model that scores as tucker") as raised:
        export_vectors(make("tucker"), tmp_path / "out", format)
    assert "transe, transe_l1" in raised.value.fix and not (tmp_path / "out").exists()
    with pytest.raises(BadInput, match=r"there is no format 'pykene' to write\. Did you mean 'pykeen'"):
        export_vectors(make(), tmp_path / "out", "pykene")


@pytest.mark.parametrize("format", ["openke", "dglke"])
def test_reciprocal_relations_that_are_lost_are_said_to_be(make, tmp_path, format):
    told = export_vectors(make(reciprocal=True), tmp_path / "out", format)
    assert "4 vectors of relations asked backwards are not written" in told.notes[0]
    told = export_vectors(make(reciprocal=False), tmp_path / "out", format, force=True)
    assert "backwards" not in json.dumps(told.notes)
