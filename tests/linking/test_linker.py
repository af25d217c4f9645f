"""The linker, end to end on small graphs: names, homonyms, abbreviations, other words, folders."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.encoder.load import load_encoder
from loregraft.errors import BadInput, WrongArtifact
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.linking.learning.learn import learn_from_names
from loregraft.linking.linker import Linker
from loregraft.linking.settings import LinkSettings


def said(links):
    return [(link.mention.text, link.entity) for link in links]


def graph_of(names, triples=()):
    """Make a graph of (id, name) rows, the first of an id preferred, and (head, relation, tail) rows."""
    ids = list(dict.fromkeys(id for id, _ in names))
    first = {id: row for row, (id, _) in reversed(list(enumerate(names)))}
    kinds = ["preferred" if first[id] == row else "exact" for row, (id, _) in enumerate(names)]
    columns = [
        Columns("entities", {"id": ids}),
        Columns("names", {"entity": [n[0] for n in names], "name": [n[1] for n in names], "kind": kinds}),
    ]
    if triples:
        head, relation, tail = (list(column) for column in zip(*triples, strict=True))
        columns.append(Columns("triples", {"head": head, "relation": relation, "tail": tail}))
    return KnowledgeGraph.gather(columns, source="test")


HOMONYMS = graph_of(
    [
        *[("planet", "Mercury"), ("metal", "Mercury"), ("venus", "Venus"), ("lead", "Lead ore")],
        *[("orbit", "Solar orbit"), ("poison", "Heavy metal poisoning"), ("zh1", "苹果"), ("zh2", "苹果")],
        *[("phone", "手机"), ("pear", "梨树"), ("fruit", "水果")],
    ],
    [
        *[("planet", "has", "orbit"), ("venus", "has", "orbit"), ("metal", "causes", "poison")],
        *[
            ("lead", "causes", "poison"),
            ("zh1", "makes", "phone"),
            ("zh2", "is", "fruit"),
            ("pear", "is", "fruit"),
        ],
    ],
)

PLANETS = Linker.build(HOMONYMS)


@pytest.fixture
def linker(tiny_graph):
    return Linker.build(tiny_graph)


def test_names_are_found_where_they_stand(linker):
    text = "Fever and BRONCHIAL  asthma; interferon-gamma."
    links = linker.link(text)
    assert said(links) == [("Fever", "P:1"), ("BRONCHIAL  asthma", "D:3"), ("interferon-gamma", "G:1")]
    assert all(text[link.mention.start : link.mention.end] == link.mention.text for link in links)
    assert all(0.5 <= link.score <= 1 for link in links)


def test_the_longer_of_two_names_is_kept_and_what_is_inside_only_if_asked(linker):
    assert said(linker.link("bronchial asthma")) == [("bronchial asthma", "D:3")]
    every = linker.with_settings(overlaps="all").link("bronchial asthma")
    assert said(every) == [("bronchial asthma", "D:3"), ("asthma", "D:3")]


def test_names_in_other_words_are_found_within_a_sentence(linker):
    assert said(linker.link("Infections that are viral; viral infections.")) == [("viral infections", "D:4")]
    assert said(linker.link("an infection, viral or not; (infection) viral")) == []
    assert said(linker.with_settings(variants=False).link("viral infections")) == []


def test_a_name_in_capitals_is_not_found_as_another_word():
    linker = Linker.build(graph_of([("org", "WHO"), ("org", "World Health Organization"), ("x", "Fever")]))
    assert said(linker.link("Those who know the WHO.")) == [("WHO", "org")]


def test_abbreviations_stand_for_what_the_text_says(linker):
    links = linker.link("Bronchial asthma (BA) is long. BA lasts.")
    assert said(links) == [("Bronchial asthma", "D:3"), ("BA", "D:3"), ("BA", "D:3")]
    assert said(linker.link("BA lasts.")) == []


def test_homonyms_are_told_apart_by_the_graph_alone():
    linker = PLANETS
    assert said(linker.link("Mercury and Venus.")) == [("Mercury", "planet"), ("Venus", "venus")]
    assert said(linker.link("Mercury, lead ore.")) == [("Mercury", "metal"), ("lead ore", "lead")]
    assert said(linker.link("苹果和手机都很贵"))[0] == ("苹果", "zh1")
    assert said(linker.link("梨树旁边有苹果"))[-1] == ("苹果", "zh2")


def test_without_coherence_these_homonyms_are_not_told_apart():
    linker = Linker.build(HOMONYMS).with_settings(coherence=False)
    first, second = linker.link("Mercury, lead ore."), linker.link("Mercury and Venus.")
    assert said(first)[0] == said(second)[0]  # whichever it is, it is the same


def test_given_mentions_are_all_answered_and_may_mean_nothing(linker):
    text = "She had bronchal asthma and a xylophone."
    links = linker.link(text, [(8, 23), (30, 39)])
    assert said(links) == [("bronchal asthma", "D:3"), ("xylophone", None)]


def test_places_of_a_tagger_are_judged_beside_those_that_are_found(linker):
    text = "Bronchial asthma (BA), bronchal asthma, an xylophone; BA."
    places = [(0, 16), (23, 38), (43, 52)]
    found = said(linker.links([text], also=[places])[0])
    assert found == [("Bronchial asthma", "D:3"), ("BA", "D:3"), ("bronchal asthma", "D:3"), ("BA", "D:3")]
    assert linker.links([text], also=[[]]) == linker.links([text])
    every = linker.judge([text], also=[places])
    assert (43, 52) in zip(every.spans.starts.tolist(), every.spans.ends.tolist(), strict=True)


def test_a_higher_threshold_leaves_more_out(linker):
    text = "She had bronchal asthma."
    p = linker.link(text, [(8, 23)])[0].score
    strict = linker.with_settings(nil=min(1.0, p + 0.001))
    assert said(strict.link(text, [(8, 23)])) == [("bronchal asthma", None)]


def test_a_precision_that_cannot_be_promised_is_said(linker, caplog):
    assert linker.with_settings(nil="p95").threshold == 0.5
    assert "knows no precision" in caplog.text
    taught = learn_from_names(linker).with_settings(nil="p99")
    assert 0 <= taught.threshold <= 1
    assert "p99" in caplog.text  # a dozen entities are too few to promise it


def test_a_score_is_the_sum_of_what_its_features_gave(linker):
    judged = linker.judge(["Fever with bronchal asthma."], [[(0, 5), (11, 26)]])
    for row, score in zip(judged.pool.matrix, judged.scores, strict=True):
        assert abs(sum(linker.weights.contributions(row).values()) - score) < 1e-5


def test_saved_and_loaded_it_links_the_same(linker, tmp_path):
    learned = learn_from_names(linker)
    learned.save(tmp_path / "linker", parents={"graph": "abc"})
    loaded = Linker.load(tmp_path / "linker", graph_key="abc")
    texts = ["Fever and asthma (BA).", "", "Mercury", "bronchal asthma"]
    assert loaded.links(texts) == learned.links(texts)
    assert loaded.calibration == learned.calibration
    assert loaded.link("bronchal asthma", [(0, 15)]) == learned.link("bronchal asthma", [(0, 15)])


def test_a_folder_of_another_graph_or_encoder_is_refused(linker, tmp_path, tiny_encoder_folder):
    linker.save(tmp_path / "linker", parents={"graph": "abc"})
    with pytest.raises(WrongArtifact, match="built from another graph"):
        Linker.load(tmp_path / "linker", graph_key="xyz")
    with pytest.raises(WrongArtifact, match="built with no encoder"):
        Linker.load(tmp_path / "linker", load_encoder(tiny_encoder_folder))
    with pytest.raises(WrongArtifact):
        Linker.load(tmp_path / "nothing")


def test_an_encoder_adds_candidates_and_its_folder_needs_it(tiny_graph, tiny_encoder_folder, tmp_path):
    encoder = load_encoder(tiny_encoder_folder)
    linker = Linker.build(tiny_graph, encoder)
    assert said(linker.link("Fever and asthma")) == [("Fever", "P:1"), ("asthma", "D:3")]
    linker.save(tmp_path / "linker")
    loaded = Linker.load(tmp_path / "linker", encoder)
    assert loaded.link("high feverr", [(0, 11)]) == linker.link("high feverr", [(0, 11)])


def test_only_entities_that_are_asked_for_are_looked_for(tiny_graph):
    linker = Linker.build(tiny_graph, settings=LinkSettings(prefix="D:"))
    assert said(linker.link("Fever and asthma")) == [("asthma", "D:3")]
    below = Linker.build(tiny_graph, settings=LinkSettings(under=("D:4",)))
    assert said(below.link("Fever, asthma, flu and viral infection")) == [
        *[("flu", "D:2"), ("viral infection", "D:4")]
    ]
    with pytest.raises(BadInput, match="no entity has an id that begins with 'Z:'"):
        Linker.build(tiny_graph, settings=LinkSettings(prefix="Z:"))
    for nil in ("often", "95", 1.5):
        with pytest.raises(ValueError, match="It must be a number from 0 to 1"):
            LinkSettings(nil=nil)
    with pytest.raises(BadInput, match="under names 'D:9'"):
        Linker.build(tiny_graph, settings=LinkSettings(under=("D:9",)))


def test_learning_from_names_keeps_names_first_and_gives_probabilities(linker):
    learned = learn_from_names(linker)
    assert learned.calibration is not None
    assert learned.weights.named != linker.weights.named
    assert said(learned.with_settings(nil=0.0).link("Fever")) == [("Fever", "P:1")]
    assert learned.weights.named["context"] == linker.weights.named["context"]


def test_empty_texts_and_texts_without_names(linker):
    assert linker.links([]) == []
    assert linker.links(["", "nothing here", "\ud800\x00"]) == [[], [], []]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.text(alphabet="fever asthma(BA) flu.漢é\u0301😀", max_size=30), min_size=1, max_size=4))
def test_links_are_those_of_each_text_alone_and_hold_what_they_say(texts):
    together = PLANETS.links([*texts, "Mercury and Venus"])
    for text, links in zip(texts, together, strict=False):
        assert links == PLANETS.link(text)
        assert all(text[link.mention.start : link.mention.end] == link.mention.text for link in links)


def test_a_long_text_is_linked_to_its_end(linker):
    text = "nothing to see. " * 6_500 + "Fever."
    (link,) = linker.link(text)
    assert (link.mention.start, link.entity) == (len(text) - 6, "P:1")
    assert np.isfinite(link.score)
