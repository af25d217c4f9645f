"""The linker: longest names as whole words, near phrases, and rivals told apart by their descriptions."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.encoder.load import load_encoder
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.linking.plain import PlainLinker, count_links, link_columns
from loregraft.linking.settings import PlainLinkSettings
from loregraft.linking.words import name_key, split_words
from loregraft.records import Document

EXACT_ONLY = PlainLinkSettings(ngram_floor=1.0, dense_floor=1.0, shortest=1)
NEAR = PlainLinkSettings(dense_floor=-1.0)
ROWS = [
    ("a", "Head"),
    ("b", "Head pain"),
    ("c", "Pain"),
    ("d", "Chronic head pain"),
    ("e", "发热"),
    ("f", "热"),
    ("g", "Straße-2"),
    ("h", "PAIN"),
]


@pytest.fixture(scope="module")
def encoder(tiny_encoder_folder):
    return load_encoder(tiny_encoder_folder)


def graph_of(rows, descriptions=()):
    entity, name = (list(column) for column in zip(*rows, strict=True))
    batches = [Columns("names", {"entity": entity, "name": name, "kind": ["preferred"] * len(name)})]
    if descriptions:
        entity, text = (list(column) for column in zip(*descriptions, strict=True))
        batches.append(Columns("descriptions", {"entity": entity, "text": text}))
    return KnowledgeGraph.gather(batches, source="made")


@pytest.fixture(scope="module")
def heads(encoder):
    return PlainLinker(graph_of(ROWS), encoder, "", EXACT_ONLY)


def found(linker, text, **arguments):
    """List (surface, entity id) of one text's links."""
    (links,) = linker.link([Document("1", text)], **arguments)
    return [(link.link.mention.text, link.link.entity) for link in links]


def test_the_longest_name_at_each_place(heads):
    text = "Chronic head-pain; head pain or a head, chronic head. Headpain, painful."
    assert found(heads, text) == [
        ("Chronic head-pain", "d"), ("head pain", "b"), ("head", "a"), ("head", "a")
    ]  # fmt: skip


def test_names_are_whole_words_and_chinese_needs_no_space(heads):
    assert found(heads, "ahead heads forehead") == []
    assert found(heads, "病人发热三天，热") == [("发热", "e"), ("热", "f")]
    assert found(heads, "the STRASSE 2 of it") == [("STRASSE 2", "g")]


def test_nothing_to_find(heads):
    assert heads.link([]) == []
    assert heads.link([Document("1", ""), Document("2", "?!")]) == [[], []]


def reference(text):
    """The same, said plainly: at each word try the longest run that is a name, and go on after it."""
    keys = {name_key(name) for _, name in ROWS}
    words, spans, place = split_words(text), [], 0
    while place < len(words):
        ends = [end for end in range(place + 1, len(words) + 1) if " ".join(
            word.text for word in words[place:end]) in keys]  # fmt: skip
        if ends:
            spans.append((words[place].start, words[ends[-1] - 1].end))
        place = ends[-1] if ends else place + 1
    return spans


PART = st.one_of(st.sampled_from([name for _, name in ROWS]), st.text(max_size=5))
TEXT = st.lists(st.tuples(PART, st.sampled_from([" ", "-", "", ", ", "\n", "é"]))).map(
    lambda parts: "".join(part + gap for part, gap in parts)
)


@settings(max_examples=150, deadline=None)
@given(TEXT)
def test_exact_links_slice_to_their_surface(heads, text):
    (links,) = heads.link([Document("1", text)])
    mentions = [link.link.mention for link in links]
    assert [(mention.start, mention.end) for mention in mentions] == reference(text)
    for link in links:
        mention = link.link.mention
        assert text[mention.start : mention.end] == mention.text
        names = {name_key(name) for id, name in ROWS if id == link.link.entity}
        assert name_key(mention.text) in names
        assert 0 <= link.link.score <= 1 and link.generator == "exact"
        assert heads.graph.ids[link.entity] == link.link.entity


def test_only_the_entities_with_the_prefix_and_names_that_mean_the_same(tiny_graph, encoder):
    text = "Fever, measles, skin lesion, weakness and swine influenza with HA."
    assert found(PlainLinker(tiny_graph, encoder, "P:", EXACT_ONLY), text) == [
        ("Fever", "P:1"),
        ("HA", "P:2"),
    ]
    # "Swine influenza" is a narrower thing than influenza: it is not a name of it, its last word is.
    assert found(PlainLinker(tiny_graph, encoder, "D:", EXACT_ONLY), text) == [
        ("measles", "D:1"), ("influenza", "D:2")
    ]  # fmt: skip
    assert found(PlainLinker(tiny_graph, encoder, "P:", PlainLinkSettings()), text) == [
        ("Fever", "P:1")
    ]  # HA is short
    assert found(PlainLinker(tiny_graph, encoder, "X:", PlainLinkSettings()), text) == []


