"""What benchmarks/fusion.py teaches and asks, cut out of a medical graph (HPO, MONDO) as the demo makes it.

All arms train and read with one graph, out of which is taken what would give an answer away: the facts that
are never injected, the edges from a concept to the class that it is to be typed as, every fact between the
two mentions of a pair, and the lay names that are asked for.
"""

import json
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pyarrow as pa

from loregraft.encoder.load import load_encoder
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kge.learn import learn_vectors
from loregraft.kge.settings import KgeSettings
from loregraft.kge.vectors import Vectors
from loregraft.linking.linker import Linker
from loregraft.records import Link, Mention
from loregraft.tasks.examples import Example
from loregraft.tasks.pairs import Pair

ROOT, IS_A, HAS_PHENOTYPE = "HP:0000118", "is_a", "has_phenotype"
TAIL_FACTS = 3
"""Facts of a concept at most, that it counts as one of the tail."""
EACH_CLASS, TYPED_TRAIN = 60, 300
DESCRIPTION_STRIDE, LONGEST = 5, 300
PAIR_LABELS = {IS_A: "is a", HAS_PHENOTYPE: "has phenotype", "-associated_with": "associated with"}
NO_RELATION = "no relation"
LAY_ASKED, LAY_CANDIDATES = 300, 5000
VECTORS = KgeSettings(model="transe", dim=128, epochs=8, validation_questions=2000)


@dataclass(frozen=True)
class Typing:
    """Concepts of the tail, to be typed by the organ system that they belong to; split by concept."""

    train: list[Example]
    test: list[Example]
    train_links: list[list[Link]]
    test_links: list[list[Link]]
    entities: np.ndarray
    answers: np.ndarray  # rows of triples that give them away


@dataclass(frozen=True)
class Pairs:
    """Pairs of mentions in definitions, labelled by what the graph says of the two; split by definition."""

    train: list[Pair]
    test: list[Pair]
    answers: np.ndarray


@dataclass(frozen=True)
class World:
    """What all arms share.

    Attributes:
        knowledge: What may be learned and read.
        full: Also what is asked for.
        injected: Rows of `knowledge`; `never` rows of `full`.
        taught: Rows of `knowledge` that facts in words are made of: injected ones, and those of `typing`.
        lay: Names asked for, names they are looked for among, and which of these is right.
    """

    encoder: Path
    full: Knowledge
    knowledge: Knowledge
    texts: list[str]
    links: list[list[Link]]
    injected: np.ndarray
    never: np.ndarray
    taught: np.ndarray
    typing: Typing
    pairs: Pairs
    lay: tuple[list[str], list[str], np.ndarray]


def make_world(
    graph: KnowledgeGraph, encoder: Path, texts: list[str], relation: str, count: int, folder: Path
) -> World:
    """Cut the world out of a graph; what takes long is kept in a folder."""
    injected, never = choose_facts(graph, relation, count)
    typing, pairs = typing_of(graph), pairs_of(graph, folder / "pairs.jsonl")
    asked, candidates, right, lay_rows = lay_of(graph)
    keep = np.ones(len(graph.heads), bool)
    keep[np.concatenate([never, typing.answers, pairs.answers])] = False
    injected = injected[keep[injected]]
    learnable = KnowledgeGraph(
        {
            **graph.tables,
            "triples": graph.triples.filter(pa.array(keep)),
            "names": graph.names.filter(pa.array(~lay_rows)),
        }
    )
    place = np.cumsum(keep) - 1
    about = np.isin(np.asarray(graph.heads), typing.entities) & keep
    about &= np.asarray(graph.relation_indexes) == graph.relation_ids.index(IS_A)
    taught = np.unique(np.concatenate([place[injected], place[about]]))
    vectors = learn_vectors(learnable, "fusion", folder / "vectors", VECTORS)
    links = Linker.build(learnable).links(texts)
    known = Knowledge(learnable, vectors, load_encoder(encoder))
    rest = (place[injected], never, taught, typing, pairs, (asked, candidates, right))
    return World(encoder, Knowledge(graph), known, texts, links, *rest)


