"""The reader contract, over all of READERS: streaming batches, bad lines named, collected or raised."""

from collections import defaultdict
from dataclasses import dataclass

import pyarrow as pa
import pytest

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import READERS, read, recognise, tsv
from loregraft.kg.readers.hpoa import HPOA_COLUMNS
from loregraft.kg.readers.rdf import rows as rdf_rows
from loregraft.kg.readers.text import lines
from loregraft.kg.tables.columns import BATCH_ROWS, TABLES

HPOA = "\t".join(HPOA_COLUMNS)


@dataclass
class Example:
    """A good file as lines, and for a line number what makes it bad."""

    name: str
    good: list[str]
    bad: dict[int, str]
    entities: int


EXAMPLES = {
    "tsv": Example("a.tsv", ["# graph", "a\tr\tb", "b\tr\tc", "c\tr\ta"], {3: "b r c", 4: "c\t\ta"}, 3),
    "entities_tsv": Example(
        "a.tsv",
        ["id\tname\tkind", "a\tAda\t", "a\tLady\tlay", "b\tBo\texact"],
        {3: "a\t\tlay", 4: "b\tBo\tpet"},
        2,
    ),
    "triples_tsv": Example(
        "a.tsv",
        [
            "# graph",
            "head\ttail\trelation\tconfidence\tdose",
            "a\tb\tr\t0.5\t1 mg",
            "b\tc\tr\t\t",
            "c\td\tr\t\t",
        ],
        {3: "a\tb\tr\t2\t1 mg", 4: "b\tc\tr"},
        4,
    ),
    "csv": Example(
        "a.csv",
        ["head,relation,tail,dose", 'a,r,"b, or c",1 mg', "", "b,r,c,", 'c,"r ""s""",d,'],
        {2: 'a,r,"b, or c,1 mg', 4: "b,r,c"},
        5,
    ),
    "entities_csv": Example(
        "a.csv",
        ["id,name,kind,colour", "a,Ada,,red", 'a,"Ada, Lady",lay,', "b,Bo,exact,"],
        {3: 'a,"Ada" Lady,lay,', 4: "b,Bo,pet,"},
        2,
    ),
    "jsonl": Example(
        "a.jsonl",
        [
            '{"head": "a", "relation": "r", "tail": "b", "dose": 3}',
            '{"head": "b", "relation": "r", "tail": "c", "negated": true}',
            '{"head": "c", "relation": "r", "tail": "a", "references": ["x", "y"]}',
        ],
        {2: '{"head": "b", "relation": "r"}', 3: '["c", "r", "a"]'},
        3,
    ),
    "entities_jsonl": Example(
        "a.jsonl",
        [
            '{"id": "a", "names": ["Ada", {"text": "Lady", "kind": "lay"}], "types": ["person"]}',
            '{"id": "b", "name": "Bo", "description": "A dog.", "attributes": {"legs": 4}}',
            '{"id": "c", "names": []}',
        ],
        {2: '{"name": "Bo"}', 3: '{"id": "c", "names": [3]}'},
        3,
    ),
    "spo": Example(
        "a.spo",
        ["天安门\t位于\t北京", "北京\t是\t首都", "DNA\t是\t分子"],
        {2: "北京\t是", 3: "\t是\t分子"},
        5,
    ),
    "obo": Example(
        "a.obo",
        [
            "format-version: 1.2",
            "[Term]",
            "id: A:1",
            "name: one",
            'synonym: "eins" EXACT []',
            "[Term]",
            "id: A:2",
            "name: two",
            'def: "zwei" []',
            "is_a: A:1 ! one",
        ],
        {5: 'synonym: "eins EXACT []', 9: "def zwei"},
        2,
    ),
    "hpoa": Example(
        "phenotype.hpoa",
        [
            "#version: 1",
            HPOA,
            "D:1\tflu\t\tP:1\tR:1\tPCS\t\t1/2\t\t\tP",
            "D:1\tflu\tNOT\tP:2\tR:1\tPCS\t\t\t\t\tP",
            "D:2\tcold\t\tP:1\tR:1\tPCS\t\t\t\t\tI",
        ],
        {4: "D:1\tflu\tNOT\tP:2", 5: "D:2\t\t\tP:1\tR:1\tPCS\t\t\t\t\tI"},
        4,
    ),
    "hpo_genes": Example(
        "genes.txt",
        [
            "ncbi_gene_id\tgene_symbol\thpo_id\thpo_name\tfrequency\tdisease_id",
            "10\tNAT2\tP:1\tfever\t-\tD:1",
            "10\tNAT2\tP:2\trash\t-\tD:1",
            "16\tAARS1\tP:1\tfever\t-\tD:1",
        ],
        {3: "10\tNAT2\tP:2", 4: "16\t\tP:1\tfever\t-\tD:1"},
        3,
    ),
    "ntriples": Example(
        "a.nt",
        [
            "# graph",
            "<x:a> <x:r> <x:b> .",
            '<x:a> <http://www.w3.org/2000/01/rdf-schema#label> "Ada"@en .',
            "<x:b> <x:r> <x:c> .",
            "<x:n> <x:r> <x:c> .",
        ],
        {3: "<x:a> <x:r> x:b .", 4: "<x:b> <x:r> <x:c>"},
        4,
    ),
    "nquads": Example(
        "a.nq",
        [
            "# graph",
            "<x:a> <x:r> <x:b> .",
            '<x:a> <http://www.w3.org/2000/01/rdf-schema#label> "Ada"@en .',
            "<x:b> <x:r> <x:c> .",
            "<x:n> <x:r> <x:c> .",
        ],
        {3: "<x:a> <x:r> x:b .", 4: "<x:b> <x:r> <x:c>"},
        4,
    ),
    "cellxgene": Example(
        "a.json",
        [
            "{",
            '"A:1": {"label": "one", "ancestors": {}, "synonyms": ["eins"], "deprecated": false},',
            '"A:2": {"label": "two", "ancestors": {"A:1": 1, "A:0": 2}, "deprecated": false},',
            '"A:3": {"label": "three", "ancestors": {"A:1": 1}, "deprecated": false}',
            "}",
        ],
        {2: '"A:1": {"label": "", "ancestors": {}},', 3: '"A:2": {"label": "two", "synonyms": "zwei"},'},
        3,
    ),
    "wikidata": Example(
        "dump.json",
        [
            "[",
            '{"type": "item", "id": "Q1", "labels": {"en": {"language": "en", "value": "one"}}, '
            '"claims": {}},',
            '{"type": "item", "id": "Q2", "labels": {"de": {"language": "de", "value": "zwei"}}, '
            '"claims": []},',
            '{"type": "item", "id": "Q3", "labels": {}, "claims": {"P31": [{"rank": "normal", "mainsnak": '
            '{"snaktype": "value", "property": "P31", "datavalue": {"type": "wikibase-entityid", "value": '
            '{"id": "Q1"}}}}]}}',
            "]",
        ],
        {3: '{"type": "item", "id": "Q2", "labels": {"de": "zwei"}},', 4: '{"type": "item"'},
        3,
    ),
    "umls": Example(
        "MRCONSO.RRF",
        [
            "C0000001|ENG|P|L1|PF|S1|Y|A1|||||PT|NOCODE|fever|0|N||",
            "C0000001|GER|P|L2|PF|S2|Y|A2|||||PT|NOCODE|Fieber|0|N||",
            "C0000002|ENG|P|L3|PF|S3|Y|A3|||||PT|NOCODE|rash|0|N||",
            "C0000003|ENG|P|L4|PF|S4|Y|A4|||||PT|NOCODE|cough|0|N||",
        ],
        {2: "C0000001|GER|Fieber", 4: "D3|ENG|P|L4|PF|S4|Y|A4|||||PT|NOCODE|cough|0|N||"},
        3,
    ),
    "conceptnet": Example(
        "assertions.csv",
        [
            '/a/1\t/r/IsA\t/c/en/cat/n\t/c/en/animal\t{"weight": 2.0}',
            '/a/2\t/r/NotIsA\t/c/en/cat/n\t/c/en/dog\t{"weight": 1.0}',
            '/a/3\t/r/Synonym\t/c/en/cat\t/c/de/katze\t{"weight": 1.0}',
        ],
        {2: "/a/2\t/r/NotIsA\tcat\t/c/en/dog\t{}", 3: '/a/3\t/r/Synonym\t/c/en/cat\t/c/de/katze\t{"weight":'},
        5,
    ),
    "lexicon": Example(
        "words.csv",
        ["word,polarity,category", "good,1.9,joy", '"well, well",0.5,', "bad,-2.5,anger"],
        {3: '"well, well",much,', 4: ",-2.5,anger"},
        5,
    ),
    "neo4j_json": Example(
        "all.json",
        [
            '{"type":"node","id":"0","labels":["User"],"properties":{"name":"Ada"}}',
            '{"type":"node","id":"1","labels":["User","Admin"],"properties":{"age":42}}',
            '{"type":"node","id":"2","labels":[]}',
            '{"id":"7","type":"relationship","label":"KNOWS","start":{"id":"0"},"end":{"id":"1"}}',
        ],
        {
            2: '{"type":"node","labels":["User"]}',
            4: '{"type":"relationship","start":{"id":"0"},"end":{"id":"1"}}',
        },
        3,
    ),
    "neo4j_csv": Example(
        "people.csv",
        ["id:ID,name,:LABEL,age:int", "0,Ada,User,36", '1,"Bo, II",User;Admin,', "2,Cy,,7"],
        {3: ",Bo,User,", 4: "2,Cy,,old"},
        3,
    ),
}
OTHERS = {"openke", "splits", "parquet", "graph", "turtle", "trig", "rdfxml", "jsonld"}
"""Formats that are not lines of one file; their tests are in tests/kg/readers."""
FORMATS = list(EXAMPLES)


