"""Views of texts: folded words, and places that lead back to the text as given."""

import random
import re
import sys
import unicodedata

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from loregraft.errors import MissingExtra
from loregraft.kg.names import fold_name
from loregraft.linking import folds
from loregraft.linking.folds import CJK_CHARACTER, clusters, folds_of, simple_characters, simplifier
from loregraft.linking.normalize import Rules, normalize, normalize_name

ALL_RULES = [Rules(), Rules(marks=False), Rules(simplify=True), Rules(marks=False, simplify=True)]
# Drawn more often than chance would: what joins, expands, separates, or is beyond the basic plane.
HARD = (
    "aZ9é ßﬁ½İ㎏①™℃№_-'\n\t\u3000\u200b\u00ad\u200d\u200f\ufeff\0\ud800\udfff"
    "\u0301\u0308\u0323\u0338\u20d2\ufe0f\U000e0100\u3099\u309a\uff9e\u093c\u094d\u064e\u0651\u0653"
    "疫苗发發乾々ー・ゞかｶガ한\u1112\u1161\u11abㅏ\uffa1\uffc2हिशׁ\u0647آ𠀀𐐀\U0001d400😀👩ΐᾳςйЁ"
)
TEXTS = st.text(st.one_of(st.sampled_from(HARD), st.characters()), max_size=40)


def test_words_and_their_places():
    view = normalize("The β-Blocker, in COVID-19疫苗!")
    assert view.text == " the β blocker in covid 19 疫苗 "
    start = view.text.index("β blocker")
    assert view.original[slice(*view.span(start, start + 9))] == "β-Blocker"
    start = view.text.index("疫苗")
    assert view.original[slice(*view.span(start, start + 2))] == "疫苗"


@pytest.mark.parametrize(
    ("text", "words", "word", "surface"),
    [
        ("Big Straße.", " big strasse ", "strasse", "Straße"),
        ("so ﬁne!", " so fine ", "fine", "ﬁne"),
        ("a ½ cup", " a 1 2 cup ", "1 2", "½"),
        ("in İzmir", " in izmir ", "izmir", "İzmir"),
        ("\uff28\uff29\uff36\uff0d\uff11", " hiv 1 ", "hiv", "\uff28\uff29\uff36"),
        ("Sjo\u0308gren cafe\u0301", " sjogren cafe ", "cafe", "cafe\u0301"),
        ("a😀b", " a b ", "b", "b"),
        ("\ud800x\0y\udfff", " x y ", "y", "y"),
        ("שלום, עולם", " שלום עולם ", "עולם", "עולם"),
        ("\u200fע\u05d5לם\u200f.", " ע\u05d5לם ", "ע\u05d5לם", "ע\u05d5לם"),
        ("हिन्दी में", " हिन्दी में ", "हिन्दी", "हिन्दी"),
        ("ex\u00adam\u00adple", " example ", "example", "ex\u00adam\u00adple"),
        ("か\u3099 \uff76\uff9e", " がガ ", "ガ", "\uff76\uff9e"),
        ("\u1112\u1161\u11ab국", " 한국 ", "한", "\u1112\u1161\u11ab"),
        ("Tylenol™ 5㎏", " tylenol 5kg ", "5kg", "5㎏"),
        ("葛\U000e0100城", " 葛城 ", "葛", "葛\U000e0100"),
        ("\U0001d400𠮷", " a 𠮷 ", "𠮷", "𠮷"),
        ("佐々木・コーヒー", " 佐々木 コーヒー ", "コーヒー", "コーヒー"),
    ],
)
def test_surface_forms(text, words, word, surface):
    view = normalize(text)
    assert view.text == words
    start = view.text.index(word)
    assert text[slice(*view.span(start, start + len(word)))] == surface


def test_white_space_between_cjk_is_dropped_and_punctuation_is_not():
    assert normalize("糖尿\n  病　人").text == " 糖尿病人 "
    assert normalize("糖尿，病").text == " 糖尿 病 "
    assert normalize("糖尿 a 病").text == " 糖尿 a 病 "


