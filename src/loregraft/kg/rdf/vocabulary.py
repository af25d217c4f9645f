"""The words of RDF vocabularies that say what a graph's tables say, in both directions.

`kg/readers/rdf/syntaxes.py` reads RDF by these, and whatever writes RDF writes by them, so that a graph comes
back as it went. What no public vocabulary can say has a term of its own under `urn:loregraft:`.
"""

import re
from urllib.parse import quote, unquote

from loregraft.records import NameKind

RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
RDFS = "http://www.w3.org/2000/01/rdf-schema#"
OWL = "http://www.w3.org/2002/07/owl#"
XSD = "http://www.w3.org/2001/XMLSchema#"
SKOS = "http://www.w3.org/2004/02/skos/core#"
DC = "http://purl.org/dc/elements/1.1/"
DCTERMS = "http://purl.org/dc/terms/"
FOAF = "http://xmlns.com/foaf/0.1/"
PROV = "http://www.w3.org/ns/prov#"
SCHEMA = "http://schema.org/"
SCHEMA_S = "https://schema.org/"
OBO = "http://purl.obolibrary.org/obo/"
OBO_IN_OWL = "http://www.geneontology.org/formats/oboInOwl#"
LOREGRAFT = "urn:loregraft:"

PREFIXES = {
    "rdf": RDF,
    "rdfs": RDFS,
    "owl": OWL,
    "xsd": XSD,
    "skos": SKOS,
    "dcterms": DCTERMS,
    "foaf": FOAF,
    "schema": SCHEMA,
    "obo": OBO,
    "oboInOwl": OBO_IN_OWL,
    "lg": LOREGRAFT,
}
"""Prefix -> address, for what is written and for queries."""

NAME_KINDS: dict[str, NameKind] = {
    RDFS + "label": "preferred",
    SKOS + "prefLabel": "preferred",
    SCHEMA + "name": "preferred",
    SCHEMA_S + "name": "preferred",
    FOAF + "name": "preferred",
    SKOS + "altLabel": "exact",
    OBO_IN_OWL + "hasExactSynonym": "exact",
    OBO + "IAO_0000118": "exact",
    SCHEMA + "alternateName": "exact",
    SCHEMA_S + "alternateName": "exact",
    SKOS + "hiddenLabel": "related",
    OBO_IN_OWL + "hasBroadSynonym": "broad",
    OBO_IN_OWL + "hasNarrowSynonym": "narrow",
    OBO_IN_OWL + "hasRelatedSynonym": "related",
    LOREGRAFT + "lay": "lay",
    LOREGRAFT + "abbreviation": "abbreviation",
}
"""What a name is said by -> its kind."""

NAME_IRIS: dict[NameKind, str] = {
    "preferred": RDFS + "label",
    "exact": SKOS + "altLabel",
    "lay": LOREGRAFT + "lay",
    "abbreviation": LOREGRAFT + "abbreviation",
    "broad": OBO_IN_OWL + "hasBroadSynonym",
    "narrow": OBO_IN_OWL + "hasNarrowSynonym",
    "related": OBO_IN_OWL + "hasRelatedSynonym",
}
"""Kind of a name -> what it is written by."""

SYNONYM_TYPE = OBO_IN_OWL + "hasSynonymType"
SYNONYM_TYPES: dict[str, NameKind] = {
    "layperson": "lay",
    "OMO_0003003": "lay",
    "abbreviation": "abbreviation",
    "ABBREVIATION": "abbreviation",
    "OMO_0003000": "abbreviation",
    "obsolete_synonym": "related",
}
"""The last part of an `oboInOwl:hasSynonymType` -> the kind that an exact synonym gets by it."""

DESCRIPTIONS = frozenset(
    {
        SKOS + "definition",
        RDFS + "comment",
        OBO + "IAO_0000115",
        DCTERMS + "description",
        DC + "description",
        SCHEMA + "description",
        SCHEMA_S + "description",
    }
)
DESCRIPTION = SKOS + "definition"
"""What a description is written by."""

