"""DGL-KE's formulas over its files give our scores, and its files come back as they were."""

import json
import math

import numpy as np
import pytest
import torch

from loregraft.errors import BadInput
from loregraft.kge.exchange.dglke import MODELS
from loregraft.kge.exchange.exporting import export_vectors
from loregraft.kge.exchange.importing import Source, import_vectors
from loregraft.kge.vectors import open_vectors

TRIPLES = [("E:1", "next", "E:2"), ("E:3", "before", "E:2"), ("E:9", "fifth", "E:30")]


def complex_sum(h, r, t):
    (a, b), (c, d), (e, f) = h.chunk(2, -1), r.chunk(2, -1), t.chunk(2, -1)
    return (a * e * c + b * f * c + a * f * d - b * e * d).sum(-1)


def rotate(h, r, t, gamma):
    phase = r / ((gamma + 2.0) / r.shape[1] / math.pi)
    (a, b), (c, d) = h.chunk(2, -1), t.chunk(2, -1)
    real, imaginary = a * phase.cos() - b * phase.sin() - c, a * phase.sin() + b * phase.cos() - d
    return gamma - torch.stack([real, imaginary]).norm(dim=0).sum(-1)


def simple(h, r, t):
    (a, b), (c, d), (e, f) = h.chunk(2, -1), r.chunk(2, -1), t.chunk(2, -1)
    return ((a * c * f + e * d * b).sum(-1) / 2).clamp(-20, 20)


FORMULAS = {
    "transe": lambda h, r, t: -(h + r - t).norm(p=2, dim=-1),
    "transe_l1": lambda h, r, t: -(h + r - t).norm(p=1, dim=-1),
    "distmult": lambda h, r, t: (h * r * t).sum(-1),
    "complex": complex_sum,
    "rescal": lambda h, r, t: (h * torch.matmul(r.view(-1, 8, 8), t.unsqueeze(-1)).squeeze(-1)).sum(-1),
    "rotate": lambda h, r, t: rotate(h, r, t, 0.0),
    "simple": simple,
}


def numbers(path):
    return {id: int(number) for number, id in (line.split("\t") for line in path.read_text().splitlines())}


@pytest.mark.parametrize("model", FORMULAS)
def test_scores_are_ours(make, tmp_path, model):
    vectors = make(model)
    export_vectors(vectors, tmp_path / "out", "dglke")
    config = json.loads((tmp_path / "out" / "config.json").read_text())
    name = f"{config['dataset']}_{config['model']}"
    entity, relation = (
        torch.from_numpy(np.load(tmp_path / "out" / f"{name}_{what}.npy")) for what in ("entity", "relation")
    )
    assert entity.shape[1] == config["emb_size"] * (2 if config["double_ent"] else 1)
    entities, relations = (numbers(tmp_path / "out" / f"{what}.tsv") for what in ("entities", "relations"))
    h, r, t = zip(*TRIPLES, strict=True)
    rows = (
        entity[[entities[id] for id in h]],
        relation[[relations[id] for id in r]],
        entity[[entities[id] for id in t]],
    )
    expected = vectors.score(TRIPLES)
    assert np.std(expected) > 0 and FORMULAS[model](*rows).numpy() == pytest.approx(
        expected, rel=1e-5, abs=1e-6
    )


def test_all_models_are_compared():
    assert sorted(FORMULAS) == sorted(MODELS)


@pytest.mark.parametrize("model", FORMULAS)
def test_what_is_written_comes_back(make, ring_graph, tmp_path, model):
    vectors = make(model)
    export_vectors(vectors, tmp_path / "out", "dglke")
    told = import_vectors(Source(tmp_path / "out", "dglke", model), tmp_path / "in", ring_graph, "graph key")
    back = open_vectors(tmp_path / "in")
    assert (back.ids, back.relation_ids, back.graph_key) == (vectors.ids, vectors.relation_ids, "graph key")
    assert (back.settings.model, back.settings.dim, back.settings.reciprocal) == (model, 8, False)
    assert torch.equal(back.tables.entities.values, vectors.tables.entities.values)
    assert torch.allclose(back.tables.relations.values, vectors.tables.relations.values, rtol=1e-6)
    assert told["entities"] == 40 and told["entities_of_zeros"] == told["entities_left_out"] == 0


