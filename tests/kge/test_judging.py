"""All ways to judge vectors, on UMLS from training to figures: each beats what knows less, on real facts."""

import numpy as np
import pytest

from loregraft.kge.judging.calibration import calibrate_on, reliability
from loregraft.kge.judging.classify import classify, judge, popularity
from loregraft.kge.judging.evaluate import metrics, rank_part
from loregraft.kge.judging.relation_ranking import relation_summary
from loregraft.kge.judging.sampled import sample_part
from loregraft.kge.parts import Parts
from loregraft.kge.questions import Triples
from loregraft.kge.settings import KgeSettings
from loregraft.kge.tables import Tables
from loregraft.kge.training.train import train

pytest.importorskip("pykeen")

from dataclasses import replace

from pykeen.datasets import UMLS

SETTINGS = KgeSettings(dim=32, epochs=6, batch=256, negatives=64, workers=1)


@pytest.fixture(scope="module")
def umls():
    data = UMLS()
    columns = (part.mapped_triples.numpy().T for part in (data.training, data.validation, data.testing))
    return Parts(*(Triples.of(*part) for part in columns), data.num_entities, data.num_relations)


@pytest.fixture(scope="module", params=[True, False], ids=["reciprocal", "plain"])
def tables(umls, request):
    settings = SETTINGS.model_copy(update={"reciprocal": request.param})
    found = Tables.start(umls.entities, umls.relations, settings)
    train(found, umls, settings)
    return found


def test_thresholds_tell_true_from_false_better_than_popularity_and_probabilities_better_than_scores(
    umls, tables
):
    valid, test = judge(tables, umls, "valid"), judge(tables, umls, "test")
    ids = [str(relation) for relation in range(umls.relations)]
    told = classify(valid, test, ids)
    plain = classify(*(replace(one, scores=popularity(umls, one.triples)) for one in (valid, test)), ids)
    noise = np.random.default_rng(0)
    chance = classify(*(replace(one, scores=noise.random(len(one.labels))) for one in (valid, test)), ids)
    assert told["accuracy"] > plain["accuracy"] + 0.1 > 0.6 and abs(chance["accuracy"] - 0.5) < 0.05
    assert told["f1"] > plain["f1"] > chance["f1"]
    likely = reliability(calibrate_on(valid), test)
    assert likely["calibrated"]["brier"] < min(likely["uncalibrated"]["brier"], 0.2)
    assert likely["calibrated"]["ece"] < likely["uncalibrated"]["ece"]


def test_relations_are_ranked_far_above_chance_and_sampled_ranks_above_full_ones(umls, tables):
    told = relation_summary(tables, umls, "test")
    assert told["relation_mrr"] > 0.5 and told["relation_amri"] > 0.8
    full, few = rank_part(tables, umls, "test"), sample_part(tables, umls, "test", 10)
    mrr = [metrics(one.values, one.ranks.candidates)["mrr"] for one in (full, few)]
    assert 0.5 < mrr[0] < mrr[1] <= 1
