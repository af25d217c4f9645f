"""Replaced entities: what stands in whose place, and the loss beside one written out in loops."""

import dataclasses
import math
from collections import Counter
from itertools import pairwise

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from loregraft.corpus.corpus import read_corpus
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.pretrain.objectives.mentions import apart, put
from loregraft.pretrain.objectives.replaced import ReplacedEntities, ReplacedItem, ReplacedSettings, cased
from loregraft.pretrain.trunk import Trunk
from loregraft.records import Link, Mention

WORDS = {
    "measles": "D:1", "fever": "P:1", "rash": "P:5", "flu": "D:2", "headache": "P:2", "asthma": "D:3",
    "trouble breathing": "P:4", "migraine": "P:3", "viral infection": "D:4", "tiredness": "P:6",
    "adrb2": "G:2", "ifng": "G:1", "发热": "P:1",
}  # fmt: skip


def links_of(text: str) -> list[Link]:
    found = []
    for words, entity in WORDS.items():
        start = text.lower().find(words)
        if start >= 0:
            end = start + len(words)
            found.append(Link(Mention(start, end, text[start:end]), entity, 1.0))
    return found


@pytest.fixture
def make(tiny_encoder, knowledge):
    def made(texts, encoder=tiny_encoder, **settings):
        torch.manual_seed(0)
        trunk = Trunk(encoder)
        links = [links_of(text) for text in texts]
        corpus = read_corpus(texts, links, encoder.tokenizer, knowledge.index, 64)
        return trunk, ReplacedEntities(trunk, corpus, knowledge, ReplacedSettings(**settings))

    return made


def meanings(knowledge, tokenizer) -> dict[tuple[int, ...], str]:
    """The entity of each name, by its tokens."""
    entities, names = (knowledge.graph.names[column].to_pylist() for column in ("entity", "name"))
    return {
        tuple(tokenizer(name, add_special_tokens=False)["input_ids"]): knowledge.graph.id_at(entity)
        for entity, name in zip(entities, names, strict=True)
    }


def drawn(objective, knowledge, steps: int) -> list[list[tuple[str, bool]]]:
    """For each item of many steps: the entity at each judged mention, and whether it is called replaced."""
    known = meanings(knowledge, objective.tokenizer)
    found = []
    for step in range(steps):
        for item in objective.items(0, step):
            places = zip(item.before, item.after, item.replaced, strict=True)
            found.append([(known[tuple(item.ids[b + 1 : a])], replaced) for b, a, replaced in places])
    return found


@torch.no_grad()
def slow_loss(trunk, judge, items: list[ReplacedItem]) -> float:
    """Xiong et al. 2020: -log P(e|C) where the entity was replaced else -log(1 - P), in plain loops."""
    weight, bias = judge.weight[0].tolist(), float(judge.bias)
    total = 0.0
    for item in items:
        hidden = trunk.model(input_ids=torch.tensor([item.ids])).last_hidden_state[0].tolist()
        for before, after, replaced in zip(item.before, item.after, item.replaced, strict=True):
            both = hidden[before] + hidden[after]
            chance = 1 / (1 + math.exp(-bias - sum(w * h for w, h in zip(weight, both, strict=True))))
            total -= math.log(chance if replaced else 1 - chance)
    return total


def test_loss_equals_plain_loops(make):
    trunk, objective = make(["flu brings trouble breathing", "measles with headache and asthma"])
    items = [item for step in range(4) for item in objective.items(0, step)]
    assert any(any(item.replaced) for item in items) and not all(all(item.replaced) for item in items)
    loss = objective.loss(trunk, items)
    assert loss.count == sum(len(item.replaced) for item in items)
    assert loss.total.item() == pytest.approx(slow_loss(trunk, objective.judge, items), rel=1e-4)


def test_zero_where_no_mention_has_a_replacement(make):
    """There are two genes, and both are in the text already."""
    trunk, objective = make(["ifng and adrb2"])
    items = [item for step in range(20) for item in objective.items(0, step)]
    assert all(item.replaced == [] for item in items)
    for some in ([], items):
        loss = objective.loss(trunk, some)
        assert loss.count == 0 and loss.total.item() == 0.0


