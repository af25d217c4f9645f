"""Entity and relation discrimination: what is told apart, and the losses beside ones written out in loops."""

import math
from collections import Counter

import pytest
import torch

from loregraft.corpus.corpus import read_corpus
from loregraft.errors import BadInput
from loregraft.pretrain.objectives.contrast import (
    EntityContrast,
    EntityContrastSettings,
    RelationContrast,
    RelationContrastSettings,
)
from loregraft.pretrain.objectives.mentions import NONE
from loregraft.pretrain.trunk import Trunk
from loregraft.records import Link, Mention

WORDS = {
    "measles": "D:1", "fever": "P:1", "rash": "P:5", "flu": "D:2", "headache": "P:2", "asthma": "D:3",
    "trouble breathing": "P:4", "migraine": "P:3", "viral infection": "D:4", "tiredness": "P:6",
}  # fmt: skip
TEXTS = [
    "measles is a viral infection with rash and fever and measles again",
    "flu brings fever and headache each winter",
    "asthma means trouble breathing",
    "a headache on one side is migraine",
    "flu and measles are viral infection",
    "tiredness comes with flu",
    "nothing to be linked here",
]


def links_of(text: str) -> list[Link]:
    found = []
    for words, entity in WORDS.items():
        start = text.find(words)
        while start >= 0:
            end = start + len(words)
            found.append(Link(Mention(start, end, words), entity, 1.0))
            start = text.find(words, end)
    return found


def corpus_of(encoder, knowledge, texts):
    return read_corpus(texts, [links_of(text) for text in texts], encoder.tokenizer, knowledge.index, 64)


@pytest.fixture
def entities(tiny_encoder, knowledge):
    def made(texts=TEXTS, **settings):
        trunk = Trunk(tiny_encoder)
        corpus = corpus_of(tiny_encoder, knowledge, texts)
        return trunk, EntityContrast(trunk, corpus, knowledge, EntityContrastSettings(**settings))

    return made


@pytest.fixture
def relations(tiny_encoder, knowledge):
    def made(texts=TEXTS, **settings):
        trunk = Trunk(tiny_encoder)
        corpus = corpus_of(tiny_encoder, knowledge, texts)
        return trunk, RelationContrast(trunk, corpus, knowledge, RelationContrastSettings(**settings))

    return made


@torch.no_grad()
def slow_vectors(trunk, read) -> list[list[float]]:
    """For each entity the mean over its mentions of the mean over their tokens."""
    hidden = trunk.model(input_ids=torch.tensor([read.ids])).last_hidden_state[0].tolist()
    vectors = []
    for units in read.mentions:
        means = [[sum(c) / len(c) for c in zip(*hidden[first:last], strict=True)] for first, last in units]
        vectors.append([sum(column) / len(column) for column in zip(*means, strict=True)])
    return vectors


def cosine(one: list[float], other: list[float]) -> float:
    dot = sum(a * b for a, b in zip(one, other, strict=True))
    return dot / math.sqrt(sum(a * a for a in one)) / math.sqrt(sum(b * b for b in other))


def test_entity_loss_equals_plain_loops(entities):
    """Qin et al. 2021: -log exp(cos(h, t) / T) / sum over the entities but h of exp(cos(h, l) / T)."""
    trunk, objective = entities(temperature=0.2)
    items = objective.items(0, 0)
    total = 0.0
    for item in items:
        head, tail, *others = slow_vectors(trunk, item)
        below = sum(math.exp(cosine(head, other) / 0.2) for other in [tail, *others])
        total -= math.log(math.exp(cosine(head, tail) / 0.2) / below)
    loss = objective.loss(trunk, items)
    assert loss.count == len(items) > 3
    assert loss.total.item() == pytest.approx(total, rel=1e-4)


def test_relation_loss_equals_plain_loops(relations, knowledge):
    """Qin et al. 2021: -log of the partner's share among it and the pairs of other relations, by [h; t]."""
    trunk, objective = relations(temperature=0.2, batch=4)
    items = objective.items(0, 0)
    facts = {(f.head, f.tail): f.relation for f in map(knowledge.graph.triple, range(11))}

    def relation(read):
        one = read.statement
        return facts.get((knowledge.graph.id_at(one.head), knowledge.graph.id_at(one.tail)))

    reads = [read for item in items for read in item.reads]
    pairs = [[x for vector in slow_vectors(trunk, read) for x in vector] for read in reads]
    total = 0.0
    for number in range(len(items)):
        for anchor, partner in ((3 * number, 3 * number + 1), (3 * number + 1, 3 * number)):
            assert relation(reads[anchor]) == relation(reads[partner]) is not None
            good = math.exp(cosine(pairs[anchor], pairs[partner]) / 0.2)
            bad, one = 0.0, reads[anchor].statement
            for pair, read in zip(pairs, reads, strict=True):
                other = read.statement
                touches = one.text == other.text and (one.head == other.head or one.tail == other.tail)
                if relation(read) != relation(reads[anchor]) and not touches:
                    bad += math.exp(cosine(pairs[anchor], pair) / 0.2)
            total -= math.log(good / (good + bad))
    loss = objective.loss(trunk, items)
    assert loss.count == 2 * len(items) == 8
    assert loss.total.item() == pytest.approx(total, rel=1e-4)


def test_zero_where_nothing_is_wrong_or_there_is_nothing(entities, relations):
    for trunk, objective in (entities(), relations()):
        loss = objective.loss(trunk, [])
        assert loss.count == 0 and loss.total.item() == 0.0


def test_relation_loss_is_zero_where_all_pairs_have_the_relation(relations):
    """Every linked pair of these texts is a disease and what it shows."""
    texts = ["flu brings fever", "asthma means trouble breathing", "tiredness and flu"]
    trunk, objective = relations(texts)
    assert not objective.bare
    items = objective.items(0, 0)
    loss = objective.loss(trunk, items)
    assert loss.count == 2 * len(items) > 0 and loss.total.item() == 0.0


