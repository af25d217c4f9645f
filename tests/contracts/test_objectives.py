"""What every objective of pre-training promises, over all objectives and nine families of encoders."""

import numpy as np
import pyarrow as pa
import pytest
import torch

from loregraft.corpus.corpus import Corpus, read_corpus
from loregraft.encoder.load import load_encoder
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.graph import KnowledgeGraph
from loregraft.pretrain.make import OBJECTIVES, make_objective
from loregraft.pretrain.objectives.objective import Loss
from loregraft.pretrain.trunk import Trunk
from loregraft.records import Link, Mention

NEED_LINKS = {name for name, kind in OBJECTIVES.items() if "links" in kind.needs}


@pytest.fixture(params=sorted(OBJECTIVES))
def name(request) -> str:
    if "lexicon" in OBJECTIVES[request.param].needs:
        pytest.skip("the tiny graph has no polarities: tests/pretrain/test_sentiment.py asks the same")
    return request.param


SENTENCES = [
    "Measles is a viral infection with fever and a rash",
    "Flu brings fever and headache each winter",
    "Asthma means trouble breathing",
    "The rash of measles follows the fever",
    "A headache on one side is migraine",
    "Influenza and measles are viral infection",
    "Tiredness comes with flu",
    "nothing to be linked here",
]
WORDS = {
    "measles": "D:1", "fever": "P:1", "rash": "P:5", "flu": "D:2", "influenza": "D:2", "headache": "P:2",
    "asthma": "D:3", "trouble breathing": "P:4", "migraine": "P:3", "viral infection": "D:4",
    "tiredness": "P:6",
}  # fmt: skip


def linked(text: str) -> list[Link]:
    lower, found = text.lower(), []
    for words, entity in WORDS.items():
        start = lower.find(words)
        if start >= 0:
            end = start + len(words)
            found.append(Link(Mention(start, end, text[start:end]), entity, 1.0))
    return found