def shuffled(world: World, seed: int) -> World:
    """Give the world whose facts and vectors are those of other concepts.

    The tails of a relation that are of one type are permuted, and the vectors of a type: as many facts of the
    same form, of equally many concepts.
    """
    graph, generator = world.knowledge.graph, np.random.default_rng([seed, 9])
    tails, types = np.asarray(graph.tails).copy(), np.array(world.knowledge.types)
    kinds = np.unique(types, return_inverse=True)[1]
    groups = np.asarray(graph.relation_indexes, np.int64) * len(graph) + kinds[tails]
    for group in np.unique(groups):
        rows = np.flatnonzero(groups == group)
        tails[rows] = generator.permutation(tails[rows])
    column = pa.array(tails, graph.triples["tail"].type)
    triples = graph.triples.set_column(graph.triples.schema.get_field_index("tail"), "tail", column)
    vectors, ids = world.knowledge.vectors, np.array(graph.ids)
    assert vectors is not None
    for kind in np.unique(kinds):
        own = np.flatnonzero(kinds == kind)
        ids[own] = ids[generator.permutation(own)]
    moved = dict(zip(graph.ids, ids.tolist(), strict=True))
    named = [moved.get(id, id) for id in vectors.ids]
    other = Vectors(vectors.tables, named, vectors.relation_ids, vectors.settings, vectors.graph_key)
    known = Knowledge(KnowledgeGraph({**graph.tables, "triples": triples}), other, world.knowledge.encoder)
    return replace(world, knowledge=known)


