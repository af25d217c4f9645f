"""Joint knowledge embedding: KEPLER and SimKGC against plain loops, leaks, wrong triples, and zero."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from loregraft.corpus.corpus import read_corpus
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.pretrain.make import make_objective
from loregraft.pretrain.objectives.described import hidden
from loregraft.pretrain.objectives.embed import KeplerSettings, SimkgcSettings


def made(name, trunk, knowledge, **chosen):
    torch.manual_seed(0)
    corpus = read_corpus(["fever"], [[]], trunk.encoder.tokenizer, knowledge.index)
    kind = {"kepler": KeplerSettings, "simkgc": SimkgcSettings}[name]
    return make_objective(name, trunk, corpus, knowledge, kind(**chosen))


def decode(trunk, ids):
    known = trunk.encoder.tokenizer.decode(ids[1:-1]).replace("[UNK]", "")  # a colon is unknown
    return " ".join(known.split())


def leaky(**parts):
    """A graph in which descriptions name the other end; D has only a name."""
    columns = [
        Columns(
            "names", {"entity": list("ABBCD"), "name": ["Measles", "Fever", "Pyrexia", "Rash", "Asthma"]}
        ),
        Columns(
            "descriptions",
            {"entity": list("ABC"), "text": ["Fever with rash", "Measles has it", "Skin, not feverish"]},
        ),
        Columns("triples", {"head": ["A", "D"], "relation": ["r", "r"], "tail": ["B", "C"], **parts}),
    ]
    return Knowledge(KnowledgeGraph.gather(columns))


@pytest.mark.parametrize("norm", [1, 2])
@torch.no_grad()
def test_kepler_is_the_loop_of_the_paper(norm, trunk, knowledge):
    """-log s(g - d(h, t)) - sum over n wrong triples of log s(d(h', t') - g) / n."""
    objective = made("kepler", trunk, knowledge, norm=norm, negatives=2, gamma=3.0)
    items, expected = objective.items(0, 0), 0.0
    vector = {tuple(text): trunk.read([text])[0] for item in items for text in item.texts}

    def distance(head, relation, tail):
        parts = (vector[tuple(head)] + objective.relations[relation] - vector[tuple(tail)]).tolist()
        return sum(abs(part) ** norm for part in parts) ** (1 / norm)

    for item in items:
        expected += math.log1p(math.exp(distance(item.head, item.relation, item.tail) - 3.0))
        wrong = [(head, item.tail) for head in item.heads] + [(item.head, tail) for tail in item.tails]
        assert len(wrong) == 4
        for head, tail in wrong:
            expected += math.log1p(math.exp(3.0 - distance(head, item.relation, tail))) / 4
    loss = objective.loss(trunk, items)
    assert loss.count == len(items) == 11
    assert loss.total.item() == pytest.approx(expected, rel=1e-4)


def test_kepler_is_near_zero_where_true_triples_fit_and_wrong_ones_do_not(trunk, knowledge):
    """Vectors put by hand: all true ends at one place, wrong ones far away; gamma is large."""
    objective = made("kepler", trunk, knowledge, gamma=30.0)
    objective.relations.data.zero_()
    items = objective.items(0, 0)
    far = {id(text) for item in items for text in (*item.heads, *item.tails)}
    trunk.read = lambda texts: torch.cat([torch.full((len(t), 32), 100.0 * (id(t) in far)) for t in texts])
    assert objective.loss(trunk, items).total.item() == pytest.approx(0, abs=1e-4)


def test_wrong_triples_are_not_true(trunk, tiny_graph, knowledge):
    objective = made("kepler", trunk, knowledge, negatives=3)
    words = {objective.described.description(e).casefold(): e for e in range(len(tiny_graph))}
    tokens = {tuple(objective.described.tokens([text])[0]): e for text, e in words.items()}
    columns = tiny_graph.heads, tiny_graph.relation_indexes, tiny_graph.tails
    true, tried = set(zip(*(column.tolist() for column in columns), strict=True)), 0
    for item in (item for step in range(10) for item in objective.items(0, step)):
        tail, heads = tokens[tuple(item.tail)], [tokens.get(tuple(ids)) for ids in item.heads]
        for head in heads:
            if head is not None:  # a name in it may be hidden
                tried += 1
                assert (head, item.relation, tail) not in true
        for wrong in item.tails:
            if tuple(item.head) in tokens:
                assert (tokens[tuple(item.head)], item.relation, tokens[tuple(wrong)]) not in true
    assert tried > 50


def test_a_triple_without_wrong_ends_is_still_learned(trunk):
    """With one relation from everything to everything no wrong triple can be drawn."""
    names = Columns("names", {"entity": ["A", "B"], "name": ["Rash", "Fever"]})
    triples = Columns("triples", {"head": list("AABB"), "relation": ["r"] * 4, "tail": list("ABAB")})
    objective = made("kepler", trunk, Knowledge(KnowledgeGraph.gather([names, triples])))
    items = objective.items(0, 0)
    assert len(items) == 4 and not any(item.heads or item.tails for item in items)
    assert objective.loss(trunk, items).total.item() > 0


@pytest.mark.parametrize("hide", [True, False])
def test_the_answer_is_hidden_in_the_description_of_what_is_asked(hide, trunk):
    """`Fever with rash` tells that measles brings fever; all names of fever go, rash stays."""
    knowledge = leaky()
    items = made("kepler", trunk, knowledge, hide_answer=hide).items(0, 0)
    heads = sorted(decode(trunk, item.head) for item in items)
    assert heads == sorted(["[MASK] with rash" if hide else "fever with rash", "asthma"])
    objective = made("simkgc", trunk, knowledge, hide_answer=hide)
    asked = sorted(decode(trunk, item.asked) for item in objective.items(0, 0))
    assert any(f"measles {'[MASK]' if hide else 'fever'} with rash" in one for one in asked)
    assert any(f"fever {'[MASK]' if hide else 'measles'} has it" in one for one in asked)
    answers = [decode(trunk, item.answer) for item in objective.items(0, 0)]
    assert any("measles fever with rash" in one for one in answers)


def test_hidden_names_are_whole_words_the_longest_first():
    names = ["fever", "high fever", "C++", "发热"]
    assert hidden("High fever, fever; feverish 有发热的 c++!", names, "_") == "_, _; feverish 有_的 _!"
    assert hidden("as it is", [], "_") == "as it is"


@pytest.mark.parametrize("own", [True, False])
@torch.no_grad()
def test_simkgc_is_the_loop_of_the_paper(own, trunk, knowledge):
    """-log of e^((cos - margin) / t) over itself and the sum over wrong answers of e^(cos / t), both ways."""
    objective = made("simkgc", trunk, knowledge, self_negatives=own, temperature=0.5, margin=0.1)
    items, settings = objective.items(0, 0), objective.settings
    assert len(items) == 22 and settings.batch == 64
    texts = [text for i in items for text in (i.asked, i.answer, i.given) if text]
    unit = {tuple(text): F.normalize(trunk.read([text]).mean(0), dim=0) for text in texts}
    asked = objective.questions
    given, sides, answers = asked.given.tolist(), asked.sides.tolist(), asked.answers.tolist()
    true, expected = set(zip(given, sides, answers, strict=True)), 0.0

    def exp(question, answer, margin=0.0):
        return math.exp((float(unit[tuple(question)] @ unit[tuple(answer)]) - margin) / 0.5)

    for item in items:
        right = exp(item.asked, item.answer, 0.1)
        key = given[item.row], sides[item.row]
        wrong = sum(exp(item.asked, o.answer) for o in items if (*key, answers[o.row]) not in true)
        if own and (*key, given[item.row]) not in true:
            wrong += exp(item.asked, item.given)
        expected -= math.log(right / (right + wrong))
        back = [o for o in items if (given[o.row], sides[o.row], answers[item.row]) not in true]
        expected -= math.log(right / (right + sum(exp(o.asked, item.answer) for o in back)))
    loss = objective.loss(trunk, items)
    assert loss.count == 22
    assert loss.total.item() == pytest.approx(expected, rel=1e-4)


def test_simkgc_is_zero_where_no_answer_is_wrong(trunk, knowledge):
    objective = made("simkgc", trunk, knowledge, self_negatives=False)
    assert objective.loss(trunk, objective.items(0, 0)[:1]).total.item() == 0
    assert objective.loss(trunk, []).total.item() == 0


@pytest.mark.parametrize("name", ["kepler", "simkgc"])
def test_a_triple_counts_by_its_confidence(name, trunk):
    """Half as sure, half as much."""
    totals = []
    for confidence in (1.0, 0.5):
        objective = made(name, trunk, leaky(confidence=[confidence] * 2))
        totals.append(objective.loss(trunk, objective.items(0, 0)).total.item())
    assert totals[1] == pytest.approx(totals[0] / 2, rel=1e-5)


@pytest.mark.parametrize("name", ["kepler", "simkgc"])
def test_facts_of_valid_and_test_are_not_learned(name, trunk):
    objective = made(name, trunk, leaky(split=["train", "test"]))
    assert objective.size == (1 if name == "kepler" else 2)
    with pytest.raises(BadInput, match="no triple of train has two entities with a text"):
        made(name, trunk, leaky(split=["valid", "test"]))


def test_a_fact_stated_twice_is_one(trunk):
    ends = {"head": ["A"] * 2, "relation": ["r"] * 2, "tail": ["B"] * 2}
    columns = Columns("triples", {**ends, "source": ["x", "y"]})
    names = Columns("names", {"entity": ["A", "B"], "name": ["Rash", "Fever"]})
    graph = KnowledgeGraph.gather([columns, names])
    assert len(graph.tails) == 2
    assert made("kepler", trunk, Knowledge(graph)).size == 1


def test_long_texts_lose_their_end(trunk, knowledge):
    objective = made("kepler", trunk, knowledge, max_tokens=6)
    assert max(len(text) for item in objective.items(0, 0) for text in item.texts) == 6
    assert np.isfinite(objective.loss(trunk, objective.items(0, 0)).total.item())
