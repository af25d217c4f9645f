"""What each format means, by worked examples."""

import itertools
import json

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import READERS, read, recognise
from loregraft.kg.readers.hpoa import HPOA_COLUMNS
from loregraft.kg.readers.text import objects
from loregraft.records import Entity, Name, Triple

FIELD = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: text == text.strip() and not text.startswith(("#", "\ufeff"))
)


def graph_of(path):
    return KnowledgeGraph.gather(read(path))


@given(triples=st.lists(st.tuples(FIELD, FIELD, FIELD), min_size=1, max_size=20))
def test_tsv_gives_back_the_triples_written(triples, tmp_path_factory):
    path = tmp_path_factory.mktemp("tsv") / "a.tsv"
    path.write_text("".join("\t".join(triple) + "\n" for triple in triples), encoding="utf-8")
    (batch,) = READERS["tsv"](path, None)
    columns = [column.to_pylist() for column in batch.rows.values()]
    assert list(zip(*columns, strict=True)) == triples


def test_entities_tsv_takes_names_types_and_other_columns(tmp_path):
    path = tmp_path / "a.tsv"
    rows = [
        "id\tname\tlanguage\tdescription\ttype\tcolour",
        "a\tApple\t\tA fruit.\tfruit\tred",
        "a\tApfel\tde\t\t\t",
        "b\tPear\t\t\tfruit\t",
    ]
    path.write_text("\n".join(rows))
    graph = graph_of(path)
    names = (Name("Apple", "preferred"), Name("Apfel", "exact", "de"))
    assert graph.entity("a") == Entity("a", names, "A fruit.", "fruit")
    assert graph.attributes.to_pylist()[0] == {
        "entity": 0, "property": "colour", "value": "red", "datatype": "", "unit": "", "language": "",
        "source": "a.tsv",
    }  # fmt: skip
    assert len(graph.attributes) == 1