@pytest.mark.parametrize("text", ["", "...", "\u0301", "\ud800", "😀\ufe0f"])
def test_a_text_without_words(text):
    view = normalize(text)
    assert (view.text, view.starts.tolist(), view.ends.tolist()) == (" ", [0], [len(text)])
    assert normalize_name(text) == ""


def test_marks_may_be_kept():
    kept = Rules(marks=False)
    assert normalize_name("Sjögren") == "sjogren"
    assert normalize_name("Sjögren", kept) == normalize_name("Sjo\u0308gren", kept) == "sjögren"
    # Two marks in either order are the same letter.
    assert normalize_name("o\u0323\u0302", kept) == normalize_name("o\u0302\u0323", kept) == "ộ"
    assert normalize_name("ِहि\u093c") == normalize_name("ِहि\u093c", kept)


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=0x52F, exclude_categories=["Mn", "Me", "Cf"])))
def test_plain_names_fold_as_elsewhere_in_the_project(name):
    words = re.findall(r"[^\W_]+", fold_name(name))
    # fold_name knows no marks: a name that gets one of its own by folding ("İ") is not plain.
    folded = unicodedata.normalize("NFKC", name).casefold()
    if not any(unicodedata.category(char)[0] == "M" for char in folded):
        assert normalize_name(name, Rules(marks=False)) == " ".join(words)


@pytest.mark.parametrize("rules", ALL_RULES, ids=str)
@settings(max_examples=50, deadline=None)
@given(text=TEXTS)
@example(text="a\u00ad\u0301 b\u0301\u00ad")
@example(text="ß\u0308½\u0301")
def test_places_cover_what_they_stand_for(rules, text):
    view = normalize(text, rules)
    size = len(view.text)
    assert view.starts.dtype == view.ends.dtype == np.int32
    assert len(view.starts) == len(view.ends) == size
    assert (np.diff(view.starts) >= 0).all() and (np.diff(view.ends) >= 0).all()
    assert view.starts[0] == 0 and view.ends[-1] == len(text)
    assert view.text == " " or re.fullmatch(r" (\S+ )+", view.text)
    for word in re.finditer(r"\S+", view.text):
        start, end = view.span(*word.span())
        assert start < end
        surface = text[start:end]
        # What was cut out folds to the same word again, perhaps with another beside it ("½").
        assert f" {word[0]} " in f" {normalize(surface, rules).text} "


@pytest.mark.parametrize("rules", ALL_RULES[:2], ids=str)
@settings(max_examples=50, deadline=None)
@given(text=TEXTS)
def test_names_fold_as_texts_do(rules, text):
    """Two ways to the same: numpy for texts, strings for names."""
    assert normalize_name(text, rules) == normalize(text, rules).text[1:-1]


@pytest.mark.parametrize("rules", ALL_RULES, ids=str)
@settings(max_examples=50, deadline=None)
@given(text=TEXTS)
def test_folding_a_form_changes_nothing(rules, text):
    # Word by word: two of CJK that punctuation told apart would be joined over the space.
    for word in normalize(text, rules).text.split():
        assert normalize(word, rules).text == f" {word} "


@settings(max_examples=50, deadline=None)
@given(st.text(st.characters(codec="ascii"), max_size=60), st.sampled_from(["", "…", "—\u3000"]))
def test_ascii_goes_another_way_to_the_same_places(text, tail):
    assert text.isascii()
    plain, general = normalize(text), normalize(text + "\u2026" + tail)
    assert plain.text == general.text
    assert plain.starts.tolist() == general.starts.tolist()
    assert plain.ends[:-1].tolist() == general.ends[:-1].tolist()


