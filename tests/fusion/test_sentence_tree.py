"""Sentence tree: the mask and positions of the paper, texts that branches leave alone, what does not fit."""

import pytest
import torch

from loregraft.corpus.tokens import NOWHERE, Span, Tokens
from loregraft.encoder.soft import additive
from loregraft.fusion.sentence_tree import Branch, SentenceTreeSettings, grow, visible
from loregraft.fusion.wrap import wrap
from loregraft.records import Link, Mention

REFUSED = {"mpnet", "deberta-v2", "modernbert"}


@pytest.fixture
def fused(family, hosted, knowledge):
    if family in REFUSED:
        pytest.skip(f"{family} is refused")
    return wrap(*hosted, knowledge, method="sentence_tree").eval()


@pytest.fixture
def tiny(tiny_encoder, knowledge):
    """Around the tiny BERT alone, where the family does not matter."""
    return wrap(tiny_encoder.model, tiny_encoder.tokenizer, knowledge, method="sentence_tree").eval()


def literal(count, branches):
    """Soft positions and visible matrix as the paper says them: a token and a pair of tokens at a time.

    `branches`: first and last token (not included) of the mention, and how many tokens the branch has.
    """
    tokens = []  # (soft position, place in the trunk or None, number of the branch or None)
    for place in range(count):
        tokens.append((place, place, None))
        for number, (_, last, length) in enumerate(branches):
            if last - 1 == place:
                for step in range(length):
                    tokens.append((place + step + 1, None, number))
    matrix = []
    for _, place, number in tokens:
        row = []
        for _, other_place, other_number in tokens:
            if number is None and other_number is None:
                sees = True
            elif number is not None and other_number is not None:
                sees = number == other_number
            else:
                mention = place if number is None else other_place
                branch = other_number if number is None else number
                sees = branches[branch][0] <= mention < branches[branch][1]
            row.append(sees)
        matrix.append(row)
    return [token[0] for token in tokens], matrix


CASES = {
    "one": (5, [(1, 2, 3)]),
    "two of one mention": (5, [(1, 3, 2), (1, 3, 4)]),
    "two mentions": (8, [(1, 2, 2), (4, 6, 1)]),
    "one mention inside another": (7, [(1, 4, 2), (3, 4, 2), (2, 3, 1)]),
    "none": (4, []),
}


@pytest.mark.parametrize("case", CASES)
def test_mask_and_positions_are_the_papers(case):
    count, branches = CASES[case]
    made = [
        Branch(Span(a, b, (0,), (1.0,)), [90 + n] * length, n) for n, (a, b, length) in enumerate(branches)
    ]
    tree = grow(Tokens(list(range(count)), [(n, n + 1) for n in range(count)]), made)
    positions, matrix = literal(count, branches)
    assert tree.positions == positions
    assert visible(tree, len(positions)).tolist() == matrix
    trunk = [id for id, number in zip(tree.tokens.ids, tree.of, strict=True) if number == -1]
    assert trunk == list(range(count))  # nothing of the text is lost or moved
    assert [id for id in tree.tokens.ids if id >= 90] == sorted(
        (90 + n for n, (_, _, length) in enumerate(branches) for _ in range(length)),
        key=lambda id: branches[id - 90][1],
    )
    assert [o == NOWHERE for o in tree.tokens.offsets] == [number != -1 for number in tree.of]


def test_padding_sees_padding_alone():
    tree = grow(Tokens([1, 2], [(0, 1), (1, 2)]), [Branch(Span(0, 1, (0,), (1.0,)), [9], 0)])
    seen = visible(tree, 5)
    assert seen[3:, 3:].all() and not seen[3:, :3].any() and not seen[:3, 3:].any()


