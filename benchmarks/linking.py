"""How well mentions whose places are given are linked: NCBI-disease against MEDIC, and GSC+ against HPO.

    python benchmarks/linking.py --data DIR                       # a minute, without an encoder
    python benchmarks/linking.py --data DIR --graph demo/graph    # GSC+ too, with places found and given
    python benchmarks/linking.py --data DIR --encoder FOLDER      # with an encoder: minutes
    python benchmarks/linking.py --data DIR --cross FOLDER        # with one that reads close calls: minutes

DIR holds ncbi_disease_linking/ and gsc_plus/. MEDIC (July 2012) is the dictionary: its names, no text and no
label; then with the names and the labels of the training and development parts. Told are accuracy and
recall by several protocols, with and without composite mentions and those that MEDIC does not have.
Published for comparison, not run here: SapBERT (Liu et al. 2021, 110M parameters) 92.0 to 92.3 on
NCBI-disease, with the names of the training and development parts in the dictionary.
"""

import argparse
import os
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from loregraft.encoder.load import load_encoder
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.importing import Source, import_graph
from loregraft.kg.store import open_graph
from loregraft.linking.formats import read
from loregraft.linking.formats.records import Annotated
from loregraft.linking.judging.ranked import accuracies, told
from loregraft.linking.judging.scores import judge
from loregraft.linking.judging.scores import told as told_scores
from loregraft.linking.learning.held_out import hold_out
from loregraft.linking.learning.learn import (
    examples_of_texts,
    learn_from_labels,
    learn_from_names,
    right_candidates,
)
from loregraft.linking.linker import Linker
from loregraft.linking.scoring.calibrate import expected_calibration_error
from loregraft.linking.scoring.features import FEATURES
from loregraft.linking.scoring.weights import Weights, fit_weights
from loregraft.linking.settings import LinkSettings


def medic_rows(path: Path) -> Iterator[tuple[list[str], list[str]]]:
    """Give the ids (the first is the concept's, the others alternatives) and names of each concept."""
    for line in path.read_text(encoding="utf-8").splitlines():
        *ids, names = line.split("||")
        split = [id for part in ids for id in part.split("|") if id]
        yield split, [name.strip() for name in names.split("|") if name.strip()]


def medic(folder: Path) -> tuple[KnowledgeGraph, dict[str, str]]:
    """Give MEDIC as a graph, and the concept of each id."""
    concepts: dict[str, str] = {}
    lines = ["id\tname\tkind"]
    for ids, names in medic_rows(folder / "medic_06Jul2012.txt"):
        for id in ids:
            concepts.setdefault(id, ids[0])
        kinds = ["preferred", *["exact"] * (len(names) - 1)]
        lines += [f"{ids[0]}\t{name}\t{kind}" for name, kind in zip(names, kinds, strict=True)]
    with tempfile.TemporaryDirectory() as place:
        table = Path(place) / "medic.tsv"
        table.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return import_graph([Source(table)]).graph, concepts


def ncbi(folder: Path, part: str, concepts: dict[str, str]) -> list[Annotated]:
    """Read a part, its ids turned into those of MEDIC's concepts."""
    texts = []
    for one in read(folder / f"NCBI{part}set_corpus.txt"):
        gold = []
        for mention in one.gold:
            plain = [id.removeprefix("OMIM:").removeprefix("MESH:") for id in mention.entities]
            ids = dict.fromkeys(concepts.get(id, id) for id in plain)
            gold.append(replace(mention, entities=tuple(ids)))
        texts.append(replace(one, gold=tuple(gold)))
    return texts


def tell(title: str, linker: Linker, texts: list[Annotated]) -> None:
    """Print how good the candidates of given mentions are."""
    judged = linker.judge([one.document.text for one in texts], [one.places for one in texts])
    order = np.lexsort((-judged.scores, judged.pool.owners))
    ids = [linker.index.entities.id(int(entity)) for entity in judged.pool.entities[order]]
    spans = judged.spans
    at = zip(spans.texts.tolist(), spans.starts.tolist(), spans.ends.tolist(), strict=True)
    starts = judged.pool.starts.tolist()
    ranked = {place: ids[starts[row] : starts[row + 1]] for row, place in enumerate(at)}
    asked = [(number, gold) for number, one in enumerate(texts) for gold in one.gold]
    found = [ranked[number, gold.mention.start, gold.mention.end] for number, gold in asked]
    documents = np.array([number for number, _ in asked])
    known = linker.index.entities.numbers
    print(f"\n{title}")
    print("\n".join(told(accuracies([gold for _, gold in asked], found, documents, known))))


