"""The page: whole, closed off from the network, and true to the results whatever they hold."""

import copy
import html.parser
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from loregraft.errors import LoregraftError
from loregraft.report import render_page

VOID = {"meta", "link", "br"}
DRAWN = {"rect", "path", "circle", "line", "polyline"}
HOSTILE = "</script></title></svg><img src=http://evil.example/x onerror=alert(1)>\"'\u202e\x1b[31m{{ 7*7 }}"


class Balance(html.parser.HTMLParser):
    """Collects tags that do not match, every attribute, and the text."""

    def __init__(self):
        super().__init__()
        self.open, self.wrong, self.attributes, self.text = [], [], [], []
        self.tags, self.ids = [], []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        self.ids += [value for name, value in attributes if name == "id"]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.attributes += attributes
        if tag not in DRAWN:
            self.wrong.append(tag)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)

    def handle_data(self, data):
        self.text.append(data)


def parse(page):
    parser = Balance()
    parser.feed(page)
    parser.close()
    return parser


def words(page):
    return " ".join(" ".join(parse(page).text).split())


def assert_sound(page):
    parser = parse(page)
    assert not parser.wrong and not parser.open
    assert len(parser.ids) == len(set(parser.ids))
    assert not {"script", "img", "iframe", "object", "form"} & set(parser.tags)
    for name, value in parser.attributes:
        assert not name.startswith("on")
        if name in ("src", "href", "xlink:href", "action"):
            assert value == "data:," or value.startswith("#")
    for reference in [value for name, value in parser.attributes if name == "href" and value[0] == "#"]:
        assert reference[1:] in parser.ids
    for reference in [value for name, value in parser.attributes if name == "aria-labelledby"]:
        assert set(reference.split()) <= set(parser.ids)


def test_whole_page_is_balanced_and_small(several_seeds):
    page = render_page(several_seeds)
    assert_sound(page)
    assert page.startswith("<!DOCTYPE html>")
    assert len(page.encode()) < 2_000_000


def test_nothing_loads_from_elsewhere(several_seeds):
    page = render_page(several_seeds)
    assert not re.search(r"(?:src|href|action)\s*=\s*[\"']?\s*(?:https?:)?//", page, re.IGNORECASE)
    assert not re.search(r"url\(|@import|<script", page, re.IGNORECASE)
    assert "default-src 'none'" in page


def test_everything_is_on_it(several_seeds):
    shown = words(render_page(several_seeds))
    for arm in ("exact", "ngram", "untouched", "shuffled", "grafted"):
        assert arm in shown
    for expected in (
        "Knowledge helped +12.5 points over the untouched encoder",
        "Not for medical use.",
        "1.93×",
        "grafted − shuffled",
        "+13.5 to +18.5",
        "low string overlap",
        "seed 2",
        "dumbness of the hands",
        "Drawn at random by seed 0, 1, 2, not chosen by hand",
        "no evidence of forgetting",
        "Names removed 4,207",
        "Ambiguous names",
        "Human Phenotype Ontology Consortium",
        "91 MB",
        "loregraft run recipes/demo.yaml",
        "53aa51172d142c89",
        "learning_rate: 5.0e-05",
        "Not compared in this run: continued pre-training on the same text without the graph",
    ):
        assert expected in shown, expected


def test_bold_only_what_is_significant(results):
    page = render_page(results)
    assert "<strong><bdi>26.0%</bdi></strong>" in page
    assert "<strong><bdi>43.0%</bdi></strong>" not in page
    assert "<strong><bdi>+12.5</bdi></strong>" in page
    assert "<strong><bdi>+1.0</bdi></strong>" not in page


def test_no_evidence_is_said_plainly(unhelpful):
    page = render_page(unhelpful)
    shown = words(page)
    assert "No evidence that the knowledge helped" in shown
    assert "Do not count on the graph for this task." in shown
    assert 'class="verdict status-none"' in page
    assert "Knowledge helped" not in shown


