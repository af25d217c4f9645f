"""How fast and how well does loregraft align an encoder, beside sentence-transformers' own trainer?

Both train the demo's encoder on the same pairs: views of the demo's training concepts, drawn once by
loregraft's rule and given to sentence-transformers batch by batch in that order. Equal on all sides: encoder
folder, batch, longest text, steps, threads, peak learning rate with its warm-up and linear fall, optimizer
(fused AdamW), largest gradient norm, temperature. No side writes checkpoints or logs while it trains.

- st: SentenceTransformerTrainer with MultipleNegativesRankingLoss, scale 20. "Defaults" means: what is not
  named above or in `peer_arguments` stays as the trainer, its arguments and the loss have it. That is
  float32, fused scaled-dot-product attention, the encoder's own dropout, no weight decay, each column padded
  to its longest text, and texts tokenized when their batch comes.
- st-bf16: the same with bf16=True.
- st-tuned: that as loregraft trains, without dropout and fused attention; only where `--sides` names it.
- loregraft-fp32: loregraft's step without bfloat16, and like all above without plain sentences.
- loregraft: the same as it comes, with bfloat16 where the processor has it.
- loregraft-anchor: that with the recipe's plain sentences in each step: more work, so it is in no ratio.

Speed is counted from the end of step WARM_UP to the end of the last one: reading, drawing and tokenizing in
between are in. "first step s" is from the call until the end of the first step; loregraft tokenizes all of
its views there. README.md says what is fair and unfair about this.
"""

import argparse
import datetime
import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

# Before the first import that reads them.
os.environ["HF_HUB_OFFLINE"] = os.environ["TQDM_DISABLE"] = "1"

import numpy as np
import torch
from accelerate.state import AcceleratorState
from datasets import Dataset
from numpy.typing import NDArray
from sentence_transformers import SentenceTransformer, SentenceTransformerTrainer
from sentence_transformers import SentenceTransformerTrainingArguments as Arguments
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from torch.utils.data import SequentialSampler
from transformers import PrinterCallback, TrainerCallback

from loregraft.artifact import read_card
from loregraft.disk import replace_file
from loregraft.encoder.load import Encoder, load_encoder
from loregraft.evaluate.name_index import DenseIndex
from loregraft.evaluate.names import NameTask, answer, make_name_task
from loregraft.evaluate.significance import interval, resample
from loregraft.kg.split.entities import split_entities
from loregraft.kg.store import open_graph
from loregraft.metrics import hits_at
from loregraft.pretrain.align import Preparation, prepare, pretrain
from loregraft.pretrain.pairs import Pairs
from loregraft.pretrain.settings import PretrainSettings
from loregraft.pretrain.views import Views
from loregraft.recipe.files import packaged_recipe, read_recipe
from loregraft.recipe.knowledge import collect_texts, kg_stage
from loregraft.recipe.learning import make_lesson
from loregraft.recipe.linking import linking_stage, tainted_by
from loregraft.recipe.settings import Recipe
from loregraft.recipe.sources import find_source
from loregraft.recipe.talk import Silence
from loregraft.training.device import has_bf16, use_threads
from loregraft.training.loop import WARM_UP_STEPS as WARM_UP

NO_CHECKPOINTS = "pretrain.loop.checkpoint_every_s=1e9"
SEED = 0
BARS = (("loregraft", "st", 3.0), ("loregraft", "st-bf16", 1.8))
JUDGED = ("st", "st-bf16", "loregraft")
PACKAGES = ("loregraft", "torch", "transformers", "sentence-transformers", "datasets")


@dataclass(frozen=True)
class Side:
    """One way to train: `peer` is sentence-transformers; bf16 None means where the processor has it."""

    peer: bool
    bf16: bool | None
    tuned: bool = False
    anchor: bool = False


SIDES = {
    "st": Side(peer=True, bf16=False),
    "st-bf16": Side(peer=True, bf16=True),
    "loregraft-fp32": Side(peer=False, bf16=False),
    "loregraft": Side(peer=False, bf16=None),
    "loregraft-anchor": Side(peer=False, bf16=None, anchor=True),
    "st-tuned": Side(peer=True, bf16=True, tuned=True),
}


@dataclass(frozen=True)
class Course:
    """What all sides start from (folder), learn from and are asked; `prepared_s`: what preparing took."""

    folder: Path
    part: str
    settings: PretrainSettings
    views: Views
    pairs: Pairs
    task: NameTask
    preparation: Preparation
    prepared_s: float


