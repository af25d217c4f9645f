"""The words of RDF, in both directions."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.kg.rdf import vocabulary
from loregraft.records import NameKind

pyoxigraph = pytest.importorskip("pyoxigraph")
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
TRICKY = st.sampled_from(
    ["HP:0000118", "http://a:b/", "http://[x", "a b", "urn:loregraft:id:x", "_:b", "is_a", "a:%zz", "a:b#c#d"]
)


@settings(max_examples=200, deadline=None)
@given(TEXTS | TRICKY)
def test_each_id_has_a_valid_iri_and_comes_back(id):
    iri = vocabulary.iri_of(id)
    pyoxigraph.NamedNode(iri)
    assert vocabulary.id_of(iri) == id
    qualifier = vocabulary.qualifier_iri(id)
    pyoxigraph.NamedNode(qualifier)
    assert vocabulary.qualifier_of(qualifier) == id


def test_iris_stay_as_they_are():
    for iri in ("http://purl.obolibrary.org/obo/HP_0000118", "HP:0000118", "http://x.org:80/a?b=c#d"):
        assert vocabulary.iri_of(iri) == iri


def test_each_kind_of_name_is_written_by_what_is_read_as_it():
    assert set(vocabulary.NAME_IRIS) == set(NameKind.__args__)
    assert all(vocabulary.NAME_KINDS[iri] == kind for kind, iri in vocabulary.NAME_IRIS.items())
    assert all(vocabulary.MEDIA[iri] == kind for kind, iri in vocabulary.MEDIA_IRIS.items())
    assert vocabulary.DESCRIPTION in vocabulary.DESCRIPTIONS


@pytest.mark.parametrize("relation", ["subclass_of", "broader", "treats", "urn:x:y", "two words"])
def test_relations_come_back(relation):
    assert vocabulary.relation_of(vocabulary.relation_iri(relation)) == relation


@pytest.mark.parametrize("property", ["xref", "deprecated", "alt_id", "mass", "http://x/mass"])
def test_properties_come_back(property):
    assert vocabulary.property_of(vocabulary.property_iri(property)) == property


@pytest.mark.parametrize("datatype", ["", "integer", "date", "http://x/unit"])
def test_datatypes_come_back(datatype):
    assert vocabulary.datatype_of(vocabulary.datatype_iri(datatype)) == datatype


def test_the_first_iri_of_a_column_is_written():
    assert vocabulary.STATEMENT_IRIS["references"] == vocabulary.REFERENCE
    assert vocabulary.STATEMENT_IRIS["valid_from"] == vocabulary.VALID_FROM
    assert vocabulary.STATEMENT_IRIS["licence"] == vocabulary.LICENCE


def test_types_of_synonyms():
    assert vocabulary.synonym_kind("http://purl.obolibrary.org/obo/hp#layperson") == "lay"
    assert vocabulary.synonym_kind("http://purl.obolibrary.org/obo/OMO_0003000") == "abbreviation"
    assert vocabulary.synonym_kind("http://x#plural_form") is None
