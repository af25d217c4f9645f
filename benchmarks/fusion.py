"""What each way of bringing knowledge into an encoder is worth, at equal tokens, beside a shuffled graph.

    python benchmarks/fusion.py --graph demo/graph --encoder FOLDER --text FILE --out table.jsonl
    python benchmarks/fusion.py ... --arms triples --seeds 0 1 2 --tokens 150000
    python benchmarks/fusion.py --out table.jsonl --show

A row is one arm and seed; rows that the table has are not run again, so that it grows over several
runs. Arms: plain continuation (masked_words), any objective of `pretrain`, and each on the graph in which
the tails of the injected facts are permuted. All begin with the same head of words, warmed up on the texts
with the encoder at rest, and read equally many tokens.

Facts: some hundred triples of one relation are injected (only the objective that takes triples sees them), as
many never are. Told is how often the right tail is the best of 100 of its type, the wrong ones being tails of
other injected facts: in wordings that nothing was trained on (held out), in those of the training, and for
the facts that never were injected.
"""

import argparse
import json
import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch

from loregraft.corpus.corpus import Corpus, read_corpus
from loregraft.encoder.load import load_encoder
from loregraft.evaluate.probe import answer, ask
from loregraft.evaluate.similarity import cosines, general_pairs
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.store import open_graph
from loregraft.linking.linker import Linker
from loregraft.metrics import spearman
from loregraft.pretrain.heads import WordHead
from loregraft.pretrain.make import make_objective, word_head
from loregraft.pretrain.objectives.masked import MaskedSettings
from loregraft.pretrain.objectives.objective import Objective
from loregraft.pretrain.objectives.triples import TripleSettings, TripleWords
from loregraft.pretrain.settings import MixSettings
from loregraft.pretrain.train import plan, pretrain
from loregraft.pretrain.trunk import Trunk
from loregraft.training.device import set_seed, use_threads
from loregraft.training.loop import remove_checkpoints
from loregraft.training.settings import LoopSettings

PLAIN, SHUFFLED = "masked_words", "shuffled "
WARM_UP_TOKENS = 60_000


@dataclass(frozen=True)
class World:
    """What all arms share."""

    encoder: Path
    knowledge: Knowledge
    texts: list[str]
    links: list[Any]
    injected: np.ndarray
    never: np.ndarray


def shuffled_graph(graph: KnowledgeGraph, rows: np.ndarray, seed: int) -> KnowledgeGraph:
    """Permute the tails of some triples among themselves: as many facts, none of them known."""
    tails = np.asarray(graph.tails).copy()
    tails[rows] = np.random.default_rng([seed, 9]).permutation(tails[rows])
    triples = graph.triples.set_column(
        graph.triples.schema.get_field_index("tail"), "tail", pa.array(tails, graph.triples["tail"].type)
    )
    return KnowledgeGraph({**graph.tables, "triples": triples})


def choose_facts(
    graph: KnowledgeGraph, relation: str, count: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Choose facts to inject and as many that never are, of different heads."""
    wanted = np.asarray(graph.relation_indexes) == graph.relation_ids.index(relation)
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(wanted))
    _, first = np.unique(np.asarray(graph.heads)[rows], return_index=True)
    chosen = rows[np.sort(first)][: 2 * count]
    return np.sort(chosen[:count]), np.sort(chosen[count:])


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
        steps = plan(trunk, {PLAIN: objective}, settings).steps
        run = settings.model_copy(update={"steps": steps, "warm_up_heads": steps})
        pretrain(trunk, {PLAIN: objective}, run, steps=steps, key="head", folder=folder / "head")
        trunk.requires_grad_(True)
        torch.save(head.state_dict(), path)
    head.load_state_dict(torch.load(path, weights_only=True))
    return head


def objective_of(arm: str, world: World, corpus: Corpus, trunk: Trunk, head: WordHead) -> Objective:
    """Make the objective of an arm; triples take only the facts that are injected."""
    if arm == "triples":
        settings = TripleSettings(parts=("tail",), aliases=False, batch=64)
        return TripleWords(trunk, world.knowledge, settings, head=head, rows=world.injected)
    return make_objective(arm, trunk, corpus, world.knowledge, head=head)


def run_arm(arm: str, seed: int, world: World, tokens: int, folder: Path) -> dict[str, Any]:
    """Train an arm and ask it."""
    encoder = load_encoder(world.encoder)
    before = cosines(encoder, general_pairs())
    trunk = Trunk(encoder)
    corpus = read_corpus(world.texts, world.links, encoder.tokenizer, world.knowledge.index)
    head = warmed_up(world, corpus, trunk, folder)
    name = arm.removeprefix(SHUFFLED)
    own = world
    if arm.startswith(SHUFFLED):
        graph = shuffled_graph(world.knowledge.graph, world.injected, seed)
        own = replace(world, knowledge=Knowledge(graph))
    set_seed(seed)
    objective = objective_of(name, own, corpus, trunk, head)
    settings = MixSettings(tokens=tokens, seed=seed, loop=LoopSettings(learning_rate=3e-4))
    steps = plan(trunk, {name: objective}, settings).steps
    working = folder / f"{arm.replace(' ', '-')}-{seed}"
    started = time.process_time()
    trained = pretrain(trunk, {name: objective}, settings, steps=steps, key=arm, folder=working)
    seconds = time.process_time() - started
    remove_checkpoints(working)
    row: dict[str, Any] = {"arm": arm, "seed": seed, "steps": steps, "tokens": trained.tokens}
    row |= asked(trunk, head, world) | {"cpu_seconds": round(seconds)}
    row["general"] = round(spearman(before, cosines(encoder, general_pairs())), 4)
    return row


def asked(trunk: Trunk, head: WordHead, world: World) -> dict[str, float]:
    """Give the share of facts whose right tail is the best of 100, in percent."""
    found = {}
    graph = world.knowledge.graph
    tails = np.unique(np.asarray(graph.tails)[np.r_[world.injected, world.never]]).astype(np.int64)
    for name, rows, held_out in (
        ("held_out", world.injected, True),
        ("training", world.injected, False),
        ("never", world.never, True),
        ("never_training", world.never, False),
    ):
        ranks = answer(trunk, head, ask(world.knowledge, rows, held_out=held_out, first=tails))
        found[name] = round(100 * float((ranks == 1).mean()), 1)
    return found


def show(path: Path) -> None:
    """Print the mean of each arm over its seeds."""
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    columns = ("tokens", "held_out", "training", "never", "never_training", "general", "cpu_seconds")
    print("| arm | seeds | " + " | ".join(columns) + " |\n|---|--:|" + "--:|" * len(columns))
    for arm in dict.fromkeys(row["arm"] for row in rows):
        own = [row for row in rows if row["arm"] == arm]
        means = [f"{np.mean([row[column] for row in own]):,.4g}" for column in columns]
        print(f"| {arm} | {len(own)} | " + " | ".join(means) + " |")


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
        graph = open_graph(given.graph)
        texts = [line for line in given.text.read_text(encoding="utf-8").splitlines() if line.strip()]
        links = Linker.build(graph).links(texts)
        facts = choose_facts(graph, given.relation, given.facts)
        world = World(given.encoder, Knowledge(graph), texts, links, *facts)
        folder = given.out.with_suffix(".work")
        folder.mkdir(parents=True, exist_ok=True)
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