class Clock(TrainerCallback):
    """Notes when a training began and when each of its steps ended, in seconds, for either library."""

    def __init__(self) -> None:
        self.began, self.ends = time.perf_counter(), list[float]()

    def on_step_end(self, *_: object, **__: object) -> None:
        """Note the end of a step."""
        self.ends.append(time.perf_counter())

    def pairs_per_s(self, batch: int) -> float:
        """Give the speed after the warm-up."""
        return batch * (len(self.ends) - WARM_UP) / (self.ends[-1] - self.ends[WARM_UP - 1])


def build_course(recipe: Recipe, beside: Path, made: Path) -> Course:
    """Collect views, name task and the untouched encoder's vectors as the recipe's stages do.

    Args:
        made: A folder with graph/ and links/; what is missing is built there.
    """
    folder = find_source(recipe.encoder.path, beside)
    encoder = load_encoder(folder, recipe.encoder.sha256)
    if not (made / "graph").is_dir():
        kg_stage(recipe, beside, made / "graph", Silence())
    graph = open_graph(made / "graph")
    texts = collect_texts(recipe, beside, graph)
    if not (made / "links").is_dir():
        key = read_card(made / "graph").key
        linking_stage(recipe, graph, key, texts, made / "links", Silence())
    asked, settings = recipe.evaluate, recipe.pretrain
    split = split_entities(graph, asked.prefix, asked.held_out, asked.valid, asked.split_seed)
    tainted = tainted_by(made / "links", texts, np.concatenate([split.valid, split.test]).tolist())
    lesson = make_lesson(graph, split, texts, tainted)
    task = make_name_task(graph, split, split.test if asked.part == "test" else split.valid, asked.prefix)
    pairs = Pairs.of(lesson.views, settings.weights, settings.source_weights)
    began = time.perf_counter()
    preparation = prepare(encoder, lesson.views, lesson.sentences, settings)
    took = time.perf_counter() - began
    return Course(folder, asked.part, settings, lesson.views, pairs, task, preparation, took)


def drawn_pairs(course: Course, steps: int) -> Dataset:
    """Draw the pairs of all steps as loregraft will, a row each, in order.

    Raises:
        SystemExit: There are fewer concepts than a batch takes, so that batches would not line up.
    """
    pairs, settings, heads = course.pairs, course.settings, course.preparation.heads
    if len(heads) < settings.batch:
        raise SystemExit(f"{len(heads)} concepts have a pair; a batch of {settings.batch} needs more of them")
    each = [pairs.draw(heads, SEED, step, settings.batch, settings.group) for step in range(steps)]
    drawn, texts = np.concatenate(each), np.array(course.views.texts, object)
    columns = {"anchor": texts[pairs.first[drawn]], "positive": texts[pairs.second[drawn]]}
    return Dataset.from_dict({name: column.tolist() for name, column in columns.items()})


def in_order(dataset: Dataset, batch_size: int, drop_last: bool, **_: object) -> DefaultBatchSampler:
    """Take the rows as they come, so that each batch is what loregraft draws for that step."""
    return DefaultBatchSampler(SequentialSampler(dataset), batch_size=batch_size, drop_last=drop_last)


def peer_arguments(settings: PretrainSettings, bf16: bool, steps: int, scratch: str) -> Arguments:
    """Give the trainer's arguments: what makes the sides equal, and silence; all else is its default."""
    return Arguments(
        output_dir=scratch,
        max_steps=steps,
        per_device_train_batch_size=settings.batch,
        learning_rate=settings.loop.learning_rate,
        warmup_steps=settings.loop.warmup,
        max_grad_norm=settings.loop.clip,
        bf16=bf16,
        batch_sampler=in_order,
        seed=SEED,
        use_cpu=True,
        dataloader_num_workers=0,
        save_strategy="no",
        logging_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )


def train_peer(course: Course, side: Side, dataset: Dataset, steps: int) -> tuple[Encoder, Clock]:
    """Train with sentence-transformers; give the model as loregraft's evaluation reads it."""
    settings = course.settings
    choice = {"attn_implementation": "eager"} if side.tuned else {}
    model = SentenceTransformer(str(course.folder), device="cpu", local_files_only=True, model_kwargs=choice)
    model.max_seq_length = settings.max_tokens
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout) and side.tuned:
            module.p = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        clock = Clock()
        trainer = SentenceTransformerTrainer(
            model=model,
            args=peer_arguments(settings, bool(side.bf16), steps, scratch),
            train_dataset=dataset,
            loss=MultipleNegativesRankingLoss(model, scale=1 / settings.temperature),
            callbacks=[clock],
        )
        trainer.remove_callback(PrinterCallback)
        trainer.train()
    trained = model.transformers_model
    assert trained is not None  # the folder is a transformers model
    encoder = load_encoder(course.folder)
    encoder.model.load_state_dict(trained.state_dict())
    return encoder, clock


