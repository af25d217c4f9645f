"""Places of names in texts: whole words, CJK anywhere, all that overlap, capitals where they count."""

import json
import logging
import re
import sys

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loregraft.errors import MissingExtra, WrongArtifact
from loregraft.linking.mentions import joined, patterns
from loregraft.linking.mentions.automata import ENGINES
from loregraft.linking.mentions.scanner import MANIFEST, SOURCES, Scanner, Spans
from loregraft.linking.normalize import Rules, normalize, normalize_name

RULES = Rules()
NAME, EXACT_CASE, GIVEN = (SOURCES.index(source) for source in ("name", "exact_case", "given"))
ENGLISH = ["Lung cancer", "cancer", "lung", "cancer cell", "Né"]
CHINESE = ["疫苗", "新冠疫苗", "COVID-19疫苗", "COVID-19", "苗"]


def arrow(strings):
    return pa.array(strings, pa.large_string())


def parts(names):
    """Give forms, ascending, and what a scanner is told of the names."""
    keys = [normalize_name(name, RULES) for name in names]
    forms = sorted({key for key in keys if key})
    rows = np.array([forms.index(key) if key else -1 for key in keys], np.int32)
    return arrow(forms), (rows, arrow(names))


def scanner_of(names, **options):
    return Scanner.of(*parts(names), **options)


def surfaces(scanner, *texts):
    """List what was found: text by text, the characters of the text as given."""
    spans = scanner.scan([normalize(text, RULES) for text in texts])
    places = zip(spans.texts.tolist(), spans.starts.tolist(), spans.ends.tolist(), strict=True)
    lists = [[] for _ in texts]
    for text, start, end in places:
        lists[text].append(texts[text][start:end])
    return lists[0] if len(lists) == 1 else lists


def rows_of(spans):
    columns = (spans.texts, spans.starts, spans.ends, spans.forms, spans.sources)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def naive(names, views):
    """Look for each form at each place of each view; capitals aside."""
    forms = parts(names)[0].to_pylist()
    rows = []
    for number, view in enumerate(views):
        for row, form in enumerate(forms):
            head, tail = ("" if joined.has_cjk(form[place]) else " " for place in (0, -1))
            for match in re.finditer(f"(?={re.escape(head + form + tail)})", view.text):
                start = match.start() + len(head)
                rows.append((number, *view.span(start, start + len(form)), row))
    return sorted(rows)


# What is found


@pytest.mark.parametrize("engine", list(ENGINES))
def test_names_that_overlap_and_names_inside_names_are_all_found(engine):
    found = surfaces(scanner_of(ENGLISH, engine=engine), "LUNG  cancer-cells; Lung-Cancer Cell.")
    assert found == ["LUNG", "LUNG  cancer", "cancer", "Lung", "Lung-Cancer", "Cancer", "Cancer Cell"]


@pytest.mark.parametrize("engine", list(ENGINES))
def test_chinese_names_are_found_inside_words_and_mixed_ones_across_scripts(engine):
    found = surfaces(scanner_of(CHINESE, engine=engine), "接种新冠疫苗和COVID-19疫苗，covid-19。")
    assert found == ["新冠疫苗", "疫苗", "COVID-19", "COVID-19疫苗", "疫苗", "covid-19"]


def test_an_over_long_match_hides_no_name():
    """Longest first with boundaries checked afterwards would find nothing here."""
    assert surfaces(scanner_of(["lung cancer", "lung cancer c"]), "lung cancer cell") == ["lung cancer"]


def test_a_name_inside_a_word_is_none_but_in_chinese():
    assert surfaces(scanner_of(["age", "疫苗"]), "cabbage agéd age疫苗age") == ["age", "疫苗", "age"]


def test_no_name_reaches_from_one_text_into_the_next():
    scanner = scanner_of(["lung cancer", "cancer lung", "疫苗"])
    assert surfaces(scanner, "lung", "cancer", "lung 疫", "苗", "疫苗") == [[], [], [], [], ["疫苗"]]