def test_same_type_and_never_a_true_statement(make, knowledge):
    """Flu has all phenotypes but these (one is negated), and asthma would have trouble breathing."""
    _, objective = make(["flu brings trouble breathing"])
    first, second = set(), set()
    for (one, one_replaced), (other, other_replaced) in drawn(objective, knowledge, 200):
        assert one_replaced == (one != "D:2") and other_replaced == (other != "P:4")
        first.add(one)
        second.add(other)
    assert first == {"D:2", "D:1", "D:4"} and second == {"P:4", "P:3", "P:5"}


def test_two_replacements_make_no_true_statement_either(make, knowledge):
    """Measles has exanthem: each may come alone, not both; the mention between them keeps them apart."""
    _, objective = make(["flu with adrb2 or trouble breathing"], share=0.9)
    ends = Counter((one[0][0], one[-1][0]) for one in drawn(objective, knowledge, 300))
    assert ends["D:1", "P:5"] == 0
    assert ends["D:1", "P:3"] > 10 and ends["D:4", "P:5"] > 10


def test_never_two_mentions_that_follow_each_other(make, knowledge):
    """Either has a replacement that the other's does not make true; the outer two may both have one."""
    _, objective = make(["flu brings trouble breathing", "flu with adrb2 or trouble breathing"], share=1.0)
    found = Counter(tuple(replaced for _, replaced in one) for one in drawn(objective, knowledge, 100))
    assert not any(a and b for flags in found for a, b in pairwise(flags))
    assert found[True, False] > 20 and found[False, True] > 20 and found[True, False, True] > 20


def test_the_share_is_a_chance(make, knowledge):
    """One mention alone: replaced as often as the share says."""
    _, objective = make(["trouble breathing"], share=0.3)
    flags = [one[0][1] for one in drawn(objective, knowledge, 1000)]
    assert sum(flags) / len(flags) == pytest.approx(0.3, abs=0.05)


def test_drawn_by_frequency_and_each_at_least_once(make, knowledge):
    """Rash six times in the corpus, four others never: 6 to 1 to 1 to 1 to 1."""
    _, objective = make(["trouble breathing", *["rash"] * 6], share=1.0)
    objective.texts, objective.size = objective.texts[:1], 1
    found = Counter(one[0][0] for one in drawn(objective, knowledge, 1500))
    assert set(found) == {"P:1", "P:2", "P:3", "P:5", "P:6"}
    assert found["P:5"] / 1500 == pytest.approx(0.6, abs=0.05)
    assert found["P:3"] / 1500 == pytest.approx(0.1, abs=0.04)


def test_names_are_of_the_mention_s_script(make, knowledge):
    """Fever has a Chinese name, the others have none: it replaces nothing, and nothing replaces it."""
    _, objective = make(["trouble breathing", "发热"])
    chinese = set(objective.tokenizer("发热", add_special_tokens=False)["input_ids"])
    for step in range(200):
        for item in objective.items(0, step):
            if item.replaced:
                assert not chinese & set(item.ids)
            else:
                assert chinese <= set(item.ids)


def test_no_text_grows_beyond_what_the_encoder_reads(make):
    _, objective = make(["flu brings tiredness"])
    assert any(item.tokens > len(objective.texts[0].ids) for s in range(50) for item in objective.items(0, s))
    objective.longest = len(objective.texts[0].ids)
    items = [item for step in range(50) for item in objective.items(0, step)]
    assert max(item.tokens for item in items) == objective.longest and any(any(i.replaced) for i in items)


def test_boundaries_are_the_tokens_around(make):
    """[CLS] before a text's first mention, [SEP] after its last."""
    _, objective = make(["trouble breathing"])
    item = objective.items(0, 0)[0]
    assert (item.before, item.after) == ([0], [len(item.ids) - 1])


def test_spaces_and_case_of_a_tokenizer_that_keeps_them(make, tiny_encoder, knowledge):
    """Byte pairs write the space into the token and keep the case: the name comes as the mention stood."""
    bytes_ = Tokenizer(models.BPE(unk_token="[UNK]"))
    bytes_.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    bytes_.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(special_tokens=["[UNK]"], initial_alphabet=alphabet, show_progress=False)
    bytes_.train_from_iterator(["not flu"] * 9, trainer)
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=bytes_, unk_token="[UNK]")
    encoder = dataclasses.replace(tiny_encoder, tokenizer=tokenizer)
    _, objective = make(["Trouble breathing, not flu(trouble breathing)"], encoder, share=1.0)
    names = {name.lower() for name in knowledge.graph.names["name"].to_pylist()}
    assert "Ġflu" in tokenizer.convert_ids_to_tokens(objective.texts[0].ids)
    seen = set()
    for step in range(60):
        read = tokenizer.decode(objective.items(0, step)[0].ids)
        first, rest = read.split(", not ")
        second, third = rest.rstrip(")").split("(")
        assert {first.lower(), second.lower(), third.lower()} <= names
        assert first[0].isupper() and second[0].islower() and read == f"{first}, not {second}({third})"
        seen |= {first, second}
    assert len(seen) > 3