def test_the_model_is_given_the_mask_and_the_positions(fused, linked_texts):
    """Each family starts its positions somewhere; at most two facts of an entity go in."""
    texts, links = linked_texts
    inputs = fused.prepare(texts, links)
    graph = fused.knowledge.graph
    facts = {"D:1": 2, "P:5": 1, "P:1": 2}  # P:5 has one true fact: the other is negated
    first = inputs.offsets[0]
    said = [fact.words for id in facts for fact in chosen(fused.knowledge, graph.index(id), 2)]
    lengths = iter([len(fused.host.ids(words)) for words in said])
    spans = fused_spans(fused, texts[0], links[0])
    branches = [
        (a, b, next(lengths)) for (a, b), n in zip(spans, facts.values(), strict=True) for _ in range(n)
    ]
    count = len(fused.tokenizer(texts[0])["input_ids"])
    positions, matrix = literal(count, branches)
    own = len(positions)
    assert own == int((first[:, 0] > -2).sum())
    assert inputs.tensors["position_ids"][0, :own].tolist() == [p + fused.host.soft_offset for p in positions]
    mask = inputs.tensors["attention_mask"]
    assert torch.equal(mask[0, 0, :own, :own], additive(torch.tensor([matrix]))[0, 0])
    assert mask.dtype == torch.float32 and mask.shape[1] == 1
    assert inputs.added == sum(length for _, _, length in branches) + len_of(fused, "D:2")


def chosen(knowledge, entity, most):
    from loregraft.fusion.knowledge import choose_facts

    return choose_facts(knowledge.facts(entity), most)


def len_of(fused, id):
    facts = chosen(fused.knowledge, fused.knowledge.graph.index(id), 2)
    return sum(len(fused.host.ids(fact.words)) for fact in facts)


def fused_spans(fused, text, links):
    """The tokens of the mentions, by the tokenizer's own offsets."""
    offsets = fused.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    spans = []
    for link in links:
        inside = [n for n, (a, b) in enumerate(offsets) if a < link.mention.end and b > link.mention.start]
        spans.append((inside[0], inside[-1] + 1))
    return spans


def test_facts_and_entities_are_recorded_in_their_order(tiny, linked_texts):
    texts, links = linked_texts
    inputs = tiny.prepare(texts, links)
    graph = tiny.knowledge.graph
    assert inputs.entities[0] == tuple(graph.index(id) for id in ("D:1", "P:5", "P:1"))
    told = [fact.row for id in ("D:1", "P:5", "P:1") for fact in chosen(tiny.knowledge, graph.index(id), 2)]
    assert inputs.triples[0] == tuple(dict.fromkeys(told)) and len(told) == 5
    settings = SentenceTreeSettings(facts=1, relations=("is a",))
    one = wrap(tiny.model, tiny.tokenizer, tiny.knowledge, method="sentence_tree", settings=settings)
    rows = one.prepare(texts, links).triples
    assert [len(row) for row in rows] == [1, 0, 1]
    assert {graph.relation_ids[graph.relation_indexes[row[0]]] for row in (rows[0], rows[2])} == {"is_a"}


@torch.inference_mode()
def test_a_text_without_branches_comes_out_as_alone(fused, linked_texts):
    texts, links = linked_texts
    inputs = fused.prepare(texts, links)
    own = inputs.mask[1]
    ids = fused.tokenizer(texts[1:2], return_tensors="pt")["input_ids"]
    alone = fused.model(input_ids=ids).last_hidden_state[0]
    assert inputs.mask.shape[1] > len(alone)  # there is padding that could leak
    assert torch.allclose(fused(**inputs.tensors).last_hidden_state[1][own], alone, atol=1e-4)