def test_entities_tsv_refuses_a_header_without_name(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("id\tnames\na\tApple\n")
    with pytest.raises(BadInput, match=r"line 1: the header has no column 'name' .*'names'"):
        list(READERS["entities_tsv"](path, None))
    problems = []
    assert list(READERS["entities_tsv"](path, problems)) == []
    assert len(problems) == 1


OBO = r"""format-version: 1.2
default-namespace: body
! a comment
[Term]
id: A:1 {source="x"} ! all
name: root \"quoted\"
alt_id: A:9

[Term]
id: A:2
name: leaf
def: "A \"small\" leaf\\tip.\nSecond line." [PMID:1, "x"]
synonym: "leaflet" EXACT layperson [ORCID:1]
synonym: "leafy" RELATED layperson []
synonym: "LF" EXACT abbreviation []
synonym: "old leaf" EXACT obsolete_synonym []
synonym: "folium" EXACT []
synonym: "plant part" BROAD []
synonym: "needle" NARROW []
synonym: "foliage" []
is_a: A:1 {is_inferred="true"} ! root
relationship: part_of A:3 ! tree
xref: X:1 "an x" ! y
comment: said \"so\"
equivalent_to: X:2
subset: slim
property_value: height "3.5" xsd:decimal
property_value: see B:3
intersection_of: A:1
created_by: me
builtin: true

[Term]
id: B:3
name: tree
namespace: plants

[Term]
id: A:4
name: obsolete twig
is_obsolete: true

[Typedef]
id: part_of
name: part of
inverse_of: has_part ! has part
is_symmetric: false
domain: A:1
range: B:3
is_transitive: true

[Typedef]
id: near
is_symmetric: true

[Typedef]
id: old_part
is_obsolete: true

[Instance]
id: I:1
name: my leaf
"""


def test_obo_reads_a_term(tmp_path):
    path = tmp_path / "a.obo"
    path.write_text(OBO)
    graph = graph_of(path)
    leaf = graph.entity("A:2")
    assert leaf.description == 'A "small" leaf\\tip.\nSecond line.'
    assert leaf.type == "body"
    assert {(name.text, name.kind) for name in leaf.names} == {
        ("leaf", "preferred"), ("leaflet", "lay"), ("leafy", "related"), ("LF", "abbreviation"),
        ("old leaf", "related"), ("folium", "exact"), ("plant part", "broad"), ("needle", "narrow"),
        ("foliage", "related"),
    }  # fmt: skip
    assert graph.facts("A:2") == [Triple("A:2", "is_a", "A:1"), Triple("A:2", "part_of", "A:3")]
    assert graph.entity("A:1").name == 'root "quoted"'
    assert graph.entity("B:3").type == "plants"
    attributes = {(row["property"], row["value"]) for row in graph.attributes.to_pylist()}
    assert attributes == {
        ("alt_id", "A:9"), ("xref", "X:1"), ("comment", 'said "so"'), ("xref", "X:2"), ("subset", "slim"),
        ("height", "3.5"), ("see", "B:3"),
    }  # fmt: skip
    assert {row["datatype"] for row in graph.attributes.to_pylist() if row["property"] == "height"} == {
        "decimal"
    }
    part, near = (row for row in graph.relations.to_pylist() if row["id"] in ("part_of", "near"))
    part, near = sorted((part, near), key=lambda row: row["symmetric"])
    assert (part["domain"], part["range"], part["symmetric"], near["id"]) == ("A:1", "B:3", False, "near")
    (name,) = graph.tables["relation_names"].to_pylist()
    assert name["name"] == "part of"
    assert "A:4" not in graph.ids
    left_out = {name: count for name, count in graph.counts().items() if name.startswith("left_out")}
    assert left_out == {
        "left_out_obsolete": 2, "left_out_instance": 1, "left_out_logical": 1, "left_out_unread_tag": 3
    }  # fmt: skip


def test_obo_knows_the_types_of_synonyms(tmp_path):
    path = tmp_path / "a.obo"
    kinds = {
        "ABBREVIATION": "abbreviation",
        "OMO:0003000": "abbreviation",
        "OMO:0003003": "lay",
        "x": "exact",
    }
    rows = [f'synonym: "{type}" EXACT {type} []' for type in kinds]
    path.write_text("\n".join(["[Term]", "id: A:1", "name: one", *rows]))
    names = graph_of(path).entity("A:1").names[1:]
    assert {name.text: name.kind for name in names} == kinds


@pytest.mark.parametrize(
    ("stanza", "line", "found"),
    [
        ("[Term]\nname: x\n", 3, "without an id"),
        ("[Term]\nid: A:1\n", 3, "name-less entity: 'A:1'"),
        ("[Term]\nid: A:1\nname: x\nno tag here\n", 6, "no tag"),
        ("[Typedef]\nname: x\n", 3, "relation without an id"),
        ('[Term]\nid: A:1\nname: x\ndef: "open\n', 6, "two quotes"),
        ("[Term]\nid: A:1\nname: x\nproperty_value: height\n", 6, "no id"),
        ('[Term]\nid: A:1\nname: x\nsynonym: "y" ABOUT []\n', 6, "scope 'ABOUT'"),
        ('[Term]\nid: A:1\nname: x\nsynonym: " " EXACT []\n', 6, "empty synonym"),
        ("[Term]\nid: A:1\nname: x\nis_a: ! nothing\n", 6, "no id"),
        ("[Term]\nid: A:1\nname: x\nrelationship: part_of\n", 6, "a relation and an id"),
    ],
)
def test_obo_names_a_malformed_line(stanza, line, found, tmp_path):
    path = tmp_path / "a.obo"
    path.write_text("format-version: 1.2\n\n" + stanza)
    with pytest.raises(BadInput, match=f"line {line}: .*{found}"):
        list(READERS["obo"](path, None))


def test_hpoa_reads_aspects_negation_and_qualifiers(tmp_path):
    rows = [
        "D:1\tFlu\t\tH:1\tPMID:1;PMID:2\tPCS\tH:9\t1/2\tMALE\tH:8\tP\tme",
        "D:1\tFlu\tNOT\tH:2\tPMID:1\t\t\t\t\t\tP\tme",
        "D:1\tInfluenza\t\tH:3\tPMID:1\t\t\t\t\t\tI\tme",
        "D:1\tFlu\t\tH:4\tPMID:1\t\t\t\t\t\tC\tme",
        "D:1\tFlu\t\tH:5\tPMID:1\t\t\t\t\t\tM\tme",
        "D:1\tFlu\t\tH:6\tPMID:1\t\t\t\t\t\tH\tme",
        "D:1\tFlu\t\tH:6\tPMID:1\t\t\t\t\t\tH\tyou",
    ]
    path = tmp_path / "phenotype.hpoa"
    path.write_text("\n".join(["#description: x", "\t".join([*HPOA_COLUMNS, "biocuration"]), *rows]))
    graph = graph_of(path)
    assert [name.kind for name in graph.entity("D:1").names] == ["preferred", "exact"]
    assert graph.facts("D:1") == [
        Triple("D:1", "has_phenotype", "H:1"),
        Triple("D:1", "has_inheritance", "H:3"),
        Triple("D:1", "has_clinical_course", "H:4"),
        Triple("D:1", "has_modifier", "H:5"),
        Triple("D:1", "has_history", "H:6"),
        Triple("D:1", "has_phenotype", "H:2", negated=True),
    ]
    assert graph.counts()["triples_merged"] == 1
    first = graph.triples.to_pylist()[0]
    assert first["references"] == "PMID:1|PMID:2"
    assert json.loads(first["qualifiers"]) == {
        "frequency": "1/2", "onset": "H:9", "sex": "MALE", "evidence": "PCS", "modifier": "H:8"
    }  # fmt: skip
    assert graph.triples.to_pylist()[1]["qualifiers"] == ""


def test_hpo_genes_are_pairs_and_a_dash_is_no_name(tmp_path):
    path = tmp_path / "genes.txt"
    header = "ncbi_gene_id\tgene_symbol\thpo_id\thpo_name\tfrequency\tdisease_id"
    path.write_text(f"{header}\n1\tA1\tH:1\tx\t-\tD:1\n1\tA1\tH:2\ty\t-\tD:1\n2\t-\tH:1\tx\t-\tD:1\n")
    graph = graph_of(path)
    assert graph.facts("D:1") == [
        Triple("NCBIGene:1", "associated_with", "D:1"),
        Triple("NCBIGene:2", "associated_with", "D:1"),
    ]
    assert graph.entity("NCBIGene:1").name == "A1"
    assert graph.entity("NCBIGene:2").names == ()


def test_cellxgene_packed_equals_unpacked_and_keeps_direct_parents(tmp_path):
    terms = {
        "M:1": {"label": "disease", "ancestors": {}, "deprecated": False},
        "M:2": {
            "label": "flu",
            "ancestors": {"M:1": 1, "M:0": 2},
            "synonyms": ["grippe"],
            "deprecated": False,
        },
        "M:3": {"label": "", "ancestors": {}, "deprecated": True},
    }
    plain, packed = tmp_path / "a.json", tmp_path / "a.json.zst"
    plain.write_text(json.dumps(terms))
    packed.write_bytes(zstandard.compress(plain.read_bytes()))
    assert recognise(packed) == "cellxgene"
    for path in (plain, packed):
        graph = graph_of(path)
        assert graph.ids == ["M:1", "M:2"]
        assert graph.facts("M:2") == [Triple("M:2", "is_a", "M:1")]
        assert graph.entity("M:2").names == (Name("flu", "preferred"), Name("grippe", "exact"))
        assert graph.counts()["left_out_obsolete"] == 1


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b'{"a": \n\n}', "line 3: no JSON"),
        (b"[1]", "line 1: no JSON object"),
        (b"\x28\xb5\x2f\xfdbroken", "unpacked"),
        (b'{"a": 1}', "not a JSON object: 'a'"),
        (b"[" * 100_000, "too deep"),
        (b'{"A:1": {"label": "\\ud800"}}', "half of a character"),
        (b'{"A:1": ' + b"9" * 5_000 + b"}", "no JSON"),
        (b'{"A:1": {"label": "x", "n": 1e999}}', "too large a number"),
        (b'{"A:1": ' + b'{"a":' * 100 + b"1" + b"}" * 101, "too deep"),
        (b'{" ": {"label": "x"}}', "a term without an id"),
    ],
)
def test_cellxgene_refuses_what_is_not_its_format(content, found, tmp_path):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=found):
        list(READERS["cellxgene"](path, None))