def saved_by_dglke(folder, gamma, graph, model="RotatE"):
    """What its training saves: another order of ids, another gamma, doubles here and there."""
    folder.mkdir()
    generator = np.random.default_rng(0)
    entities = generator.normal(size=(40, 8)).astype(np.float32)
    relations = generator.normal(size=(4, 4))
    np.save(folder / f"FB15k_{model}_entity.npy", entities)
    np.save(folder / f"FB15k_{model}_relation.npy", relations)
    ids, names = list(reversed(graph.ids)), list(reversed(graph.relation_ids))
    (folder / "entities.dict").write_text("".join(f"{row}\t{id}\n" for row, id in enumerate(ids)))
    (folder / "relations.dict").write_text("".join(f"{row}\t{id}\n" for row, id in enumerate(names)))
    (folder / "config.json").write_text(json.dumps({"gamma": gamma, "emb_size": 4}))
    return ids, names, torch.from_numpy(entities), torch.from_numpy(relations).float()


def test_angles_are_read_by_gamma(ring_graph, tmp_path):
    ids, names, entities, relations = saved_by_dglke(tmp_path / "ckpts", 12.0, ring_graph)
    import_vectors(Source(tmp_path / "ckpts", "dglke", "rotate"), tmp_path / "in", ring_graph, "key")
    back = open_vectors(tmp_path / "in")
    h, r, t = zip(*TRIPLES, strict=True)
    rows = ([ids.index(id) for id in h], [names.index(id) for id in r], [ids.index(id) for id in t])
    expected = rotate(entities[rows[0]], relations[rows[1]], entities[rows[2]], 12.0) - 12
    assert back.score(TRIPLES) == pytest.approx(expected.numpy(), rel=1e-5)


def change(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def entity_of(array, **how):
    return lambda folder: np.save(folder / "FB15k_RotatE_entity.npy", array, **how)


class Trap:
    def __reduce__(self):
        return (open, ("trap", "w"))


NAN = np.ones((40, 8), np.float32)
NAN[3, 1] = np.nan
BAD = {
    "nan": (
        entity_of(NAN),
        r"row 3 of the entities has a number that is none \(NaN\) or infinite, as have 1 rows",
    ),
    "fewer": (entity_of(np.ones((39, 8), np.float32)), "there are 39 rows of entities and 40 ids"),
    "narrow": (entity_of(np.ones((40, 6), np.float32)), "relations are 4 numbers wide beside entities of 6"),
    "odd": (
        entity_of(np.ones((40, 7), np.float32)),
        "entities are 7 numbers wide, and rotate needs a multiple of 2",
    ),
    "flat": (entity_of(np.ones(40, np.float32)), r"no table of fractions but float32 of the shape \(40,\)"),
    "whole": (entity_of(np.ones((40, 8), np.int64)), "no table of fractions but int64"),
    "objects": (entity_of(np.array([Trap()]), allow_pickle=True), "this is no matrix of numbers"),
    "nonsense": (change("FB15k_RotatE_entity.npy", b"nonsense"), "this is no matrix of numbers"),
    "empty": (change("FB15k_RotatE_entity.npy", b""), "this is no matrix of numbers"),
    "gamma": (change("config.json", b"{}"), "gamma, without which angles have no size, cannot be read"),
    "no ids": (lambda folder: (folder / "entities.dict").unlink(), "there is no entities.tsv. Copy"),
    "another": (
        lambda folder: (folder / "FB15k_RotatE_entity.npy").rename(folder / "a_ComplEx_entity.npy"),
        r"there are 0 files \*_RotatE_entity.npy; the folder has FB15k_RotatE_relation.npy, a_ComplEx",
    ),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named_and_nothing_is_left(ring_graph, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)
    spoil, said = BAD[case]
    saved_by_dglke(tmp_path / "ckpts", 12.0, ring_graph)
    spoil(tmp_path / "ckpts")
    with pytest.raises(BadInput, match=said):
        import_vectors(Source(tmp_path / "ckpts", "dglke", "rotate"), tmp_path / "in", ring_graph, "key")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ckpts"]
