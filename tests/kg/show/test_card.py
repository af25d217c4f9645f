"""The card of an entity tells all that is known, cut with a count, and obeys no terminal code."""

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.identity import triple_id
from loregraft.kg.show.card import card_lines, entity_card, fact_groups
from loregraft.kg.show.printable import printable
from loregraft.kg.tables.columns import Columns

CARD = """\
Influenza  D:2  (disease)
  A viral disease of the airways that comes each winter.

names
  preferred: Influenza
  lay: Flu
  narrow: Swine influenza

attributes
  xref: X:8

is_a →  (1)
  Viral infection  D:4  [PMID:2; by tiny]

has_phenotype →  (3)
  Fever  P:1  [PMID:5; by tiny]
  Cephalalgia  P:2  [PMID:6; by tiny]
  and 1 more

known to be false: has_phenotype →  (1)
  Exanthem  P:5  [PMID:8; by tiny]
"""


def test_a_card_as_text(tiny_graph):
    assert "\n".join(card_lines(entity_card(tiny_graph, "D:2", 2))) + "\n" == CARD


def test_what_an_entity_is_the_tail_of(tiny_graph):
    lines = card_lines(entity_card(tiny_graph, "P:5"))
    assert "← has_phenotype  (1)" in lines and "known to be false: ← has_phenotype  (1)" in lines
    assert lines[lines.index("← has_phenotype  (1)") + 1] == "  Rubeola  D:1  [PMID:4; by tiny]"


def test_statements_of_one_fact_are_one_fact():
    rows = {
        "head": ["a", "a", "a"],
        "relation": ["r", "r", "r"],
        "tail": ["b", "b", "a"],
        "source": ["x", "y", ""],
        "confidence": [0.25, 1.0, 1.0],
        "valid_from": ["2020", "", ""],
        "valid_to": ["2021", "", ""],
        "qualifiers": ['{"frequency": "1/2"}', "", ""],
        "references": ["1|2", "", ""],
    }
    relations = Columns("relations", {"id": ["r"], "name": ["is near"]})
    graph = KnowledgeGraph.gather([relations, Columns("triples", rows)])
    (group,) = entity_card(graph, "a").groups
    assert (group.total, [fact.other for fact in group.facts]) == (2, ["a", "b"])
    assert [fact.id for fact in group.facts] == [triple_id("a", "r", "a"), triple_id("a", "r", "b")]
    assert card_lines(entity_card(graph, "a")) == [
        "a  a",
        "",
        "is near →  (2)",
        "  a  a",
        "  b  b  [frequency 1/2; confidence 0.25; from 2020; to 2021; 1, 2; by x]",
        "      [by y]",
    ]
    assert entity_card(graph, "b").groups[0].total == 1


def test_groups_are_cut_with_their_totals():
    size = 1_000
    rows = {"head": [str(n) for n in range(size)], "relation": ["r"] * size, "tail": ["hub"] * size}
    graph = KnowledgeGraph.gather([Columns("triples", rows)])
    (group,) = fact_groups(graph, graph.index("hub"), 3)
    assert (group.total, len(group.facts), group.outgoing) == (1_000, 3, False)
    assert card_lines(entity_card(graph, "hub", 3))[-1] == "  and 997 more"


def test_long_lists_are_cut_and_long_lines_broken():
    names = {"entity": ["a"] * 20, "name": [f"name {n:02}" for n in range(20)], "language": ["de"] * 20}
    text = {"entity": ["a"] * 2, "text": ["word " * 40, "Wort"], "language": ["en", "de"]}
    values = {"entity": ["a"] * 2, "property": ["mass"] * 2, "value": ["1", "2"], "unit": ["kg", ""]}
    media = {"entity": ["a"], "reference": ["a.png"]}
    tables = {"names": names, "descriptions": text, "attributes": values, "media": media}
    graph = KnowledgeGraph.gather([Columns(table, rows) for table, rows in tables.items()])
    lines = card_lines(entity_card(graph, "a"), width=60, shown=12)
    assert max(map(len, lines)) <= 60
    whole = " ".join(line.strip() for line in lines)
    assert "exact [de]: name 00; name 01" in whole and "name 11; and 8 more" in whole
    assert "name 12" not in whole
    assert "word word [de] Wort" in whole
    assert "mass: 1 kg; 2" in whole and "image: a.png" in whole


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        ("\x9b31m", r"\x9b31m"),
        ("a\u202eb\u2066", r"a\u202eb\u2066"),
        ("a\rb\nc\x07", r"a\rb\nc\x07"),
        ("\u200b\ufeff", r"\u200b\ufeff"),
        ("\ud800", r"\ud800"),
        ("naïve 发热 \U0001f600 \u0645\u06cc\u200c\u062e", "naïve 发热 \U0001f600 \u0645\u06cc\u200c\u062e"),
    ],
)
def test_printable(text, safe):
    assert printable(text) == safe


def test_no_part_of_a_card_reaches_the_terminal_raw():
    bad = "\u202ex"  # an id with an escape character is left out on import
    named = {"entity": ["a"], "name": ["x\u202ey\tz"]}
    rows = {"head": ["a"], "relation": [f"r{bad}"], "tail": [f"b{bad}"], "source": [bad], "references": [bad]}
    types = {"id": ["a"], "type": [bad]}
    tables = {"names": named, "triples": rows, "entities": types}
    graph = KnowledgeGraph.gather([Columns(table, rows) for table, rows in tables.items()])
    for id in ("a", f"b{bad}"):
        lines = card_lines(entity_card(graph, id))
        assert all(line.isprintable() for line in lines)
        assert any(r"\u202e" in line for line in lines)


def test_an_unknown_entity_is_a_wrong_argument(tiny_graph):
    with pytest.raises(ValueError, match="no entity of the graph has the id 'P:99'"):
        entity_card(tiny_graph, "P:99")