def write(folder, example, content, end="\n", start=b""):
    path = folder / example.name
    path.write_bytes(start + end.join([*content, ""]).encode())
    return path


def rows_of(batches):
    found = defaultdict(list)
    for batch in batches:
        columns = (list(pa.array(values).to_pylist()) for values in batch.rows.values())
        found[batch.table] += zip(*columns, strict=True)
    return dict(found)


def spoiled(example):
    return [example.bad.get(number, line) for number, line in enumerate(example.good, start=1)]


def test_every_reader_has_an_example():
    assert set(EXAMPLES) | OTHERS == set(READERS)


@pytest.mark.parametrize("format", FORMATS)
def test_a_good_file_gathers_into_a_graph(format, tmp_path):
    path = write(tmp_path, EXAMPLES[format], EXAMPLES[format].good)
    assert recognise(path) == format
    graph = KnowledgeGraph.gather(read(path))
    assert len(graph) == EXAMPLES[format].entities
    sources = {source for rows in graph.tables.values() for source in rows.to_pydict().get("source", [])}
    assert sources <= {path.name, ""}


@pytest.mark.parametrize("format", FORMATS)
def test_columns_are_those_of_their_table(format, tmp_path):
    path = write(tmp_path, EXAMPLES[format], EXAMPLES[format].good)
    for batch in READERS[format](path, None):
        assert set(batch.rows) <= set(TABLES[batch.table])
        assert {column for column, default in TABLES[batch.table].items() if default is None} <= set(
            batch.rows
        )
        assert {len(values) for values in batch.rows.values()} == {len(batch)}
        assert 0 < len(batch) <= BATCH_ROWS


