"""The names that are looked for: every different form once, and the entities that it may mean.

Columns, never an object a name: a graph of millions of names stays a few arrays, which are read from
their files where they lie.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Int32, Int64, UInt8
from numpy.typing import NDArray

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.identity import Hashes, hash_ids
from loregraft.kg.runs import runs
from loregraft.linking.arrays import read_arrays, read_table, whole, write_arrays, write_table
from loregraft.linking.folds import CJK
from loregraft.linking.normalize import Rules, normalize_name
from loregraft.records import SAME_MEANING, NameKind

KINDS: tuple[NameKind, ...] = get_args(NameKind)
LOOSE = len(SAME_MEANING)
Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Names:
    """Names of entities as the graph spells them, row by row.

    Attributes:
        texts: The spelling.
        entities: Index of the entity.
        kinds: Index into KINDS; 0 is the preferred name, from LOOSE on they mean a little more or less.
        languages: As the graph has them.
    """

    texts: pa.LargeStringArray
    entities: Int32[np.ndarray, " names"]
    kinds: UInt8[np.ndarray, " names"]
    languages: pa.LargeStringArray

    @classmethod
    def of(cls, graph: KnowledgeGraph, eligible: Bool[np.ndarray, " entities"] | None = None) -> "Names":
        """Take the names of the eligible entities (None: of all)."""
        kept = np.ones(len(graph.names), bool) if eligible is None else eligible[graph.name_entities]
        table = graph.names.filter(pa.array(kept)).combine_chunks()
        kinds = pc.index_in(table["kind"], value_set=pa.array(KINDS, table["kind"].type))
        entities = graph.name_entities[kept]
        return cls(
            whole(table["name"]), entities, np.asarray(kinds).astype(np.uint8), whole(table["language"])
        )

    @classmethod
    def exact(cls, texts: Sequence[str], entities: Sequence[int]) -> "Names":
        """Take names that are not of a graph: exact ones, of no language."""
        kinds = np.full(len(texts), KINDS.index("exact"), np.uint8)
        languages = pa.array([""] * len(texts), pa.large_string())
        return cls(pa.array(texts, pa.large_string()), np.array(entities, np.int32), kinds, languages)

    @classmethod
    def added(cls, pairs: Sequence[tuple[str, int]]) -> "Names":
        """Take names with their entities, entity by entity, the first of each the preferred one."""
        names = cls.exact([name for name, _ in pairs], [entity for _, entity in pairs])
        first = np.r_[True, np.diff(names.entities) != 0][: len(pairs)]
        return replace(names, kinds=np.where(first, KINDS.index("preferred"), names.kinds).astype(np.uint8))

    def __len__(self) -> int:
        return len(self.entities)

    def take(self, rows: NDArray[np.int64]) -> "Names":
        """Give some rows."""
        at = pa.array(rows)
        return Names(self.texts.take(at), self.entities[rows], self.kinds[rows], self.languages.take(at))

    def with_more(self, more: "Names") -> "Names":
        """Put others after these."""
        return Names(
            pa.concat_arrays([self.texts, more.texts]),
            np.concatenate([self.entities, more.entities]),
            np.concatenate([self.kinds, more.kinds]),
            pa.concat_arrays([self.languages, more.languages]),
        )


@dataclass(frozen=True)
class Lexicon:
    """Forms of names, and what each may mean.

    A form is a name as `normalize_name` gives it; names without a letter or digit have none and are
    looked for nowhere.

    Attributes:
        forms: Each once.
        pointers: Where the meanings of a form begin; one more at the end.
        entities: A meaning: an index of an entity, ascending and different within a form.
        names: Of each meaning, the row of its first name of that form: the preferred one where it is.
        lengths: Words of each form; of scripts without spaces, characters.
        name_forms: Of each name, the row of its form; -1 where it has none.
    """

    forms: pa.LargeStringArray
    pointers: Int64[np.ndarray, " ends"]
    entities: Int32[np.ndarray, " meanings"]
    names: Int32[np.ndarray, " meanings"]
    lengths: Int32[np.ndarray, " forms"]
    name_forms: Int32[np.ndarray, " names"]

    @classmethod
    def of(cls, names: Names, rules: Rules) -> "Lexicon":
        """Gather the forms of some names."""
        keys = pa.array([normalize_name(text, rules) for text in names.texts.to_pylist()], pa.large_string())
        return cls.of_forms(keys, names)

    @classmethod
    def of_forms(cls, keys: pa.LargeStringArray, names: Names) -> "Lexicon":
        """Gather meanings, where the form of each name is known ("" for none)."""
        encoded = pc.dictionary_encode(keys)
        order = np.asarray(pc.array_sort_indices(encoded.dictionary)).astype(np.int64)
        place = np.empty(len(order), np.int64)
        place[order] = np.arange(len(order))
        forms = place[np.asarray(encoded.indices).astype(np.int64)] if len(keys) else np.zeros(0, np.int64)
        rows = np.lexsort((np.arange(len(forms)), names.kinds, names.entities, forms))
        distinct = encoded.dictionary.take(pa.array(order))
        if len(distinct) and distinct[0].as_py() == "":
            rows, distinct = rows[forms[rows] > 0], distinct.slice(1)
            forms = forms - 1
        first = np.ones(len(rows), bool)
        first[1:] = (np.diff(forms[rows]) != 0) | (np.diff(names.entities[rows]) != 0)
        rows = rows[first]
        pointers = np.searchsorted(forms[rows], np.arange(len(distinct) + 1)).astype(np.int64)
        columns = names.entities[rows], rows.astype(np.int32), _lengths(distinct)
        return cls(distinct, pointers, *columns, forms.astype(np.int32))

    def __len__(self) -> int:
        return len(self.forms)

    def find(self, keys: Sequence[str]) -> Rows:
        """Give the row of each form, -1 where there is none."""
        hashes, order = self._by_hash
        if not len(hashes):
            return np.full(len(keys), -1, np.int64)
        wanted = hash_ids(keys)
        places = np.minimum(np.searchsorted(hashes, wanted), len(hashes) - 1)
        return np.where(hashes[places] == wanted, order[places], -1)

    @cached_property
    def _by_hash(self) -> tuple[Hashes, Rows]:
        """The hash of each form, ascending, and its row; two of a billion forms may have the same."""
        hashes = hash_ids(self.forms.to_pylist())
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order

    def part(self, first: int, last: int) -> "Lexicon":
        """Give some forms in a row, with the rows of their meanings as they are."""
        rows = slice(first, last)
        pointers = self.pointers[first : last + 1]
        forms = self.forms.slice(first, last - first)
        return replace(self, forms=forms, pointers=pointers, lengths=self.lengths[rows])

    def with_more(
        self, keys: Sequence[str], names: Names, first: int
    ) -> tuple["Lexicon", Bool[np.ndarray, " meanings"]]:
        """Give a lexicon with more names, whose new forms stand after the others.

        Args:
            keys: The form of each new name; "" for none.
            first: Row of the first of them among all names.

        Returns:
            The lexicon; and which of its meanings were there before.
        """
        found = np.where(np.array([key == "" for key in keys], bool), -1, self.find(keys))
        unknown = [key for key, form in zip(keys, found.tolist(), strict=True) if key and form < 0]
        new = {key: len(self) + place for place, key in enumerate(sorted(set(unknown)))}
        rows = np.array(
            [new.get(key, form) for key, form in zip(keys, found.tolist(), strict=True)], np.int64
        )
        added = np.flatnonzero(rows >= 0)
        forms = np.r_[np.repeat(np.arange(len(self)), np.diff(self.pointers)), rows[added]]
        entities = np.r_[self.entities, names.entities[added]].astype(np.int32)
        meant_by = np.r_[self.names, added + first].astype(np.int32)
        order = np.lexsort((meant_by, entities, forms))
        once = np.ones(len(order), bool)
        once[1:] = (np.diff(forms[order]) != 0) | (np.diff(entities[order]) != 0)
        order = order[once]
        more = pa.array(list(new), pa.large_string())
        lexicon = Lexicon(
            pa.concat_arrays([self.forms, more]),
            np.searchsorted(forms[order], np.arange(len(self) + len(new) + 1)).astype(np.int64),
            entities[order],
            meant_by[order],
            np.concatenate([self.lengths, _lengths(more)]),
            np.concatenate([self.name_forms, rows.astype(np.int32)]),
        )
        return lexicon, order < len(self.entities)

    def without(self, gone: Bool[np.ndarray, " entities"]) -> "Lexicon":
        """Give the same forms without what they mean among some entities; a form may mean nothing then."""
        kept = ~gone[self.entities]
        pointers = np.r_[0, np.cumsum(kept)][self.pointers].astype(np.int64)
        return replace(self, pointers=pointers, entities=self.entities[kept], names=self.names[kept])

    @cached_property
    def meaningless(self) -> Bool[np.ndarray, " forms"] | None:
        """Mark the forms of which all that they meant was removed; None where there is none."""
        marked = np.diff(self.pointers) == 0
        return marked if marked.any() else None

    def meanings(self, forms: Rows) -> tuple[Rows, Rows]:
        """List the meanings of some forms: the place in `forms`, and the row in `entities`."""
        return runs(self.pointers[forms], self.pointers[forms + 1])


def _lengths(forms: pa.LargeStringArray) -> Int32[np.ndarray, " forms"]:
    """Count the words of forms; of scripts without spaces, characters."""
    spaced = pc.replace_substring_regex(forms, f"([{CJK}])", r" \1 ")
    lengths = pc.list_value_length(pc.utf8_split_whitespace(pc.utf8_trim_whitespace(spaced)))
    return np.asarray(lengths).astype(np.int32)


def save_names(names: Names, lexicon: Lexicon, folder: Path) -> None:
    """Write both into a folder."""
    write_table(pa.table({"name": names.texts, "language": names.languages}), folder / "names.arrow")
    write_table(pa.table({"form": lexicon.forms}), folder / "forms.arrow")
    columns = {"name_entities": names.entities, "name_kinds": names.kinds}
    columns |= {"pointers": lexicon.pointers, "entities": lexicon.entities, "names": lexicon.names}
    columns |= {"lengths": lexicon.lengths, "name_forms": lexicon.name_forms}
    write_arrays(columns, folder, "lexicon")


def load_names(folder: Path) -> tuple[Names, Lexicon]:
    """Read both, mapped into memory."""
    spelled, formed = read_table(folder / "names.arrow"), read_table(folder / "forms.arrow")
    a = read_arrays(folder, "lexicon")
    names = Names(whole(spelled["name"]), a["name_entities"], a["name_kinds"], whole(spelled["language"]))
    columns = (a[name] for name in ("pointers", "entities", "names", "lengths", "name_forms"))
    return names, Lexicon(whole(formed["form"]), *columns)