def choose_facts(
    graph: KnowledgeGraph, relation: str, count: int, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Choose facts to inject and as many that never are, of different heads."""
    wanted = np.asarray(graph.relation_indexes) == graph.relation_ids.index(relation)
    rows = np.random.default_rng(seed).permutation(np.flatnonzero(wanted))
    _, first = np.unique(np.asarray(graph.heads)[rows], return_index=True)
    chosen = rows[np.sort(first)][: 2 * count]
    return np.sort(chosen[:count]), np.sort(chosen[count:])


def typing_of(graph: KnowledgeGraph, seed: int = 0) -> Typing:
    """Type concepts with a definition, few facts and one branch of ROOT above them by that branch."""
    heads, tails = np.asarray(graph.heads), np.asarray(graph.tails)
    is_a = np.asarray(graph.relation_indexes) == graph.relation_ids.index(IS_A)
    below: dict[int, list[int]] = defaultdict(list)
    for head, tail in zip(heads[is_a].tolist(), tails[is_a].tolist(), strict=True):
        below[tail].append(head)
    root = graph.index(ROOT)
    branches: dict[int, set[int]] = defaultdict(set)
    for branch in below[root]:
        todo = [branch]
        while todo:
            entity = todo.pop()
            if branch not in branches[entity]:
                branches[entity].add(branch)
                todo += below[entity]
    count = np.bincount(heads, minlength=len(graph)) + np.bincount(tails, minlength=len(graph))
    described = _definitions(graph)
    names, generator = graph.preferred_names(), np.random.default_rng(seed)
    of_branch: dict[int, list[int]] = defaultdict(list)
    for entity in generator.permutation(np.array(sorted(branches), np.int64)).tolist():
        own = branches[entity]
        if len(own) == 1 and entity not in own and entity in described and count[entity] <= TAIL_FACTS:
            of_branch[next(iter(own))].append(entity)
    chosen = [
        (entity, names[branch])
        for branch, found in sorted(of_branch.items())
        if len(found) >= EACH_CLASS
        for entity in found[:EACH_CLASS]
    ]
    order = generator.permutation(len(chosen)).tolist()
    examples, links = [], []
    for row in order:
        entity, label = chosen[row]
        examples.append(Example(f"{names[entity]}: {described[entity]}", label))
        links.append([Link(Mention(0, len(names[entity]), names[entity]), graph.id_at(entity), 1.0)])
    cut = TYPED_TRAIN
    answers = np.flatnonzero(is_a & np.isin(tails, [root, *below[root]]))
    entities = np.array([entity for entity, _ in chosen], np.int64)
    return Typing(examples[:cut], examples[cut:], links[:cut], links[cut:], entities, answers)


def pairs_of(graph: KnowledgeGraph, cache: Path, seed: int = 0) -> Pairs:
    """Take a concept and what its definition mentions as a pair, as far as the definition is short."""
    described, names = _definitions(graph), graph.preferred_names()
    chosen = [entity for entity in list(described)[::DESCRIPTION_STRIDE] if len(described[entity]) <= LONGEST]
    if not cache.exists():
        linked = Linker.build(graph).links([described[entity] for entity in chosen])
        found = [
            [[one.mention.start, one.mention.end, one.entity] for one in links if one.entity is not None]
            for links in linked
        ]
        cache.write_text(json.dumps(found), encoding="utf-8")
    heads, tails, relations = (np.asarray(x) for x in (graph.heads, graph.tails, graph.relation_indexes))
    said: dict[tuple[int, int], str] = {}
    for row in range(len(heads)):
        said[int(heads[row]), int(tails[row])] = graph.relation_ids[int(relations[row])]
    pairs: dict[str, list[tuple[int, Pair]]] = defaultdict(list)
    for entity, found in zip(chosen, json.loads(cache.read_text(encoding="utf-8")), strict=True):
        name = names[entity]
        for start, end, id in found:
            other = graph.index(id)
            key = said.get((entity, other)) or ("-" + said.get((other, entity), ""))
            label = PAIR_LABELS.get(key, NO_RELATION if key == "-" else "")
            if label and other != entity:
                shift = len(name) + 2
                text = f"{name}: {described[entity]}"
                ends = (start + shift, end + shift)
                pair = Pair(text, (0, len(name)), ends, label, (graph.id_at(entity), id))
                pairs[label].append((entity, pair))
    generator = np.random.default_rng(seed)
    most = 2 * min(len(found) for label, found in pairs.items() if label != NO_RELATION)
    kept = []
    for label in sorted(pairs):
        order = generator.permutation(len(pairs[label]))[: max(most, EACH_CLASS)]
        kept += [pairs[label][row] for row in order.tolist()]
    kept = [kept[row] for row in generator.permutation(len(kept)).tolist()]
    test = {entity for entity, _ in kept if entity % 3 == 0}
    between = {
        frozenset((entity, graph.index(pair.entities[1])))
        for entity, pair in kept
        if pair.entities is not None and pair.entities[1] is not None
    }
    ends = zip(heads.tolist(), tails.tolist(), strict=True)
    answers = np.flatnonzero([frozenset(pair) in between for pair in ends])
    train = [pair for entity, pair in kept if entity not in test]
    return Pairs(train, [pair for entity, pair in kept if entity in test], answers)


def lay_of(graph: KnowledgeGraph, seed: int = 0) -> tuple[list[str], list[str], np.ndarray, np.ndarray]:
    """Give lay names to ask for, preferred names to choose from, the right ones, and the lay names' rows."""
    lay, owners = np.asarray(graph.kind_mask(["lay"])), np.asarray(graph.name_entities)
    written, names = graph.names["name"].to_pylist(), graph.preferred_names()
    generator = np.random.default_rng(seed)
    rows = generator.permutation(np.flatnonzero(lay))
    _, first = np.unique(owners[rows], return_index=True)
    rows = rows[np.sort(first)][:LAY_ASKED]
    concepts = owners[rows]
    types = np.array(graph.entities["type"].to_pylist(), dtype=object)
    same = generator.permutation(np.flatnonzero(types == types[concepts[0]]))
    others = same[~np.isin(same, concepts)][: LAY_CANDIDATES - len(rows)]
    candidates = [names[entity] for entity in [*concepts.tolist(), *others.tolist()]]
    asked = [written[row] for row in rows.tolist()]
    return asked, candidates, np.arange(len(rows)), lay & np.isin(owners, concepts)


def describe(world: World) -> str:
    """Say how large the world is."""
    typing, pairs = world.typing, world.pairs
    classes = len({one.label for one in typing.test})
    return (
        f"{len(world.injected)} facts injected, {len(world.never)} never; typing: {len(typing.train)} to "
        f"learn from, {len(typing.test)} of the tail in {classes} classes; pairs: {len(pairs.train)} and "
        f"{len(pairs.test)} ({dict(Counter(pair.label for pair in pairs.test))}); {len(world.lay[0])} lay "
        f"names among {len(world.lay[1])}"
    )


def _definitions(graph: KnowledgeGraph) -> dict[int, str]:
    found: dict[int, str] = {}
    texts = graph.descriptions["text"].to_pylist()
    for entity, text in zip(graph.descriptions["entity"].to_pylist(), texts, strict=True):
        found.setdefault(int(entity), str(text))
    return found
