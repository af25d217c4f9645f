"""Mentions and the strings they are looked up by: names as found, and what abbreviations stand for."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Int64
from numpy.typing import NDArray

from loregraft.linking.mentions.abbreviations import Abbreviation, abbreviations, later
from loregraft.linking.mentions.scanner import SOURCES, Spans
from loregraft.linking.mentions.variants import Variant
from loregraft.linking.normalize import Rules, View, normalize_name

Place = tuple[int, int]
Span = tuple[int, int, int]
Rows = NDArray[np.int64]
_ENDS = re.compile(r"[.!?;:,。！？；：\n]\s|[。！？；：，、()\[\]（）/]|\n\n")
"""What a name in other words does not reach across: in "short stature, moderate pain" no name goes on."""

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
    def of_strings(cls, strings: Mapping[Span, str], source: int) -> "Phrases":
        """Take mentions that are looked up by folded strings: text, start and end -> string."""
        places = sorted(strings)
        keys = tuple(dict.fromkeys(strings.values()))
        numbers = {key: number for number, key in enumerate(keys)}
        asked = np.array([numbers[strings[place]] for place in places], np.int64)
        texts, starts, ends = np.array(places, np.int64).reshape(-1, 3).T
        return cls(Spans.of_given(texts, starts, ends, source), asked, keys)


def given_phrases(texts: Sequence[str], given: Sequence[Sequence[Place]], rules: Rules) -> Phrases:
    """Take mentions from outside; abbreviations inside them are written out where their text defines them."""
    strings: dict[Span, str] = {}
    for number, (text, places) in enumerate(zip(texts, given, strict=True)):
        defined = abbreviations(text) if places else []
        for start, end in places:
            strings[number, start, end] = normalize_name(written_out(text[start:end], defined), rules)
    return Phrases.of_strings(strings, _GIVEN)


def with_given(found: Phrases, given: Phrases) -> Phrases:
    """Add mentions from outside, a tagger's for example; at equal places those that were found stay."""
    moved = np.where(given.strings < 0, -1, given.strings + len(found.keys))
    shifted = replace(given, strings=moved)
    return replace(_merged(shifted, found), keys=(*found.keys, *given.keys), forms=found.forms)


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

    Runs of words that go over a comma, a bracket or the end of a sentence are none.
    """
    strings: dict[Span, str] = {}
    forms: dict[str, set[int]] = {}
    columns = variants.texts, variants.starts, variants.ends, variants.forms
    for number, start, end, form in zip(*(column.tolist() for column in columns), strict=True):
        view = views[number]
        first, last = view.span(start, end)
        if _ENDS.search(view.original, first, last) is None:
            strings[number, first, last] = key = view.text[start:end]
            forms.setdefault(key, set()).add(form)
    added = Phrases.of_strings(strings, _VARIANT)
    pairs = [(place, form) for place, key in enumerate(added.keys) for form in sorted(forms[key])]
    asked, rows = np.array(pairs, np.int64).reshape(-1, 2).T
    return replace(_merged(added, found), keys=added.keys, forms=(asked, rows))


def abbreviated(found: Phrases, views: Sequence[View], rules: Rules) -> Phrases:
    """Add the mentions of abbreviations that a text defines; they take the place of names spelled alike."""
    strings = {
        (number, start, end): normalize_name(one.long, rules)
        for number, view in enumerate(views)
        for one in abbreviations(view.original)
        for start, end in later(view.original, one)
    }
    if not strings:
        return found
    added = Phrases.of_strings(strings, _ABBREVIATION)
    shifted = replace(added, strings=added.strings + len(found.keys))
    return replace(_merged(found, shifted), keys=(*found.keys, *added.keys), forms=found.forms)


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
