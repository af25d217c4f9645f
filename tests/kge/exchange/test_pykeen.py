"""PyKEEN itself loads what we write and scores as we do, and what it saves is ranked here as it ranks."""

import gzip

import numpy as np
import pytest
import torch

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.kge.exchange.exporting import export_vectors
from loregraft.kge.exchange.importing import Source, import_vectors
from loregraft.kge.exchange.pykeen import MODELS
from loregraft.kge.judging.evaluate import metrics, rank_part
from loregraft.kge.parts import parts_of
from loregraft.kge.vectors import open_vectors

pytest.importorskip("pykeen")

from pykeen import models
from pykeen.datasets import Nations
from pykeen.evaluation import RankBasedEvaluator
from pykeen.evaluation.rank_based_evaluator import RankBasedMetricKey
from pykeen.nn.modules import RotatEInteraction
from pykeen.triples import TriplesFactory

MADE = {
    "transe": ("TransE", {"scoring_fct_norm": 2, "embedding_dim": 8}),
    "transe_l1": ("TransE", {"scoring_fct_norm": 1, "embedding_dim": 8}),
    "distmult": ("DistMult", {"regularizer": None, "embedding_dim": 8}),
    "rescal": ("RESCAL", {"embedding_dim": 8}),
    "hole": ("HolE", {"embedding_dim": 8}),
    "complex": ("ComplEx", {"regularizer": None, "embedding_dim": 4}),
    "rotate_l2": ("RotatE", {"embedding_dim": 4}),
}
EXACT = {"rtol": 1e-5, "atol": 1e-6}


def peer(model, factory):
    name, options = MADE[model]
    return getattr(models, name)(triples_factory=factory, random_seed=1, **options).eval()


def test_all_models_are_compared():
    assert sorted(MADE) == sorted(MODELS)


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("model", MADE)
def test_pykeen_loads_the_folder_and_scores_as_we_do(make, tmp_path, model, reciprocal):
    vectors = make(model, reciprocal)
    told = export_vectors(vectors, tmp_path / "out", "pykeen")
    factory = TriplesFactory.from_path_binary(tmp_path / "out")
    assert list(factory.entity_to_id) == vectors.ids and list(factory.relation_to_id) == vectors.relation_ids
    theirs = peer(model, factory)
    state = torch.load(tmp_path / "out" / "state.pt", weights_only=True)
    theirs.load_state_dict(state, strict=model != "rescal")
    assert theirs.use_inverse_triples == reciprocal == ("relations backwards" in told.written)
    for known, relation in (("E:1", "next"), ("E:7", "fifth")):
        e, r = factory.entity_to_id[known], factory.relation_to_id[relation]
        with torch.no_grad():
            tails = theirs.predict_t(torch.tensor([[e, r]])).flatten()
            heads = theirs.predict_h(torch.tensor([[r, e]])).flatten()
        for scores, ours in (
            (tails, vectors.answers(known, relation)),
            (heads, vectors.answers(known, relation, heads=True)),
        ):
            assert np.std(ours) > 0 and np.allclose(scores.numpy(), ours, **EXACT)
    assert any(f"in PyKEEN: {MADE[model][0]}(" in note for note in told.notes)


def test_rotate_is_not_pykeens_rotate(make, tmp_path):
    """Its interaction keeps p, but does not use it; where it does one day, `rotate` can be written too."""
    with pytest.raises(BadInput, match="no model that scores as rotate does") as raised:
        export_vectors(make("rotate"), tmp_path / "out", "pykeen")
    assert "'rotate_l2'" in raised.value.fix
    h, r, t = (torch.complex(*torch.randn(2, 3, 4)) for _ in range(3))
    one, two = (RotatEInteraction(p=p)(h, r, t) for p in (1, 2))
    assert torch.equal(one, two)


@pytest.mark.parametrize("reciprocal", [False, True])
@pytest.mark.parametrize("model", MADE)
def test_what_is_written_comes_back(make, ring_graph, tmp_path, model, reciprocal):
    vectors = make(model, reciprocal)
    export_vectors(vectors, tmp_path / "out", "pykeen")
    import_vectors(Source(tmp_path / "out", "pykeen", model), tmp_path / "in", ring_graph, "key")
    back = open_vectors(tmp_path / "in")
    assert back.settings.reciprocal == reciprocal
    assert torch.equal(back.tables.entities.values, vectors.tables.entities.values)
    assert torch.allclose(back.tables.relations.values, vectors.tables.relations.values, **EXACT)


def test_the_tables_of_ids_are_those_that_pykeen_writes(make, tmp_path):
    vectors = make()
    export_vectors(vectors, tmp_path / "out", "pykeen")
    factory = TriplesFactory.from_path_binary(tmp_path / "out")
    factory.to_path_binary(tmp_path / "theirs")
    for name in ("entity_to_id.tsv.gz", "relation_to_id.tsv.gz", "numeric_triples.tsv.gz"):
        ours, theirs = (gzip.open(tmp_path / folder / name).read() for folder in ("out", "theirs"))
        assert ours == theirs


def turned_round(part, inverse):
    """A part of a data set with the last entity and relation numbered first, so that rows must move."""
    h, r, t = part.mapped_triples.T
    entities, relations = part.num_entities - 1, part.real_num_relations - 1
    return TriplesFactory(
        mapped_triples=torch.stack([entities - h, relations - r, entities - t], 1),
        entity_to_id={id: entities - index for id, index in part.entity_to_id.items()},
        relation_to_id={id: relations - index for id, index in part.relation_to_id.items()},
        create_inverse_triples=inverse,
    )