def train_own(course: Course, side: Side, steps: int) -> tuple[Encoder, Clock]:
    """Train with loregraft."""
    encoder, preparation = load_encoder(course.folder), course.preparation
    loop = course.settings.loop.model_copy(update={"bf16": side.bf16})
    settings = course.settings.model_copy(update={"loop": loop})
    if not side.anchor:
        preparation = replace(preparation, sentences=(), anchors=np.zeros((0, encoder.dim), np.float32))
    with tempfile.TemporaryDirectory() as scratch:
        clock = Clock()
        saved = Path(scratch)
        parts = (encoder, course.views, preparation, settings)
        pretrain(*parts, steps=steps, seed=SEED, checkpoints=saved, report=clock.on_step_end)
    return encoder, clock


def train(course: Course, name: str, dataset: Dataset, steps: int) -> tuple[Encoder, Clock]:
    """Train one side from the untouched encoder."""
    side = SIDES[name]
    gc.collect()
    AcceleratorState._reset_state(reset_partial_state=True)  # it allows one number format a process
    return train_peer(course, side, dataset, steps) if side.peer else train_own(course, side, steps)


def measure_speed(course: Course, names: Sequence[str], steps: int, rounds: int) -> list[dict[str, Any]]:
    """Time the sides in turn, round after round, so that a drift of the machine's speed meets all alike."""
    dataset, timings = drawn_pairs(course, steps), []
    for number in range(1, rounds + 1):
        for name in names:
            _, clock = train(course, name, dataset, steps)
            speed, first = clock.pairs_per_s(course.settings.batch), clock.ends[0] - clock.began
            found = {"pairs_per_s": round(speed, 2), "first_step_s": round(first, 2)}
            timings.append({"side": name, "round": number, **found})
            print(f"round {number}: {name}, {speed:.1f} pairs/s", file=sys.stderr, flush=True)
    return timings


