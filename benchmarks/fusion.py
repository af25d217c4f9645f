"""What each way of bringing knowledge into an encoder is worth, at equal tokens, beside a shuffled graph.

    python benchmarks/fusion.py --graph demo/graph --encoder FOLDER --text FILE --out table.jsonl
    python benchmarks/fusion.py ... --arms facts_text "shuffled facts_text" --seeds 0 1 2 --tokens 150000
    python benchmarks/fusion.py --out table.jsonl --show

A row is one arm and seed; rows that the table has are not run again, so that it grows over several runs.
fusion.jsonl beside this file has ours (`--out benchmarks/fusion.jsonl --show`); only rows of one kind of
machine compare well. All arms read equally many tokens before the tasks, and begin with one head of words,
which was warmed up on the texts with the encoder at rest. Arms:

- plain continuation (masked_words), and any objective of `pretrain`; `triples` teaches the injected facts,
  `triples_all` also what the graph says of the concepts to be typed;
- any method of fusion, attached for the tasks to the encoder that plain continuation gave;
- "shuffled" with one that reads facts or vectors: on a graph in which they are other concepts'.

Columns: facts (how often the right tail is the best of 100 of its type: injected facts in wordings that
nothing was trained on, in those of the training, and facts that never were injected); typing of concepts
with few facts by their definition; relation of two mentions in a definition, learned from 1 % and from 10 %
of the labels (macro F1); lay names that nothing was told of, found among 5,000 concepts; general, the rank
correlation of cosines of general English before and after. Methods are asked for the two tasks only.
What is asked for and what is kept from all arms is in fusion_world.py.
"""

import argparse
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from fusion_world import World, describe, make_world, shuffled

from loregraft.corpus.corpus import Corpus, read_corpus
from loregraft.encoder.load import Encoder, load_encoder, save_encoder
from loregraft.evaluate.name_index import DenseIndex
from loregraft.evaluate.probe import answer, ask
from loregraft.evaluate.significance import interval, resample
from loregraft.evaluate.similarity import cosines, general_pairs
from loregraft.fusion.wrap import METHODS, FusedModel, wrap
from loregraft.kg.store import open_graph
from loregraft.metrics import spearman
from loregraft.pretrain.heads import WordHead
from loregraft.pretrain.make import OBJECTIVES, make_objective, word_head
from loregraft.pretrain.objectives.masked import MaskedSettings
from loregraft.pretrain.objectives.objective import Objective
from loregraft.pretrain.objectives.triples import TripleSettings, TripleWords
from loregraft.pretrain.settings import MixSettings
from loregraft.pretrain.train import plan_steps, pretrain
from loregraft.pretrain.trunk import Trunk
from loregraft.tasks.classify import Classifier
from loregraft.tasks.pairs import Pair
from loregraft.tasks.relation import RelationClassifier
from loregraft.tasks.settings import TaskSettings
from loregraft.training.device import has_bf16, set_seed, use_threads
from loregraft.training.loop import remove_checkpoints
from loregraft.training.settings import LoopSettings

PLAIN, SHUFFLED = "masked_words", "shuffled "
WARM_UP_TOKENS = 60_000
TRIPLES = ("triples", "triples_all")
"""The injected facts alone, and with them those that tell the typing: more than the tokens are enough for."""
SHARES, PAIR_STEPS = (1, 10), 72
TASK_LOOP = LoopSettings(learning_rate=2e-4, new_learning_rate=1e-2, dropout=True)
"""Tuned on plain continuation: 0.735 to 0.798 of the types right."""
METHOD_SETTINGS: dict[str, dict[str, Any]] = {
    "facts_text": {"description_words": 0, "types": False}  # the definition is the text
}


def warmed_up(world: World, corpus: Corpus, trunk: Trunk, folder: Path) -> WordHead:
    """Give the head of words that all arms begin with; it is trained once and kept."""
    path = folder / "head.pt"
    set_seed(0)
    head = word_head(trunk)
    if not path.exists():
        objective = make_objective(PLAIN, trunk, corpus, world.knowledge, MaskedSettings(), head=head)
        settings = MixSettings(tokens=WARM_UP_TOKENS, loop=LoopSettings(learning_rate=1e-3))
        # The table is the encoder's, which must stay as it is: only the head is trained.
        trunk.requires_grad_(False)
        trunk.frozen = True
        steps = plan_steps(trunk, {PLAIN: objective}, settings)
        run = settings.model_copy(update={"steps": steps, "warm_up_heads": steps})
        pretrain(trunk, {PLAIN: objective}, run, steps=steps, key="head", folder=folder / "head")
        trunk.requires_grad_(True)
        torch.save(head.state_dict(), path)
    head.load_state_dict(torch.load(path, weights_only=True))
    return head


