"""Make objectives by name: what each needs, and one head of words shared by all that predict words."""

from collections.abc import Mapping
from typing import Literal

from loregraft.corpus.corpus import Corpus
from loregraft.errors import did_you_mean
from loregraft.fusion.knowledge import Knowledge
from loregraft.pretrain.heads import WordHead
from loregraft.pretrain.objectives.masked import MaskedSettings, MaskedWords
from loregraft.pretrain.objectives.objective import Objective, ObjectiveSettings
from loregraft.pretrain.trunk import Trunk

Need = Literal["links", "graph", "vectors", "lexicon", "batch"]
"""links: linked texts; batch: the items of a batch are each other's negatives."""

OBJECTIVES: Mapping[str, tuple[type[ObjectiveSettings], tuple[Need, ...]]] = {
    "masked_words": (MaskedSettings, ()),
    "masked_entities": (MaskedSettings, ("links",)),
    "masked_spans": (MaskedSettings, ("links",)),
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
    raise AssertionError(name)


def word_head(trunk: Trunk) -> WordHead:
    """Make a new head of words for an encoder."""
    vocabulary, width = trunk.table.shape
    return WordHead(trunk.hidden, width, vocabulary)
