"""Mentions and the strings they are looked up by: names as found, and what abbreviations stand for."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray

from loregraft.linking.abbreviations import Abbreviation, abbreviations, later
from loregraft.linking.mentions import SOURCES, Spans
from loregraft.linking.normalize import Rules, View, normalize_name
from loregraft.linking.variants import Variant

Place = tuple[int, int]
Rows = NDArray[np.int64]
_ENDS = re.compile(r"[.!?;:。！？；：\n]\s|[。！？；：]|\n\n")
_VARIANT = SOURCES.index("variant")
_ABBREVIATION, _GIVEN = SOURCES.index("abbreviation"), SOURCES.index("given")


@dataclass(frozen=True)
class Phrases:
    """Mentions, and what each is looked up by.

    Attributes:
        spans: Where they are, in the order of places.
        strings: Of each, the place of its string in `keys`; -1 where it is looked up as its form.
        keys: Different folded strings.
        forms: Of each string that is a variant of forms, these: the place in `keys`, and the row. The others
            are compared with all forms.
    """

    spans: Spans
    strings: Int64[np.ndarray, " mentions"]
    keys: tuple[str, ...]
    forms: tuple[Rows, Rows] = (np.zeros(0, np.int64), np.zeros(0, np.int64))

    @classmethod
    def of_names(cls, spans: Spans) -> "Phrases":
        """Take mentions that are names of the lexicon."""
        return cls(spans, np.full(len(spans.texts), -1, np.int64), ())

    @classmethod
    def of_strings(cls, spans: Spans, strings: Sequence[str]) -> "Phrases":
        """Take mentions that are looked up by the folded strings given, one each."""
        keys = tuple(dict.fromkeys(strings))
        places = {key: place for place, key in enumerate(keys)}
        return cls(spans, np.array([places[string] for string in strings], np.int64), keys)


def given_phrases(texts: Sequence[str], given: Sequence[Sequence[Place]], rules: Rules) -> Phrases:
    """Take mentions from outside; abbreviations inside them are written out where their text defines them."""
    rows: list[tuple[int, int, int]] = []
    strings: list[str] = []
    for number, (text, places) in enumerate(zip(texts, given, strict=True)):
        defined = abbreviations(text) if places else []
        for start, end in places:
            rows.append((number, start, end))
            strings.append(normalize_name(written_out(text[start:end], defined), rules))
    order = sorted(range(len(rows)), key=rows.__getitem__)
    return Phrases.of_strings(_spans([rows[row] for row in order], _GIVEN), [strings[row] for row in order])


def written_out(mention: str, defined: Sequence[Abbreviation]) -> str:
    """Put long forms for the short ones in a mention; of "long form (SF)" the first part is enough."""
    for one in sorted(defined, key=lambda one: -len(one.short)):
        if one.short not in mention:
            continue
        twice = re.compile(rf"\s*[(\[（]\s*{re.escape(one.short)}\s*[)\]）]")
        mention = twice.sub("", mention) if one.long in mention else mention
        for start, end in reversed(list(later(mention, one))):
            plural = end + 1 if mention[end : end + 1] == "s" else end
            mention = mention[:start] + one.long + mention[plural:]
    return mention


def with_variants(found: Phrases, variants: Variant, views: Sequence[View]) -> Phrases:
    """Add names in other words, where no name is found as it is.

    Runs of words that go over the end of a sentence are none.
    """
    places = np.stack([variants.texts, variants.starts, variants.ends], axis=1)
    different, back = np.unique(places, axis=0, return_inverse=True)
    rows, strings = [], []
    for number, start, end in different.tolist():
        view = views[number]
        first, last = view.span(start, end)
        whole = _ENDS.search(view.original, first, last) is None
        rows.append((number, first, last) if whole else (number, -1, -1))
        strings.append(view.text[start:end])
    inside = np.array([row[1] >= 0 for row in rows], bool)
    keys = tuple(dict.fromkeys(string for string, kept in zip(strings, inside, strict=True) if kept))
    place = {key: number for number, key in enumerate(keys)}
    owners = np.array([place.get(string, -1) for string in strings], np.int64)
    added = Phrases(_spans([row for row in rows if row[1] >= 0], _VARIANT), owners[inside], keys)
    kept = inside[back.ravel()]
    pairs = owners[back.ravel()][kept], variants.forms[kept]
    merged = _merged(added, found)
    return replace(merged, keys=keys, forms=pairs)


def abbreviated(found: Phrases, views: Sequence[View], rules: Rules) -> Phrases:
    """Add the mentions of abbreviations that a text defines; they take the place of names spelled alike."""
    rows: list[tuple[int, int, int]] = []
    strings: list[str] = []
    for number, view in enumerate(views):
        for one in abbreviations(view.original):
            for start, end in later(view.original, one):
                rows.append((number, start, end))
                strings.append(normalize_name(one.long, rules))
    if not rows:
        return found
    added = Phrases.of_strings(_spans(rows, _ABBREVIATION), strings)
    shifted = np.where(added.strings >= 0, added.strings + len(found.keys), -1)
    both = _merged(found, replace(added, strings=shifted))
    return replace(both, keys=(*found.keys, *added.keys), forms=found.forms)


def _merged(found: Phrases, added: Phrases) -> Phrases:
    """Put both in the order of places, without keys; of two at one place the added one stays."""
    both = [np.concatenate(columns) for columns in zip(_columns(added), _columns(found), strict=True)]
    order = np.lexsort((np.arange(len(both[0])), both[2], both[1], both[0]))
    places = np.stack([both[0], both[1], both[2]], axis=1)[order]
    first = np.ones(len(places), bool)
    first[1:] = (np.diff(places, axis=0) != 0).any(1)
    columns = [column[order[first]] for column in both]
    return Phrases(Spans(*columns[:-1]), columns[-1], ())


def _columns(phrases: Phrases) -> list[np.ndarray]:
    s = phrases.spans
    return [s.texts, s.starts, s.ends, s.forms, s.sources, phrases.strings]


def _spans(rows: Sequence[tuple[int, int, int]], source: int) -> Spans:
    table = np.array(rows, np.int32).reshape(-1, 3)
    unknown = np.full(len(table), -1, np.int32)
    sources = np.full(len(table), source, np.uint8)
    return Spans(table[:, 0].copy(), table[:, 1].copy(), table[:, 2].copy(), unknown, sources)