def shuffled_or_not(arm: str, world: World, seed: int) -> tuple[str, World]:
    """Give what an arm trains or attaches, and the world in which it does.

    Raises:
        SystemExit: There is no such arm, or shuffling would change nothing of what it reads.
    """
    name = arm.removeprefix(SHUFFLED)
    if name not in {*OBJECTIVES, *METHODS, *TRIPLES}:
        raise SystemExit(f"there is no arm {name!r}: {', '.join([*OBJECTIVES, *TRIPLES[1:], *METHODS])}")
    if name == arm:
        return name, world
    blind = name in OBJECTIVES and not {"graph", "vectors"} & set(OBJECTIVES[name].needs)
    if blind or name in ("plain", "lexicon"):
        raise SystemExit(f"{name} reads neither facts nor vectors: there is nothing to shuffle")
    if name == "synonyms":
        raise SystemExit("synonyms reads names, which this control leaves: use `loregraft prove`")
    return name, shuffled(world, seed)


def objective_of(name: str, world: World, corpus: Corpus, trunk: Trunk, head: WordHead) -> Objective:
    """Make the objective of an arm; facts in words are those that are asked for, or also the typing's."""
    if name in TRIPLES:
        settings = TripleSettings(parts=("tail",), aliases=False, batch=64)
        rows = world.injected if name == "triples" else world.taught
        return TripleWords(trunk, world.knowledge, settings, head=head, rows=rows)
    return make_objective(name, trunk, corpus, world.knowledge, head=head)


def run_arm(arm: str, seed: int, world: World, tokens: int, folder: Path) -> dict[str, Any]:
    """Train an arm, ask it, and let it learn the tasks."""
    name, own = shuffled_or_not(arm, world, seed)
    started = time.process_time()
    if name in METHODS:
        plain = folder / f"{PLAIN}-{seed}"
        if not plain.exists():
            continued(PLAIN, seed, world, world, tokens, plain)
        row = tasks(plain, seed, own, name)
    else:
        saved = folder / f"{arm.replace(' ', '-')}-{seed}"
        row = continued(name, seed, world, own, tokens, saved)
        row |= tasks(saved, seed, own, None)
    row |= {"cpu_seconds": round(time.process_time() - started), "bf16": has_bf16()}
    return {"arm": arm, "seed": seed, **row, "date": time.strftime("%Y-%m-%d")}


def continued(name: str, seed: int, world: World, own: World, tokens: int, saved: Path) -> dict[str, Any]:
    """Train an encoder by an objective, save it, and ask it."""
    encoder = load_encoder(world.encoder)
    before = cosines(encoder, general_pairs())
    trunk = Trunk(encoder)
    corpus = read_corpus(world.texts, world.links, encoder.tokenizer, world.knowledge.index)
    head = warmed_up(world, corpus, trunk, saved.parent)
    set_seed(seed)
    objective = objective_of(name, own, corpus, trunk, head)
    settings = MixSettings(
        objectives=(name,), tokens=tokens, seed=seed, loop=LoopSettings(learning_rate=3e-4)
    )
    steps = plan_steps(trunk, {name: objective}, settings)
    working = saved.with_suffix(".training")
    trained = pretrain(trunk, {name: objective}, settings, steps=steps, key=saved.name, folder=working)
    row: dict[str, Any] = {"steps": steps, "tokens": trained.tokens, **asked(trunk, head, world)}
    row["general"] = round(spearman(before, cosines(encoder, general_pairs())), 4)
    names, candidates, right = world.lay
    found = DenseIndex(encoder, candidates).scores(names).argmax(1)
    row["lay"] = round(100 * float((found == right).mean()), 1)
    saved.mkdir(exist_ok=True)
    save_encoder(encoder, saved, 128)
    remove_checkpoints(working)
    return row


def tasks(folder: Path, seed: int, world: World, method: str | None) -> dict[str, Any]:
    """Learn typing and relations with an encoder, or with a method attached to it; give what is right."""
    typing, pairs, row = world.typing, world.pairs, dict[str, Any]()
    settings = TaskSettings(epochs=8, batch=16, max_tokens=80, seed=seed, loop=TASK_LOOP)

    def model() -> Encoder | FusedModel:
        encoder = load_encoder(folder)
        if method is None:
            return encoder
        set_seed(seed)
        chosen = METHODS[method][0](**METHOD_SETTINGS.get(method, {}))
        return wrap(encoder.model, encoder.tokenizer, world.knowledge, method=method, settings=chosen)

    typed = Classifier.learn(model(), typing.train, settings, links=typing.train_links)
    said = [one.label for one in typed.predict(typing.test, links=typing.test_links)]
    right = [label == example.label for label, example in zip(said, typing.test, strict=True)]
    row["typing"] = round(100 * float(np.mean(right)), 2)
    row["typing_right"] = "".join("01"[one] for one in right)
    for share in SHARES:
        few = few_of(pairs.train, share, seed)
        own = settings.model_copy(update={"steps": PAIR_STEPS})
        learnt = RelationClassifier.learn(model(), few, own)
        score = learnt.score(pairs.test)
        row[f"relation_{share}"] = round(100 * score.macro_f1, 2)
    return row