def test_unknown_formats_are_named(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("a,b\n")
    with pytest.raises(BadInput, match=r"starts with 'a,b'.*loregraft kg formats"):
        recognise(path)
    with pytest.raises(BadInput, match=r"no format 'obi'.*'obo'"):
        list(read(path, format="obi"))
    path.write_text("")
    with pytest.raises(BadInput, match="nothing in it"):
        recognise(path)


def test_sources_can_be_named(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("a\tr\tb\n")
    batches = itertools.chain(read(path, source="first"), read(path, source="second"))
    graph = KnowledgeGraph.gather(batches)
    assert graph.triples["source"].to_pylist() == ["first", "second"]


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("\tFlu\t\tH:1\t\t\t\t\t\t\tP", "'database_id' is empty"),
        ("D:1\tFlu\t\t\t\t\t\t\t\t\tP", "'hpo_id' is empty"),
        ("D:1\t\t\tH:1\t\t\t\t\t\t\tP", "name-less entity: 'D:1'"),
        ("D:1\tFlu\t\tH:1\t\t\t\t\t\t\tX", "no aspect 'X'"),
        ("D:1\tFlu\tMAYBE\tH:1\t\t\t\t\t\t\tP", "no qualifier 'MAYBE'"),
    ],
)
def test_hpoa_names_a_bad_line(row, found, tmp_path):
    path = tmp_path / "phenotype.hpoa"
    path.write_text("\t".join(HPOA_COLUMNS) + "\n" + row + "\n")
    with pytest.raises(BadInput, match=f"line 2: .*{found}"):
        list(READERS["hpoa"](path, None))


