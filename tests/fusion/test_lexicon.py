"""Lexicon: the class of a word and how much it counts, the contract on a lexicon, other categories."""

import pytest
import torch

from loregraft.encoder.hooks import encoder_of
from loregraft.fusion.folder import load_fused, save_fused
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.lexicon import NEGATIVE, NEUTRAL, POSITIVE, LexiconSettings
from loregraft.fusion.wrap import wrap
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers.lexicon import read_lexicon
from loregraft.kg.tables.columns import Columns
from loregraft.records import Link, Mention

LINES = [
    "word,polarity,emotion,note",
    "fever,-2,fear,",
    "weakness,-9,,",
    "skin,0.05,,",
    "breathing,+3,joy,",
    "winter,,fear,",
    "childhood,,,young",
    "measles,,,red",
]
ANGER = "rash,-1,anger,"
TEXTS = ["a fever and breathing in winter", "nothing is said", "measles of childhood"]
WORDS = [["fever", "breathing", "winter"], [], ["measles", "childhood"]]


@pytest.fixture
def lexicon(tmp_path):
    """Knowledge of a lexicon; `lexicon(more lines)` has more."""

    def read(*more):
        path = tmp_path / f"{len(more)}.csv"
        path.write_text("\n".join([*LINES, *more]) + "\n", encoding="utf-8")
        nan = Columns("attributes", {"entity": ["childhood"], "property": ["polarity"], "value": ["nan"]})
        near = Columns("triples", {"head": ["childhood"], "relation": ["near"], "tail": ["category:joy"]})
        return Knowledge(KnowledgeGraph.gather([*read_lexicon(path), nan, near], source="lexicon"))

    return read


@pytest.fixture
def fused(hosted, lexicon):
    torch.manual_seed(0)
    return wrap(*hosted, lexicon(), method="lexicon").eval()


@pytest.fixture
def tiny(tiny_encoder, lexicon):
    torch.manual_seed(0)
    return wrap(tiny_encoder.model.eval(), tiny_encoder.tokenizer, lexicon(), method="lexicon").eval()


def linked(text, words):
    return [Link(Mention(text.index(word), text.index(word) + len(word), word), word, 1.0) for word in words]


LINKS = [linked(text, words) for text, words in zip(TEXTS, WORDS, strict=True)]


def read(fused, texts=TEXTS, links=LINKS):
    with torch.inference_mode():
        return fused(**fused.prepare(texts, links).tensors).last_hidden_state


def open_gate(fused, value=1.0):
    torch.nn.init.constant_(fused.method.gate.value, value)


def classes_of(fused, word):
    """Class and weight of a word, each token of which must have the same."""
    inputs = fused.prepare([f"x {word} x"], [linked(f"x {word} x", [word])])
    if "k_classes" not in inputs.tensors:
        return {}
    own = (inputs.offsets[0, :, 0] >= 2) & (inputs.offsets[0, :, 1] <= 2 + len(word))
    rows = inputs.tensors["k_classes"][0]
    assert (rows[own] == rows[own][0]).all() and not rows[~own].any()
    return {
        place: pytest.approx(float(rows[own][0, place])) for place in rows[own][0].nonzero()[:, 0].tolist()
    }


def test_classes_and_their_weights(tiny):
    fear, joy = (POSITIVE + 1 + tiny.method.categories.index(f"category:{name}") for name in ("fear", "joy"))
    assert classes_of(tiny, "fever") == {NEGATIVE: 0.5, fear: 1.0}  # -2 of 4
    assert classes_of(tiny, "weakness") == {NEGATIVE: 1.0}  # no more than in full
    assert classes_of(tiny, "skin") == {NEUTRAL: 1.0}
    assert classes_of(tiny, "breathing") == {POSITIVE: 0.75, joy: 1.0}
    assert classes_of(tiny, "winter") == {fear: 1.0}
    assert classes_of(tiny, "childhood") == {}  # its polarity is no number, and it is only near a category
    assert classes_of(tiny, "measles") == {}  # what else is said of a word does not count


def test_settings_say_what_is_neutral_and_what_is_strong(tiny_encoder, lexicon):
    settings = LexiconSettings(neutral=2.0, strongest=6.0)
    fused = wrap(tiny_encoder.model, tiny_encoder.tokenizer, lexicon(), method="lexicon", settings=settings)
    assert classes_of(fused, "fever")[NEUTRAL] == 1.0  # -2 is no further than 2
    assert classes_of(fused, "breathing")[POSITIVE] == 0.5


def test_several_categories_share_and_are_recorded(tiny_encoder, lexicon):
    knowledge = lexicon("winter,,joy,")
    fused = wrap(tiny_encoder.model, tiny_encoder.tokenizer, knowledge, method="lexicon")
    places = [POSITIVE + 1 + fused.method.categories.index(f"category:{name}") for name in ("fear", "joy")]
    assert classes_of(fused, "winter") == dict.fromkeys(places, 0.5)
    inputs = fused.prepare(["winter"], [linked("winter", ["winter"])])
    graph = knowledge.graph
    ends = [graph.id_at(int(graph.tails[row])) for row in inputs.triples[0]]
    assert sorted(ends) == ["category:fear", "category:joy"]


def test_what_went_in_is_recorded(fused):
    inputs = fused.prepare(TEXTS, LINKS)
    graph = fused.knowledge.graph
    assert inputs.entities == (tuple(graph.index(word) for word in WORDS[0]), (), ())  # measles: no class
    assert [graph.id_at(int(graph.heads[row])) for row in inputs.triples[0]] == WORDS[0]
    assert {graph.relation_ids[graph.relation_indexes[row]] for row in inputs.triples[0]} == {"has_category"}
    assert inputs.triples[1:] == ((), ()) and inputs.added == 0