def nations_graph(data):
    rows = {"head": [], "relation": [], "tail": [], "split": []}
    names = {index: name for name, index in data.relation_to_id.items()}
    ids = {index: id for id, index in data.entity_to_id.items()}
    for part, split in ((data.training, "train"), (data.validation, "valid"), (data.testing, "test")):
        for h, r, t in part.mapped_triples.tolist():
            for column, value in zip(rows, (ids[h], names[r], ids[t], split), strict=True):
                rows[column].append(value)
    return KnowledgeGraph.gather([Columns("triples", rows)])


def saved_by_pykeen(folder, model, factory, how="save_state"):
    folder.mkdir()
    theirs = peer(model, factory)
    if how == "save_state":
        theirs.save_state(folder / "model.pt")
    else:
        torch.save(theirs.state_dict(), folder / "model.pt")
    factory.to_path_binary(folder / "training_triples")
    return theirs


@pytest.mark.parametrize(
    ("model", "inverse"), [("complex", False), ("complex", True), ("rotate_l2", False), ("transe", False)]
)
def test_what_pykeen_saved_ranks_both_sides_as_pykeen_ranks(tmp_path, model, inverse):
    """PyKEEN's `save_state` writes the newest pickle protocol, which weights_only does not read."""
    data, graph = Nations(), nations_graph(Nations())
    training, valid, test = (
        turned_round(part, inverse and part is data.training)
        for part in (data.training, data.validation, data.testing)
    )
    theirs = saved_by_pykeen(tmp_path / "model", model, training)
    assert training.entity_to_id[graph.ids[0]] == 13
    told = import_vectors(Source(tmp_path / "model", "pykeen", model), tmp_path / "in", graph, "key")
    assert told["reciprocal"] == inverse and told["entities"] == 14 and told["relations"] == 55
    known = [training.mapped_triples, valid.mapped_triples]
    results = RankBasedEvaluator(filtered=True).evaluate(
        theirs, test.mapped_triples, 64, additional_filter_triples=known, use_tqdm=False
    )
    ranking = rank_part(open_vectors(tmp_path / "in").tables, parts_of(graph), "test")
    n = len(ranking.triples)
    for side, rows in {"tail": slice(n), "head": slice(n, None)}.items():
        expected = results.data[RankBasedMetricKey(side, "realistic", "inverse_harmonic_mean_rank")]
        found = metrics(ranking.values[rows], ranking.ranks.candidates[rows])["mrr"]
        assert found == pytest.approx(expected, abs=2e-3)  # float32 may turn a near tie round


@pytest.mark.parametrize("how", ["save_state", "torch.save"])
def test_both_forms_of_a_state_give_the_same(tmp_path, how):
    data = Nations()
    theirs = saved_by_pykeen(tmp_path / "model", "distmult", data.training, how)
    graph = nations_graph(data)
    import_vectors(Source(tmp_path / "model", "pykeen", "distmult"), tmp_path / "in", graph, "key")
    table = theirs.entity_representations[0]._embeddings.weight.detach()
    rows = [data.entity_to_id[id] for id in graph.ids]
    assert torch.equal(open_vectors(tmp_path / "in").tables.entities.values, table[rows])


def state_of(**changes):
    """Change the state in a folder; None drops a table."""

    def change(folder):
        path = folder / "model.pt"
        state = torch.load(path, weights_only=True)
        short = {"entities": "entity_representations.0._embeddings.weight"}
        short |= {"relations": "relation_representations.0._embeddings.weight"}
        for name, value in changes.items():
            key = short.get(name, name)
            if value is None:
                del state[key]
            else:
                state[key] = value(state[key]) if key in state else value(None)
        torch.save(state, path)

    return change


def nan(table):
    return table.index_put((torch.tensor(2), torch.tensor(1)), torch.tensor(torch.nan))


BAD = {
    "nan": (state_of(entities=nan), r"row 2 of the entities has a number that is none \(NaN\)"),
    "fewer": (state_of(entities=lambda table: table[1:]), "there are 13 rows of entities and 14 ids"),
    "relations": (state_of(relations=lambda table: table[1:]), "there are 54 rows of relations and 55 ids"),
    "no table": (state_of(entities=None), "the state has no entity_representations.0._embeddings.weight"),
    "more": (
        state_of(**{"interaction.core_tensor": lambda _: torch.ones(2, 2, 2)}),
        "the state has interaction.core_tensor too, and 1 such in all",
    ),
    "odd": (state_of(entities=lambda table: table[:, 1:]), "rows of 7 numbers are no complex vectors"),
    "narrow": (
        state_of(entities=lambda table: table[:, 2:]),
        "relations are 4 numbers wide beside entities of 6",
    ),
    "no rotation": (state_of(relations=lambda table: table * 2), "55 relations are no rotations"),
    "no ids": (
        lambda folder: (folder / "training_triples" / "entity_to_id.tsv.gz").unlink(),
        r"there is no entity_to_id.tsv.gz. In PyKEEN, write it with: training.to_path_binary\(FOLDER\)",
    ),
    "two states": (lambda folder: (folder / "other.pt").touch(), "there are 2 files .pt or .pth"),
    "whole model": (
        lambda folder: (folder / "model.pt").rename(folder / "trained_model.pkl"),
        r"a whole model is a pickle, .* is not opened. In PyKEEN, write the state with",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_and_nothing_is_left(tmp_path, case):
    data = Nations()
    spoil, said = BAD[case]
    saved_by_pykeen(tmp_path / "model", "rotate_l2", data.training, "torch.save")
    spoil(tmp_path / "model")
    with pytest.raises(BadInput, match=said):
        import_vectors(
            Source(tmp_path / "model", "pykeen", "rotate_l2"), tmp_path / "in", nations_graph(data), "key"
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["model"]