def test_questions_of_a_text(entities, knowledge):
    """Measles shows fever and rash: neither is wrong for the other; all right, and none is asked."""
    _, objective = entities(batch=64)
    asked = set()
    for item in objective.items(0, 0):
        one = item.statement
        head, tail = knowledge.graph.id_at(one.head), knowledge.graph.id_at(one.tail)
        asked.add((one.text, head, knowledge.graph.relation_ids[one.relation], tail, len(item.mentions)))
    assert asked == {
        (0, "D:1", "is_a", "D:4", 4),
        (0, "D:1", "has_phenotype", "P:5", 3),
        (0, "D:1", "has_phenotype", "P:1", 3),
        (4, "D:2", "is_a", "D:4", 3),
        (4, "D:1", "is_a", "D:4", 3),
    }
    assert objective.size == 5


def test_the_question_stands_before_the_text(entities, knowledge):
    """[CLS] relation head [SEP] text [SEP]; mentions are found where they are now, the head's in the text."""
    _, objective = entities()
    for item in objective.items(0, 0):
        one = item.statement
        words = f"{knowledge.relations[one.relation]} {knowledge.names[one.head]}"
        question = objective.tokenizer(words, add_special_tokens=False)["input_ids"]
        text = objective.texts[one.text].ids
        assert item.ids == [text[0], *question, objective.tokenizer.sep_token_id, *text[1:]]
        head, tail = (
            {"".join(objective.tokenizer.decode(item.ids[a:b]).split()) for a, b in units}
            for units in item.mentions[:2]
        )
        assert {WORDS[word] for word in head} == {knowledge.graph.id_at(one.head)}
        spoken = {"".join(word.split()): entity for word, entity in WORDS.items()}
        assert {spoken[word] for word in tail} == {knowledge.graph.id_at(one.tail)}
        if one.text == 0 and knowledge.graph.id_at(one.head) == "D:1":
            assert len(item.mentions[0]) == 2


def test_a_question_is_cut_to_what_the_encoder_reads(entities):
    _, objective = entities()
    longest = max(len(text.ids) for text in objective.texts) + 3
    objective.longest = longest
    items = objective.items(0, 0)
    assert max(item.tokens for item in items) == longest
    for item in items:
        text = objective.texts[item.statement.text].ids
        assert item.ids[-len(text) + 1 :] == text[1:]


@pytest.mark.parametrize("room", [0, 1, 2])
def test_a_text_that_fills_the_encoder_is_asked_without_a_question(entities, room):
    """Its windows may be as long as the encoder: then not even the separator has room."""
    trunk, objective = entities()
    most = max(len(text.ids) for text in objective.texts)
    objective.longest = most + room
    items = objective.items(0, 0)
    assert max(item.tokens for item in items) == most + room
    full = next(item for item in items if len(objective.texts[item.statement.text].ids) == most)
    assert full.ids[1 + room :] == objective.texts[full.statement.text].ids[1:]
    assert full.ids[1 : 1 + room][-1:] == [objective.tokenizer.sep_token_id][:room]
    assert objective.loss(trunk, items).total.isfinite()


def test_pairs_of_a_relation_are_of_different_texts(relations):
    _, objective = relations()
    for step in range(10):
        for item in objective.items(0, step):
            one, other, third = (read.statement for read in item.reads)
            assert one.relation == other.relation and one.text != other.text
            assert third.relation == NONE and not objective.joined.either(third.head, third.tail)


def test_relations_are_drawn_evenly(relations, knowledge):
    """`has_phenotype` has seven pairs in texts, `is_a` four: as often."""
    _, objective = relations(batch=4)
    sizes = [len(ones) for ones in objective.told]
    assert len(sizes) == 2 and sizes[0] != sizes[1]
    items = [item for step in range(10) for item in objective.items(0, step)]
    assert set(Counter(item.reads[0].statement.relation for item in items).values()) == {20}


def test_names_give_way_to_one_mask_by_chance(relations):
    """All mentions of an entity or none; the mask is where the mention is said to be."""
    _, objective = relations()
    fates = []
    for step in range(40):
        for item in objective.items(0, step):
            for read in item.reads:
                for units in read.mentions:
                    hidden = [read.ids[a:b] == [objective.mask] for a, b in units]
                    assert all(hidden) or not any(hidden)
                    fates.append(hidden[0])
                shown = sum(token == objective.mask for token in read.ids)
                hidden = [units for units in read.mentions if read.ids[units[0][0]] == objective.mask]
                assert shown == sum(map(len, hidden))
    assert sum(fates) / len(fates) == pytest.approx(0.7, abs=0.03)
    _, never = relations(blanked=0.0)
    for read in never.items(0, 0)[0].reads:
        assert read.ids == list(never.texts[read.statement.text].ids)


def test_texts_that_the_graph_says_nothing_of_are_refused(entities, relations):
    """The number of texts with two mentions is told; a relation of one text and no third entity too."""
    unknown = ["migraine and rash", "fever and migraine", "flu"]
    for made in (entities, relations):
        with pytest.raises(BadInput, match="of 3 texts 2 have two linked mentions, no two joined"):
            made(unknown)
        with pytest.raises(BadInput, match="of 2 texts none has 2 linked mentions"):
            made(["flu", "rash"])
    with pytest.raises(BadInput, match="says 1 things of texts, none of which has a third"):
        entities(["asthma means trouble breathing"])
    with pytest.raises(BadInput, match="says 2 things of texts, by no relation in two of them"):
        relations(["measles with rash and fever"])