def test_the_embeddings_are_added_to_the_words_tokens(fused):
    """Number by number, as they go into the encoder."""
    open_gate(fused, 0.5)
    kept = []
    embeddings = encoder_of(fused.model).get_input_embeddings()
    handle = embeddings.register_forward_hook(lambda module, inputs, output: kept.append(output))
    inputs = fused.prepare(TEXTS, LINKS)
    with torch.inference_mode():
        fused(**inputs.tensors)
    handle.remove()
    table, words = fused.method.table.detach(), embeddings.weight.detach()[inputs.tensors["input_ids"]]
    fear, joy = (POSITIVE + 1 + fused.method.categories.index(f"category:{name}") for name in ("fear", "joy"))
    said = {
        "fever": 0.5 * table[NEGATIVE] + table[fear],
        "breathing": 0.75 * table[POSITIVE] + table[joy],
        "winter": table[fear],
    }
    for link in LINKS[0]:
        start, end = link.mention.start, link.mention.end
        own = (inputs.offsets[0, :, 0] >= start) & (inputs.offsets[0, :, 1] <= end)
        assert own.any()
        words[0, own] += 0.5 * said[link.mention.text]
    assert torch.allclose(kept[0], words, atol=1e-6)


def test_it_is_the_bare_encoder_until_the_gate_opens(fused):
    with fused.off():
        bare = read(fused)
    assert torch.equal(read(fused), bare)
    without = fused.prepare(TEXTS, [[] for _ in TEXTS])
    assert set(without.tensors) == {"input_ids", "attention_mask"}
    nothing = fused.prepare(TEXTS, [[], [], LINKS[2]])  # linked, and nothing said of them
    assert set(nothing.tensors) == {"input_ids", "attention_mask"}
    open_gate(fused)
    changed = read(fused)
    assert not torch.allclose(changed[0], bare[0], atol=1e-4)
    assert torch.allclose(changed[1:], bare[1:], atol=1e-5)
    with fused.off():
        assert torch.equal(read(fused), bare)


def test_gradient_reaches_gate_and_table(fused):
    def step():
        fused.zero_grad()
        output = fused(**fused.prepare(TEXTS, LINKS).tensors).last_hidden_state
        torch.manual_seed(1)
        (output * torch.randn_like(output)).sum().backward()
        return fused.method.gate.value.grad, fused.method.table.grad

    gate, table = step()
    assert gate != 0 and not table.any()
    open_gate(fused)
    table = step()[1]
    fear, joy = (POSITIVE + 1 + fused.method.categories.index(f"category:{name}") for name in ("fear", "joy"))
    assert sorted(table.any(1).nonzero()[:, 0].tolist()) == sorted([NEGATIVE, POSITIVE, fear, joy])


def test_its_weights_are_drawn_from_the_seed_at_the_words_scale(tiny_encoder, lexicon):
    def table(seed):
        torch.manual_seed(seed)
        return wrap(tiny_encoder.model, tiny_encoder.tokenizer, lexicon(), method="lexicon").method.table

    assert torch.equal(table(1), table(1)) and not torch.equal(table(1), table(2))
    scale = tiny_encoder.model.get_input_embeddings().weight.std()
    assert 0.7 < table(1).std() / scale < 1.4


def test_a_graph_that_gained_a_category_is_read_without_it(tiny, lexicon):
    """`anger` sorts before `fear`, so that rows would shift if the graph of today were asked."""
    open_gate(tiny)
    before = read(tiny)
    tiny.with_knowledge(lexicon(ANGER))
    assert torch.equal(read(tiny), before)
    assert classes_of(tiny, "rash") == {NEGATIVE: 0.25}
    assert tiny.prepare(["rash"], [linked("rash", ["rash"])]).triples == ((),)


def test_it_is_opened_with_a_graph_of_other_categories(tiny, lexicon, tmp_path):
    open_gate(tiny)
    save_fused(tiny, tmp_path / "fused")
    for more in ((), (ANGER,)):
        opened = load_fused(tmp_path / "fused", lexicon(*more))
        assert opened.method.categories == ("category:fear", "category:joy")
        assert torch.equal(opened.method.table, tiny.method.table)
        assert opened.method.table.requires_grad
        assert torch.allclose(read(opened), read(tiny), atol=1e-5)


def test_mentions_that_overlap_add_up(tiny):
    text = "fever breathing"
    both = [Link(Mention(0, 15, text), "weakness", 1.0), Link(Mention(0, 5, "fever"), "fever", 1.0)]
    inputs = tiny.prepare([text], [both])
    rows = inputs.tensors["k_classes"][0, :, NEGATIVE]
    assert float(rows[1]) == 1.5 and float(rows[int(inputs.mask.sum()) - 2]) == 1.0


def test_a_category_that_several_sources_state_counts_once(tiny):
    """Fear by two lexicons and joy by one: a half each; all three triples are recorded."""
    tails = ["category:fear", "category:fear", "category:joy"]
    ends = {"head": ["winter"] * 3, "relation": ["has_category"] * 3, "tail": tails}
    columns = Columns("triples", {**ends, "source": ["one", "other", "one"]})
    tiny.with_knowledge(Knowledge(KnowledgeGraph.gather([columns])))
    places = [POSITIVE + 1 + tiny.method.categories.index(f"category:{name}") for name in ("fear", "joy")]
    assert classes_of(tiny, "winter") == dict.fromkeys(places, 0.5)
    assert len(tiny.prepare(["winter"], [linked("winter", ["winter"])]).triples[0]) == 3