def test_words_on_both_sides_of_chinese_do_not_become_neighbours():
    assert surfaces(scanner_of(["lung cancer"]), "lung疫苗cancer 和 lung cancer") == ["lung cancer"]


def test_one_character_names_in_chinese_are_looked_for_when_asked():
    assert surfaces(scanner_of(["苗"]), "疫苗") == []
    assert surfaces(scanner_of(["苗"], single=True), "疫苗") == ["苗"]


def test_a_name_that_is_part_of_one_character_is_not_there():
    """Both characters fold to several: a name that begins or ends inside them has no place in the text."""
    scanner = scanner_of(["2x", "ﬁx", "ix", "株式", "株式会社"])
    assert surfaces(scanner, "½ x, 1\u20442 ﬁx", "㍿の株式") == [["ﬁx"], ["㍿", "株式"]]


def test_spans_are_sorted_and_tell_the_form_and_the_source():
    scanner = scanner_of(["WHO", "who cares", "疫苗", "x ray"])
    views = [normalize(text, RULES) for text in ("WHO cares 疫苗", "", "an X-ray: WHO", "苗")]
    spans = scanner.scan(views, first=7)
    assert rows_of(spans) == [
        (7, 0, 3, 0, EXACT_CASE),
        (7, 0, 9, 1, NAME),
        (7, 10, 12, 3, NAME),
        (9, 3, 8, 2, NAME),
        (9, 10, 13, 0, EXACT_CASE),
    ]
    assert [column.dtype.name for column in (spans.texts, spans.forms, spans.sources)] == [
        "int32",
        "int32",
        "uint8",
    ]


def test_many_texts_are_joined_in_batches_and_lose_nothing(monkeypatch):
    scanner = scanner_of(ENGLISH + CHINESE)
    texts = ["lung cancer cell", "", "新冠疫苗", "!", "covid-19疫苗 cancer"] * 20
    views = [normalize(text, RULES) for text in texts]
    whole = rows_of(scanner.scan(views))
    monkeypatch.setattr(joined, "AT_ONCE", 40)
    assert rows_of(scanner.scan(views)) == whole
    alone = [row for number, view in enumerate(views) for row in rows_of(scanner.scan([view], number))]
    assert alone == whole and len(whole) == 20 * 10


@pytest.mark.parametrize("names", [[], ["!?"], ["lung"], ["疫苗"]])
@pytest.mark.parametrize("texts", [[], [""], ["...", "。"]])
def test_nothing_is_found_in_nothing(names, texts):
    assert len(scanner_of(names).scan([normalize(text, RULES) for text in texts])) == 0


@pytest.mark.parametrize("names", [[], ["lung"], ["疫苗"]])
def test_a_scanner_of_few_names_reads_any_text(names):
    assert len(scanner_of(names).scan([normalize("lung 疫苗", RULES)])) == len(names)


SIGNS = st.one_of(
    st.sampled_from(list("ab疫苗9 -.ﬁß½é́㍿𠀀İΣς\u200d\ufe0f")), st.characters(exclude_categories=["Cs"])
)
STRINGS = st.text(SIGNS, max_size=12)


