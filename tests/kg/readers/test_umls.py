"""The UMLS: names, types, definitions and relations of concepts, from a folder or from one file."""

import bz2
import gzip
from collections import defaultdict

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.errors import BadInput
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.readers import read, recognise
from loregraft.kg.readers.umls import LANGUAGES, read_umls


def name(
    cui,
    text,
    language="ENG",
    status="P",
    kind="PF",
    preferred="Y",
    source="MSH",
    term="PT",
    code="D1",
    suppress="N",
):
    return "|".join(
        [
            cui,
            language,
            status,
            "L1",
            kind,
            "S1",
            preferred,
            "A1",
            "",
            "",
            "",
            source,
            term,
            code,
            text,
            "0",
            suppress,
            "",
            "",
        ]
    )


def relation(first, kind, second, rela="", source="MSH", suppress="N"):
    return "|".join(
        [
            first,
            "A1",
            "AUI",
            kind,
            second,
            "A2",
            "AUI",
            rela,
            "R1",
            "",
            source,
            source,
            "",
            "",
            suppress,
            "",
            "",
        ]
    )


CONSO = [
    name("C0000001", "Fever"),
    name("C0000001", "Pyrexia", status="S"),
    name("C0000001", "running a temperature", status="S", source="CHV", code="0000005"),
    name("C0000001", "FVR", status="S", term="AB", code="NOCODE"),
    name("C0000001", "Fieber", language="GER", code="D1"),
    name("C0000001", "fever old", status="S", suppress="O"),
    name("C0000002", "发热", language="CHI", source="HPO", code="HP:0001945"),
    name("C0000003", "Rash", language="XXX", preferred="N"),
]
STY = ["C0000001|T184|A2.2.2|Sign or Symptom|AT1|256|", "C0000001|T033|A2.2|Finding|AT2||"]
DEF = ["C0000001|A1|AT3||MSH|A temperature above normal.|N||", "C0000001|A1|AT4||NCI|Old.|E||"]
REL = [
    relation("C0000001", "CHD", "C0000002", "isa"),
    relation("C0000001", "RO", "C0000003"),
    relation("C0000001", "SY", "C0000001", "permuted_term_of"),
    relation("C0000001", "XR", "C0000002"),
    relation("C0000001", "DEL", "C0000002"),
    relation("C0000001", "PAR", "C0000002", suppress="Y"),
]
FILES = {"MRCONSO": CONSO, "MRSTY": STY, "MRDEF": DEF, "MRREL": REL}


def write(folder, files=FILES, ending=".RRF", pack=bytes):
    folder.mkdir(exist_ok=True, parents=True)
    for file, lines in files.items():
        (folder / f"{file}{ending}").write_bytes(pack("".join(f"{line}\n" for line in lines).encode()))
    return folder


def rows_of(path, problems=None):
    found = defaultdict(list)
    for batch in read_umls(path, problems):
        found[batch.table] += zip(
            *(pa.array(column).to_pylist() for column in batch.rows.values()), strict=True
        )
    return found


def test_worked_example(tmp_path):
    folder = write(tmp_path / "META")
    assert recognise(folder) == "umls"
    rows = rows_of(folder)
    assert rows["names"] == [
        ("C0000001", "Fever", "preferred", "en", "MSH"),
        ("C0000001", "Pyrexia", "exact", "en", "MSH"),
        ("C0000001", "running a temperature", "lay", "en", "CHV"),
        ("C0000001", "FVR", "abbreviation", "en", "MSH"),
        ("C0000001", "Fieber", "preferred", "de", "MSH"),
        ("C0000002", "发热", "preferred", "zh", "HPO"),
        ("C0000003", "Rash", "exact", "xxx", "MSH"),
    ]
    assert rows["entities"] == [("C0000001", "Sign or Symptom"), ("C0000001", "Finding")]
    assert rows["descriptions"] == [("C0000001", "A temperature above normal.", "en", "MSH")]
    assert [row[:3] for row in rows["triples"]] == [
        ("C0000002", "isa", "C0000001"),
        ("C0000003", "RO", "C0000001"),
    ]
    assert {row[-1] for row in rows["triples"]} == {"MSH"}
    xrefs = [(row[0], row[2]) for row in rows["attributes"] if row[1] == "xref"]
    assert xrefs == [
        ("C0000001", "MSH:D1"),
        ("C0000001", "CHV:0000005"),
        ("C0000002", "HP:0001945"),
        ("C0000003", "MSH:D1"),
    ]
    graph = KnowledgeGraph.gather(read(folder))
    counts = {reason: count for reason, count in graph.tally.items() if reason.startswith("left_out")}
    assert counts == {
        "left_out_suppressed": 3,
        "left_out_within_concept": 1,
        "left_out_not_related": 1,
        "left_out_deleted": 1,
    }


