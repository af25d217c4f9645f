"""Links in a text as HTML: nothing of the text is lost, links nest and close, nothing in it is obeyed."""

import html
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loregraft.linking.texts.page import spans_html
from loregraft.linking.texts.rows import TextRow
from loregraft.linking.texts.spans import Begin, End, walk
from loregraft.linking.texts.writers import writing_links
from loregraft.records import Link, Mention

TEXT = "Marfan syndrome type 1"
OUTER, INNER = (0, 22, "M:1"), (0, 15, "M:2")


def links_of(text, *places):
    return [Link(Mention(start, end, text[start:end]), entity, 0.97) for start, end, entity in places]


@st.composite
def linked_texts(draw):
    text = draw(st.text(st.characters(exclude_categories=["Cs"])) | st.text("<>&\"'\r\n ab\u202eب中"))
    if not text:
        return text, []
    starts = draw(st.lists(st.integers(0, len(text) - 1), max_size=8))
    places = [(start, draw(st.integers(start + 1, len(text)))) for start in starts]
    ids = [draw(st.none() | st.text(st.characters(exclude_categories=["Cs"]))) for _ in places]
    return text, links_of(text, *[(*place, id) for place, id in zip(places, ids, strict=True)])


class Page(HTMLParser):
    """Checks that elements close in reverse order, and collects text and attributes."""

    def __init__(self, page):
        super().__init__()
        self.opened, self.text, self.marks, self.deepest = [], "", [], 0
        self.feed(page)
        self.close()
        assert self.opened == []

    def handle_starttag(self, tag, attrs):
        self.opened.append(tag)
        self.deepest = max(self.deepest, self.opened.count("mark"))
        if tag == "mark":
            self.marks.append(dict(attrs))

    def handle_endtag(self, tag):
        assert self.opened.pop() == tag

    def handle_data(self, data):
        self.text += "" if self.opened and self.opened[-1] == "style" else data


def without_tags(page):
    return html.unescape(re.sub(r"<style>.*?</style>|<[^>]*>", "", page, flags=re.DOTALL))


@given(linked_texts())
def test_without_tags_it_is_the_text(linked):
    text, links = linked
    page = spans_html(text, links, {"": "<b>&\"'"})
    shown = text.replace("\0", "\ufffd")
    assert without_tags(page) == shown
    assert Page(page).text == shown


@given(linked_texts())
def test_pieces_of_a_link_are_its_mention_and_close_in_reverse_order(linked):
    text, links = linked
    opened, pieces = [], {id(link): "" for link in links}
    begun, ended = [], []
    for part in walk(text, links):
        if isinstance(part, Begin):
            opened.append(part.link)
            begun += [id(part.link)] if part.first else []
        elif isinstance(part, End):
            assert opened.pop() is part.link
            ended += [id(part.link)] if part.last else []
        else:
            for link in opened:
                pieces[id(link)] += part
    assert opened == [] and sorted(begun) == sorted(ended) == sorted(pieces)
    assert all(pieces[id(link)] == link.mention.text for link in links)


def test_a_mention_shows_id_label_and_score():
    page = Page(spans_html(TEXT, links_of(TEXT, INNER), {"M:2": 'Marfan\'s "syndrome"'}))
    (mark,) = page.marks
    assert mark["title"] == 'Marfan\'s "syndrome" (M:2), 0.97' and mark["data-id"] == "M:2"
    (bare,) = Page(spans_html(TEXT, links_of(TEXT, INNER), {})).marks
    assert bare["title"] == "M:2, 0.97"


def test_a_link_inside_another_is_drawn_inside_it():
    for order in ([OUTER, INNER], [INNER, OUTER]):
        page = Page(spans_html(TEXT, links_of(TEXT, *order), {}))
        assert [mark["data-id"] for mark in page.marks] == ["M:1", "M:2"] and page.deepest == 2


def test_of_two_that_cross_one_is_cut_and_the_id_stands_at_its_end():
    page = Page(spans_html("abcdef", links_of("abcdef", (0, 4, "A"), (2, 6, "B")), {}))
    assert [(mark.get("data-id"), mark.get("class")) for mark in page.marks] == [
        ("A", None),
        (None, "cut"),
        ("B", None),
    ]


def test_a_mention_of_no_entity_is_shown():
    (mark,) = Page(spans_html(TEXT, links_of(TEXT, (0, 6, None)), {})).marks
    assert mark["title"] == "no entity of the graph, 0.97"


def test_what_would_be_obeyed_is_only_shown():
    text = "<script>alert(1)</script> & \u202e"
    page = spans_html(text, links_of(text, (0, 8, '"><img src=x onerror=alert(1)>')), {})
    assert "<script" not in page and "<img" not in page
    assert Page(page).text == text


def test_a_long_id_is_cut_behind_the_mention_and_whole_in_the_title():
    id = "http://purl.obolibrary.org/obo/" + "MONDO_" * 9
    (mark,) = Page(spans_html(TEXT, links_of(TEXT, (0, 6, id)), {})).marks
    assert len(mark["data-id"]) == 40 and id in mark["title"]


@pytest.mark.parametrize("place", [(3, 3), (-1, 2), (0, 99), (2, 1)])
def test_a_link_that_is_not_in_the_text_is_refused(place):
    with pytest.raises(ValueError, match="in a text of 22 characters"):
        spans_html(TEXT, [Link(Mention(*place, "x"), "A", 1.0)], {})


def test_a_page_needs_nothing_else(tmp_path):
    path = tmp_path / "links.html"
    with writing_links(path, lambda links: {"M:2": "Marfan"}) as write:
        write(TextRow(TEXT, "<7>"), links_of(TEXT, INNER))
        write(TextRow("متلازمة مارفان"), [])
    page = path.read_text(encoding="utf-8")
    assert "http" not in page.replace("http-equiv", "") and "<script" not in page
    assert "&lt;7&gt;" in page and 'dir="auto">متلازمة مارفان' in page
    assert "2 texts, 1 links" in page and page.endswith("</html>\n")
