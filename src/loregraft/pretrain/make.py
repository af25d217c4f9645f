"""Make objectives by name: what each needs, and one head of words shared by all that predict words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from loregraft.corpus.corpus import Corpus
from loregraft.encoder.words import read_word_head
from loregraft.errors import BadInput, did_you_mean
from loregraft.fusion.knowledge import Knowledge
from loregraft.pretrain.heads import NewWordHead, WordHead
from loregraft.pretrain.objectives.contrast import (
    EntityContrast,
    EntityContrastSettings,
    RelationContrast,
    RelationContrastSettings,
)
from loregraft.pretrain.objectives.denoise import DenoisedEntities, DenoiseSettings
from loregraft.pretrain.objectives.documents import DocumentSettings, LinkedDocuments
from loregraft.pretrain.objectives.embed import Kepler, KeplerSettings, Simkgc, SimkgcSettings
from loregraft.pretrain.objectives.entities import EntityPrediction, EntitySettings
from loregraft.pretrain.objectives.longtail import PseudoSettings, PseudoTokens
from loregraft.pretrain.objectives.masked import Hidden, MaskedSettings, MaskedWords
from loregraft.pretrain.objectives.objective import Objective, ObjectiveSettings
from loregraft.pretrain.objectives.replaced import ReplacedEntities, ReplacedSettings
from loregraft.pretrain.objectives.sentences import Simcse, SimcseSettings, Tsdae, TsdaeSettings
from loregraft.pretrain.objectives.sentiment import Sentiment, SentimentSettings
from loregraft.pretrain.objectives.synonyms import Synonyms, SynonymSettings
from loregraft.pretrain.objectives.triples import TripleSettings, TripleWords
from loregraft.pretrain.trunk import Trunk

Need = Literal["links", "graph", "vectors", "lexicon", "batch"]
"""links: linked texts; batch: the items of a batch are each other's negatives."""


@dataclass(frozen=True)
class Makings:
    """What objectives are made of.

    Attributes:
        head: Of words, shared by all objectives that predict words.
    """

    trunk: Trunk
    corpus: Corpus
    knowledge: Knowledge
    head: WordHead


class Kind(NamedTuple):
    """An objective before it is made."""

    settings: type[ObjectiveSettings]
    needs: tuple[Need, ...]
    make: Callable[[Makings, Any], Objective]


def _masked(units: Hidden) -> Callable[[Makings, MaskedSettings], Objective]:
    def make(of: Makings, settings: MaskedSettings) -> Objective:
        return MaskedWords(of.trunk, of.corpus, settings, units, head=of.head)

    return make


def _of_graph(kind: Callable[..., Objective]) -> Callable[[Makings, ObjectiveSettings], Objective]:
    return lambda of, settings: kind(of.trunk, of.knowledge, settings)


def _of_texts(kind: Callable[..., Objective]) -> Callable[[Makings, ObjectiveSettings], Objective]:
    return lambda of, settings: kind(of.trunk, of.corpus, settings)


def _of_both(kind: Callable[..., Objective]) -> Callable[[Makings, ObjectiveSettings], Objective]:
    return lambda of, settings: kind(of.trunk, of.corpus, of.knowledge, settings)


def _of_both_by_words(kind: Callable[..., Objective]) -> Callable[[Makings, ObjectiveSettings], Objective]:
    return lambda of, settings: kind(of.trunk, of.corpus, of.knowledge, settings, head=of.head)


OBJECTIVES: Mapping[str, Kind] = {
    "masked_words": Kind(MaskedSettings, (), _masked("words")),
    "masked_entities": Kind(MaskedSettings, ("links",), _masked("entities")),
    "masked_spans": Kind(MaskedSettings, ("links",), _masked("spans")),
    "triples": Kind(
        TripleSettings,
        ("graph",),
        lambda of, settings: TripleWords(of.trunk, of.knowledge, settings, head=of.head),
    ),
    "replaced_entities": Kind(ReplacedSettings, ("links", "graph"), _of_both(ReplacedEntities)),
    "entity_contrast": Kind(EntityContrastSettings, ("links", "graph"), _of_both(EntityContrast)),
    "relation_contrast": Kind(
        RelationContrastSettings, ("links", "graph", "batch"), _of_both(RelationContrast)
    ),
    "linked_documents": Kind(DocumentSettings, ("links", "graph"), _of_both_by_words(LinkedDocuments)),
    "kepler": Kind(KeplerSettings, ("graph",), _of_graph(Kepler)),
    "simkgc": Kind(SimkgcSettings, ("graph", "batch"), _of_graph(Simkgc)),
    "denoised_entities": Kind(DenoiseSettings, ("links", "vectors", "batch"), _of_both(DenoisedEntities)),
    "entity_prediction": Kind(EntitySettings, ("links",), _of_texts(EntityPrediction)),
    "pseudo_tokens": Kind(PseudoSettings, ("links", "graph"), _of_both_by_words(PseudoTokens)),
    "sentiment": Kind(SentimentSettings, ("links", "lexicon"), _of_both_by_words(Sentiment)),
    "simcse": Kind(SimcseSettings, ("batch",), _of_texts(Simcse)),
    "tsdae": Kind(TsdaeSettings, (), lambda of, settings: Tsdae(of.trunk, of.corpus, settings, head=of.head)),
    "synonyms": Kind(SynonymSettings, ("graph", "batch"), _of_graph(Synonyms)),
}


def make_objective(
    name: str,
    trunk: Trunk,
    corpus: Corpus,
    knowledge: Knowledge,
    settings: ObjectiveSettings | None = None,
    *,
    head: WordHead | None = None,
) -> Objective:
    """Make an objective.

    Args:
        settings: Its own; None: its defaults.
        head: Of words, shared with other objectives; None: the checkpoint's own, or a new one.

    Raises:
        ValueError: There is no such objective, or the settings are another's.
        BadInput: The corpus or the graph lacks what it needs.
    """
    if name not in OBJECTIVES:
        raise ValueError(f"there is no objective {name!r}. {did_you_mean(name, OBJECTIVES)}")
    kind = OBJECTIVES[name]
    settings = kind.settings() if settings is None else settings
    if not isinstance(settings, kind.settings):
        raise ValueError(f"{name} takes {kind.settings.__name__}, not {type(settings).__name__}")
    if "vectors" in kind.needs and knowledge.vectors is None:
        found = f"the objective {name} needs vectors of the entities"
        raise BadInput(Path("vectors"), 0, found, "Train them (kge train) and give them with --vectors.")
    return kind.make(Makings(trunk, corpus, knowledge, head or word_head(trunk)), settings)


def word_head(trunk: Trunk) -> WordHead:
    """Give the head of words of the encoder's checkpoint, or a new one where it has none."""
    vocabulary, width = trunk.table.shape
    return read_word_head(trunk.encoder) or NewWordHead(trunk.hidden, width, vocabulary)