@pytest.mark.parametrize(
    ("verdict", "headline"),
    [
        ({"status": "hurt", "sentence": "", "not_run": []}, "Knowledge hurt"),
        ({"status": "splendid", "sentence": "Great!"}, "No verdict"),
        ({}, "No verdict"),
    ],
)
def test_other_verdicts(results, verdict, headline):
    shown = words(render_page(results | {"verdict": verdict}))
    assert headline in shown
    assert "Knowledge helped" not in shown


def poison(value):
    """Put the hostile label into every string and every key that is free."""
    if isinstance(value, str):
        return (
            value if value in ("helped", "no evidence", "hurt", "pass", "warn", "fail") else value + HOSTILE
        )
    if isinstance(value, list):
        return [poison(item) for item in value]
    return {key: poison(item) for key, item in value.items()} if isinstance(value, dict) else value


def test_hostile_labels_stay_text(several_seeds):
    page = render_page(poison(several_seeds))
    assert_sound(page)
    assert "\u202e" not in page and "\x1b" not in page
    assert "<img" not in page
    assert "{{ 7*7 }}" in page
    assert "</script" not in page


def test_hostile_keys_stay_text(results):
    task = results["tasks"][0]
    task["arms"][HOSTILE] = {"value": 0.5, HOSTILE: {"value": 0.1}}
    results["graph"]["counts"][HOSTILE] = 3
    results["reproduce"]["packages"][HOSTILE] = "1"
    results["linking"]["by_generator"][HOSTILE] = 4
    results["pretraining"]["arms"][HOSTILE] = {"loss": [[0, 1.0], [1, 0.5]]}
    page = render_page(results)
    assert_sound(page)
    assert "<img" not in page


def test_lone_surrogates_can_be_written(results):
    render_page(results | {"name": "a\ud800b", "recipe": {"a": "\udfff"}}).encode("utf-8")


@pytest.mark.parametrize("results_of", [{}, {"schema": 1}, {"schema": 1, "tasks": [{}], "examples": [{}]}])
def test_almost_nothing_still_renders(results_of):
    page = render_page(results_of)
    assert_sound(page)
    assert "No verdict" in page


def test_each_part_may_be_missing(several_seeds):
    for key in several_seeds:
        assert_sound(render_page({name: part for name, part in several_seeds.items() if name != key}))


def paths(value, prefix=()):
    children = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    return [
        prefix,
        *(path for key, child in children if key != "loss" for path in paths(child, (*prefix, key))),
    ]


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**9), 10**9),
    st.floats(),
    st.text(max_size=20),
    st.just([]),
    st.just({}),
    st.just([None, "x", 3]),
    st.just({"value": "x", "low": None}),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_odd_values_never_break_the_page(results, data):
    changed = copy.deepcopy(results)
    *parents, last = data.draw(
        st.sampled_from([path for path in paths(results) if path and path != ("schema",)])
    )
    place = changed
    for key in parents:
        place = place[key]
    place[last] = data.draw(JUNK)
    assert_sound(render_page(changed))


def test_large_results_stay_below_two_megabytes(results):
    results["examples"] *= 500
    results["linking"]["examples"] = [{"text": "word " * 20_000, "links": []}] * 1_000
    results["graph"]["checks"] *= 500
    results["pretraining"]["arms"]["grafted"]["loss"] = [[step, 1.0] for step in range(100_000)]
    page = render_page(results)
    assert len(page.encode()) < 2_000_000
    assert "1992 more in results.json" in page


def test_newer_schema_is_refused(results):
    with pytest.raises(LoregraftError, match=r"schema 2.*newer loregraft"):
        render_page(results | {"schema": 2})


def test_pages_are_the_same_each_time(results):
    assert render_page(results) == render_page(copy.deepcopy(results))


def test_tables_name_their_headers(several_seeds):
    page = render_page(several_seeds)
    headers = re.findall(r"<th\b[^>]*>", page)
    assert headers and all('scope="' in header for header in headers)
    assert page.count("<table") == page.count("<caption>")


def test_pictures_have_title_and_description(several_seeds):
    page = render_page(several_seeds)
    assert page.count('role="img"') == page.count("<desc ") == page.count("<title id=")
    assert "grafted: 26.0%" in page
    assert "grafted − untouched: +12.5, helped" in page
