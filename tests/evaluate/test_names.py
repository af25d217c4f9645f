"""The name task: who is asked for, who is left out and counted, and ranks as a plain search gives them."""

import numpy as np
import pytest

from loregraft.errors import BadInput
from loregraft.evaluate import name_index
from loregraft.evaluate.name_index import ExactIndex
from loregraft.evaluate.names import TOP, answer, make_name_task, overlap
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.split.entities import EntitySplit
from loregraft.kg.tables.columns import Columns


def graph_of(*rows):
    entity, name, kind = (list(column) for column in zip(*rows, strict=True))
    return KnowledgeGraph.gather(
        [Columns("names", {"entity": entity, "name": name, "kind": kind})], source="made"
    )


def split_of(graph, valid=(), test=()):
    """Hold out the given ids; all others are for training."""
    parts = [np.sort(np.array([graph.index(id) for id in ids], np.int64)) for ids in (valid, test)]
    return EntitySplit(np.setdiff1d(np.arange(len(graph)), np.concatenate(parts)), *parts)


def asked(task, graph):
    return {
        (text, kind, graph.ids[entity])
        for text, kind, entity in zip(task.queries, task.kinds, task.gold.tolist(), strict=True)
    }


def listed(task, graph):
    names = zip(task.dictionary.names, task.dictionary.entities.tolist(), strict=True)
    return {(text, graph.ids[entity]) for text, entity in names}


@pytest.fixture
def tiny_task(tiny_graph):
    split = split_of(tiny_graph, valid=["P:4"], test=["P:2", "P:5", "D:2"])
    return make_name_task(tiny_graph, split, split.test, "P:")


def test_queries_are_the_other_names_of_the_held_out(tiny_task, tiny_graph):
    """Not "Skin lesion", which is broader than an exanthem; not "Flu", whose id has another prefix."""
    assert asked(tiny_task, tiny_graph) == {
        ("Headache", "lay", "P:2"),
        ("HA", "abbreviation", "P:2"),
        ("Rash", "lay", "P:5"),
    }
    assert set(tiny_task.left_out.values()) == {0}


def test_the_dictionary_has_every_preferred_name_and_the_synonyms_of_training(tiny_task, tiny_graph):
    assert listed(tiny_task, tiny_graph) == {
        ("Fever", "P:1"), ("Pyrexia", "P:1"), ("High temperature", "P:1"), ("发热", "P:1"),
        ("Cephalalgia", "P:2"),
        ("Migraine", "P:3"), ("Throbbing headache on one side", "P:3"),
        ("Dyspnea", "P:4"),
        ("Exanthem", "P:5"),
        ("Fatigue", "P:6"), ("Tiredness", "P:6"),
    }  # fmt: skip
    assert len(tiny_task.dictionary.names) == 11


def test_the_valid_part_can_be_asked_instead(tiny_graph):
    split = split_of(tiny_graph, valid=["P:4"], test=["P:2"])
    task = make_name_task(tiny_graph, split, split.valid, "P:")
    assert asked(task, tiny_graph) == {
        ("Trouble breathing", "lay", "P:4"),
        ("Breathing difficulty", "exact", "P:4"),
    }


LEFT_OUT = graph_of(
    ("a", "Alpha", "preferred"),
    ("a", "ALPHA!", "exact"),  # folds to the preferred name
    ("a", "First one", "lay"),
    ("a", "first-one", "exact"),  # folds to the name before it
    ("a", "Shared", "exact"),  # also a name of c
    ("a", "Vague", "exact"),  # also a broad name of c
    ("b", "Nameless", "exact"),  # b has no preferred name, so it is not in the dictionary
    ("c", "Gamma", "preferred"),
    ("c", "shared", "lay"),
    ("c", "vague", "broad"),
)