@pytest.mark.parametrize("marks", [True, False])
def test_every_kind_of_character_has_a_place(marks):
    """All scripts, shuffled: names and texts agree on whatever stands beside whatever."""
    rules = Rules(marks=marks)
    chars = [chr(code) for code in [*range(0x3400), *range(0xA000, 0xAC80), *range(0xD7A0, 0xD900)]]
    chars += [
        chr(code) for code in [*range(0xF800, 0x11400), *range(0x1D400, 0x1D800), *range(0x1FF00, 0x20100)]
    ]
    chars += [chr(code) for code in range(0xE0000, 0xE0200)]
    random.Random(0).shuffle(chars)
    for first in range(0, len(chars), 500):
        text = "".join(chars[first : first + 500])
        view = normalize(text, rules)
        assert normalize_name(text, rules) == view.text[1:-1]
        assert (np.diff(view.starts) >= 0).all() and (np.diff(view.ends) >= 0).all()


def test_the_pattern_of_clusters_knows_all_marks():
    known = clusters()
    chars = [chr(code) for code in [*range(0x20000), *range(0xE0000, 0xE0200)]]
    marks = [char for char in chars if unicodedata.category(char)[0] == "M"]
    assert len(marks) > 2000
    assert [char for char in marks if not known.fullmatch(char)] == []


def test_forms_tell_which_characters_are_cjk():
    """Who looks for names as substrings asks the form itself; word boundaries must follow the same answer."""
    for word in normalize("ab疫苗か゛ｶﾞ한글12々\u3007ㄅ\u302a𠮷é\u0445").text.split():
        assert len({bool(CJK_CHARACTER.match(char)) for char in word}) == 1


def test_long_text_with_everything():
    text = "Straße 糖尿病 e\u0301 हिन्दी 😀 ½ " * 4001
    view = normalize(text)
    assert len(text) > 100_000
    last = view.text.rindex("हिन्दी")
    assert text[slice(*view.span(last, last + 6))] == "हिन्दी"


def test_names_and_texts_are_simplified_alike():
    rules = Rules(simplify=True)
    assert normalize_name("糖尿病發熱", rules) == normalize("糖尿病發熱", rules).text[1:-1] == "糖尿病发热"
    # 乾 (dry) becomes 干, also in the name of an emperor, in texts of both scripts.
    assert normalize_name("乾隆", rules) == "干隆"
    assert normalize("乾隆", rules).text == " 干隆 "
    assert normalize_name("皮膚乾燥 (eczema)", rules) == "皮肤干燥 eczema"


def test_simplifying_needs_opencc(monkeypatch):
    monkeypatch.setitem(sys.modules, "opencc", None)
    caches = (folds_of, simplifier, simple_characters)
    for cache in caches:
        cache.cache_clear()
    for call in (
        lambda: normalize("發熱", Rules(simplify=True)),
        lambda: normalize_name("發熱", Rules(simplify=True)),
        lambda: Rules(simplify=True).fingerprint(),
    ):
        with pytest.raises(MissingExtra, match=r"'opencc'.*loregraft\[zh\]"):
            call()
    for cache in caches:
        cache.cache_clear()
    assert normalize("發熱").text == " 發熱 "


def test_fingerprint_tells_rules_and_versions_apart(monkeypatch):
    prints = {rules.fingerprint() for rules in ALL_RULES}
    assert len(prints) == 4
    assert Rules().fingerprint() == Rules().fingerprint()
    monkeypatch.setattr("importlib.metadata.version", lambda package: "0.0")
    assert Rules(simplify=True).fingerprint() not in prints
    before = Rules().fingerprint()
    monkeypatch.setattr(unicodedata, "unidata_version", "1.0.0")
    assert Rules().fingerprint() != before


def test_what_is_remembered_is_bounded(monkeypatch):
    monkeypatch.setattr(folds, "REMEMBERED", 3)
    strings = folds._Strings(lambda piece: piece, marks=True)
    assert "".join(strings[code] for code in range(ord("a"), ord("g"))) == "abcdef"
    assert len(strings) == 3