def without_some(title: str, linker: Linker, texts: list[Annotated], seeds: int = 5) -> None:
    """Take a fifth of what the texts mean out of the graph, and judge probabilities and thresholds."""
    entities, lexicon = linker.index.entities, linker.index.lexicon
    ids = {id for one in texts for gold in one.gold for id in gold.entities if id in entities.numbers}
    meant = np.array(sorted(entities.numbers[id] for id in ids))
    print(f"\n{title}, a fifth of what is meant taken out of the graph")
    print("draw    ECE   right   asked for 90: precision   kept   asked for 95: precision   kept")
    every: list[tuple[np.ndarray, np.ndarray]] = []
    for seed in range(seeds):
        gone = hold_out(meant, (lexicon.pointers, lexicon.entities), share=0.2, seed=seed)
        less = linker.remove(entities.id(int(entity)) for entity in gone)
        judged = less.judge([one.document.text for one in texts], [one.places for one in texts])
        marked = np.r_[right_candidates(less, judged, texts), False]  # the last: of mentions without any
        right, p = marked[judged.best], judged.probabilities
        every.append((p, right))
        line = f"{seed:4} {expected_calibration_error(p, right):6.3f} {100 * right.mean():7.1f}"
        for nil in ("p90", "p95"):
            kept = p >= less.with_settings(nil=nil).threshold
            line += f"{100 * right[kept].mean():26.1f} {100 * kept.mean():6.1f}"
        print(line)
    p, right = (np.concatenate(column) for column in zip(*every, strict=True))
    print(f" all {expected_calibration_error(p, right):6.3f} {100 * right.mean():7.1f}")


def gsc(folder: Path, graph: Path) -> None:
    """Judge a linker of HPO's phenotypes on GSC+, end to end and with the places given."""
    texts = list(read(folder / "GSCplus_dev_gold.tsv"))
    settings = LinkSettings(prefix="HP:", under=("HP:0000118",), overlaps="nested")
    linker = Linker.build(open_graph(graph), settings=settings)
    tell("GSC+ dev, places given, as built", linker, texts)
    without = linker.with_settings(coherence=False)
    tell("the same without coherence", without, texts)
    contents = [one.document.text for one in texts]
    for title, one in (("as built", linker), ("without coherence", without)):
        print(f"\nGSC+ dev, places found, {title}")
        print("\n".join(told_scores(judge([text.gold for text in texts], one.links(contents)))))


def with_cross_encoder(
    linker: Linker, encoder: Path, labelled: list[Annotated], test: list[Annotated], title: str, seed: int
) -> None:
    """Judge a linker that learned from labels, without and with an encoder that reads close calls."""
    linker = learn_from_labels(linker, labelled, seed, load_encoder(encoder))
    tell(f"{title}, without a cross-encoder", replace(linker, cross=None), test)
    tell(f"{title}, with a cross-encoder", linker, test)
    judged = linker.judge([one.document.text for one in test], [one.places for one in test])
    read = np.unique(judged.pool.owners[judged.pool.column("read") != 0])
    print(f"{len(read)} of {len(judged.best)} mentions were close calls and read")


def with_encoder(
    graph: KnowledgeGraph, folder: Path, labelled: list[Annotated], test: list[Annotated]
) -> None:
    """Judge a linker with an encoder: the dictionary alone, weights fitted on labelled texts."""
    linker = Linker.build(graph, load_encoder(folder))
    tell("NCBI-disease test, dictionary alone and an encoder, as built", linker, test)
    examples = examples_of_texts(linker, labelled)
    weights = fit_weights(examples.matrix, examples.right, examples.starts, linker.weights)
    tell("the same, weights fitted on train and development", replace(linker, weights=weights), test)
    only = Weights.of(FEATURES, {"meaning": 10.0}, 0.0)
    tell("its cosine alone", replace(linker, weights=only), test)


def parse() -> argparse.Namespace:
    """Read the arguments."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("LOREGRAFT_DATA"), help="see above")
    parser.add_argument("--graph", type=Path, help="the graph folder of a demo run, for GSC+")
    parser.add_argument("--encoder", type=Path, help="an encoder folder: judge NCBI-disease with it, no more")
    parser.add_argument("--cross", type=Path, help="an encoder folder: judge it as a cross-encoder, no more")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the folder of the data: --data DIR, or set LOREGRAFT_DATA")
    return given


def main() -> None:
    """Print the tables."""
    given = parse()
    folder = Path(given.data) / "ncbi_disease_linking"
    graph, concepts = medic(folder)
    train, develop, test = (ncbi(folder, part, concepts) for part in ("train", "develop", "test"))
    if given.encoder is not None:
        with_encoder(graph, given.encoder, [*train, *develop], test)
        return
    if given.cross is not None:
        linker = Linker.build(graph)
        with_cross_encoder(linker, given.cross, train, develop, "train to development", given.seed)
        with_cross_encoder(linker, given.cross, [*train, *develop], test, "both to test", given.seed)
        return
    linker = Linker.build(graph)
    tell("NCBI-disease test, dictionary alone, as built", linker, test)
    tell("the same, weights learned from the names", learn_from_names(linker, given.seed), test)
    blank = replace(linker, weights=Weights.of(FEATURES, {}, 0.0))
    tell("the same, from weights of zero: no label anywhere", learn_from_names(blank, given.seed), test)
    labelled = learn_from_labels(linker, [*train, *develop], given.seed)
    tell("with the names and labels of train and development", labelled, test)
    without_some("NCBI-disease test, learned from the names", learn_from_names(linker, given.seed), test)
    without_some("NCBI-disease test, with the labels", labelled, test)
    if given.graph is not None:
        gsc(Path(given.data) / "gsc_plus", given.graph)


if __name__ == "__main__":
    main()