@torch.inference_mode()
def test_a_branch_reaches_others_only_through_its_mention(fused, linked_texts):
    """After one layer it has moved itself and its mention and nothing else; after two, all of the text."""
    texts, links = linked_texts
    tensors = dict(fused.prepare(texts[:1], links[:1]).tensors)
    (first, last), *_ = fused_spans(fused, texts[0], links[0])
    branch = len(fused.host.ids(chosen(fused.knowledge, fused.knowledge.graph.index("D:1"), 2)[0].words))
    before = fused.model(**tensors, output_hidden_states=True).hidden_states
    changed = tensors["input_ids"].clone()
    changed[0, last] = (changed[0, last] + 7) % 300  # the branch's first token
    assert changed[0, last] != tensors["input_ids"][0, last]
    after = fused.model(**tensors | {"input_ids": changed}, output_hidden_states=True).hidden_states
    moved = [(b - a).abs().amax(-1)[0] > 1e-8 for b, a in zip(before, after, strict=True)]
    assert moved[1].nonzero()[:, 0].tolist() == list(range(first, last + branch))
    assert moved[2].sum() > moved[1].sum() and moved[2][0]


def test_the_text_is_never_cut_for_a_branch(tiny):
    """The longest text takes no branch; with a little room, what fits goes in."""
    most = tiny.host.max_tokens
    mention = Link(Mention(0, 7, "Measles"), "D:1", 1.0)
    lengths = [len(tiny.host.ids(fact.words)) for fact in chosen(tiny.knowledge, 6, 2)]
    assert tiny.knowledge.graph.id_at(6) == "D:1"
    text = "Measles " + "rash " * (most - 3)
    full = tiny.prepare([text], [[mention]])
    ids = tiny.tokenizer(text)["input_ids"]
    assert len(ids) == most
    assert full.tensors["input_ids"][0].tolist() == ids and "position_ids" not in full.tensors
    assert full.entities == ((),) and full.triples == ((),) and full.added == 0
    shorter = "Measles " + "rash " * (most - 3 - min(lengths))
    some = tiny.prepare([shorter], [[mention]])
    assert some.tensors["input_ids"].shape[1] == most and some.added == min(lengths)
    assert len(some.triples[0]) == 1
    either = "Measles " + "rash " * (most - 3 - max(lengths))  # room for each of the two, not for both
    one = tiny.prepare([either], [[mention]])
    assert len(one.triples[0]) == 1 and one.tensors["input_ids"].shape[1] <= most
    with torch.inference_mode():
        assert tiny(**some.tensors).last_hidden_state.isfinite().all()


def test_a_branch_has_positions_or_stays_out(tiny):
    """At the end of a text there are fewer positions than there is room for tokens."""
    shortest = min(len(tiny.host.ids(fact.words)) for fact in chosen(tiny.knowledge, 6, 2))
    most, count = shortest + 4, 4
    tiny.method.host = type(tiny.host)(**{**vars(tiny.host), "max_tokens": most})
    ids, offsets = [2] * count, [(0, 1)] * count
    exact = Tokens(ids, offsets, [Span(count - 1, count, (6,), (1.0,))])
    inputs = tiny.method.prepare([exact], tiny.knowledge)
    assert inputs.tensors["position_ids"].max() == most - 1 and len(inputs.triples[0]) == 1
    beyond = Span(count, count + 1, (6,), (1.0,))  # one further on than there is text
    assert tiny.method.prepare([Tokens(ids, offsets, [beyond])], tiny.knowledge).triples == ((),)


def test_without_branches_the_batch_is_the_bare_one(tiny, linked_texts):
    """Entities, but none with a fact of the relations that are wanted."""
    texts, links = linked_texts
    settings = SentenceTreeSettings(relations=("none such",))
    none = wrap(tiny.model, tiny.tokenizer, tiny.knowledge, method="sentence_tree", settings=settings)
    inputs = none.prepare(texts, links)
    assert set(inputs.tensors) == {"input_ids", "attention_mask"}
    assert inputs.tensors["attention_mask"].ndim == 2 and not any(inputs.entities)


def test_families_that_leak_are_told_what_to_use(family, hosted, knowledge):
    if family not in REFUSED:
        pytest.skip(f"{family} can do it")
    with pytest.raises(ValueError, match=f"{family}.*Use facts_text"):
        wrap(*hosted, knowledge, method="sentence_tree")