def test_references_with_a_mark_in_them_stay_one(tmp_path):
    path = tmp_path / "phenotype.hpoa"
    row = "D:1\tFlu\t\tH:1\thttp://x/a|b;PMID:2\tPCS\t\t\t\t\tP"
    path.write_text("\t".join(HPOA_COLUMNS) + "\n" + row + "\n")
    (found,) = graph_of(path).facts("D:1")
    assert found.references == ("http://x/a%7Cb", "PMID:2")


def test_cellxgene_has_a_limit_of_size(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    path.write_text('{"A:1": {"label": "one", "ancestors": {}}}')
    assert graph_of(path).ids == ["A:1"]
    monkeypatch.setattr(objects, "MAX_WHOLE", 20)
    with pytest.raises(BadInput, match="more than 20 bytes"):
        graph_of(path)


@pytest.mark.parametrize("kinds", [["lay", ""], ["", "lay"], ["exact", "", ""], ["preferred", ""]])
def test_there_is_one_preferred_name(kinds, tmp_path):
    rows = [f"a\tname {place}\t{kind}" for place, kind in enumerate(kinds)]
    (tmp_path / "a.tsv").write_text("\n".join(["id\tname\tkind", *rows]))
    found = {name.text: name.kind for name in graph_of(tmp_path / "a.tsv").entity("a").names}
    assert list(found.values()).count("preferred") == 1
    expected = "exact" if "preferred" in kinds else "preferred"
    assert found[f"name {kinds.index('')}"] == expected
