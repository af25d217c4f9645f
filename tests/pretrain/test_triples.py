"""Triples in words: which part is hidden, by which names, and the loss beside one written out in loops."""

import math

import numpy as np
import pytest
import torch

from loregraft.corpus.mask import Masked
from loregraft.corpus.verbalize import HELD_OUT, templates_of
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.pretrain.make import word_head
from loregraft.pretrain.objectives.masked import MaskedItem
from loregraft.pretrain.objectives.triples import TripleSettings, TripleWords
from loregraft.pretrain.trunk import Trunk


@pytest.fixture
def make(tiny_encoder, knowledge):
    def made(rows=None, **settings):
        torch.manual_seed(0)
        trunk = Trunk(tiny_encoder)
        settings = TripleSettings(**settings)
        objective = TripleWords(trunk, knowledge, settings, head=word_head(trunk), rows=rows)
        return trunk, objective

    return made


def filled(masked: Masked) -> list[int]:
    """The tokens before any was hidden."""
    ids = list(masked.ids)
    for place, target in zip(masked.places, masked.targets, strict=True):
        ids[place] = target
    return ids


def names_of(knowledge, entity: str, kinds=("preferred", "exact", "lay", "abbreviation")) -> set[str]:
    return {name.text.lower() for name in knowledge.graph.entity(entity).names if name.kind in kinds}


@torch.no_grad()
def slow_loss(trunk, head, masked: list[Masked]) -> float:
    """Devlin et al. 2019: -log P(token | text), with P by transform, norm and tied words, in plain loops."""
    table, bias = trunk.table.double().tolist(), head.bias.tolist()
    total = 0.0
    for one in masked:
        hidden = trunk.model(input_ids=torch.tensor([one.ids])).last_hidden_state[0].double().tolist()
        for place, target in zip(one.places, one.targets, strict=True):
            row = []
            weights, shifts = head.transform.weight.tolist(), head.transform.bias.tolist()
            for weight, shift in zip(weights, shifts, strict=True):
                x = shift + sum(w * h for w, h in zip(weight, hidden[place], strict=True))
                row.append(x * 0.5 * (1 + math.erf(x / math.sqrt(2))))
            mean = sum(row) / len(row)
            variance = sum((x - mean) ** 2 for x in row) / len(row)
            scale, add = head.norm.weight.tolist(), head.norm.bias.tolist()
            row = [
                (x - mean) / math.sqrt(variance + head.norm.eps) * a + b
                for x, a, b in zip(row, scale, add, strict=True)
            ]
            scores = [sum(x * w for x, w in zip(row, words, strict=True)) for words in table]
            scores = [score + b for score, b in zip(scores, bias, strict=True)]
            total += math.log(sum(math.exp(score) for score in scores)) - scores[target]
    return total


def test_loss_equals_plain_loops(make):
    trunk, objective = make()
    torch.nn.init.normal_(objective.head.bias)
    items = objective.items(3, 0)
    loss = objective.loss(trunk, items)
    hidden = [item.masked for item in items]
    assert loss.count == sum(len(one.targets) for one in hidden) > 0
    assert loss.total.item() == pytest.approx(slow_loss(trunk, objective.head, hidden), rel=1e-4)


def test_zero_where_nothing_is_hidden(make):
    """No items, and a sentence that lost the only part that may be hidden."""
    trunk, objective = make(parts=("tail",), max_tokens=8)
    items = [item for step in range(8) for item in objective.items(0, step)]
    bare = [item for item in items if not item.masked.places]
    assert bare and len(bare) < len(items)
    for some in ([], bare):
        loss = objective.loss(trunk, some)
        assert loss.count == 0 and loss.total.item() == 0.0


def test_another_part_is_hidden_where_one_was_cut_off(make):
    """The sentence is drawn before the part, so that three objectives read the same ones."""
    made = [
        make(max_tokens=12, **settings)[1] for settings in ({"parts": ("head",)}, {"parts": ("tail",)}, {})
    ]
    rows = [row for step in range(8) for row in zip(*(one.items(0, step) for one in made), strict=True)]
    cut = [any_ for head, tail, any_ in rows if head.masked.places and not tail.masked.places]
    assert len(cut) > 10 and all(item.masked.places for item in cut)


@pytest.mark.parametrize("part", ["head", "relation", "tail"])
def test_a_part_is_masked_as_a_whole(make, knowledge, part):
    """What is hidden is one run of tokens and exactly a name, or the relation's words."""
    _, objective = make(parts=(part,), batch=64)
    tokenizer, mask = objective.tokenizer, objective.vocabulary.mask
    said = {tuple(tokenizer(words, add_special_tokens=False)["input_ids"]) for words in knowledge.relations}
    for name in knowledge.graph.names["name"].to_pylist():
        if part != "relation":
            said.add(tuple(tokenizer(name, add_special_tokens=False)["input_ids"]))
    for step in range(4):
        for item in objective.items(0, step):
            places = item.masked.places
            assert places == list(range(places[0], places[-1] + 1))
            assert all(item.masked.ids[place] == mask for place in places)
            assert tuple(item.masked.targets) in said
    relations = {
        tuple(tokenizer(words, add_special_tokens=False)["input_ids"]) for words in knowledge.relations
    }
    hidden = {tuple(item.masked.targets) for item in objective.items(0, 0)}
    assert (hidden <= relations) == (part == "relation")