@given(names=st.lists(STRINGS, max_size=5), texts=st.lists(STRINGS, max_size=4), data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_span_of_any_text_folds_to_its_form_and_the_engines_agree(names, texts, data):
    for text in filter(None, texts):  # names that occur
        first = data.draw(st.integers(0, len(text) - 1))
        names = [*names, text[first : first + data.draw(st.integers(1, 4))]]
    views = [normalize(text, RULES) for text in texts]
    forms, cased = parts(names)
    scanners = [Scanner.of(forms, cased, engine=engine, single=True) for engine in ENGINES]
    first, *others = (rows_of(scanner.scan(views)) for scanner in scanners)
    assert all(other == first for other in others)
    assert [row[:3] for row in first] == sorted({row[:3] for row in first})
    for number, start, end, form, _ in first:
        assert normalize_name(texts[number][start:end], RULES) == forms[form].as_py()


@given(texts=st.lists(st.text("ab 疫苗-", max_size=12), max_size=4))
@settings(max_examples=50, deadline=None)
def test_all_that_a_naive_search_finds_is_found(texts):
    names = ["aba", "ab ba", "aba aba", "bab", "疫苗", "苗疫苗", "aba疫", "疫aba", "疫 aba 苗"]
    views = [normalize(text, RULES) for text in texts]
    assert [row[:4] for row in rows_of(scanner_of(names).scan(views))] == naive(names, views)


def test_a_document_of_a_hundred_thousand_characters_is_read_to_its_end():
    text = ("Lung cancer – 新冠疫苗 né Né. " * 5000)[:-1]
    assert len(text) > 100_000
    spans = scanner_of([*ENGLISH, *CHINESE]).scan([normalize(text, RULES)])
    assert len(spans) == 6 * 5000
    last = rows_of(spans)[-1]
    assert text[last[1] : last[2]] == "Né" and last[2] == len(text) - 1


# Capitals


@pytest.mark.parametrize(
    ("name", "found", "left"),
    [
        ("WHO", ["WHO", "\uff37\uff28\uff2f", "(WHO)"], ["who", "Who", "whO", "\uff57\uff28\uff2f"]),
        ("mTOR", ["mTOR"], ["mtor", "MTOR"]),
        ("IL-2", ["IL-2", "IL 2", "IL\u20112"], ["il-2", "Il-2"]),
        ("U.S.", ["U.S", "U. S."], ["u.s.", "u s"]),
        ("T", ["T"], ["t"]),
        ("pH", ["pH"], ["ph", "PH"]),
        ("It", ["It"], ["it", "IT"]),
        ("of", ["of"], ["Of", "OF"]),
        ("42", ["42"], ["43"]),
        ("Né", ["Né", "Ne\u0301"], ["ne", "né", "Ne"]),
        ("Ne\u0301", ["Né", "Ne\u0301"], ["Ne"]),
    ],
)
def test_a_short_or_common_name_counts_only_as_it_is_spelled(name, found, left):
    scanner = scanner_of([name])
    for text in found:
        spans = scanner.scan([normalize(f"x {text} y", RULES)])
        assert spans.sources.tolist() == [EXACT_CASE], text
    for text in left:
        assert surfaces(scanner, f"x {text} y") == [], text


@pytest.mark.parametrize(
    "name", ["Type", "lung", "GAPDHs", "HIV-1 positive", "Nox", "in vitro", "T细胞", "疫苗"]
)
def test_other_names_count_in_any_case(name):
    spans = scanner_of([name]).scan([normalize(f"x {name.upper()} {name.lower()}", RULES)])
    assert spans.sources.tolist() == [NAME, NAME]


def test_a_form_with_one_harmless_spelling_counts_in_any():
    assert surfaces(scanner_of(["CAT"]), "Cat cat CAT") == ["CAT"]
    assert surfaces(scanner_of(["CAT", "cat"]), "Cat cat CAT") == ["Cat", "cat", "CAT"]


def test_every_spelling_of_a_strict_form_counts():
    assert surfaces(scanner_of(["WHO", "wHo"]), "WHO wHo Who who") == ["WHO", "wHo"]


def test_a_form_without_a_name_counts_in_any_case():
    scanner = Scanner.of(arrow(["who"]), (np.zeros(0, np.int64), arrow([])))
    assert surfaces(scanner, "Who who") == ["Who", "who"]


@given(st.lists(st.sampled_from(["who", "WHO", "Who", "it", "IT", "It", "x", "疫"]), max_size=30))
@example(["it"] * 5 + ["IT"])
@settings(max_examples=50, deadline=None)
def test_capitals_are_compared_place_by_place_in_every_text(tokens):
    texts = [" ".join(tokens), "", "\uff0e".join(tokens)]
    found = surfaces(scanner_of(["WHO", "IT", "It"]), *texts)
    kept = [token for token in tokens if token in ("WHO", "IT", "It")]
    assert found == [kept, [], kept]


# Places from outside


def test_given_places_are_sorted_and_each_is_there_once():
    spans = Spans.of_given([1, 0, 1, 1], [4, 2, 0, 4], [6, 3, 9, 6])
    assert rows_of(spans) == [(0, 2, 3, -1, GIVEN), (1, 0, 9, -1, GIVEN), (1, 4, 6, -1, GIVEN)]
    assert len(Spans.of_given([], [], [])) == 0


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 3), (4, 2)])
def test_a_given_place_must_have_a_character(start, end):
    with pytest.raises(ValueError, match=f"from {start} to {end} in text 5: it must have a character"):
        Spans.of_given([0, 5], [0, start], [1, end])


