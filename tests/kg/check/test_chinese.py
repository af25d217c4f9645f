"""Names in both Chinese scripts are found, by real pairs; without OpenCC the check says it was not made."""

import sys

import pytest

from loregraft.kg.check.checks import check_graph
from loregraft.kg.check.chinese import NAME, NOT_MADE, two_scripts
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns

PAIRS = [
    ("高血压", "高血壓"),  # high blood pressure
    ("头痛", "頭痛"),  # headache
    ("干燥综合征", "乾燥綜合徵"),  # two characters that became one: dry, and to do
    ("头发", "頭髮"),  # hair; the same simplified character as in the next one
    ("发热", "發熱"),  # fever
    ("心脏病", "心臟病"),  # heart disease
]
APART = [
    ("软件", "軟體"),  # software: another word, not another script
    ("高血压", "低血壓"),  # high and low
    ("高血压", "高血圧"),  # the Japanese form
    ("高血压", "高血压"),
    ("頭痛", "頭痛 "),  # a blank more is another matter
    ("IL6受体", "il6受体"),  # case only
]


def graph_of(*names):
    ids = [chr(ord("a") + place) for place in range(len(names))]
    return KnowledgeGraph.gather([Columns("names", {"entity": ids, "name": list(names)})])


@pytest.mark.parametrize(("simplified", "traditional"), PAIRS)
def test_pairs_of_scripts_are_found(simplified, traditional):
    found = two_scripts(graph_of(traditional, "flu", simplified))
    assert (found.name, found.level, found.count) == (NAME, "note", 1)
    assert found.examples == (f"'{traditional}' (a) / '{simplified}' (c)",)
    assert "Join" in found.fix


@pytest.mark.parametrize(("one", "other"), APART)
def test_what_differs_otherwise_is_not(one, other):
    found = two_scripts(graph_of(one, other))
    assert (found.level, found.count, found.fix) == ("pass", 0, "")


def test_case_and_width_are_put_aside_too_and_examples_are_at_most_three():
    assert two_scripts(graph_of("ＩＬ６受體", "il6受体")).count == 1
    names = [name for pair in PAIRS for name in pair]
    found = two_scripts(graph_of(*names, "高血壓", "高 血压"))
    assert found.count == len(PAIRS) and len(found.examples) == 3
    assert found.examples[0] == "'高血压' (a) / '高血壓' (b)"


def test_without_the_package_the_check_says_that_it_was_not_made(monkeypatch, tiny_graph):
    monkeypatch.setitem(sys.modules, "opencc", None)
    found = two_scripts(graph_of("高血压", "高血壓", "flu"))
    assert (found.name, found.level, found.count) == (NOT_MADE, "note", 2)
    assert found.examples == ("a: '高血压'", "b: '高血壓'")
    assert "pip install 'loregraft[zh]'" in found.fix
    assert two_scripts(graph_of("flu")).level == "pass"  # there is nothing to compare
    assert NOT_MADE in {finding.name for finding in check_graph(tiny_graph)}