def test_each_part_is_drawn(make, knowledge):
    """All parts in turn for one triple: with `parts` of three, the hidden runs are of three kinds."""
    _, objective = make(rows=np.array([0]), aliases=False)
    fact = knowledge.graph.triple(0)
    ends = [knowledge.names[knowledge.graph.index(end)] for end in (fact.head, fact.tail)]
    relation = knowledge.relations[int(knowledge.graph.relation_indexes[0])]
    wanted = {tuple(objective.tokenizer(w, add_special_tokens=False)["input_ids"]) for w in (*ends, relation)}
    found = {tuple(objective.items(0, step)[0].masked.targets) for step in range(40)}
    assert found == wanted


def sentences(objective, row: int, seeds: int = 60) -> set[str]:
    return {objective.sentence(row, np.random.default_rng(seed)).text.lower() for seed in range(seeds)}


def test_names_and_wordings_are_drawn(make, knowledge):
    """Names that mean the same only: "Swine influenza" is narrower; wordings held out for probes never."""
    _, objective = make()
    _, strict = make(aliases=False)
    row = next(r for r in range(objective.size) if knowledge.graph.triple(r).head == "D:2")
    fact = knowledge.graph.triple(row)
    relation = knowledge.relations[int(knowledge.graph.relation_indexes[row])]
    wordings = templates_of(relation)
    every = {
        wording.format(h=head, r=relation.lower(), t=tail).lower()
        for head in names_of(knowledge, "D:2")
        for tail in names_of(knowledge, fact.tail)
        for wording in wordings
    }
    told = sentences(objective, row, 400)
    assert told == every and not any("swine" in sentence for sentence in told)
    assert len(sentences(strict, row)) == len(wordings)
    assert not {HELD_OUT[0].format(h=h, r=relation, t=t) for h, t in [("influenza", "fever")]} & told


def test_facts_known_to_be_false_are_never_told(make, knowledge):
    """D:2 has_phenotype P:5 is negated in the graph."""
    _, objective = make(batch=64)
    told = [knowledge.graph.triple(int(row)) for row in objective.rows]
    assert len(told) == 11
    assert ("D:2", "P:5") not in {(fact.head, fact.tail) for fact in told}
    for row in range(objective.size):
        for sentence in sentences(objective, row, 10):
            about = any(name in sentence for name in names_of(knowledge, "D:2"))
            assert not (about and any(name in sentence for name in names_of(knowledge, "P:5")))


def test_only_some_rows_are_told(make, knowledge):
    rows = np.array([2, 7])
    _, objective = make(rows=rows, batch=1, aliases=False, parts=("tail",))
    assert objective.size == 2
    tails = {knowledge.names[int(knowledge.graph.tails[row])] for row in rows}
    wanted = {tuple(objective.tokenizer(name, add_special_tokens=False)["input_ids"]) for name in tails}
    found = {tuple(objective.items(0, step)[0].masked.targets) for step in range(10)}
    assert found == wanted
    with pytest.raises(ValueError, match="11 triples, and no row 11"):
        make(rows=np.array([0, 11]))


def graph_of(*columns) -> Knowledge:
    return Knowledge(KnowledgeGraph.gather(list(columns), source="made"))


def test_what_has_no_name_is_left_out_and_counted(tiny_encoder):
    """Ids are not words: a triple with an unnamed end is not told."""
    triples = Columns("triples", {"head": ["a", "a"], "relation": ["r", "r"], "tail": ["b", "c"]})
    names = Columns("names", {"entity": ["a", "b"], "name": ["fever", "rash"], "kind": ["exact", "exact"]})
    trunk = Trunk(tiny_encoder)
    objective = TripleWords(trunk, graph_of(triples, names), TripleSettings(), head=word_head(trunk))
    assert (objective.size, objective.unnamed) == (1, 1)
    with pytest.raises(BadInput, match="of 2 triples none has names"):
        TripleWords(trunk, graph_of(triples), TripleSettings(), head=word_head(trunk))


def test_a_graph_without_triples_is_refused(tiny_encoder):
    names = Columns("names", {"entity": ["a"], "name": ["fever"], "kind": ["exact"]})
    trunk = Trunk(tiny_encoder)
    with pytest.raises(BadInput, match="there is no triple"):
        TripleWords(trunk, graph_of(names), TripleSettings(), head=word_head(trunk))


def test_hidden_tokens_stand_in_the_sentence(make, knowledge):
    """Put back, they give a sentence of the verbalizer, special tokens around it."""
    _, objective = make(rows=np.array([1]))
    every = {tuple(objective.tokenizer(sentence)["input_ids"]) for sentence in sentences(objective, 1, 400)}
    for step in range(20):
        item = objective.items(0, step)[0]
        assert isinstance(item, MaskedItem) and tuple(filled(item.masked)) in every