TYPE = RDF + "type"
ENTITY = LOREGRAFT + "Entity"
"""The type of what has none; it only says that this is an entity."""
UNTYPED = frozenset(
    {ENTITY, OWL + "Class", OWL + "NamedIndividual", OWL + "Thing", RDFS + "Class", RDFS + "Resource"}
    | {SKOS + "Concept"}
)
"""Types that say no more than that this is an entity."""
NAMESPACE = OBO_IN_OWL + "hasOBONamespace"
"""A text that is the type of an entity, as the namespace of an OBO term is."""

RELATIONS: dict[str, str] = {
    RDFS + "subClassOf": "subclass_of",
    SKOS + "broader": "broader",
    SKOS + "broaderTransitive": "broader_transitive",
}
"""Predicate -> the relation it is read as. All of these make a hierarchy (`kg/hierarchy.py`)."""

INVERTED: dict[str, str] = {
    SKOS + "narrower": "broader",
    SKOS + "narrowerTransitive": "broader_transitive",
}
"""Predicate -> the relation it is read as from its object to its subject."""

ATTRIBUTES: dict[str, str] = {
    OBO_IN_OWL + "hasDbXref": "xref",
    OWL + "deprecated": "deprecated",
    OBO_IN_OWL + "hasAlternativeId": "alt_id",
}
"""Predicate -> the property of an attribute; of several for one property the first is written."""

SAME_AS = frozenset({OWL + "sameAs", OWL + "equivalentClass", SKOS + "exactMatch"})
"""Predicates between two names of one thing: they become the attribute `xref`."""

MEDIA: dict[str, str] = {
    FOAF + "depiction": "image",
    FOAF + "img": "image",
    SCHEMA + "image": "image",
    SCHEMA_S + "image": "image",
    LOREGRAFT + "image": "image",
    LOREGRAFT + "video": "video",
    LOREGRAFT + "audio": "audio",
}
MEDIA_IRIS = {"image": FOAF + "depiction", "video": LOREGRAFT + "video", "audio": LOREGRAFT + "audio"}
"""Kind of media -> what it is written by."""

# Relations of the graph are declared as properties.
PROPERTY = RDF + "Property"
OBJECT_PROPERTY = OWL + "ObjectProperty"
SYMMETRIC = OWL + "SymmetricProperty"
PROPERTY_TYPES = frozenset(
    {PROPERTY, OBJECT_PROPERTY, SYMMETRIC}
    | {
        OWL + kind + "Property"
        for kind in (
            "Annotation",
            "Asymmetric",
            "Datatype",
            "Deprecated",
            "Functional",
            "InverseFunctional",
            "Irreflexive",
            "Ontology",
            "Reflexive",
            "Transitive",
        )
    }
)
INVERSE = OWL + "inverseOf"
DOMAIN = RDFS + "domain"
RANGE = RDFS + "range"

# Statements about a statement: a reifier says them, in RDF 1.2 by `rdf:reifies << head relation tail >>`.
REIFIES = RDF + "reifies"
SOURCE = LOREGRAFT + "source"
REFERENCE = LOREGRAFT + "reference"
CONFIDENCE = LOREGRAFT + "confidence"
LICENCE = LOREGRAFT + "licence"
VALID_FROM = LOREGRAFT + "validFrom"
VALID_TO = LOREGRAFT + "validTo"
NEGATED = LOREGRAFT + "negated"
SPLIT = LOREGRAFT + "split"
UNIT = LOREGRAFT + "unit"
QUALIFIER = LOREGRAFT + "qualifier:"
"""What a qualifier's property is written behind (`qualifier_iri`)."""