def few_of(pairs: list[Pair], percent: int, seed: int) -> list[Pair]:
    """Take a share of the labelled pairs, at least two of each label."""
    order = np.random.default_rng([seed, percent]).permutation(len(pairs)).tolist()
    wanted = max(1, round(len(pairs) * percent / 100))
    taken = order[:wanted]
    for label in sorted({pair.label for pair in pairs}):
        own = [row for row in order if pairs[row].label == label]
        taken += [row for row in own[:2] if row not in taken]
    return [pairs[row] for row in taken]


def asked(trunk: Trunk, head: WordHead, world: World) -> dict[str, float]:
    """Give the share of facts whose right tail is the best of 100, in percent."""
    found = {}
    known, full = world.knowledge, world.full
    tails = np.unique(
        np.concatenate(
            [np.asarray(known.graph.tails)[world.injected], np.asarray(full.graph.tails)[world.never]]
        )
    ).astype(np.int64)
    for name, knowledge, rows, held_out in (
        ("held_out", known, world.injected, True),
        ("training", known, world.injected, False),
        ("never", full, world.never, True),
        ("never_training", full, world.never, False),
    ):
        ranks = answer(trunk, head, ask(knowledge, rows, held_out=held_out, first=tails))
        found[name] = round(100 * float((ranks == 1).mean()), 1)
    return found


def show(path: Path) -> None:
    """Print the mean of each arm over its seeds, and what its typing gains over plain and shuffled."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    columns = ("held_out", "training", "never", "typing", *(f"relation_{share}" for share in SHARES), "lay")
    columns += ("general", "tokens", "cpu_seconds")
    print("| arm | seeds | " + " | ".join(columns) + " |\n|---|--:|" + "--:|" * len(columns))
    arms = list(dict.fromkeys(row["arm"] for row in rows))
    for arm in arms:
        own = [row for row in rows if row["arm"] == arm]
        means = [
            f"{np.mean([row[column] for row in own]):,.4g}" if column in own[0] else "" for column in columns
        ]
        print(f"| {arm} | {len(own)} | " + " | ".join(means) + " |")
    print("\n| typing gained by | over plain continuation | over shuffled |\n|---|--:|--:|")
    for arm in arms:
        if arm != PLAIN and not arm.startswith(SHUFFLED):
            print(f"| {arm} | {gained(rows, arm, PLAIN)} | {gained(rows, arm, SHUFFLED + arm)} |")


def gained(rows: list[dict[str, Any]], arm: str, other: str) -> str:
    """Give the difference in points with its interval, over the concepts and the seeds that both have."""
    right = {(row["arm"], row["seed"]): [int(one) for one in row["typing_right"]] for row in rows}
    seeds = sorted(seed for name, seed in right if name == arm and (other, seed) in right)
    if not seeds:
        return ""
    scores = np.array([[right[name, seed] for seed in seeds] for name in (arm, other)], float)
    drawn = resample(scores, np.arange(scores.shape[-1]), 0)
    found = interval(100 * float(scores[0].mean() - scores[1].mean()), 100 * (drawn[:, 0] - drawn[:, 1]))
    return f"{found.value:+.1f} ({found.low:+.1f} to {found.high:+.1f})"


def parse() -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--graph", type=Path, help="a graph folder, such as that of a demo run")
    parser.add_argument("--encoder", type=Path, help="an encoder folder")
    parser.add_argument("--text", type=Path, help="texts of the domain, one a line")
    parser.add_argument("--out", type=Path, required=True, help="the table; rows are added")
    parser.add_argument("--arms", nargs="+", default=[PLAIN, "triples", SHUFFLED + "triples"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--tokens", type=int, default=150_000)
    parser.add_argument("--facts", type=int, default=200)
    parser.add_argument("--relation", default="has_phenotype")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--show", action="store_true", help="print the table and end")
    return parser.parse_args()


def main() -> None:
    """Run what the table lacks."""
    given = parse()
    if not given.show:
        use_threads(given.threads)
        folder = given.out.with_suffix(".work")
        folder.mkdir(parents=True, exist_ok=True)
        texts = [line for line in given.text.read_text(encoding="utf-8").splitlines() if line.strip()]
        graph = open_graph(given.graph)
        world = make_world(graph, given.encoder, texts, given.relation, given.facts, folder)
        print(describe(world), file=sys.stderr)
        known = set()
        if given.out.exists():
            known = {(row["arm"], row["seed"]) for row in map(json.loads, given.out.open(encoding="utf-8"))}
        for seed in given.seeds:
            for arm in given.arms:
                if (arm, seed) not in known:
                    row = run_arm(arm, seed, world, given.tokens, folder)
                    with given.out.open("a", encoding="utf-8") as file:
                        file.write(json.dumps(row) + "\n")
    show(given.out)


if __name__ == "__main__":
    main()