def test_spans_are_taken_and_joined():
    spans = Spans.of_given([0, 1, 2], [0, 0, 0], [1, 2, 3])
    taken = spans.take(np.array([0, 2]))
    assert rows_of(taken) == [rows_of(spans)[0], rows_of(spans)[2]]
    assert rows_of(Spans.join([taken, spans])) == rows_of(taken) + rows_of(spans)
    assert len(Spans.join([])) == 0


# Saved and read

TEXTS = ["Lung cancer cell, WHO?", "COVID-19疫苗 who", ""]


@pytest.fixture
def saved(tmp_path):
    """A saved scanner: its folder, its forms, and what it finds."""
    forms, cased = parts([*ENGLISH, *CHINESE, "WHO"])
    scanner = Scanner.of(forms, cased)
    scanner.save(tmp_path)
    return tmp_path, forms, rows_of(scanner.scan([normalize(text, RULES) for text in TEXTS]))


def scan(scanner):
    return rows_of(scanner.scan([normalize(text, RULES) for text in TEXTS]))


@pytest.mark.parametrize("with_forms", [False, True])
def test_a_saved_scanner_finds_the_same_and_is_saved_again(saved, with_forms, tmp_path_factory):
    folder, forms, found = saved
    scanner = Scanner.load(folder, forms if with_forms else None)
    assert scanner.engine == "daachorse"
    assert scan(scanner) == found and len(found) == 8
    again = tmp_path_factory.mktemp("again")
    scanner.save(again)
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == {
        file.name: file.read_bytes() for file in again.iterdir()
    }


def test_the_automata_are_read_when_they_are_needed(saved):
    folder, _, found = saved
    scanner = Scanner.load(folder)
    (folder / "scanner.runs.automaton").unlink()
    english = scanner.scan([normalize(TEXTS[0], RULES)])
    assert rows_of(english) == [row for row in found if row[0] == 0]
    with pytest.raises(WrongArtifact, match=r"runs\.automaton: .*No such file.*Build the linker again"):
        scan(scanner)


def cut_off(path):
    path.write_bytes(path.read_bytes()[:-5])


def change_a_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("name", ["words", "runs"])
@pytest.mark.parametrize("damage", [cut_off, change_a_byte])
def test_a_damaged_automaton_is_built_again_from_the_forms_or_refused(saved, name, damage, caplog):
    folder, forms, found = saved
    damage(folder / f"scanner.{name}.automaton")
    with caplog.at_level(logging.WARNING):
        assert scan(Scanner.load(folder, forms)) == found
    assert "not those that were written; built again" in caplog.text
    with pytest.raises(
        WrongArtifact, match=r"bytes are not those that were written\. Build the linker again"
    ):
        scan(Scanner.load(folder))


