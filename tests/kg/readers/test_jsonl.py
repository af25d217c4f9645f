"""JSON Lines: what keys mean, and what damaged lines give."""

import json

import pytest

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import READERS, read, recognise
from loregraft.records import Attribute, Entity, Name, Triple


def file_of(folder, *lines, name="a.jsonl"):
    path = folder / name
    texts = [line if isinstance(line, str) else json.dumps(line) for line in lines]
    path.write_text("\n".join(texts) + "\n", encoding="utf-8")
    return path


def test_a_triple_with_all_that_is_said_of_it(tmp_path):
    said = {"references": ["PMID:1", "http://x/a|b"], "qualifiers": {"onset": "late"}, "confidence": 0.5}
    path = file_of(
        tmp_path,
        {"head": "a", "relation": "r", "tail": 7, **said, "dose": 2.5, "sure": True, "note": None},
        {"head": "a", "relation": "r", "tail": "c", "negated": True, "source": "me"},
    )
    assert recognise(path) == "jsonl"
    true, false = KnowledgeGraph.gather(read(path)).facts("a")
    assert true == Triple("a", "r", "7") and false == Triple("a", "r", "c", negated=True)
    assert true.references == ("PMID:1", "http://x/a%7Cb")
    assert true.qualifiers == (("onset", "late"), ("dose", 2.5), ("sure", True))
    assert (true.source, false.source) == ("a.jsonl", "me")


def test_an_entity_with_all_that_is_known_of_it(tmp_path):
    path = file_of(
        tmp_path,
        {
            "id": "a",
            "names": ["Ada", {"text": "Augusta", "kind": "lay", "language": "de"}],
            "description": "A person.",
            "types": ["person", "mathematician"],
            "attributes": {"born": {"value": "1815", "datatype": "gYear"}, "langs": ["en", "fr"], "n": 3},
            "media": [{"reference": "ada.png"}],
            "colour": "red",
        },
        {"id": "b", "language": "zh", "name": "北京", "type": "city"},
    )
    assert recognise(path) == "entities_jsonl"
    graph = KnowledgeGraph.gather(read(path))
    names = (Name("Ada"), Name("Augusta", "lay", "de"))
    names = (Name("Ada", "preferred"), names[1])
    assert graph.entity("a") == Entity("a", names, "A person.", "person")
    assert graph.entity("b") == Entity("b", (Name("北京", "preferred", "zh"),), "", "city")
    assert graph.attributes_of("a") == [
        Attribute("born", "1815", "gYear"), Attribute("langs", "en"), Attribute("langs", "fr"),
        Attribute("n", "3", "integer"), Attribute("colour", "red"),
    ]  # fmt: skip
    assert [row["type"] for row in graph.rows_of("types", 0)] == ["person", "mathematician"]
    assert graph.rows_of("media", 0)[0]["reference"] == "ada.png"


END = '"head": "a", "relation": "r", "tail": "b"'


@pytest.mark.parametrize(
    "format, line, found",
    [
        ("jsonl", "{", "no JSON"),
        ("jsonl", "[1]", "no JSON object in '[1]'"),
        ("jsonl", "[" * 100_000, "JSON nested too deep"),
        ("jsonl", "9" * 5_000, "no JSON"),
        ("jsonl", f'{{{END}, "head": "c"}}', "no JSON (the key 'head' stands twice)"),
        ("jsonl", f'{{{END}, "dose": NaN}}', "no JSON (NaN is no number)"),
        ("jsonl", f'{{{END}, "dose": [1]}}', "the qualifier 'dose' is [1]"),
        ("jsonl", f'{{{END}, "dose": "\\ud800"}}', "half of a character in"),
        ("jsonl", f'{{{END}, "\\udc00": 1}}', "half of a character in"),
        ("jsonl", f'{{{END}, "confidence": true, "split": 3}}', "'split' is 3 and no text"),
        ("jsonl", f'{{{END}, "confidence": [1]}}', "'confidence' is [1]"),
        ("jsonl", '{"head": true, "relation": "r", "tail": "b"}', "'head' is True and no text"),
        ("jsonl", '{"head": "\\ud83d", "relation": "r", "tail": "b"}', "half of a character in"),
        ("entities_jsonl", '{"names": ["x"]}', "a row without an id"),
        ("entities_jsonl", '{"id": "a", "names": [""]}', "an empty entry in 'names'"),
        ("entities_jsonl", '{"id": "a", "names": [["x"]]}', "'names' holds ['x']"),
        ("entities_jsonl", '{"id": "a", "names": {"text": "x", "kind": "pet"}}', "there is no kind of name"),
        ("entities_jsonl", '{"id": "a", "attributes": [1]}', "'attributes' is [1]"),
        ("entities_jsonl", '{"id": "a", "attributes": {"x": {"value": {}}}}', "'x' is {} and no text"),
        ("entities_jsonl", '{"id": "a", "media": ["x", {}]}', "an empty entry in 'media'"),
        ("entities_jsonl", '{"id": "a", "types": [1]}', "'types' is 1 and no text"),
    ],
)  # fmt: skip
def test_a_wrong_line_is_named_and_left_out_as_a_whole(tmp_path, format, line, found):
    good = "{" + END + "}" if format == "jsonl" else '{"id": "g", "name": "G"}'
    path = file_of(tmp_path, good, line, good)
    with pytest.raises(BadInput) as caught:
        list(READERS[format](path, None))
    assert caught.value.line == 2 and caught.value.found.startswith(found)
    assert caught.value.fix.endswith((".", "?"))
    problems = []
    graph = KnowledgeGraph.gather(READERS[format](path, problems))
    assert [problem.line for problem in problems] == [2]
    assert graph.ids == (["a", "b"] if format == "jsonl" else ["g"])


def test_rows_stay_in_order_whether_they_name_a_source_or_not(tmp_path):
    lines = [{"id": "a", "description": f"text {n}", **({"source": "s"} if n % 2 else {})} for n in range(5)]
    graph = KnowledgeGraph.gather(read(file_of(tmp_path, *lines)))
    assert graph.descriptions["text"].to_pylist() == [f"text {n}" for n in range(5)]
    assert graph.descriptions["source"].to_pylist() == ["a.jsonl", "s", "a.jsonl", "s", "a.jsonl"]


def test_the_name_comes_before_the_names(tmp_path):
    path = file_of(tmp_path, {"id": "a", "name": "Aspirin", "names": ["ASA"]})
    (names,) = [KnowledgeGraph.gather(read(path)).entity("a").names]
    assert names == (Name("Aspirin", "preferred"), Name("ASA", "exact"))


def test_a_first_object_longer_than_what_is_looked_at(tmp_path):
    long = 'x{"[:' * 20_000
    path = file_of(tmp_path, {"id": "a", "name": "Ada", "description": long})
    assert recognise(path) == "entities_jsonl"
    path = file_of(tmp_path, {"head": "a", "relation": "r", "tail": "b", "qualifiers": {"x": long}})
    assert recognise(path) == "jsonl"


def test_qualifiers_as_text_come_through_the_same_door(tmp_path):
    for packed in ('{"x": NaN}', "[" * 600, '{"x": 1e999}', '{"x": ' + "9" * 5_000 + "}", '{"x": "\\ud800"}'):
        path = file_of(tmp_path, {"head": "a", "relation": "r", "tail": "b", "qualifiers": packed})
        with pytest.raises(BadInput, match="'qualifiers' is"):
            list(READERS["jsonl"](path, None))