def test_what_has_no_one_right_answer_is_left_out_and_counted():
    split = split_of(LEFT_OUT, test=["a", "b"])
    task = make_name_task(LEFT_OUT, split, split.test, "")
    assert {text.lower().replace("-", " ") for text in task.queries} == {"first one"}
    assert task.left_out == {
        "names another concept too": 2,
        "differs from another name by case or punctuation": 2,
        "its concept has no preferred name": 1,
    }
    # Every second name of the held-out is asked or counted.
    assert len(task.queries) + sum(task.left_out.values()) == 6


@pytest.mark.parametrize("held_out", [[], ["c"]])
def test_nobody_to_ask_for(held_out):
    graph = graph_of(("a", "Alpha", "preferred"), ("a", "Aleph", "exact"), ("c", "Gamma", "preferred"))
    split = split_of(graph, test=held_out)
    with pytest.raises(BadInput, match="no held-out entity has a second name") as caught:
        make_name_task(graph, split, split.test, "")
    assert "evaluate.held_out" in caught.value.fix


class Given:
    """An index with made-up scores: few different ones, so that there are ties."""

    def __init__(self, task, seed):
        shape = (len(task.queries), len(task.dictionary.names))
        table = np.random.default_rng(seed).integers(0, 3, shape).astype(np.float32)
        self.rows = dict(zip(task.queries, table, strict=True))

    def scores(self, strings):
        return np.stack([self.rows[string] for string in strings])


@pytest.mark.parametrize("seed", range(8))
def test_ranks_and_best_are_those_of_a_plain_search(tiny_task, seed, monkeypatch):
    monkeypatch.setattr(name_index, "TILE", 2)  # three queries, in two parts
    index = Given(tiny_task, seed)
    answers = answer(tiny_task, index)
    dictionary = tiny_task.dictionary
    for number, (query, gold) in enumerate(zip(tiny_task.queries, tiny_task.gold.tolist(), strict=True)):
        best: dict[int, float] = {}
        for entity, score in zip(dictionary.entities.tolist(), index.rows[query].tolist(), strict=True):
            best[entity] = max(best.get(entity, -1), score)
        above = sum(score > best[gold] for score in best.values())
        equal = sum(score == best[gold] for score in best.values())
        assert answers.ranks[number] == above + (equal + 1) / 2
        assert answers.scores[number].tolist() == sorted(best.values(), reverse=True)[:TOP]
        told = dictionary.entities[answers.best[number]].tolist()
        assert len(set(told)) == TOP and [best[entity] for entity in told] == answers.scores[number].tolist()


def test_who_finds_nothing_ranks_all_alike(tiny_task):
    """Six concepts at 0: rank (1 + 2 + 3 + 4 + 5 + 6) / 6 = 3.5 for each, and no hit."""
    assert answer(tiny_task, ExactIndex(tiny_task.dictionary.names)).ranks.tolist() == [3.5, 3.5, 3.5]


def test_who_knows_the_answer_ranks_it_first(tiny_task, tiny_graph):
    class Knowing:
        def scores(self, strings):
            gold = [tiny_task.gold[tiny_task.queries.index(string)] for string in strings]
            return (tiny_task.dictionary.entities[None] == np.array(gold)[:, None]).astype(np.float32)

    answers = answer(tiny_task, Knowing())
    assert answers.ranks.tolist() == [1, 1, 1]
    names = [tiny_task.dictionary.names[row] for row in answers.best[:, 0]]
    assert names == [tiny_graph.preferred_names()[entity] for entity in tiny_task.gold.tolist()]


def test_overlap_is_the_share_of_words_in_the_preferred_name():
    graph = graph_of(
        ("a", "Pain in the head", "preferred"),
        ("a", "Head-pain", "lay"),
        ("a", "Bad head pains", "lay"),
        ("a", "Headache", "exact"),
        ("b", "Other", "preferred"),
    )
    split = split_of(graph, test=["a"])
    task = make_name_task(graph, split, split.test, "")
    shares = dict(zip(task.queries, overlap(task, graph.preferred_names()), strict=True))
    assert shares == {"Head-pain": 1.0, "Bad head pains": pytest.approx(1 / 3), "Headache": 0.0}
