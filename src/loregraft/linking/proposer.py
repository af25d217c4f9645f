"""From texts to a pool: the mentions in them, the candidates of each, and what the text says for these.

What `linker.py` weighs, and what `learning/` learns from.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from loregraft.linking.index import Index
from loregraft.linking.lookups import Known, Lookups
from loregraft.linking.mentions.phrases import Phrases, abbreviated, given_phrases, with_variants
from loregraft.linking.mentions.scanner import Spans
from loregraft.linking.normalize import View, normalize
from loregraft.linking.scoring.features import Pool, fill_repeated
from loregraft.linking.scoring.support import fill_support
from loregraft.linking.scoring.weights import Weights
from loregraft.linking.settings import LinkSettings

Place = tuple[int, int]
REMEMBERED = 50_000


@dataclass(frozen=True)
class Proposer:
    """Proposes mentions and their candidates.

    Attributes:
        known: What is known of entities and meanings before a text is read.
    """

    index: Index
    settings: LinkSettings
    known: Known

    def views(self, texts: Sequence[str]) -> list[View]:
        """Fold texts."""
        return [normalize(text, self.index.rules) for text in texts]

    def found(self, views: Sequence[View]) -> Phrases:
        """Look for names, for names in other words and for abbreviations that a text defines."""
        found = Phrases.of_names(self.index.scan(views))
        if self.settings.variants:
            found = with_variants(found, self.index.variants(views), views)
        return abbreviated(found, views, self.index.rules)

    def given(self, views: Sequence[View], places: Sequence[Sequence[Place]]) -> Phrases:
        """Take mentions from outside."""
        return given_phrases([view.original for view in views], places, self.index.rules)

    def pool(self, phrases: Phrases) -> Pool:
        """Look up every different string once, and deal the candidates out."""
        index, lexicon = self.index, self.index.lexicon
        forms, by_form = np.unique(phrases.spans.forms[phrases.strings < 0], return_inverse=True)
        exact = Lookups.of_forms(forms.astype(np.int64), lexicon, index.dense is not None)
        both = Lookups.joined([exact, *self._by_string(phrases)])
        keys = np.where(phrases.strings < 0, 0, phrases.strings + len(forms))
        keys[phrases.strings < 0] = by_form
        return both.deal(keys, phrases.spans.texts.astype(np.int64), lexicon, index.names, self.known)

    def fill(self, pool: Pool, spans: Spans, views: Sequence[View], weights: Weights) -> None:
        """Fill in what the text around says for each candidate."""
        fill_repeated(pool, weights)
        self._fill_context(pool, spans, views)
        if self.settings.coherence:
            fill_support(pool, spans, self.index, weights, self.settings.window)

    def _by_string(self, phrases: Phrases) -> list[Lookups]:
        """Look up strings: variants among the forms that they are variants of, the others among all."""
        count = int(phrases.forms[0].max(initial=-1)) + 1
        found = self.index.compared(phrases.keys[:count], phrases.forms, self.settings.candidates)
        return [found, self.lookups(phrases.keys[count:])]

    def lookups(self, keys: Sequence[str]) -> Lookups:
        """Find the candidates of strings; what was found lately is remembered."""
        memory, most = self.index.memory, self.settings.candidates
        new = [key for key in keys if (most, key) not in memory]
        if new:
            if len(memory) + len(new) > REMEMBERED:
                memory.clear()
                new = list(keys)
            found = self.index.candidates(new, most)
            memory.update(((most, key), found.part(place)) for place, key in enumerate(new))
        return Lookups.of_parts([memory[most, key] for key in keys])

    def _fill_context(self, pool: Pool, spans: Spans, views: Sequence[View]) -> None:
        """Compare mentions that have several candidates, and the words around, with what describes these."""
        several = np.diff(pool.starts) > 1
        mentions = np.flatnonzero(several)
        if not len(mentions):
            return
        profiles, rows = self.index.profiles, np.flatnonzero(several[pool.owners])
        texts, numbers = np.unique(pool.texts[mentions], return_inverse=True)
        columns = (column[mentions].tolist() for column in (spans.texts, spans.starts, spans.ends))
        surfaces = [views[text].original[start:end] for text, start, end in zip(*columns, strict=True)]
        different, which = np.unique(np.array(surfaces, object), return_inverse=True)
        own = profiles.vectors([normalize(surface, self.index.rules).text for surface in different])[which]
        vectors = profiles.vectors([views[text].text for text in texts.tolist()])[numbers]
        place = np.cumsum(several)[pool.owners[rows]] - 1
        around = (vectors - vectors.multiply(own > 0)).tocsr()
        pool.column("context")[rows] = profiles.cosines(around, place, pool.entities[rows])
        pool.column("described")[rows] = profiles.cosines(own, place, pool.entities[rows])