def test_an_automaton_of_another_version_is_built_again_or_refused(saved):
    folder, forms, found = saved
    facts = json.loads((folder / MANIFEST).read_text())
    facts["words"]["version"] = "0.0.1"
    (folder / MANIFEST).write_text(json.dumps(facts))
    assert scan(Scanner.load(folder, forms)) == found
    with pytest.raises(WrongArtifact, match=r"written by daachorse 0\.0\.1.*Build the linker again"):
        scan(Scanner.load(folder))


@pytest.mark.parametrize("engine", ["ahocorasick", "python"])
def test_an_engine_without_a_saved_form_is_built_again_from_the_forms(tmp_path, engine):
    forms, cased = parts(ENGLISH)
    scanner = Scanner.of(forms, cased, engine=engine)
    scanner.save(tmp_path)
    again = Scanner.load(tmp_path, forms)
    assert again.engine == engine
    assert scan(again) == scan(scanner) != []
    with pytest.raises(WrongArtifact, match=r"its automaton was not saved\. Build the linker again"):
        scan(Scanner.load(tmp_path))


def test_where_daachorse_is_missing_the_next_engine_reads_the_folder(saved, monkeypatch):
    folder, forms, found = saved
    monkeypatch.setitem(sys.modules, "daachorse", None)
    scanner = Scanner.load(folder, forms)
    assert scanner.engine == "ahocorasick"
    assert scan(scanner) == found
    with pytest.raises(WrongArtifact, match="'daachorse' is not installed"):
        scan(Scanner.load(folder))


def test_a_named_engine_that_is_missing_is_an_error(monkeypatch):
    monkeypatch.setitem(sys.modules, "ahocorasick_rs", None)
    with pytest.raises(MissingExtra, match="ahocorasick-rs"):
        scanner_of(["lung"], engine="ahocorasick")


def test_a_scanner_of_other_names_is_refused(saved):
    folder, forms, _ = saved
    for others in (forms.slice(1), arrow(["x", *forms.to_pylist()[1:]]), arrow([])):
        with pytest.raises(WrongArtifact, match=r"built for other names\. Build the linker again"):
            Scanner.load(folder, others)


def test_equal_forms_have_one_fingerprint_wherever_they_lie():
    forms = arrow(["a", "ab", "c"])
    sliced = arrow(["x", "a", "ab", "c", "y"]).slice(1, 3)
    assert patterns.fingerprint_forms(forms) == patterns.fingerprint_forms(sliced)
    assert patterns.fingerprint_forms(forms) != patterns.fingerprint_forms(arrow(["aa", "b", "c"]))


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda path: path.unlink(), "there is no scanner.json"),
        (lambda path: path.write_text("{"), "it cannot be read"),
        (lambda path: path.write_text("[]"), "it cannot be read"),
        (lambda path: path.write_text(path.read_text().replace('"format": 1', '"format": 2')), "format 2"),
        (lambda path: path.write_text(path.read_text().replace("daachorse", "magic")), "engine 'magic'"),
    ],
)
def test_a_wrong_manifest_is_refused(saved, change, found):
    folder, forms, _ = saved
    change(folder / MANIFEST)
    with pytest.raises(WrongArtifact, match=f"{found}.*Build the linker again"):
        Scanner.load(folder, forms)


@pytest.mark.parametrize("name", ["words", "runs", "strict", "keys"])
@pytest.mark.parametrize(
    "change",
    [lambda path: path.unlink(), lambda path: path.write_bytes(b""), lambda path: np.save(path, np.ones(3))],
)
def test_a_wrong_column_is_refused(saved, name, change):
    folder, forms, _ = saved
    change(folder / f"scanner.{name}.npy")
    with pytest.raises(WrongArtifact, match=r"column.*Build the linker again"):
        Scanner.load(folder, forms)


def test_rows_beyond_the_forms_are_refused(saved):
    folder, _, _ = saved
    np.save(folder / "scanner.words.npy", np.array([999], np.int32))
    with pytest.raises(WrongArtifact, match="beyond the 11 there are"):
        Scanner.load(folder)
