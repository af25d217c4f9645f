"""From files to a model folder: read and link the texts, make the objectives, train, and write what came out.

The folder opens with plain transformers and sentence-transformers. A run that was cut off goes on where its
last intact checkpoint was; one that is done is not done again.
"""

import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path

import torch
from pydantic import ValidationError

from loregraft.artifact import Json, fingerprint, is_current, read_card, writing
from loregraft.corpus.corpus import Corpus, read_corpus
from loregraft.disk import beside, lock
from loregraft.encoder.load import save_encoder
from loregraft.errors import BadInput, did_you_mean
from loregraft.linking.linker import Linker
from loregraft.pretrain.heads import NewWordHead
from loregraft.pretrain.make import OBJECTIVES, make_objective, word_head
from loregraft.pretrain.mix import shares
from loregraft.pretrain.objectives.objective import Objective, ObjectiveSettings
from loregraft.pretrain.settings import REPLAY, MixSettings
from loregraft.pretrain.sources import Sources
from loregraft.pretrain.train import plan_steps, pretrain
from loregraft.pretrain.trunk import Trunk
from loregraft.training.device import set_seed
from loregraft.training.loop import Progress, Trained, remove_checkpoints
from loregraft.training.plan import PLAN, planned_steps
from loregraft.training.ranks import join
from loregraft.training.steps_log import STEPS_LOG

KIND = "model"


def is_learnt(out: Path, sources: Sources, settings: MixSettings) -> bool:
    """Tell whether a folder holds what `learn_model` would write there."""
    return is_current(out, KIND, _key(sources, settings))


def learn_model(
    sources: Sources,
    out: Path,
    settings: MixSettings,
    report: Callable[[Progress], object] = lambda progress: None,
) -> dict[str, Json]:
    """Train and write, or find it done; gives the facts of the card. Of several processes, the first writes.

    Raises:
        BadInput: An objective lacks what it needs, or its settings are wrong.
        CannotWrite: No permission, a full disk, another run, or something there that loregraft did not write.
        Diverged: A loss or gradient is not finite; the last good checkpoint is kept.
        WrongArtifact: The linker is damaged or of another graph.
    """
    rank, world = join()
    key, working = _key(sources, settings), beside(out, "training")
    if is_current(out, KIND, key):
        return dict(read_card(out, KIND).facts)
    trunk, corpus, objectives = prepare_model(sources, settings)
    with lock(working) if rank == 0 else nullcontext():
        steps = planned_steps(working / PLAN, key, lambda: plan_steps(trunk, objectives, settings))
        run = warmed(settings, objectives, steps)
        trained = pretrain(trunk, objectives, run, steps=steps, key=key, folder=working, report=report)
        facts = {"objectives": list(objectives), **_told(trained, corpus), "processes": world}
        if rank == 0:
            _write(out, sources, settings, key, facts, working / STEPS_LOG)
            remove_checkpoints(working)
    return facts


def _told(trained: Trained, corpus: Corpus) -> dict[str, Json]:
    return {
        "steps": trained.steps,
        "tokens": trained.tokens,
        "seconds": round(trained.seconds, 1),
        "loss": [list(pair) for pair in trained.loss],
        "texts": len(corpus),
        "windows": corpus.windows,
        "links": corpus.links,
        "links_lost": corpus.lost,
        "coverage": round(corpus.coverage, 4),
    }


def _write(
    out: Path, sources: Sources, settings: MixSettings, key: str, facts: dict[str, Json], log: Path
) -> None:
    dumped: dict[str, Json] = settings.model_dump(mode="json")
    parents = {**sources.keys, "encoder": sources.encoder.sha256}
    with writing(out, KIND, key, settings=dumped, seed=settings.seed, parents=parents) as (target, told):
        save_encoder(sources.encoder, target, settings.max_tokens)
        shutil.copy(log, target)
        told.update(facts)


def prepare_model(sources: Sources, settings: MixSettings) -> tuple[Trunk, Corpus, dict[str, Objective]]:
    """Link and tokenize the texts, and make the objectives, which share one head of words."""
    kinds = {name: name for name in settings.objectives}
    if sources.replay:
        kinds[REPLAY] = "masked_words"
    elif REPLAY in {*settings.weights, *settings.options}:
        found = f"{REPLAY} is set, and there are no general texts"
        raise BadInput(Path("settings"), 0, found, "Give them with --replay, or leave the setting out.")
    own = {name: _settings_of(name, kind, settings) for name, kind in kinds.items()}
    linker = None if sources.linker is None else sources.linker()
    trunk, corpus = Trunk(sources.encoder), _read(sources.texts, sources, settings, linker)
    general = _read(sources.replay, sources, settings) if sources.replay else corpus
    set_seed(settings.seed)
    head = word_head(trunk)
    objectives: dict[str, Objective] = {}
    for name, kind in kinds.items():
        read = general if name == REPLAY else corpus
        try:
            objectives[name] = make_objective(kind, trunk, read, sources.knowledge, own[name], head=head)
        except ValueError as error:
            raise BadInput(Path(name), 0, str(error), "Meet its need, or leave it out.") from error
    sizes = {name: one.size for name, one in objectives.items()}
    shares(sizes, settings.weights, settings.temperature)  # what cannot be trained leaves nothing behind
    return trunk, corpus, objectives


def _read(
    texts: Sequence[str], sources: Sources, settings: MixSettings, linker: Linker | None = None
) -> Corpus:
    links = linker.links(list(texts)) if linker is not None else [[] for _ in texts]
    index = sources.knowledge.index
    return read_corpus(texts, links, sources.encoder.tokenizer, index, settings.max_tokens)


def _settings_of(name: str, kind: str, settings: MixSettings) -> ObjectiveSettings:
    where = Path("settings")
    if kind not in OBJECTIVES:
        found = f"there is no objective {kind!r}. {did_you_mean(kind, OBJECTIVES)}"
        raise BadInput(where, 0, found, "Name objectives that there are.")
    try:
        return OBJECTIVES[kind].settings.model_validate(settings.options.get(name, {}))
    except ValidationError as error:
        first = error.errors()[0]
        found = f"options.{name}.{'.'.join(map(str, first['loc']))}: {first['msg']}"
        raise BadInput(where, 0, found, "See docs/reference/models.md.") from error


def warmed(settings: MixSettings, objectives: Mapping[str, Objective], steps: int) -> MixSettings:
    """Decide how long a new head of words trains alone, where the settings leave it open."""
    if settings.warm_up_heads is not None:
        return settings
    new = all(isinstance(getattr(one, "head", None), NewWordHead) for one in objectives.values())
    return settings.model_copy(update={"warm_up_heads": steps // 10 if new else 0})


def _key(sources: Sources, settings: MixSettings) -> str:
    dumped = settings.model_dump(mode="json", exclude={"trackers"})
    return fingerprint(KIND, "mix", 1, dumped, sources.encoder.sha256, dict(sources.keys), torch.__version__)
