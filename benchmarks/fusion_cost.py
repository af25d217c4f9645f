"""What knowledge costs: time of each method of fusion beside the bare encoder, and of the head of words.

    python benchmarks/fusion_cost.py --graph demo/graph --vectors demo/vectors --encoder FOLDER --text FILE

Methods: a batch of 32 texts, all with links, or all without; the pass alone, after the batch was made ready,
bare and fused in turns; told is the median of the ratios of the processor's seconds. Methods that lengthen
the input are measured against the bare encoder on as many tokens. Making a batch ready (tokens, facts) is
told apart, in milliseconds a text; linking is not in it. A method that finds nothing to read in these texts
(lexicon, where the graph has no polarities) is left out.

The head of words at hidden tokens alone is measured beside transformers' own masked-language model, which
scores all tokens, forward and backward, on the same windows of 64 tokens, so that nothing is padding.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from transformers import AutoModelForMaskedLM

from loregraft.corpus.corpus import read_corpus
from loregraft.encoder.load import load_encoder
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.method import Gate
from loregraft.fusion.wrap import METHODS, wrap
from loregraft.kg.store import open_graph
from loregraft.kge.vectors import open_vectors
from loregraft.linking.linker import Linker
from loregraft.pretrain.make import make_objective
from loregraft.pretrain.trunk import Trunk

BATCH, ROUNDS = 32, 9


def seconds(run: Callable[[], object]) -> float:
    """Give the processor's seconds of a call."""
    started = time.process_time()
    run()
    return time.process_time() - started


def ratio(first: Callable[[], object], second: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Give the median of second / first, run in turns."""
    first()
    second()
    return statistics.median(1 / (seconds(first) / seconds(second)) for _ in range(rounds))


def method_row(name: str, fused: torch.nn.Module, texts: list[str], links: list, bare_links: list) -> str:
    """Measure one method."""
    for module in fused.method.modules():
        if isinstance(module, Gate):
            torch.nn.init.ones_(module.value)
    started = time.process_time()
    inputs = fused.prepare(texts, links)
    ready = 1000 * (time.process_time() - started) / len(texts)
    if not any(inputs.entities) and name != "plain":
        return f"| {name} | nothing to read | | | |"
    none = fused.prepare(texts, bare_links)
    ids, mask = inputs.tensors["input_ids"], inputs.mask.long()
    with torch.inference_mode():
        linked = ratio(
            lambda: fused.model(input_ids=ids, attention_mask=mask), lambda: fused(**inputs.tensors)
        )
        unlinked = ratio(lambda: fused.model(**none.tensors), lambda: fused(**none.tensors))
    return f"| {name} | {linked:.3f} | {unlinked:.3f} | {inputs.added / len(texts):.1f} | {ready:.2f} |"


def masked_ratio(encoder_folder: Path, texts: list[str], knowledge: Knowledge) -> float:
    """Compare a training pass over hidden tokens only with transformers' own over all, on equal batches."""
    trunk = Trunk(load_encoder(encoder_folder))
    corpus = read_corpus([" ".join(texts)], [[]], trunk.encoder.tokenizer, knowledge.index, 64)
    objective = make_objective("masked_words", trunk, corpus, knowledge)
    stock = AutoModelForMaskedLM.from_pretrained(encoder_folder, attn_implementation="eager")
    items = objective.items(0, 0)
    width = max(len(item.masked.ids) for item in items)
    ids = torch.zeros(len(items), width, dtype=torch.long)
    labels = torch.full_like(ids, -100)
    for row, item in enumerate(items):
        ids[row, : len(item.masked.ids)] = torch.tensor(item.masked.ids)
        labels[row, item.masked.places] = torch.tensor(item.masked.targets)
    mask = (ids != 0).long()
    ours = lambda: objective.loss(trunk, items).mean.backward()  # noqa: E731
    theirs = lambda: stock(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()  # noqa: E731
    return ratio(ours, theirs, 5)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    for name in ("--graph", "--vectors", "--encoder", "--text"):
        parser.add_argument(name, type=Path, required=True)
    given = parser.parse_args()
    torch.set_num_threads(1)
    encoder, graph = load_encoder(given.encoder), open_graph(given.graph)
    knowledge = Knowledge(graph, open_vectors(given.vectors), encoder)
    lines = [line for line in given.text.read_text(encoding="utf-8").splitlines() if line.strip()][:400]
    found = Linker.build(graph).links(lines)
    pairs = [(text, links) for text, links in zip(lines, found, strict=True) if links][:BATCH]
    texts, links = [text for text, _ in pairs], [links for _, links in pairs]
    print("| method | with links | without | tokens added | ms to make ready |\n|---|--:|--:|--:|--:|")
    for name in METHODS:
        fused = wrap(encoder.model, encoder.tokenizer, knowledge, method=name).eval()
        print(method_row(name, fused, texts, links, [[] for _ in texts]), flush=True)
        fused.hooks.remove()
    times = masked_ratio(given.encoder, lines, knowledge)
    print(f"\nhead at hidden tokens alone: {times:.2f} times as fast as transformers' own")


if __name__ == "__main__":
    main()
