"""Read the two annotation files of the Human Phenotype Ontology: phenotypes and genes of diseases.

`phenotype.hpoa` says which disease shows which phenotype, how often and says who;
`genes_to_phenotype.txt` says which gene goes with which disease.
"""

import functools
from collections.abc import Iterator
from pathlib import Path

from loregraft.errors import BadInput
from loregraft.kg.readers.rows.triples import pack_qualifiers, pack_references
from loregraft.kg.readers.text.headers import header_of
from loregraft.kg.readers.text.lines import Row, in_batches, raise_or_collect, read_table
from loregraft.kg.tables.columns import Columns, Table

HPOA_COLUMNS = (
    "database_id",
    "disease_name",
    "qualifier",
    "hpo_id",
    "reference",
    "evidence",
    "onset",
    "frequency",
    "sex",
    "modifier",
    "aspect",
)
GENE_COLUMNS = ("ncbi_gene_id", "gene_symbol", "disease_id")
QUALIFIERS = ("frequency", "onset", "sex", "evidence", "modifier")
ASPECTS = {
    "P": "has_phenotype",
    "I": "has_inheritance",
    "C": "has_clinical_course",
    "M": "has_modifier",
    "H": "has_history",
}
"""The letter in the column `aspect` -> the relation it stands for."""


def read_hpoa(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the diseases of `phenotype.hpoa` with their names, and what is known of their phenotypes.

    A line with the qualifier NOT is a negated triple. Frequency, onset, sex, evidence and modifier
    become qualifiers where they are given; the column `biocuration` (who entered it) is not read.
    Phenotypes themselves come from `hp.obo`.

    Raises:
        BadInput: A line without disease, name or phenotype, or with an unknown aspect or qualifier.
    """
    return in_batches(_annotations(path, problems))


def read_hpo_genes(path: Path, problems: list[BadInput] | None = None) -> Iterator[Columns]:
    """Yield the genes of `genes_to_phenotype.txt`, and each gene-disease pair once, as `associated_with`.

    The phenotypes on its lines are those of the disease in `phenotype.hpoa` and are not read again.
    A gene whose symbol is `-` (as NCBI writes "none") becomes an entity without a name.

    Raises:
        BadInput: A line without gene number, symbol or disease.
    """
    return in_batches(_genes(path, problems))


def fits_hpoa(path: Path, head: str) -> bool:
    """Tell whether a file has the header of `phenotype.hpoa`."""
    return header_of(head) >= set(HPOA_COLUMNS)


def fits_hpo_genes(path: Path, head: str) -> bool:
    """Tell whether a file has the header of `genes_to_phenotype.txt`."""
    return header_of(head) >= set(GENE_COLUMNS)


def _annotations(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    named: dict[str, set[str]] = {}
    for number, row in read_table(path, HPOA_COLUMNS, problems):
        # Looked at here, not in a call per line: the tests check the types of each of 270,000 calls.
        complete = row["database_id"] and row["hpo_id"] and row["disease_name"]
        if not complete or row["aspect"] not in ASPECTS or row["qualifier"] not in ("", "NOT"):
            raise_or_collect(_annotation_problem(path, number, row), problems)
            continue
        disease, name = row["database_id"], row["disease_name"]
        if disease not in named:
            yield "entities", (disease, "disease")
        names = named.setdefault(disease, set())
        if name not in names:
            yield "names", (disease, name, "exact" if names else "preferred")
            names.add(name)
        negated = row["qualifier"] == "NOT"
        qualifiers = _qualifiers(*(row[column] for column in QUALIFIERS))
        relation = ASPECTS[row["aspect"]]
        references = _references(row["reference"])
        yield "triples", (disease, relation, row["hpo_id"], negated, references, qualifiers)


def _annotation_problem(path: Path, number: int, row: dict[str, str]) -> BadInput:
    for column in ("database_id", "hpo_id"):
        if not row[column]:
            fix = "Give an id, or remove the line."
            return BadInput(path, number, f"the column {column!r} is empty", fix)
    if not row["disease_name"]:
        found = f"name-less entity: {row['database_id']!r} has no name"
        return BadInput(path, number, found, "Write its name in the column 'disease_name'.")
    if row["aspect"] not in ASPECTS:
        fix = f"The aspect is one of {', '.join(ASPECTS)}."
        return BadInput(path, number, f"there is no aspect {row['aspect']!r}", fix)
    fix = "Leave the column 'qualifier' empty or write NOT."
    return BadInput(path, number, f"there is no qualifier {row['qualifier']!r}", fix)


@functools.lru_cache(maxsize=65_536)
def _qualifiers(*values: str) -> str:
    return pack_qualifiers({name: value for name, value in zip(QUALIFIERS, values, strict=True) if value})


@functools.lru_cache(maxsize=65_536)
def _references(text: str) -> str:
    return pack_references(text.split(";"))


def _genes(path: Path, problems: list[BadInput] | None) -> Iterator[tuple[Table, Row]]:
    diseases: dict[str, set[str]] = {}
    for number, row in read_table(path, GENE_COLUMNS, problems):
        empty = next((column for column in GENE_COLUMNS if not row[column]), None)
        if empty:
            nameless = "name-less entity: " if empty == "gene_symbol" else ""
            found = f"{nameless}the column {empty!r} is empty"
            raise_or_collect(BadInput(path, number, found, "Fill it, or remove the line."), problems)
            continue
        gene, disease = f"NCBIGene:{row['ncbi_gene_id']}", row["disease_id"]
        if gene not in diseases:
            yield "entities", (gene, "gene")
            if row["gene_symbol"] != "-":
                yield "names", (gene, row["gene_symbol"], "preferred")
        known = diseases.setdefault(gene, set())
        if disease not in known:
            known.add(disease)
            yield "triples", (gene, "associated_with", disease)
