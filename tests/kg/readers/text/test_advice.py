"""What people really bring: a file that is not read says what to do, and the others are read as meant."""

import json

import pytest

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import first_triple, read, recognise
from loregraft.kg.readers.text.advice import OTHER, TABLE

UNKNOWN = {
    "a web page": ("a.csv", "<!DOCTYPE html><html><body>404</body></html>", "This is a web page"),
    "a word for Excel": ("a.csv", "sep=;\nhead;relation;tail\n", "Remove the first line"),
    "an old Mac": ("a.tsv", "a\tr\tb\rb\tr\tc\r", "Save the file with line ends of Unix"),
    "one JSON list": ("a.json", '[\n {\n  "head": "a"\n }\n]\n', "Write an object a line"),
    "keys by other words": ("a.jsonl", '{"id": "a", "title": "Ada"}\n', '"id" and "name"'),
    "lists": ("a.jsonl", '["a", "r", "b"]\n', '"head", "relation" and "tail"'),
    "four columns": ("a.tsv", "a\tr\tb\t0.9\n", TABLE),
    "columns by other words": ("a.csv", "Kopf,Beziehung,Ende,Notiz\na,r,b,c\n", TABLE),
    "spaces": ("a.txt", "aspirin treats fever\n", OTHER),
    "bars": ("a.txt", "aspirin|treats|fever\n", OTHER),
    "nothing": ("a.tsv", " \n\n", "Give a file with triples or entities."),
    "a huge line": ("a.txt", "x" * (1 << 20), OTHER),
}


@pytest.mark.parametrize("case", UNKNOWN)
def test_a_file_of_no_known_format_says_what_to_do(case, tmp_path):
    name, text, fix = UNKNOWN[case]
    (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    with pytest.raises(BadInput) as caught:
        recognise(tmp_path / name)
    assert fix in caught.value.fix and caught.value.line == 0
    assert (
        caught.value.found == "there is nothing in it" or "no known format: it starts" in caught.value.found
    )
    assert len(str(caught.value)) < 400 + len(str(tmp_path))


def test_a_folder_of_several_things_names_the_files(tmp_path):
    (tmp_path / "a.tsv").write_text("a\tr\tb\n")
    with pytest.raises(BadInput, match=r"a folder with a\.tsv\. Name the files in it"):
        recognise(tmp_path)


def test_a_workbook_is_no_archive_to_unpack(tmp_path):
    (tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04" + bytes(100))
    with pytest.raises(BadInput, match=r"a workbook of a spreadsheet.*Save the sheet as CSV"):
        recognise(tmp_path / "a.xlsx")


def graph_of(path):
    return KnowledgeGraph.gather(read(path))


def test_chinese_columns_are_known(tmp_path):
    (tmp_path / "a.csv").write_text("头实体,关系,尾实体\n高血压,症状,头痛\n", encoding="utf-8")
    assert graph_of(tmp_path / "a.csv").ids == ["高血压", "头痛"]
    (tmp_path / "b.tsv").write_text("关系\t头实体\t尾实体\n症状\t高血压\t头痛\n", encoding="utf-8")
    assert recognise(tmp_path / "b.tsv") == "triples_tsv"
    assert graph_of(tmp_path / "b.tsv").ids == ["高血压", "头痛"]
    (tmp_path / "c.csv").write_text("编号,名称,类型,语言,描述\nD1,高血压,疾病,zh,很高\n", encoding="utf-8")
    assert recognise(tmp_path / "c.csv") == "entities_csv"
    entity = graph_of(tmp_path / "c.csv").entity("D1")
    assert (entity.name, entity.type, entity.description) == ("高血压", "疾病", "很高")
    assert entity.names[0].language == "zh"


def test_excel_writes_semicolons_marks_and_quotes(tmp_path):
    text = '\ufeffhead;relation;tail;dose\r\nAspirin;treats;"Fever; high";1,5\r\n'
    (tmp_path / "a.csv").write_text(text, encoding="utf-8", newline="")
    (fact,) = graph_of(tmp_path / "a.csv").facts("Aspirin")
    assert (fact.tail, fact.qualifiers) == ("Fever; high", (("dose", "1,5"),))


def test_a_label_is_a_name_and_keys_may_be_subject_predicate_object(tmp_path):
    (tmp_path / "a.csv").write_text("id,label,synonyms\nD1,Hypertension,HBP\n")
    assert graph_of(tmp_path / "a.csv").entity("D1").name == "Hypertension"
    (tmp_path / "b.csv").write_text("id,name,label\nD1,Hypertension,HBP\n")
    graph = graph_of(tmp_path / "b.csv")
    assert graph.entity("D1").name == "Hypertension" and graph.attributes_of("D1")[0].property == "label"
    rows = [{"subject": "a", "predicate": "r", "object": "b", "dose": 1}]
    (tmp_path / "c.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert recognise(tmp_path / "c.jsonl") == "jsonl"
    (fact,) = graph_of(tmp_path / "c.jsonl").facts("a")
    assert (fact.relation, fact.tail, fact.qualifiers) == ("r", "b", (("dose", 1),))


def test_a_name_by_language_says_how_to_write_it(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"id": "a", "name": {"en": "Fever", "zh": "x"}}\n')
    with pytest.raises(BadInput) as caught:
        graph_of(tmp_path / "a.jsonl")
    assert caught.value.line == 1 and "without 'text': {'en': 'Fever'" in caught.value.found
    assert "'language': 'en'" in caught.value.fix


def test_the_first_triple_shows_what_the_columns_are_taken_for(tmp_path):
    (tmp_path / "a.csv").write_text("Kopf;Beziehung;Ende\na;r;b\n")
    assert first_triple(tmp_path / "a.csv", "csv") == ("Kopf", "Beziehung", "Ende")
    (tmp_path / "b.tsv").write_text("head\trelation\ttail\na\tr\tb\n")
    assert first_triple(tmp_path / "b.tsv", "triples_tsv") == ("a", "r", "b")
    (tmp_path / "c.tsv").write_text("# none\n")
    assert first_triple(tmp_path / "c.tsv", "tsv") is None
    assert first_triple(tmp_path / "c.tsv", "obo") is None
