"""Make objectives by name: what each needs, and one head of words shared by all that predict words."""

from collections.abc import Mapping
from typing import Literal

from loregraft.corpus.corpus import Corpus
from loregraft.errors import did_you_mean
from loregraft.fusion.knowledge import Knowledge
from loregraft.pretrain.heads import WordHead
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
from loregraft.pretrain.objectives.masked import MaskedSettings, MaskedWords
from loregraft.pretrain.objectives.objective import Objective, ObjectiveSettings
from loregraft.pretrain.objectives.replaced import ReplacedEntities, ReplacedSettings
from loregraft.pretrain.objectives.sentences import Simcse, SimcseSettings, Tsdae, TsdaeSettings
from loregraft.pretrain.objectives.sentiment import Sentiment, SentimentSettings
from loregraft.pretrain.objectives.synonyms import Synonyms, SynonymSettings
from loregraft.pretrain.objectives.triples import TripleSettings, TripleWords
from loregraft.pretrain.trunk import Trunk

Need = Literal["links", "graph", "vectors", "lexicon", "batch"]
"""links: linked texts; batch: the items of a batch are each other's negatives."""

OBJECTIVES: Mapping[str, tuple[type[ObjectiveSettings], tuple[Need, ...]]] = {
    "masked_words": (MaskedSettings, ()),
    "masked_entities": (MaskedSettings, ("links",)),
    "masked_spans": (MaskedSettings, ("links",)),
    "triples": (TripleSettings, ("graph",)),
    "replaced_entities": (ReplacedSettings, ("links", "graph")),
    "entity_contrast": (EntityContrastSettings, ("links", "graph")),
    "relation_contrast": (RelationContrastSettings, ("links", "graph", "batch")),
    "linked_documents": (DocumentSettings, ("links", "graph")),
    "kepler": (KeplerSettings, ("graph",)),
    "simkgc": (SimkgcSettings, ("graph", "batch")),
    "denoised_entities": (DenoiseSettings, ("links", "vectors", "batch")),
    "entity_prediction": (EntitySettings, ("links",)),
    "pseudo_tokens": (PseudoSettings, ("links", "graph")),
    "sentiment": (SentimentSettings, ("links", "lexicon")),
    "simcse": (SimcseSettings, ("batch",)),
    "tsdae": (TsdaeSettings, ()),
    "synonyms": (SynonymSettings, ("graph", "batch")),
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
        head: Of words, shared with other objectives; None: a new one where it is needed.

    Raises:
        ValueError: There is no such objective, or the settings are another's.
        BadInput: The corpus or the graph lacks what it needs.
    """
    if name not in OBJECTIVES:
        raise ValueError(f"there is no objective {name!r}. {did_you_mean(name, OBJECTIVES)}")
    kind, _ = OBJECTIVES[name]
    settings = kind() if settings is None else settings
    if not isinstance(settings, kind):
        raise ValueError(f"{name} takes {kind.__name__}, not {type(settings).__name__}")
    if isinstance(settings, MaskedSettings):
        chosen = settings.model_copy(update={"units": name.removeprefix("masked_")})
        return MaskedWords(trunk, corpus, chosen, head=head or word_head(trunk))
    if isinstance(settings, KeplerSettings):
        return Kepler(trunk, knowledge, settings)
    if isinstance(settings, SimkgcSettings):
        return Simkgc(trunk, knowledge, settings)
    if isinstance(settings, DenoiseSettings):
        return DenoisedEntities(trunk, corpus, knowledge, settings)
    if isinstance(settings, EntitySettings):
        return EntityPrediction(trunk, corpus, settings)
    if isinstance(settings, PseudoSettings):
        return PseudoTokens(trunk, corpus, knowledge, settings, head=head or word_head(trunk))
    if isinstance(settings, SentimentSettings):
        return Sentiment(trunk, corpus, knowledge, settings, head=head or word_head(trunk))
    if isinstance(settings, SimcseSettings):
        return Simcse(trunk, corpus, settings)
    if isinstance(settings, TsdaeSettings):
        return Tsdae(trunk, corpus, settings, head=head or word_head(trunk))
    if isinstance(settings, SynonymSettings):
        return Synonyms(trunk, knowledge, settings)
    if isinstance(settings, TripleSettings):
        return TripleWords(trunk, knowledge, settings, head=head or word_head(trunk))
    if isinstance(settings, ReplacedSettings):
        return ReplacedEntities(trunk, corpus, knowledge, settings)
    if isinstance(settings, EntityContrastSettings):
        return EntityContrast(trunk, corpus, knowledge, settings)
    if isinstance(settings, RelationContrastSettings):
        return RelationContrast(trunk, corpus, knowledge, settings)
    if isinstance(settings, DocumentSettings):
        return LinkedDocuments(trunk, corpus, knowledge, settings, head=head or word_head(trunk))
    raise AssertionError(name)


def word_head(trunk: Trunk) -> WordHead:
    """Make a new head of words for an encoder."""
    vocabulary, width = trunk.table.shape
    return WordHead(trunk.hidden, width, vocabulary)
