"""OpenKE's formulas, as its PyTorch branch has them, over the JSON give our scores."""

import json
import math

import numpy as np
import pytest
import torch

from loregraft.kge.exchange.exporting import export_vectors
from loregraft.kge.exchange.openke import MODELS

TRIPLES = [("E:1", "next", "E:2"), ("E:3", "before", "E:2"), ("E:9", "fifth", "E:30")]


def length(p):
    return lambda h, r, t: -(h["ent"] + r["rel"] - t["ent"]).norm(p=p, dim=-1)


def onto(e, r):
    unit = torch.nn.functional.normalize(r["norm_vector"], dim=-1)
    return e["ent"] - (e["ent"] * unit).sum(-1, keepdim=True) * unit


def into(e, r):
    matrix = r["transfer_matrix"].view(-1, 8, 8)
    return torch.matmul(e["ent"].view(-1, 1, 8), matrix).view(-1, 8)


def complex_sum(h, r, t):
    """What its ComplEx has."""
    total = h["re"] * t["re"] * r["re"] + h["im"] * t["im"] * r["re"]
    return (total + h["re"] * t["im"] * r["im"] - h["im"] * t["re"] * r["im"]).sum(-1)


def hole(h, r, t):
    found = torch.fft.ifft(torch.fft.fft(h["ent"]).conj() * torch.fft.fft(t["ent"])).real
    return (found * r["rel"]).sum(-1)


def rotate(h, r, t):
    phase = r["rel"] / ((6.0 + 2.0) / 4 / math.pi)
    (a, b), (c, d) = h["ent"].chunk(2, -1), t["ent"].chunk(2, -1)
    real, imaginary = a * phase.cos() - b * phase.sin() - c, a * phase.sin() + b * phase.cos() - d
    return -torch.stack([real, imaginary]).norm(dim=0).sum(-1)


FORMULAS = {
    "transe": length(2),
    "transe_l1": length(1),
    "transh": lambda h, r, t: -(onto(h, r) + r["rel"] - onto(t, r)).norm(dim=-1),
    "transr": lambda h, r, t: -(into(h, r) + r["rel"] - into(t, r)).norm(dim=-1),
    "rescal": lambda h, r, t: (
        -(h["ent"] * torch.matmul(r["rel_matrices"].view(-1, 8, 8), t["ent"].view(-1, 8, 1)).view(-1, 8)).sum(
            -1
        )
    ),
    "distmult": lambda h, r, t: (h["ent"] * r["rel"] * t["ent"]).sum(-1),
    "hole": hole,
    "complex": complex_sum,
    "analogy": lambda h, r, t: -complex_sum(h, r, t) - (h["ent"] * t["ent"] * r["rel"]).sum(-1),
    "rotate": rotate,
}


def rows(parameters, kind, indexes):
    """The rows of entities (ent) or relations, by the short names that the formulas use."""
    short = {f"{kind}_embeddings": kind, f"{kind}_re_embeddings": "re", f"{kind}_im_embeddings": "im"}
    names = short | (
        {} if kind == "ent" else {name: name for name in ("norm_vector", "transfer_matrix", "rel_matrices")}
    )
    return {
        names[name]: torch.tensor(values, dtype=torch.float32)[indexes]
        for name, values in parameters.items()
        if name in names
    }


def numbers(path):
    lines = path.read_text().splitlines()
    found = dict(line.split("\t") for line in lines[1:])
    assert int(lines[0]) == len(found)
    return {id: int(number) for id, number in found.items()}


@pytest.mark.parametrize("model", FORMULAS)
def test_scores_are_ours(make, tmp_path, model):
    vectors = make(model)
    export_vectors(vectors, tmp_path / "out", "openke")
    named = json.loads((tmp_path / "out" / "embedding.vec.json").read_text())
    assert all(name.endswith(".weight") for name in named)
    parameters = {name.removesuffix(".weight"): values for name, values in named.items()}
    entities, relations = (numbers(tmp_path / "out" / f"{what}2id.txt") for what in ("entity", "relation"))
    h, r, t = zip(*TRIPLES, strict=True)
    found = FORMULAS[model](
        rows(parameters, "ent", [entities[id] for id in h]),
        rows(parameters, "rel", [relations[id] for id in r]),
        rows(parameters, "ent", [entities[id] for id in t]),
    )
    expected = vectors.score(TRIPLES)
    assert np.std(expected) > 0 and found.numpy() == pytest.approx(expected, rel=1e-5, abs=1e-7)


def test_all_models_are_compared():
    assert sorted(FORMULAS) == sorted(MODELS)
