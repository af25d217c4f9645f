"""The linker: find the mentions of a graph's entities in texts and say which entity each means.

Three generators, cheap before dear: the name lexicon (whole words, longest first); character
n-grams for phrases that are nearly a name; encoder vectors, which must agree with the letters and
which choose among the entities that share a name by how well the text fits their description.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from loregraft.encoder.encode import encode
from loregraft.encoder.load import Encoder
from loregraft.kg.graph import KnowledgeGraph
from loregraft.linking.name_index import NgramIndex
from loregraft.linking.settings import PlainLinkSettings
from loregraft.linking.words import Word, name_key, split_words
from loregraft.records import SAME_MEANING, Document, Link, Mention
from loregraft.training.device import has_bf16

GENERATORS = ("exact", "ngram")
STEM = 4
_STOP = frozenset(
    "a an and are as at be by can caused due for from has have in including into is it its not of on or other"
    " such than that the their there these this to usually was were which with within without who".split()
)


@dataclass(frozen=True)
class FoundLink:
    """A link, the generator that proposed it and how many entities share the name."""

    link: Link
    entity: int
    generator: str
    rivals: int


class PlainLinker:
    """Finds entities of one graph in texts. Built once; `link` may be called any number of times."""

    def __init__(
        self, graph: KnowledgeGraph, encoder: Encoder, prefix: str, settings: PlainLinkSettings
    ) -> None:
        """Index the names of the entities whose id starts with `prefix`."""
        self.graph, self.encoder, self.settings = graph, encoder, settings
        eligible = np.array([entity_id.startswith(prefix) for entity_id in graph.ids], bool)
        self.names: list[str] = []
        self.name_entities: list[int] = []
        self.lexicon: dict[str, list[int]] = {}
        kinds = graph.names["kind"].to_pylist()
        for row, (entity, name) in enumerate(
            zip(graph.name_entities.tolist(), graph.names["name"].to_pylist(), strict=True)
        ):
            key = name_key(name)
            if not eligible[entity] or kinds[row] not in SAME_MEANING or len(key) < settings.shortest:
                continue
            self.names.append(name)
            self.name_entities.append(entity)
            owners = self.lexicon.setdefault(key, [])
            if entity not in owners:
                owners.append(entity)
        # Letters that begin some word of a name: a phrase with a word that begins otherwise is near none.
        self._beginnings = {word[:STEM] for key in self.lexicon for word in key.split()}
        self._longest = max((key.count(" ") + 1 for key in self.lexicon), default=0)
        self._ngrams: NgramIndex | None = None
        self._resolved: dict[str, tuple[int, float] | None] = {}

    def link(
        self, documents: Sequence[Document], not_itself: Sequence[int] | None = None
    ) -> list[list[FoundLink]]:
        """List the links of each document, by place, without overlaps.

        Args:
            not_itself: For each document an entity that it is about and that is not looked for; -1
                for none.
        """
        own = list(not_itself) if not_itself is not None else [-1] * len(documents)
        words = [split_words(document.text) for document in documents]
        spans = [self._exact(parts, entity) for parts, entity in zip(words, own, strict=True)]
        self._near(documents, words, spans, own)
        return self._decide(documents, spans)

    def _exact(self, words: list[Word], own: int) -> list["_Span"]:
        """Find names as runs of whole words, the longest at each place, left to right."""
        spans, place = [], 0
        while place < len(words):
            for stop in range(min(len(words), place + self._longest), place, -1):
                owners = self.lexicon.get(" ".join(word.text for word in words[place:stop]))
                entities = [entity for entity in owners or () if entity != own]
                if owners is not None and (entities or own in owners):
                    if entities:
                        spans.append(_Span(place, stop, words[place].start, words[stop - 1].end, entities))
                    place = stop - 1
                    break
            place += 1
        return spans

    def _near(
        self,
        documents: Sequence[Document],
        words: list[list[Word]],
        spans: list[list["_Span"]],
        own: list[int],
    ) -> None:
        """Add phrases between the exact spans that are nearly a name, by letters and by vectors."""
        found = [
            (number, phrase)
            for number, document in enumerate(documents)
            for phrase in _phrases(document.text, words[number], spans[number], self.settings.phrase_words)
            if all(word.text[:STEM] in self._beginnings for word in words[number][phrase.first : phrase.last])
        ]
        texts = sorted({documents[number].text[phrase.start : phrase.end] for number, phrase in found})
        self._resolve([text for text in texts if text not in self._resolved])
        for number, phrase in found:
            match = self._resolved[documents[number].text[phrase.start : phrase.end]]
            if match is not None and match[0] != own[number]:
                phrase.entities, phrase.score, phrase.generator = [match[0]], match[1], "ngram"
                spans[number].append(phrase)

    def _resolve(self, texts: Sequence[str]) -> None:
        """Keep entity and score of each text that n-grams and vectors find near one name, else None."""
        self._resolved.update(dict.fromkeys(texts))
        if not texts or not self.names:
            return
        if self._ngrams is None:
            self._ngrams = NgramIndex(self.names)
        rows, scores = self._ngrams.best(texts)
        kept = np.flatnonzero(scores >= self.settings.ngram_floor)
        names = [self.names[row] for row in rows[kept].tolist()]
        chosen = [texts[row] for row in kept.tolist()]
        agree = (self._encode(chosen) * self._encode(names)).sum(axis=1)
        for text, row, cosine in zip(chosen, rows[kept].tolist(), agree.tolist(), strict=True):
            if cosine >= self.settings.dense_floor:
                self._resolved[text] = (self.name_entities[row], float(cosine))

    def _encode(self, texts: Sequence[str]) -> Float[np.ndarray, "texts hidden"]:
        return encode(self.encoder, texts, bf16=has_bf16())

    def _decide(self, documents: Sequence[Document], spans: list[list["_Span"]]) -> list[list[FoundLink]]:
        """Choose among rivals by the cosine of the text with name and description."""
        unclear = [(n, span) for n, group in enumerate(spans) for span in group if len(span.entities) > 1]
        texts = sorted({documents[n].text for n, _ in unclear})
        rivals = sorted({entity for _, span in unclear for entity in span.entities})
        text_vectors = dict(zip(texts, self._encode(texts), strict=True))
        described = [self._describe(entity) for entity in rivals]
        entity_vectors = dict(zip(rivals, self._encode(described), strict=True))
        links = []
        for document, group in zip(documents, spans, strict=True):
            found = []
            for span in sorted(group, key=lambda span: span.start):
                entity, score = span.entities[0], span.score
                if len(span.entities) > 1:
                    cosines = [float(text_vectors[document.text] @ entity_vectors[e]) for e in span.entities]
                    entity, score = span.entities[int(np.argmax(cosines))], _softmax_top(cosines)
                mention = Mention(span.start, span.end, document.text[span.start : span.end])
                link = Link(mention, self.graph.ids[entity], round(min(1.0, max(0.0, score)), 4))
                found.append(FoundLink(link, entity, span.generator, len(span.entities)))
            links.append(found)
        return links

    def _describe(self, entity: int) -> str:
        record = self.graph.entity(self.graph.ids[entity])
        return f"{record.name}. {record.description}"


@dataclass
class _Span:
    """Words first to last (not included) of a text, its characters, and what they may mean."""

    first: int
    last: int
    start: int
    end: int
    entities: list[int]
    score: float = 1.0
    generator: str = "exact"


def count_links(links: Iterable[list[FoundLink]]) -> dict[str, int]:
    """Count documents, links, documents with a link, ambiguous mentions, and links by generator."""
    counts: Counter[str] = Counter()
    for group in links:
        counts["documents"] += 1
        counts["documents_with_link"] += bool(group)
        counts["mentions"] += len(group)
        counts["ambiguous"] += sum(found.rivals > 1 for found in group)
        counts.update(found.generator for found in group)
    keys = ("documents", "documents_with_link", "mentions", "ambiguous", *GENERATORS)
    return {key: counts[key] for key in keys}


def _phrases(text: str, words: list[Word], spans: list[_Span], longest: int) -> list[_Span]:
    """List runs of two words or more that hold no stop word, no punctuation and no found span."""
    taken = {place for span in spans for place in range(span.first, span.last)}
    runs: list[list[int]] = [[]]
    for place, word in enumerate(words):
        glued = bool(runs[-1]) and text[words[place - 1].end : word.start].strip(" -") == ""
        if place in taken or word.text in _STOP:
            runs.append([])
        elif glued:
            runs[-1].append(place)
        else:
            runs.append([place])
    return [
        _Span(run[0], run[-1] + 1, words[run[0]].start, words[run[-1]].end, [])
        for run in runs
        if 2 <= len(run) <= longest
    ]


def _softmax_top(cosines: list[float], temperature: float = 0.05) -> float:
    scaled = np.array(cosines) / temperature
    shares = np.exp(scaled - scaled.max())
    return float(shares.max() / shares.sum())


def link_columns(links: Sequence[list[FoundLink]]) -> dict[str, NDArray[np.int64] | list[str] | list[float]]:
    """Give links as columns: document number, start, end, entity index, score, generator, rivals."""
    rows = [(number, found) for number, group in enumerate(links) for found in group]
    return {
        "document": np.array([number for number, _ in rows], np.int64),
        "start": np.array([found.link.mention.start for _, found in rows], np.int64),
        "end": np.array([found.link.mention.end for _, found in rows], np.int64),
        "entity": np.array([found.entity for _, found in rows], np.int64),
        "score": [found.link.score for _, found in rows],
        "generator": [found.generator for _, found in rows],
        "rivals": np.array([found.rivals for _, found in rows], np.int64),
    }