@pytest.mark.parametrize("format", FORMATS)
def test_first_bad_line_is_named(format, tmp_path):
    path = write(tmp_path, EXAMPLES[format], spoiled(EXAMPLES[format]))
    with pytest.raises(BadInput) as caught:
        list(READERS[format](path, None))
    assert caught.value.line == min(EXAMPLES[format].bad)
    assert str(path) in str(caught.value)
    assert caught.value.found and caught.value.fix.endswith((".", "?"))


@pytest.mark.parametrize("format", FORMATS)
def test_bad_lines_are_collected_and_the_rest_is_read(format, tmp_path):
    path = write(tmp_path, EXAMPLES[format], spoiled(EXAMPLES[format]))
    problems = []
    assert rows_of(READERS[format](path, problems))
    assert [problem.line for problem in problems] == list(EXAMPLES[format].bad)


@pytest.mark.parametrize("format", FORMATS)
def test_empty_file_yields_nothing(format, tmp_path):
    for content in ([], ["", "  "]):
        path = write(tmp_path, EXAMPLES[format], content)
        assert list(READERS[format](path, None)) == []
        with pytest.raises(BadInput, match="no entity"):
            KnowledgeGraph.gather(READERS[format](path, None), "nothing")


@pytest.mark.parametrize("format", FORMATS)
def test_byte_order_mark_and_windows_line_ends_change_nothing(format, tmp_path):
    example = EXAMPLES[format]
    plain = rows_of(READERS[format](write(tmp_path, example, example.good), None))
    windows = write(tmp_path, example, example.good, end="\r\n", start=b"\xef\xbb\xbf")
    assert recognise(windows) == format
    assert rows_of(READERS[format](windows, None)) == plain


@pytest.mark.parametrize("format", FORMATS)
def test_batches_are_bounded(format, tmp_path, monkeypatch):
    example = EXAMPLES[format]
    path = write(tmp_path, example, example.good)
    whole = rows_of(READERS[format](path, None))
    monkeypatch.setattr(lines, "BATCH_ROWS", 1)
    monkeypatch.setattr(tsv, "BATCH_ROWS", 1)
    monkeypatch.setattr(rdf_rows, "BATCH_ROWS", 1)
    batches = list(READERS[format](path, None))
    assert {len(batch) for batch in batches} == {1}
    assert rows_of(batches) == whole


@pytest.mark.parametrize("format", FORMATS)
def test_bytes_that_are_not_utf8_are_named_by_line(format, tmp_path):
    path = write(tmp_path, EXAMPLES[format], EXAMPLES[format].good)
    content = path.read_bytes().split(b"\n")
    content[2] = content[2][:3] + b"\xff" + content[2][3:]
    path.write_bytes(b"\n".join(content))
    with pytest.raises(BadInput, match=r"line 3: .*0xff.*UTF-8"):
        list(READERS[format](path, None))
    problems = []
    list(READERS[format](path, problems))
    assert problems[0].line == 3


@pytest.mark.parametrize("format", FORMATS)
def test_missing_file_and_folder(format, tmp_path):
    with pytest.raises(BadInput, match="no such file"):
        list(READERS[format](tmp_path / "absent", None))
    with pytest.raises(BadInput, match="folder"):
        list(READERS[format](tmp_path, None))