def test_the_case_of_the_first_letter():
    assert cased("Fever", "headache") == "fever"
    assert cased("high temperature", "Headache") == "High temperature"
    assert cased("IFNG", "headache") == "IFNG"
    assert cased("HA", "Rash") == "HA"
    assert cased("DNA repair", "the act") == "DNA repair"
    assert cased("发热", "rash") == "发热"


def test_put_moves_what_follows():
    ids, units = put([1, 2, 3, 4, 5], [(1, 3), (4, 5)], [[7], [8, 9]])
    assert ids == [1, 7, 4, 8, 9] and units == [(1, 2), (3, 5)]


def test_of_mentions_that_overlap_the_first_and_longest_stays(make):
    _, objective = make(["trouble breathing"])
    texts = ["breathing difficulty"]
    mentions = [Mention(0, 9, "breathing"), Mention(0, 20, texts[0]), Mention(10, 20, "difficulty")]
    links = [[Link(mention, "P:4", 1.0) for mention in mentions]]
    corpus = read_corpus(texts, links, objective.tokenizer, lambda id: 0, 64)
    assert [(s.first, s.last) for s in apart(corpus.texts[0])] == [(1, len(corpus.texts[0].ids) - 1)]


def test_types_without_another_name_are_refused(tiny_encoder, knowledge):
    """The same graph without the names of the second gene."""
    tables = dict(knowledge.graph.tables)
    names, gene = tables["names"], knowledge.graph.index("G:1")
    tables["names"] = names.filter([entity != gene for entity in names["entity"].to_pylist()])
    corpus = read_corpus(["adrb2"], [links_of("adrb2")], tiny_encoder.tokenizer, knowledge.index)
    with pytest.raises(BadInput, match="of 1 texts with links none has an entity with a named other"):
        ReplacedEntities(Trunk(tiny_encoder), corpus, Knowledge(KnowledgeGraph(tables)), ReplacedSettings())


def test_a_name_without_tokens_replaces_nothing(tiny_encoder):
    """Nothing would stand where the mention stood, which tells that it is gone."""
    names = Columns("names", {"entity": list("ABC"), "name": ["fever", "\u200b", "rash"]})
    knowledge = Knowledge(KnowledgeGraph.gather([names]))
    links = [[Link(Mention(0, 5, "fever"), "A", 1.0)]]
    corpus = read_corpus(["fever here"], links, tiny_encoder.tokenizer, knowledge.index)
    objective = ReplacedEntities(Trunk(tiny_encoder), corpus, knowledge, ReplacedSettings(share=1.0))
    read = {tiny_encoder.tokenizer.decode(objective.items(0, step)[0].ids[1:-1]) for step in range(40)}
    assert read == {"rash here"}


def test_sentencepiece_puts_no_space_where_the_mention_had_none(make, tiny_encoder):
    """It writes a space before each text it is given; a name alone looks like a word after one."""
    from transformers import PreTrainedTokenizerFast

    words = ["flu", "tiredness", "asthma", "fever", "migraine", "(", ")", "x"]
    pieces = [(piece, -1.0) for word in words for piece in (word, f"▁{word}")]
    letters = [
        (letter, -9.0) for letter in "▁abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789,-"
    ]
    model = models.Unigram([("[UNK]", -20.0), *pieces, *letters], unk_id=0)
    pieces_ = Tokenizer(model)
    pieces_.pre_tokenizer = pre_tokenizers.Metaspace()
    pieces_.decoder = decoders.Metaspace()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=pieces_, unk_token="[UNK]")
    encoder = dataclasses.replace(tiny_encoder, tokenizer=tokenizer)
    _, objective = make(["x (flu) tiredness"], encoder, share=1.0)
    read = {tokenizer.decode(item.ids) for step in range(60) for item in objective.items(0, step)}
    assert len(read) > 3
    for text in read:
        assert text.startswith("x (") and "( " not in text and ") " in text
