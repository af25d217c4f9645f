"""PyKEEN as oracle: the same formulas for the same vectors, and the same metrics for the same triples."""

import numpy as np
import pytest
import torch

from loregraft.kge.judging.evaluate import metrics, rank_part
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Triples
from loregraft.kge.scorers import SCORERS
from loregraft.kge.scorers.scorer import halves
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables

pytest.importorskip("pykeen")

from pykeen.datasets import Nations, UMLS, Kinships  # noqa: I001
from pykeen.evaluation import RankBasedEvaluator
from pykeen.evaluation.rank_based_evaluator import RankBasedMetricKey
from pykeen.models import ComplEx, DistMult, TransE
from pykeen.nn import modules
from pykeen.utils import negative_norm

DIM, COUNT = 8, 20
SPREAD = 0.05
"""Small, so that PyKEEN's clamps (projections of TransR and TransD to length 1) change nothing."""


def split(x):
    """A complex vector of one whose real parts stand first."""
    return torch.complex(*halves(x))


def square(r):
    return r.reshape(len(r), DIM, DIM)


def transh(h, r, t):
    step, normal = halves(r)
    unit = torch.nn.functional.normalize(normal, dim=-1)  # PyKEEN's constraint on the table
    return modules.TransHInteraction(p=2, power_norm=False)(h, (unit, step), t)


def transr(h, r, t):
    relation = r[:, :DIM], square(r[:, DIM:])
    return modules.TransRInteraction(p=2, power_norm=False)(h, relation, t)


def transd(h, r, t):
    return modules.TransDInteraction(p=2, power_norm=False)(halves(h), halves(r), halves(t))


def rotate_l2(h, r, t):
    """PyKEEN's RotatE takes the length of the whole vector: our variant, not the paper's sum."""
    return modules.RotatEInteraction()(split(h), torch.polar(torch.ones_like(r), r), split(t))


def rotate(h, r, t):
    turned = split(h) * torch.polar(torch.ones_like(r), r)
    return negative_norm(turned - split(t), p=1)


def cp(h, r, t):
    return modules.CPInteraction()(halves(h)[0][:, None], r[:, None], halves(t)[1][:, None])


def simple(h, r, t):
    """The interaction alone, without the clamp that PyKEEN's model can add.

    The tail's roles are changed, as in the paper; PyKEEN 1.11.1's model does not do it (it scores a
    head as head with the tail as head, which is DistMult twice).
    """
    return modules.SimplEInteraction()(halves(h), halves(r), halves(t)[::-1])


INTERACTIONS = {
    "transe": modules.TransEInteraction(p=2),
    "transe_l1": modules.TransEInteraction(p=1),
    "transh": transh,
    "transr": transr,
    "transd": transd,
    "rescal": lambda h, r, t: modules.RESCALInteraction()(h, square(r), t),
    "distmult": modules.DistMultInteraction(),
    "hole": modules.HolEInteraction(),
    "complex": lambda h, r, t: modules.ComplExInteraction()(split(h), split(r), split(t)),
    "simple": simple,
    "cp": cp,
    "rotate": rotate,
    "rotate_l2": rotate_l2,
}


def vectors(name):
    scorer, generator = SCORERS[name], torch.Generator().manual_seed(0)
    widths = (scorer.entity_width(DIM), scorer.relation_width(DIM), scorer.entity_width(DIM))
    return [torch.randn(COUNT, width, generator=generator).double() * SPREAD for width in widths]


def test_all_scorers_that_pykeen_has_are_compared():
    assert sorted([*INTERACTIONS, "tucker", "analogy"]) == sorted(SCORERS)  # PyKEEN has no ANALOGY


@pytest.mark.parametrize("name", INTERACTIONS)
def test_scores_are_pykeens(name):
    h, r, t = vectors(name)
    found, expected = SCORERS[name].score(h, r, t), INTERACTIONS[name](h, r, t)
    assert found.shape == expected.shape == (COUNT,)
    assert expected.std() > 0 and torch.allclose(found, expected, rtol=1e-9, atol=0)