def corpus_of(trunk, knowledge, texts=SENTENCES) -> Corpus:
    links = [linked(text) for text in texts]
    documents = [place // 2 for place in range(len(texts))]
    return read_corpus(texts, links, trunk.encoder.tokenizer, knowledge.index, 64, documents)


@pytest.fixture
def made(name, family, family_folders, knowledge):
    """A trunk of a family and an objective for it."""
    trunk = Trunk(load_encoder(family_folders[family]))
    torch.manual_seed(0)
    return trunk, make_objective(name, trunk, corpus_of(trunk, knowledge), knowledge)


def test_items_depend_on_seed_and_step_alone(made, name):
    _, objective = made
    later = [objective.items(0, step) for step in (5, 0, 3)]
    again = [objective.items(0, step) for step in (5, 0, 3)]
    assert repr(later) == repr(again)
    assert repr(objective.items(0, 0)) != repr(objective.items(1, 0)) or objective.size == 1
    assert all(item.tokens > 0 for item in later[0])


def test_loss_is_a_number_with_a_gradient_everywhere(made):
    """It reaches the encoder and every new part."""
    trunk, objective = made
    total = torch.zeros(())
    for step in range(6):
        loss = objective.loss(trunk, objective.items(0, step))
        assert isinstance(loss, Loss) and loss.total.shape == () and torch.isfinite(loss.total)
        assert loss.total >= 0
        total = total + loss.mean
    total.backward()
    own = {name: value for name, value in objective.named_parameters() if value.requires_grad}
    missed = [name for name, value in own.items() if value.grad is None or not (value.grad != 0).any()]
    assert not missed
    assert any(value.grad is not None and (value.grad != 0).any() for value in trunk.model.parameters())


def test_nothing_to_learn_is_zero(made):
    """No items, as where another process has them all: zero, with a gradient that is zero too."""
    trunk, objective = made
    loss = objective.loss(trunk, [])
    assert loss.count == 0 and loss.total.item() == 0.0
    loss.total.backward()
    values = [*trunk.parameters(), *objective.parameters()]
    assert not any(value.grad.any() for value in values if value.grad is not None)


def test_a_step_can_be_taken_while_the_encoder_rests(made):
    """New heads warm up, maybe another objective's: this one has a gradient, if of nothing, too."""
    trunk, objective = made
    trunk.frozen = True
    objective.loss(trunk, objective.items(0, 0)).mean.backward()
    assert not any(value.grad.any() for value in trunk.model.parameters() if value.grad is not None)


def test_a_few_steps_make_it_smaller(made, family, name):
    """On the same items, so that chance has no part in it; the families differ in nothing here."""
    if family != "bert":
        pytest.skip("one family is enough to show that the gradient points down")
    trunk, objective = made
    items = objective.items(0, 0)
    parameters = {id(p): p for module in (trunk, objective) for p in module.parameters() if p.requires_grad}
    optimizer = torch.optim.Adam(parameters.values(), lr=3e-3)
    losses = []
    for _ in range(12):
        loss = objective.loss(trunk, items).mean
        losses.append(float(loss.detach()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert losses[-1] < 0.9 * losses[0]


def test_shares_of_the_items_add_up(made, name):
    """The sums of two halves are the sum of all, unless the items of a batch are each other's negatives."""
    trunk, objective = made
    if "batch" in OBJECTIVES[name].needs:
        pytest.skip("items of one batch are each other's negatives: processes exchange them (ranks.gather)")
    items = objective.items(0, 1)
    with torch.no_grad():
        whole = objective.loss(trunk, items)
        halves = [objective.loss(trunk, items[rank::2]) for rank in range(2)]
    assert sum(half.count for half in halves) == whole.count
    assert float(sum(half.total for half in halves)) == pytest.approx(float(whole.total), rel=1e-4)


def test_facts_of_valid_and_test_are_not_learned(name, tiny_encoder, knowledge):
    """What is drawn is the same whether the graph has them or not, but as what is not to be told apart."""
    if name in ("replaced_entities", "relation_contrast", "entity_contrast", "denoised_entities"):
        pytest.skip("a fact that is true is never a wrong answer, whichever part it is in")
    trunk = Trunk(tiny_encoder)
    kept = knowledge.graph.triples.to_pylist()
    graphs = []
    for more in ([], [{**kept[0], "tail": 5, "split": "test"}, {**kept[-1], "head": 7, "split": "valid"}]):
        table = pa.Table.from_pylist([*kept, *more], knowledge.graph.triples.schema)
        order = np.lexsort([np.asarray(table[column]) for column in ("tail", "relation", "head")])
        graphs.append(KnowledgeGraph({**knowledge.graph.tables, "triples": table.take(pa.array(order))}))
    drawn = []
    for graph in graphs:
        torch.manual_seed(0)
        own = Knowledge(graph, knowledge.vectors, knowledge.encoder)
        objective = make_objective(name, trunk, corpus_of(trunk, own), own)
        drawn.append([repr(objective.items(0, step)) for step in range(4)])
    assert drawn[0] == drawn[1]


@pytest.mark.parametrize("name", sorted(NEED_LINKS))
def test_a_corpus_without_links_is_refused_and_the_coverage_told(name, tiny_encoder, knowledge):
    trunk = Trunk(tiny_encoder)
    bare = read_corpus(["nothing to be linked"], [[]], trunk.encoder.tokenizer, knowledge.index)
    with pytest.raises(BadInput, match="0% have any"):
        make_objective(name, trunk, bare, knowledge)


def test_drawing_takes_each_item_once_an_epoch():
    from loregraft.pretrain.objectives.objective import draw

    drawn = np.concatenate([draw(10, 4, 0, step) for step in range(5)])
    assert sorted(drawn[:10].tolist()) == list(range(10)) == sorted(drawn[10:].tolist())
    assert draw(3, 8, 0, 0).tolist() != [] and len(draw(3, 8, 0, 0)) == 3