def test_what_a_text_is_about_is_not_looked_for(heads):
    chronic, b = heads.graph.index("d"), heads.graph.index("b")
    assert found(heads, "Chronic head pain", not_itself=[chronic]) == []  # nor a part of its name
    assert found(heads, "Chronic head pain", not_itself=[b]) == [("Chronic head pain", "d")]
    assert found(heads, "Head pain in chronic head pain", not_itself=[b]) == [("chronic head pain", "d")]
    links = heads.link(
        [Document("1", "head"), Document("2", "head")], not_itself=[heads.graph.index("a"), -1]
    )
    assert [len(group) for group in links] == [0, 1]


RIVALS = [("a", "Rhinitis"), ("a", "Cold"), ("b", "Chill"), ("b", "Cold"), ("c", "Fever")]
ABOUT = [("a", "A viral cold of the airways."), ("b", "A feeling of cold all over the skin.")]


def test_rivals_are_told_apart_by_their_descriptions(encoder):
    """A text that is word for word name and description of one of the two is nearest to that one."""
    linker = PlainLinker(graph_of(RIVALS, ABOUT), encoder, "", EXACT_ONLY)
    for id, description in ABOUT:
        preferred = linker.graph.entity(id).name
        (links,) = linker.link([Document("1", f"{preferred}. {description}")])
        cold = [link for link in links if link.link.mention.text.lower() == "cold"]
        assert cold and all(link.link.entity == id and link.rivals == 2 for link in cold)
        assert all(0.5 < link.link.score <= 1 for link in cold)


def test_a_rival_that_the_text_is_about_leaves_one(encoder):
    linker = PlainLinker(graph_of(RIVALS, ABOUT), encoder, "", EXACT_ONLY)
    for own, other in (("a", "b"), ("b", "a")):
        (links,) = linker.link([Document("1", "cold")], not_itself=[linker.graph.index(own)])
        assert [(link.link.entity, link.rivals, link.link.score) for link in links] == [(other, 1, 1.0)]


def test_a_phrase_that_is_nearly_a_name(tiny_graph, encoder):
    linker = PlainLinker(tiny_graph, encoder, "", NEAR)
    (links,) = linker.link([Document("1", "This is caused by viral infections, not by bronchial asthma.")])
    assert [(link.link.mention.text, link.link.entity, link.generator) for link in links] == [
        ("viral infections", "D:4", "ngram"), ("bronchial asthma", "D:3", "exact")
    ]  # fmt: skip
    assert links[0].rivals == 1 and 0 < links[0].link.score <= 1


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("infections", "one word"),
        ("viral or infections", "a stop word between"),
        ("viral, infections", "a comma between"),
        ("viral infarcts", "the letters differ"),
        ("severe viral infections", "a word that begins as none of any name"),
        ("viral infections viral infections viral infections", "too long"),
    ],
)
def test_phrases_that_are_not_near(tiny_graph, encoder, text, why):
    assert found(PlainLinker(tiny_graph, encoder, "", NEAR), text) == [], why


def test_a_near_phrase_needs_letters_and_vectors(tiny_graph, encoder):
    for settings_ in (
        PlainLinkSettings(dense_floor=1.0),
        PlainLinkSettings(dense_floor=-1.0, ngram_floor=1.0),
    ):
        assert found(PlainLinker(tiny_graph, encoder, "", settings_), "viral infections") == []


def test_a_near_phrase_is_not_what_the_text_is_about(tiny_graph, encoder):
    linker = PlainLinker(tiny_graph, encoder, "", NEAR)
    assert found(linker, "viral infections", not_itself=[tiny_graph.index("D:4")]) == []


def test_a_linker_answers_the_same_again(tiny_graph, encoder):
    linker = PlainLinker(tiny_graph, encoder, "", NEAR)
    texts = ["viral infections and fever", "fever, viral infections", "viral infections and fever"]
    documents = [Document(str(number), text) for number, text in enumerate(texts)]
    first = linker.link(documents)
    assert linker.link(documents) == first == [linker.link([document])[0] for document in documents]
    assert first[0] == first[2]


def test_counts_and_columns(tiny_graph, encoder):
    linker = PlainLinker(tiny_graph, encoder, "", NEAR)
    texts = ["Fever with viral infections.", "Nothing here.", "Rash and fever"]
    links = linker.link([Document(str(number), text) for number, text in enumerate(texts)])
    assert count_links(links) == {
        "documents": 3,
        "documents_with_link": 2,
        "mentions": 4,
        "ambiguous": 0,
        "exact": 3,
        "ngram": 1,
    }
    columns = link_columns(links)
    assert columns["document"].tolist() == [0, 0, 2, 2]
    assert columns["start"].tolist() == [0, 11, 0, 9] and columns["end"].tolist() == [5, 27, 4, 14]
    assert [tiny_graph.ids[entity] for entity in columns["entity"]] == ["P:1", "D:4", "P:5", "P:1"]
    assert columns["generator"] == ["exact", "ngram", "exact", "exact"]
    assert columns["rivals"].tolist() == [1, 1, 1, 1] and columns["score"][0] == 1.0


def test_no_links_have_counts_and_columns():
    assert set(count_links([]).values()) == {0}
    assert all(len(column) == 0 for column in link_columns([[], []]).values())
    assert link_columns([])["document"].dtype == np.int64
