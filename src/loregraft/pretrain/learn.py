"""From files to a model folder: read and link the texts, make the objectives, train, and write what came out.

The folder opens with plain transformers and sentence-transformers. A run that was cut off goes on where its
last intact checkpoint was; one that is done is not done again.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from pydantic import ValidationError

from loregraft.artifact import Json, fingerprint, is_current, writing
from loregraft.corpus.corpus import Corpus, read_corpus
from loregraft.encoder.load import Encoder, save_encoder
from loregraft.errors import BadInput
from loregraft.fusion.knowledge import Knowledge
from loregraft.linking.linker import Linker
from loregraft.pretrain.heads import NewWordHead
from loregraft.pretrain.make import OBJECTIVES, make_objective, word_head
from loregraft.pretrain.objectives.objective import Objective
from loregraft.pretrain.settings import MixSettings
from loregraft.pretrain.train import plan, pretrain
from loregraft.pretrain.trunk import Trunk
from loregraft.training.device import set_seed
from loregraft.training.loop import Progress, remove_checkpoints
from loregraft.training.ranks import join

KIND = "model"


@dataclass(frozen=True)
class Sources:
    """What a model is made from.

    Attributes:
        texts: Of the domain.
        keys: What the texts, graph and others are, by name: a fingerprint of each.
        linker: None: the texts are read without links.
    """

    encoder: Encoder
    knowledge: Knowledge
    texts: Sequence[str]
    keys: Mapping[str, str]
    linker: Linker | None = None


def is_learnt(out: Path, sources: Sources, settings: MixSettings) -> bool:
    """Tell whether a folder holds what `learn_model` would write there."""
    return is_current(out, KIND, _key(sources, settings))


def learn_model(
    sources: Sources,
    out: Path,
    settings: MixSettings,
    report: Callable[[Progress], object] = lambda progress: None,
) -> dict[str, Json]:
    """Train and write; gives the facts of the card. Of several processes, the first writes.

    Raises:
        BadInput: An objective lacks what it needs, or its settings are wrong.
        CannotWrite: No permission, a full disk, or something there that loregraft did not write.
        Diverged: A loss or gradient is not finite; the last good checkpoint is kept.
    """
    rank, world = join()
    key = _key(sources, settings)
    trunk, corpus, objectives = prepare_model(sources, settings)
    planned = plan(trunk, objectives, settings)
    settings = warmed(settings, objectives, planned.steps)
    working = out.with_name(f".{out.name}.training") / str(rank)
    trained = pretrain(
        trunk, objectives, settings, steps=planned.steps, key=key, folder=working, report=report
    )
    facts: dict[str, Json] = {
        "objectives": list(objectives),
        "steps": trained.steps,
        "tokens": trained.tokens,
        "seconds": round(trained.seconds, 1),
        "loss": [list(pair) for pair in trained.loss],
        "texts": len(corpus),
        "windows": corpus.windows,
        "links": corpus.links,
        "links_lost": corpus.lost,
        "coverage": round(corpus.coverage, 4),
        "processes": world,
    }
    if rank == 0:
        dumped: dict[str, Json] = settings.model_dump(mode="json")
        parents = {**sources.keys, "encoder": sources.encoder.sha256}
        with writing(out, KIND, key, settings=dumped, seed=settings.seed, parents=parents) as (target, told):
            save_encoder(sources.encoder, target, settings.max_tokens)
            told.update(facts)
    remove_checkpoints(working)
    return facts


def prepare_model(sources: Sources, settings: MixSettings) -> tuple[Trunk, Corpus, dict[str, Objective]]:
    """Link and tokenize the texts, and make the objectives, which share one head of words."""
    linker = sources.linker
    links = linker.links(list(sources.texts)) if linker is not None else [[] for _ in sources.texts]
    trunk = Trunk(sources.encoder)
    tokenizer, index = sources.encoder.tokenizer, sources.knowledge.index
    corpus = read_corpus(sources.texts, links, tokenizer, index, settings.max_tokens)
    set_seed(settings.seed)
    head = word_head(trunk)
    objectives: dict[str, Objective] = {}
    for name in settings.objectives:
        kind = OBJECTIVES[name].settings if name in OBJECTIVES else None
        try:
            own = None if kind is None else kind.model_validate(settings.options.get(name, {}))
            objectives[name] = make_objective(name, trunk, corpus, sources.knowledge, own, head=head)
        except ValidationError as error:
            first = error.errors()[0]
            found = f"options.{name}.{'.'.join(map(str, first['loc']))}: {first['msg']}"
            raise BadInput(Path("settings"), 0, found, "See the reference of objectives.") from error
        except ValueError as error:
            raise BadInput(Path("settings"), 0, str(error), "Name objectives that there are.") from error
    return trunk, corpus, objectives


def warmed(settings: MixSettings, objectives: Mapping[str, Objective], steps: int) -> MixSettings:
    """Decide how long a new head of words trains alone, where the settings leave it open."""
    if settings.warm_up_heads is not None:
        return settings
    new = all(isinstance(getattr(one, "head", None), NewWordHead) for one in objectives.values())
    return settings.model_copy(update={"warm_up_heads": steps // 10 if new else 0})


def _key(sources: Sources, settings: MixSettings) -> str:
    dumped = settings.model_dump(mode="json", exclude={"trackers"})
    return fingerprint(KIND, "mix", 1, dumped, sources.encoder.sha256, dict(sources.keys), torch.__version__)