def ratios(timings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Compare sides within each round; the median of the rounds counts against the bar."""
    speed = {(timing["side"], timing["round"]): timing["pairs_per_s"] for timing in timings}
    rounds = sorted({timing["round"] for timing in timings})
    found = []
    for fast, slow, bar in BARS:
        if (fast, 1) in speed and (slow, 1) in speed:
            each = [round(speed[fast, number] / speed[slow, number], 3) for number in rounds]
            ratio = round(statistics.median(each), 3)
            found.append({"of": fast, "to": slow, "bar": bar, "ratio": ratio, "rounds": each})
    return found


def right_at_once(course: Course, encoder: Encoder) -> NDArray[np.float64]:
    """Tell for each held-out name whether the encoder finds its concept first (1.0 or 0.0)."""
    names, longest = course.task.dictionary.names, course.settings.max_tokens
    index = DenseIndex(encoder, names, max_tokens=longest, bf16=has_bf16())
    return hits_at(answer(course.task, index).ranks, 1)


def measure_accuracy(course: Course, names: Sequence[str], steps: int) -> dict[str, Any]:
    """Train the sides that are judged for equal steps, and ask each for the held-out names."""
    dataset = drawn_pairs(course, steps)
    right = {"untouched": right_at_once(course, load_encoder(course.folder))}
    for name in (name for name in JUDGED if name in names):
        encoder, clock = train(course, name, dataset, steps)
        right[name] = right_at_once(course, encoder)
        print(f"{steps} steps of {name}: {clock.ends[-1] - clock.began:.0f} s", file=sys.stderr, flush=True)
    lay = np.array([kind == "lay" for kind in course.task.kinds], bool)
    asked = {"all names": np.ones(len(lay), bool)} | ({"lay terms": lay} if lay.any() else {})
    return {
        "steps": steps,
        "part": course.part,
        "asked": {label: int(mask.sum()) for label, mask in asked.items()},
        "acc@1": {
            name: {label: round(float(hits[mask].mean()), 5) for label, mask in asked.items()}
            for name, hits in right.items()
        },
        "differences": differences(right, course.task.gold),
    }


def differences(right: dict[str, NDArray[np.float64]], concepts: NDArray[np.int64]) -> list[dict[str, Any]]:
    """Compare loregraft with each peer over all names, with 95 % intervals over the concepts."""
    names = list(right)
    samples = resample(np.stack(list(right.values()))[:, None], concepts, SEED)
    found = []
    for own, peer in [(own, peer) for own, peer, _ in BARS if own in right and peer in right]:
        value = float(right[own].mean() - right[peer].mean())
        difference = interval(value, samples[:, names.index(own)] - samples[:, names.index(peer)])
        word = "worse" if difference.high < 0 else "better" if difference.low > 0 else "no difference shown"
        found.append({"of": own, "to": peer, **difference.as_dict(), "verdict": word})
    return found


def machine() -> dict[str, Any]:
    """Say what it was measured on, and how busy that was."""
    return {
        "date": datetime.date.today().isoformat(),
        "cores": len(os.sched_getaffinity(0)),
        "threads": torch.get_num_threads(),
        "bf16": has_bf16(),
        "load at start": round(os.getloadavg()[0], 2),
        **{name: version(name) for name in PACKAGES},
    }


def speed_lines(results: dict[str, Any]) -> Iterator[str]:
    """Yield facts, speeds and ratios as a person reads them."""
    for facts in (results["machine"], results["work"]):
        yield ", ".join(f"{name} {value}" for name, value in facts.items())
    yield f"\n{'side':<20}{'pairs/s':>9}{'first step s':>14}   each round"
    timings = results["timings"]
    for name in dict.fromkeys(timing["side"] for timing in timings):
        speeds = [timing["pairs_per_s"] for timing in timings if timing["side"] == name]
        first = statistics.median(timing["first_step_s"] for timing in timings if timing["side"] == name)
        yield f"{name:<20}{statistics.median(speeds):>9.1f}{first:>14.1f}   {' '.join(map(str, speeds))}"
    for found in results["ratios"]:
        met = "met" if found["ratio"] >= found["bar"] else "missed"
        told = f"{found['ratio']:.2f}, bar {found['bar']} {met}"
        yield f"{found['of']} / {found['to']}: {told}; each round {' '.join(map(str, found['rounds']))}"


def accuracy_lines(accuracy: dict[str, Any]) -> Iterator[str]:
    """Yield the accuracies as a person reads them."""
    asked = accuracy["asked"]
    head = f"Acc@1, {accuracy['steps']} steps"
    yield f"\n{head:<20}" + "".join(f"{f'{label} ({count})':>18}" for label, count in asked.items())
    for name, shares in accuracy["acc@1"].items():
        yield f"{name:<20}" + "".join(f"{shares[label]:>18.3f}" for label in asked)
    for found in accuracy["differences"]:
        span = f"{found['value']:+.3f} ({found['low']:+.3f} to {found['high']:+.3f})"
        yield f"{found['of']} - {found['to']}, all names: {span}, {found['verdict']}"


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--steps", type=int, default=40, help=f"of a timed training, above {WARM_UP}")
    parser.add_argument("--rounds", type=int, default=2, help="how often each side is timed")
    parser.add_argument("--acc-steps", type=int, default=150, help="before Acc@1 is asked; 0: not at all")
    parser.add_argument("--sides", nargs="+", choices=list(SIDES), default=list(SIDES)[:5])
    parser.add_argument("--threads", type=int, help="of all sides; default: all")
    parser.add_argument("--graph", type=Path, help="a folder with graph/ and links/, such as out/demo")
    parser.add_argument("--out", type=Path, help="a JSON file to write")
    chosen = parser.parse_args()
    if chosen.steps <= WARM_UP or chosen.rounds < 1:
        parser.error(f"--steps must be above {WARM_UP} and --rounds above 0")
    return chosen


def main() -> None:
    """Measure, print, write."""
    chosen, path = parse(), packaged_recipe("demo")
    use_threads(chosen.threads)
    results: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as built:
        recipe = read_recipe(path, [NO_CHECKPOINTS])
        course = build_course(recipe, path.parent, chosen.graph or Path(built))
    results["work"] = {
        "steps": f"{chosen.steps}, the first {WARM_UP} not counted",
        "rounds": chosen.rounds,
        "batch": course.settings.batch,
        "max tokens": course.settings.max_tokens,
        "concepts": len(course.preparation.heads),
        "pairs": len(course.pairs),
        "untouched encoder s": round(course.prepared_s, 1),
    }
    timings = measure_speed(course, chosen.sides, chosen.steps, chosen.rounds)
    results |= {"timings": timings, "ratios": ratios(timings)}
    print("\n".join(speed_lines(results)), flush=True)
    if chosen.acc_steps:
        results["accuracy"] = measure_accuracy(course, chosen.sides, chosen.acc_steps)
        print("\n".join(accuracy_lines(results["accuracy"])))
    if chosen.out:
        replace_file(chosen.out, json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
