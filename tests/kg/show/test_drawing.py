"""A drawing is one whole SVG: it loads nothing, runs nothing, and no text is upon another."""

import re
import xml.etree.ElementTree as ET
from itertools import pairwise

import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.show import drawing
from loregraft.kg.show.drawing import COLUMN, MIDDLE, draw_entity
from loregraft.kg.tables.columns import Columns

SVG = "{http://www.w3.org/2000/svg}"


def star(out, incoming, relations=3, name="Neighbour {n}"):
    ids = ["X", *(f"n{n}" for n in range(out + incoming))]
    names = ["The middle", *(name.format(n=n) for n in range(out + incoming))]
    heads = ["X"] * out + ids[out + 1 :]
    tails = ids[1 : out + 1] + ["X"] * incoming
    labels = [f"r{n % relations}" for n in range(out + incoming)]
    return KnowledgeGraph.gather(
        [
            Columns("names", {"entity": ids, "name": names}),
            Columns("triples", {"head": heads, "relation": labels, "tail": tails}),
        ]
    )


def texts(svg, kind):
    root = ET.fromstring(svg)
    return [text.text or "" for text in root.iter(f"{SVG}text") if text.get("class") == kind]


def boxes(svg):
    """The rectangles that hold text, as left, top, right, bottom."""
    found = []
    for box in ET.fromstring(svg).iter(f"{SVG}rect"):
        if box.get("class") in ("box", "middle"):
            x, y, width, height = (float(box.get(name, "0")) for name in ("x", "y", "width", "height"))
            found.append((x, y, x + width, y + height))
    return found


def test_neighbours_are_named_on_the_side_of_their_direction(tiny_graph):
    svg = draw_entity(tiny_graph, "D:1")
    assert texts(svg, "title") == ["Rubeola"] and texts(svg, "id") == ["D:1"]
    assert texts(svg, "relation") == ["associated_with (1)", "is_a (1)", "has_phenotype (2)"]
    assert texts(svg, "name") == ["IFNG", "Viral infection", "Fever", "Exanthem"]
    left = min(box[0] for box in boxes(svg))
    assert sum(box[0] == left for box in boxes(svg)) == 1
    assert svg.count('class="head"') == 4


def test_it_is_labelled_and_loads_nothing(tiny_graph):
    svg = draw_entity(tiny_graph, "D:2")
    root = ET.fromstring(svg)
    assert root.get("role") == "img"
    assert [child.text for child in root if child.tag == f"{SVG}title"] == [
        "Influenza (D:2) and what is around it"
    ]
    assert "prefers-color-scheme: dark" in svg
    assert not re.search(r"<script|<image|<use|@import|url\(|href|\son\w+=", svg)
    assert re.findall(r"https?://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]


def test_what_is_false_stands_apart(tiny_graph):
    svg = draw_entity(tiny_graph, "D:2")
    assert "not has_phenotype (1)" in texts(svg, "relation")
    assert svg.count('<g class="false">') == 1


@pytest.mark.parametrize(
    ("out", "incoming", "relations"),
    [(24, 0, 1), (0, 24, 24), (12, 12, 12), (500, 300, 40), (1, 0, 1)],
)
def test_no_box_is_upon_another_or_outside(out, incoming, relations):
    svg = draw_entity(star(out, incoming, relations), "X")
    root = ET.fromstring(svg)
    width, height = float(root.get("width", "0")), float(root.get("height", "0"))
    placed = boxes(svg)
    assert len(placed) == min(out + incoming, 24) + 1
    for number, (left, top, right, bottom) in enumerate(placed):
        assert 0 <= left and right <= width and 0 <= top and bottom <= height
        for other in placed[:number]:
            assert right <= other[0] or other[2] <= left or bottom <= other[1] or other[3] <= top
    lines = sorted(
        {(float(text.get("y", "0")), float(text.get("x", "0"))) for text in root.iter(f"{SVG}text")}
    )
    for column in {x for _, x in lines}:
        ys = [y for y, x in lines if x == column]
        assert all(later - earlier >= 14 for earlier, later in pairwise(ys))
    assert all(0 < y < height for y, _ in lines)


def test_what_is_not_drawn_is_counted():
    svg = draw_entity(star(500, 0, 1), "X")
    assert texts(svg, "more") == ["and 476 more"]
    svg = draw_entity(star(40, 0, 30), "X")
    assert texts(svg, "more")[-1] == "and 6 more relations"
    assert len(texts(svg, "name")) == 24
    assert len(texts(draw_entity(star(40, 0, 4), "X", most=6), "name")) == 6


@pytest.mark.parametrize("name", ["W" * 60, "漢" * 60, "a long name of many words " * 5, "ß" * 60])
def test_long_names_are_cut_where_the_box_ends(name):
    svg = draw_entity(star(2, 2, name=name), "X")
    for shown in texts(svg, "name"):
        assert (
            "…" in shown
            and shown.strip().endswith(name.strip()[-5:])
            and len(shown) * 13 * (1 if shown[0] in "W漢" else 0.5) <= COLUMN
        )
    graph = KnowledgeGraph.gather([Columns("names", {"entity": ["a"], "name": [name]})])
    for line in texts(draw_entity(graph, "a"), "title"):
        assert len(line) * 15 * (1 if line[0] in "W漢" else 0.5) <= MIDDLE


def test_names_cannot_break_out():
    evil = "</text><script>alert(1)</script>&\"' \u202e"
    graph = star(1, 1, name=evil)
    rows = {"head": ["X"], "relation": ['"><script>'], "tail": ["<b>"]}
    names = {"entity": ["X"], "name": [evil]}
    whole = KnowledgeGraph.gather([Columns("triples", rows), Columns("names", names)])
    for svg in (draw_entity(graph, "X"), draw_entity(whole, "X")):
        assert {element.tag.removeprefix(SVG) for element in ET.fromstring(svg).iter()} <= {
            "svg", "title", "style", "rect", "text", "g", "path"}  # fmt: skip
        assert "\u202e" not in svg


def test_an_entity_alone(tiny_graph):
    graph = KnowledgeGraph.gather([Columns("entities", {"id": ["a"]})])
    assert texts(draw_entity(graph, "a"), "title") == ["a"]
    with pytest.raises(ValueError, match="most must be at least 1, got 0"):
        draw_entity(graph, "a", most=0)
    with pytest.raises(ValueError, match="no entity of the graph has the id"):
        draw_entity(graph, "b")


def test_a_very_long_id_is_cut_in_one_pass(monkeypatch):
    seen = []
    monkeypatch.setattr(drawing, "_letter_width", lambda letter: seen.append(letter) or 0.5)
    assert drawing._cut("x" * 1_000_000, 10, 52) == "x" * 8 + "…"
    assert len(seen) < 20
