"""What coherence is worth: names that mean two entities each, planted into people's annotated texts.

    python benchmarks/linking_homonyms.py --data DIR --graph demo/graph     # a minute

DIR holds gsc_plus/. A part of the entities that its texts mention by an exact name are put together in
pairs, those of a pair from different texts; both get one new name, a word that nothing else is called, and
the texts say this word wherever they said one of their names. Nothing but the text around and the graph
tells the two apart. Told is the strict F1 of all mentions, places found, with and without coherence and
context, the difference with its 95 % interval (bootstrap over texts, all plantings of a text together), and
the accuracy of the planted mentions. Learned: weights and priors learned from the planted texts without
their labels.
"""

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from loregraft.kg.store import open_graph
from loregraft.linking.formats import read
from loregraft.linking.formats.records import Annotated, Gold
from loregraft.linking.judging.intervals import Statistic, difference, micro_f1, share
from loregraft.linking.judging.matching import Protocol, count
from loregraft.linking.learning.texts import learn_from_texts
from loregraft.linking.linker import Linker
from loregraft.linking.normalize import normalize_name
from loregraft.linking.settings import LinkSettings
from loregraft.records import Document, Link, Mention

SHARE = 0.4
SYLLABLES = ("ba", "ke", "di", "mo", "lu", "tra", "ven", "sol", "pir", "quo", "zan", "fel")


@dataclass(frozen=True)
class Planted:
    """Texts with planted names, the linker that knows these, and where they stand."""

    linker: Linker
    texts: list[Annotated]
    places: set[tuple[int, int, int]]


def alone(text: Annotated, linker: Linker) -> list[Gold]:
    """Give the mentions that are a name of their entity and overlap no other mention."""
    lexicon, entities, found = linker.index.lexicon, linker.index.entities, []
    for one in text.gold:
        m = one.mention
        crossed = [o for o in text.gold if o.mention.start < m.end and m.start < o.mention.end]
        (form,) = lexicon.find([normalize_name(m.text, linker.index.rules)]).tolist()
        if len(crossed) > 1 or form < 0 or len(one.entities) != 1 or one.entities[0] not in entities.numbers:
            continue
        meant = lexicon.entities[lexicon.pointers[form] : lexicon.pointers[form + 1]]
        if entities.numbers[one.entities[0]] in meant:
            found.append(one)
    return found


def paired(where: dict[str, set[int]], drawn: np.random.Generator) -> dict[str, str]:
    """Give new names to a share of the entities, each to two that no text has both of."""
    left = [list(where)[place] for place in drawn.permutation(len(where))]
    names: dict[str, str] = {}
    while left and len(names) < SHARE * len(where):
        one = left.pop()
        other = next((entity for entity in left if not where[one] & where[entity]), None)
        if other is not None:
            left.remove(other)
            names[one] = names[other] = "".join(drawn.choice(SYLLABLES, 4)) + str(len(names))
    return names


def plant(linker: Linker, texts: Sequence[Annotated], seed: int) -> Planted:
    """Plant names."""
    kept = [alone(text, linker) for text in texts]
    where: dict[str, set[int]] = {}
    for number, mentions in enumerate(kept):
        for one in mentions:
            where.setdefault(one.entities[0], set()).add(number)
    names = paired(where, np.random.default_rng(seed))
    numbers = linker.index.entities.numbers
    index = linker.index.with_names([(name, numbers[entity]) for entity, name in sorted(names.items())])
    changed, places = [], set()
    for number, (text, mentions) in enumerate(zip(texts, kept, strict=True)):
        new, at = renamed(text, [one for one in mentions if one.entities[0] in names], names)
        changed.append(new)
        places |= {(number, start, end) for start, end in at}
    return Planted(replace(linker, index=index), changed, places)