def test_tuckers_scores_are_pykeens():
    """Its core has the relation in the middle, ours first."""
    scorer, generator = SCORERS["tucker"], torch.Generator().manual_seed(1)
    peer = modules.TuckERInteraction(DIM, DIM, apply_batch_normalization=False).double().eval()
    core = torch.randn(DIM, DIM, DIM, generator=generator).double()
    with torch.no_grad():
        peer.core_tensor.copy_(core.permute(1, 0, 2))
        h, r, t = vectors("tucker")
        found = scorer.score(h, scorer.compose(r, core.reshape(DIM, -1)), t)
        assert torch.allclose(found, peer(h, r, t), rtol=1e-9, atol=0)


MODELS = {
    "distmult": (DistMult, {}),
    "transe": (TransE, {"scoring_fct_norm": 2}),
    "transe_l1": (TransE, {"scoring_fct_norm": 1}),
    "complex": (ComplEx, {}),
}


def interleaved(x):
    """Real and imaginary part of a number side by side, as PyKEEN keeps them."""
    return torch.view_as_real(split(x)).flatten(1)


def same_vectors(name, data):
    """Our tables and PyKEEN's model with the same vectors of small whole numbers.

    So scores are exact on both sides, and many are ties.
    """
    entities, relations = data.num_entities, data.num_relations
    tables = Tables.start(entities, relations, KgeSettings(model=name, dim=DIM, reciprocal=False))
    generator = torch.Generator().manual_seed(2)
    for table in (tables.entities, tables.relations):
        table.values.copy_(torch.randint(-2, 3, table.values.shape, generator=generator))
    model, options = MODELS[name]
    dim = DIM // 2 if name == "complex" else DIM
    peer = model(triples_factory=data.training, embedding_dim=dim, random_seed=0, **options)
    as_kept = interleaved if name == "complex" else lambda x: x
    with torch.no_grad():
        peer.entity_representations[0]._embeddings.weight.copy_(as_kept(tables.entities.values))
        peer.relation_representations[0]._embeddings.weight.copy_(as_kept(tables.relations.values))
    return tables, peer


def parts_of(data):
    columns = (part.mapped_triples.numpy().T for part in (data.training, data.validation, data.testing))
    return Parts(*(Triples.of(*part) for part in columns), data.num_entities, data.num_relations)


NAMES = {
    "mrr": "inverse_harmonic_mean_rank",
    "mr": "arithmetic_mean_rank",
    "hits@1": "hits_at_1",
    "hits@3": "hits_at_3",
    "hits@10": "hits_at_10",
    "amri": "adjusted_arithmetic_mean_rank_index",
}
"""Ours -> PyKEEN's."""


@pytest.mark.parametrize("dataset", [Nations, Kinships, UMLS])
@pytest.mark.parametrize("name", MODELS)
def test_metrics_are_pykeens(name, dataset):
    data = dataset()
    tables, peer = same_vectors(name, data)
    parts = parts_of(data)
    evaluator = RankBasedEvaluator(filtered=True)
    known = [data.training.mapped_triples, data.validation.mapped_triples]
    asked = data.testing.mapped_triples
    results = evaluator.evaluate(peer, asked, 64, additional_filter_triples=known, use_tqdm=False)
    ranks = rank_part(tables, parts, "test").ranks
    assert ranks.alike.sum() > 0 and (ranks.candidates < parts.entities).any()
    for ties in ("realistic", "optimistic", "pessimistic"):
        ranking = rank_part(tables, parts, "test", ties=ties)
        n = len(ranking.triples)
        for side, rows in {"tail": slice(n), "head": slice(n, None), "both": slice(None)}.items():
            found = metrics(ranking.values[rows], ranking.ranks.candidates[rows])
            for own, theirs in NAMES.items():
                expected = results.data[RankBasedMetricKey(side, ties, theirs)]
                assert found[own] == pytest.approx(expected, rel=1e-6, abs=1e-6), (ties, side, own)


def test_the_parts_hold_what_pykeen_holds():
    parts = parts_of(Nations())
    assert (len(parts.train), len(parts.valid), len(parts.test)) == (1592, 199, 201)
    assert not len(parts.unseen(parts.test)) and np.max(parts.train.relations) == parts.relations - 1