STATEMENT_COLUMNS: dict[str, str] = {
    SOURCE: "source",
    REFERENCE: "references",
    CONFIDENCE: "confidence",
    LICENCE: "licence",
    VALID_FROM: "valid_from",
    VALID_TO: "valid_to",
    NEGATED: "negated",
    SPLIT: "split",
    UNIT: "unit",
    LOREGRAFT + "valid_from": "valid_from",
    LOREGRAFT + "valid_to": "valid_to",
    OBO_IN_OWL + "hasDbXref": "references",
    OBO_IN_OWL + "source": "references",
    DC + "source": "references",
    DCTERMS + "source": "references",
    DCTERMS + "references": "references",
    PROV + "wasDerivedFrom": "references",
    DCTERMS + "license": "licence",
}
"""What says something about a statement -> the column it fills; the first of a column is written.
`unit` is a column of attributes, the others are columns of triples. Anything else is a qualifier."""

STATEMENT_IRIS = {column: iri for iri, column in reversed(STATEMENT_COLUMNS.items())}
"""Column -> what it is written by."""

_ID = LOREGRAFT + "id:"
_IRI = re.compile(
    r"[A-Za-z][A-Za-z0-9+.-]*:"
    r"(?://[A-Za-z0-9.-]*(?::[0-9]{1,5})?(?=[/?#]|$)|(?!//))"
    r"(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|[\u00A1-\u167F\u1681-\u1FFF\u3001-\uD7FF]|%[0-9A-Fa-f]{2})*"
    r"(?:#(?:[A-Za-z0-9._~:/?@!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)?"
)
_RELATION_IRIS = {relation: iri for iri, relation in RELATIONS.items()}
_PROPERTY_IRIS = {property: iri for iri, property in reversed(ATTRIBUTES.items())}


def iri_of(id: str) -> str:
    """Give the IRI of an id: the id itself where it is one, else `urn:loregraft:id:...`.

    `id_of` gives the id back, whatever it is.
    """
    if _IRI.fullmatch(id) and not id.startswith(LOREGRAFT):
        return id
    return _ID + quote(id, safe="")


def id_of(iri: str) -> str:
    """Give the id that an IRI stands for: the IRI itself, or what `iri_of` put into it."""
    return unquote(iri.removeprefix(_ID)) if iri.startswith(_ID) else iri


def relation_iri(relation: str) -> str:
    """Give the IRI that a relation is written by."""
    return _RELATION_IRIS.get(relation) or iri_of(relation)


def relation_of(iri: str) -> str:
    """Give the relation that a predicate is read as; `INVERTED` ones stay as they are."""
    return RELATIONS.get(iri) or id_of(iri)


def property_iri(property: str) -> str:
    """Give the IRI that the property of an attribute is written by."""
    return _PROPERTY_IRIS.get(property) or iri_of(property)


def property_of(iri: str) -> str:
    """Give the property that the predicate of an attribute is read as."""
    return ATTRIBUTES.get(iri) or id_of(iri)


def qualifier_iri(property: str) -> str:
    """Give the IRI that the property of a qualifier is written by."""
    return QUALIFIER + quote(property, safe="")


def qualifier_of(iri: str) -> str:
    """Give the property of the qualifier that an IRI stands for."""
    return unquote(iri.removeprefix(QUALIFIER)) if iri.startswith(QUALIFIER) else id_of(iri)


def synonym_kind(type: str) -> NameKind | None:
    """Give the kind that the type of an exact synonym makes of it; None: it stays exact."""
    return SYNONYM_TYPES.get(re.split("[/#:]", type)[-1])


def datatype_of(iri: str) -> str:
    """Give a datatype as the tables have it: `integer` for one of XML Schema, empty for text."""
    if iri in (XSD + "string", RDF + "langString", RDF + "dirLangString"):
        return ""
    return iri.removeprefix(XSD)


def datatype_iri(datatype: str) -> str:
    """Give the IRI of a datatype; text has that of strings."""
    if not datatype:
        return XSD + "string"
    return datatype if ":" in datatype else XSD + datatype