def renamed(
    text: Annotated, mentions: Sequence[Gold], names: dict[str, str]
) -> tuple[Annotated, list[tuple[int, int]]]:
    """Put new names in the place of some mentions, and move all others."""
    content, edits = text.document.text, []
    for one in sorted(mentions, key=lambda one: -one.mention.start):
        start, end, name = one.mention.start, one.mention.end, names[one.entities[0]]
        content = content[:start] + name + content[end:]
        edits.append((start, end, len(name) - (end - start)))

    def moved(place: int) -> int:
        return place + sum(shift for start, end, shift in edits if end <= place)

    gold, at = [], []
    for one in text.gold:
        start, end = moved(one.mention.start), moved(one.mention.end)
        gold.append(replace(one, mention=Mention(start, end, content[start:end])))
        if one in mentions:
            at.append((start, end))
    document = Document(text.document.id, content)
    return replace(text, document=document, gold=tuple(gold)), at


def right(planted: Planted, found: Sequence[Sequence[Link]]) -> np.ndarray:
    """Give for each text how many planted mentions are right, and how many there are."""
    said = {
        (number, one.mention.start, one.mention.end): one.entity
        for number, links in enumerate(found)
        for one in links
    }
    counts = np.zeros((len(found), 2))
    for number, text in enumerate(planted.texts):
        for one in text.gold:
            place = (number, one.mention.start, one.mention.end)
            if place in planted.places:
                counts[number] += said.get(place) == one.entities[0], 1
    return counts


def systems(linker: Linker, texts: Sequence[str]) -> dict[str, Linker]:
    """Give the linkers that are compared."""

    def wordless(one: Linker) -> Linker:
        return replace(one, weights=one.weights.changed(context=0.0))

    learned = learn_from_texts(linker, texts).linker
    return {
        "names alone": wordless(linker.with_settings(coherence=False)),
        "with context": linker.with_settings(coherence=False),
        "with coherence": wordless(linker),
        "with both": linker,
        "with both, learned": learned,
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=os.environ.get("LOREGRAFT_DATA"), help="see above")
    parser.add_argument("--graph", type=Path, required=True, help="the graph folder of a demo run")
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    if given.data is None:
        parser.error("name the folder of the data: --data DIR, or set LOREGRAFT_DATA")
    texts = list(read(Path(given.data) / "gsc_plus" / "GSCplus_dev_gold.tsv"))
    settings = LinkSettings(prefix="HP:", under=("HP:0000118",), overlaps="nested")
    linker = Linker.build(open_graph(given.graph), settings=settings)
    counts: dict[str, list[np.ndarray]] = {}
    hits: dict[str, list[np.ndarray]] = {}
    mentions = 0
    for seed in range(given.seeds):
        planted = plant(linker, texts, seed)
        contents = [one.document.text for one in planted.texts]
        mentions += len(planted.places)
        for name, one in systems(planted.linker, contents).items():
            found = one.links(contents)
            right_ones = count(
                [text.gold for text in planted.texts], found, "strong", "all", Protocol(), None
            )
            counts.setdefault(name, []).append(right_ones.columns)
            hits.setdefault(name, []).append(right(planted, found))
    print(f"{given.seeds} plantings, {mentions / given.seeds:.0f} planted mentions each, {len(texts)} texts")
    print(f"{'':20}{'F1':>7}{'than names alone':>24}{'planted right':>16}{'than names alone':>24}")
    for name in counts:
        columns, planted_right = (
            (np.sum(one["names alone"], axis=0), np.sum(one[name], axis=0)) for one in (counts, hits)
        )
        print(f"{name:20}{told(micro_f1, *columns)}{told(share, *planted_right, 16)}")


def told(statistic: Statistic, base: np.ndarray, columns: np.ndarray, width: int = 7) -> str:
    """Give a value and what it is more than another, with its interval, in percent."""
    more = difference(statistic, base, columns)
    value = float(statistic(columns.sum(axis=0, keepdims=True).astype(np.float64))[0])
    span = f"{100 * more.value:+.1f} ({100 * more.low:+.1f} to {100 * more.high:+.1f})"
    return f"{100 * value:>{width}.1f}{span:>24}"


if __name__ == "__main__":
    main()
