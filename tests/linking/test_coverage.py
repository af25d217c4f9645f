"""What texts have of a graph: figures that can be counted by hand, without an encoder."""

import gzip
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.linking import coverage
from loregraft.linking.coverage import CommonName, RelationReach, measure_coverage, read_texts


def test_the_tiny_graph(tiny_graph):
    texts = [
        "Influenza brings FEVER, fever and headache.",
        "Measles: high temperature for days.",
        "Nothing to see here.",
        "\u60a3\u8005\u53d1\u70ed\u3002",
    ]
    found = measure_coverage(tiny_graph, texts)
    assert (found.texts, found.mentions, found.entities) == (4, 7, 4)
    assert (found.mentioning, found.mentions_each, found.ambiguous) == (0.75, 1.75, 0.0)
    assert found.reached == round(4 / 12, 4)
    assert found.common[0] == CommonName("fever", 2, 1)
    assert found.relations[0] == RelationReach("has_phenotype", 6, 3, 3)
    assert found.relations[1:] == (RelationReach("associated_with", 2, 0, 0), RelationReach("is_a", 3, 0, 0))


def test_the_longest_name_wins_and_short_ones_count_as_they_are_spelled(tiny_graph):
    found = measure_coverage(tiny_graph, ["Throbbing headache on one side, ha!"])
    assert [name.name for name in found.common] == ["throbbing headache on one side"]
    assert measure_coverage(tiny_graph, ["HA!"]).mentions == 1


def test_a_name_of_several_entities_is_ambiguous():
    rows = {"entity": ["a", "a", "b", "c"], "name": ["Cold", "cold", "COLD", "flu"]}
    graph = KnowledgeGraph.gather([Columns("names", rows)])
    found = measure_coverage(graph, ["A cold, a flu, a cold."])
    assert (found.mentions, found.entities, found.ambiguous) == (3, 3, round(2 / 3, 4))
    assert found.common == (CommonName("cold", 2, 2), CommonName("flu", 1, 1))


def test_names_that_say_more_or_less_are_no_mentions(tiny_graph):
    assert measure_coverage(tiny_graph, ["a skin lesion, swine influenza"]).common[0].name == "influenza"
    assert measure_coverage(tiny_graph, ["a skin lesion, weakness"]).mentions == 0


def test_no_text_and_a_graph_without_names():
    graph = KnowledgeGraph.gather([Columns("triples", {"head": ["a"], "relation": ["r"], "tail": ["b"]})])
    assert measure_coverage(graph, []).mentioning == 0.0
    assert measure_coverage(graph, ["a r b"]).mentions == 0


def test_texts_are_read_some_at_a_time_and_told_together(tiny_graph, monkeypatch):
    texts = ["fever and measles", "nothing", "measles", "fever", "influenza, fever"]
    whole = measure_coverage(tiny_graph, iter(texts))
    monkeypatch.setattr(coverage, "AT_ONCE", 2)
    assert measure_coverage(tiny_graph, iter(texts)) == whole
    assert (whole.texts, whole.mentioning, whole.mentions) == (5, 0.8, 6)


WORDS = st.lists(st.sampled_from(["red", "hot", "cold", "flu"]), min_size=1, max_size=3)


def covering_most(text, names):
    """Say plainly how many characters names can cover without overlaps, and how many it may take."""
    best = [(0, {0})]
    for end in range(1, len(text) + 1):
        ways = [best[-1]]
        for name in names:
            if f" {text[:end]}".endswith(f" {name}") and text[end : end + 1] in ("", " "):
                covered, counts = best[end - len(name)]
                ways.append((covered + len(name), {count + 1 for count in counts}))
        most = max(covered for covered, _ in ways)
        best.append((most, set().union(*(counts for covered, counts in ways if covered == most))))
    return best[-1]


@settings(max_examples=50, deadline=None)
@given(st.lists(WORDS, min_size=1, max_size=6), st.lists(WORDS, max_size=4))
def test_mentions_are_those_that_cover_most(name_words, text_words):
    names = [" ".join(words) for words in name_words]
    rows = {"entity": [f"e{number}" for number in range(len(names))], "name": names}
    text = " ".join(word for words in text_words for word in words)
    found = measure_coverage(KnowledgeGraph.gather([Columns("names", rows)]), [text])
    assert found.mentions in covering_most(text, set(names))[1]


def test_files_are_read_line_by_line_unpacked(tmp_path):
    (tmp_path / "a.txt").write_text("one\n\ntwo\n", encoding="utf-8")
    (tmp_path / "b.txt.gz").write_bytes(gzip.compress(b"three\n"))
    assert list(read_texts([tmp_path / "a.txt", tmp_path / "b.txt.gz"])) == ["one", "two", "three"]
    (tmp_path / "c.txt").write_bytes(b"fine\n\xff\n")
    with pytest.raises(BadInput, match="line 2: byte 1 \\(0xff\\) is not UTF-8") as caught:
        list(read_texts([tmp_path / "c.txt"]))
    assert "UTF-8" in caught.value.fix


def test_it_starts_without_torch():
    code = "import sys, loregraft.linking.coverage; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