@pytest.mark.parametrize(
    ("ending", "pack"), [(".RRF.gz", gzip.compress), (".RRF.bz2", bz2.compress), (".rrf", bytes)]
)
def test_packed_and_single_files_and_the_folder_above(ending, pack, tmp_path):
    if ending.startswith(".RRF"):
        write(tmp_path / "2026AA" / "META", ending=ending, pack=pack)
        assert recognise(tmp_path / "2026AA") == "umls"
        assert rows_of(tmp_path / "2026AA") == rows_of(write(tmp_path / "plain"))
    single = write(tmp_path, {"MRREL": REL}, ending, pack) / f"MRREL{ending}"
    assert recognise(single) == "umls"
    assert len(rows_of(single)["triples"]) == 2


def test_languages_are_two_letters():
    assert len(set(LANGUAGES.values())) == len(LANGUAGES)
    assert all(len(lat) == 3 and len(iso) == 2 for lat, iso in LANGUAGES.items())


BAD = {
    "columns": ("MRCONSO", "C0000001|ENG|P", "expected 18 columns, found 2", "ends with '|'"),
    "no end": ("MRSTY", "C0000001|T1|A|Finding|AT2|9", "expected 6 columns, found 5", "ends with '|'"),
    "cui": ("MRSTY", "0000001|T1|A|Finding|AT2||", "'0000001' is no CUI", "seven digits"),
    "second": ("MRREL", relation("C0000001", "RO", "D1"), "'D1' is no CUI", "column 5"),
    "name": ("MRCONSO", name("C0000001", " "), "no name", "column 15"),
    "type": ("MRSTY", "C0000001|T1|A||AT2||", "no semantic type", "column 4"),
    "text": ("MRDEF", "C0000001|A1|AT3||MSH||N||", "no definition", "column 6"),
    "relation": ("MRREL", relation("C0000001", "", "C0000002"), "no relation", "column 4"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_lines_are_named_and_the_rest_is_read(case, tmp_path):
    file, line, found, fix = BAD[case]
    good = FILES[file]
    path = write(tmp_path, {file: [good[0], line, good[1]]}) / f"{file}.RRF"
    with pytest.raises(BadInput) as caught:
        rows_of(path)
    assert (caught.value.path, caught.value.line) == (path, 2)
    assert found in caught.value.found
    assert fix in caught.value.fix
    problems = []
    rows = rows_of(path, problems)
    assert [problem.line for problem in problems] == [2]
    assert rows == rows_of(write(tmp_path / "good", {file: good[:2]}) / f"{file}.RRF")


def test_a_file_of_another_name(tmp_path):
    path = write(tmp_path, {"MRCONS": CONSO}) / "MRCONS.RRF"
    with pytest.raises(BadInput, match=r"no file of the UMLS called 'MRCONS\.RRF'.*MRCONSO"):
        rows_of(path)


cuis = st.integers(0, 9_999_999).map(lambda number: f"C{number:07}")
texts = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"), blacklist_characters="|"), min_size=1
).filter(str.strip)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(cuis, texts, st.sampled_from(sorted(LANGUAGES)))), st.lists(st.tuples(cuis, cuis)))
def test_what_is_written_is_read(tmp_path_factory, names, pairs):
    conso = [name(cui, text, language) for cui, text, language in names]
    rel = [relation(first, "RO", second, "treats") for first, second in pairs]
    rows = rows_of(write(tmp_path_factory.mktemp("umls"), {"MRCONSO": conso, "MRREL": rel}))
    assert [row[:4] for row in rows["names"]] == [
        (cui, text, "preferred", LANGUAGES[lat]) for cui, text, lat in names
    ]
    expected = [(second, "treats", first) for first, second in pairs if first != second]
    assert [row[:3] for row in rows["triples"]] == expected
