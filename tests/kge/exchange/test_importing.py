"""Rows go where the graph has their ids; what is missing is named."""

from dataclasses import replace

import numpy as np
import pytest

from loregraft.artifact import read_card, verify
from loregraft.errors import BadInput, CannotWrite
from loregraft.kge.exchange.exporting import export_vectors
from loregraft.kge.exchange.importing import Source, _places, import_vectors
from loregraft.kge.vectors import Vectors, open_vectors


@pytest.fixture
def source(make, tmp_path):
    """DGL-KE files of the ring."""
    export_vectors(make("complex"), tmp_path / "theirs", "dglke")
    return Source(tmp_path / "theirs", "dglke", "complex")


def without(source, name, *ids):
    """Drop rows of a table and number the rest anew."""
    what = {"entities": "entity", "relations": "relation"}[name]
    path, array_path = source.folder / f"{name}.tsv", source.folder / f"graph_ComplEx_{what}.npy"
    rows = [line.split("\t")[1] for line in path.read_text().splitlines()]
    kept = [place for place, id in enumerate(rows) if id not in ids]
    path.write_text("".join(f"{place}\t{rows[row]}\n" for place, row in enumerate(kept)))
    np.save(array_path, np.load(array_path)[kept])


def test_what_has_no_vector_is_named_and_gets_zeros_only_when_told_to(source, make, ring_graph, tmp_path):
    without(source, "entities", *(f"E:{number}" for number in range(30, 37)))
    without(source, "relations", "fifth")
    with pytest.raises(BadInput) as raised:
        import_vectors(source, tmp_path / "in", ring_graph, "key")
    assert raised.value.found.startswith(
        "7 of the graph's 40 entities have no vector: E:30, E:31, E:32, E:33, E:34 ..."
    )
    assert "--allow-missing" in raised.value.fix and not (tmp_path / "in").exists()
    told = import_vectors(replace(source, allow_missing=True), tmp_path / "in", ring_graph, "key")
    assert (told["entities"], told["entities_of_zeros"], told["relations_of_zeros"]) == (33, 7, 1)
    back, vectors = open_vectors(tmp_path / "in"), make("complex")
    assert not back.vector("E:33").any() and np.array_equal(back.vector("E:5"), vectors.vector("E:5"))
    same = [("E:1", "next", "E:2"), ("E:39", "before", "E:0")]
    assert back.score(same).tolist() == vectors.score(same).tolist()
    assert back.score([("E:1", "fifth", "E:2")])[0] == 0


def test_what_the_graph_does_not_have_is_left_out_and_counted(make, ring_graph, tmp_path):
    vectors = make("complex", ids=["more", *ring_graph.ids, "yet more"])
    export_vectors(vectors, tmp_path / "theirs", "dglke")
    told = import_vectors(Source(tmp_path / "theirs", "dglke", "complex"), tmp_path / "in", ring_graph, "key")
    assert (told["entities"], told["entities_left_out"], told["relations_left_out"]) == (40, 2, 0)
    back = open_vectors(tmp_path / "in")
    assert back.ids == ring_graph.ids and np.array_equal(back.vector("E:0"), vectors.vector("E:0"))


def test_vectors_of_another_graph_are_refused_whatever_is_allowed(make, ring_graph, tmp_path):
    export_vectors(make("complex", ids=[f"X:{number}" for number in range(9)]), tmp_path / "theirs", "dglke")
    source = Source(tmp_path / "theirs", "dglke", "complex", allow_missing=True)
    with pytest.raises(BadInput, match="40 of the graph's 40 entities have no vector"):
        import_vectors(source, tmp_path / "in", ring_graph, "key")


def test_escaped_ids_are_found_and_two_rows_of_one_id_are_refused(make, tmp_path):
    vectors = make("complex", ids=["tab\there", "plain", "a%20b"])
    export_vectors(vectors, tmp_path / "theirs", "dglke")
    source = Source(tmp_path / "theirs", "dglke", "complex")
    written = (source.folder / "entities.tsv").read_text().splitlines()
    assert [line.split("\t")[1] for line in written] == ["tab%09here", "plain", "a%2520b"]
    assert _places(["a%2520b", "plain", "tab%09here"], vectors.ids, source, "entities").tolist() == [2, 1, 0]
    with pytest.raises(BadInput, match=r"two rows of entities belong to 'a%20b'"):
        _places(["a%2520b", "a%20b"], vectors.ids, source, "entities")


def test_the_folder_is_an_artifact_that_says_where_it_is_from(source, ring_graph, tmp_path):
    import_vectors(source, tmp_path / "in", ring_graph, "graph key")
    card = read_card(tmp_path / "in", "vectors")
    assert verify(tmp_path / "in") == [] and card.parents == {"graph": "graph key"}
    assert card.facts["imported"]["format"] == "dglke"
    assert set(card.facts["imported"]["files"]) == {
        *("graph_ComplEx_entity.npy", "graph_ComplEx_relation.npy"),
        *("entities.tsv", "relations.tsv"),
    }
    with pytest.raises(CannotWrite, match="it exists already"):
        import_vectors(source, tmp_path / "in", ring_graph, "graph key")
    import_vectors(source, tmp_path / "in", ring_graph, "other key", force=True)
    assert open_vectors(tmp_path / "in").graph_key == "other key"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": "openke"}, r"there is no format 'openke' to read\. Did you mean 'pykeen'"),
        ({"model": "compelx"}, r"there is no model 'compelx'\. Did you mean 'complex'"),
        ({"model": "tucker"}, r"DGL-KE has no model that scores as tucker does"),
        ({"model": "rescal"}, r"there are 0 files \*_RESCAL_entity.npy"),
    ],
)
def test_unknown_names_are_refused(source, ring_graph, tmp_path, change, said):
    with pytest.raises(BadInput, match=said):
        import_vectors(replace(source, **change), tmp_path / "in", ring_graph, "key")
    with pytest.raises(BadInput, match="there is no such folder"):
        import_vectors(replace(source, folder=tmp_path / "none"), tmp_path / "in", ring_graph, "key")


def test_vectors_can_be_trained_on(source, ring_graph, tmp_path):
    """The optimizer's state begins with zeros, as wide as training wants it."""
    import_vectors(source, tmp_path / "in", ring_graph, "key")
    back: Vectors = open_vectors(tmp_path / "in")
    assert back.tables.entities.state.shape == back.tables.entities.values.shape
    assert not back.tables.entities.state.any()
