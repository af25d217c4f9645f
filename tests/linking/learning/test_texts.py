"""Learning from texts without labels."""

import numpy as np
import pytest

from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.linking.learning.learn import learn_from_names
from loregraft.linking.learning.texts import FEWEST, FROM_TEXTS, examples_of_ambiguity, learn_from_texts
from loregraft.linking.linker import Linker

PLACES = ["river", "shore", "water", "boat", "fish", "flood"]
MONEY = ["loan", "credit", "teller", "cash", "savings", "vault"]


def graph():
    """Two banks, and two fields of words that are joined each to one of them; the other names are doubled."""
    names = [("bank_water", "bank"), ("bank_money", "bank")]
    names += [(word, word) for word in PLACES + MONEY] + [(word, f"{word} thing") for word in PLACES + MONEY]
    triples = [("bank_water", "near", word) for word in PLACES] + [("bank_money", "near", w) for w in MONEY]
    triples += [(words[n], "near", words[n - 1]) for words in (PLACES, MONEY) for n in range(6)]
    kinds = ["preferred" if id == name or id.startswith("bank") else "exact" for id, name in names]
    columns = {"entity": [id for id, _ in names], "name": [name for _, name in names], "kind": kinds}
    head, relation, tail = (list(column) for column in zip(*triples, strict=True))
    return KnowledgeGraph.gather(
        [Columns("names", columns), Columns("triples", {"head": head, "relation": relation, "tail": tail})],
        source="test",
    )


@pytest.fixture(scope="module")
def linker():
    return Linker.build(graph())


def texts(count, seed=0):
    """Three words of one field in each."""
    drawn = np.random.default_rng(seed)
    fields = [PLACES if number % 4 else MONEY for number in range(count)]
    return ["The " + " and the ".join(drawn.choice(field, 3, replace=False)) + "." for field in fields]


def test_what_the_text_says_comes_to_count_and_nothing_else_changes(linker):
    learned = learn_from_texts(linker, texts(200))
    assert learned.texts == 200
    assert learned.known >= FEWEST
    before, after = linker.weights.named, learned.linker.weights.named
    moved = {name for name in before if before[name] != after[name]}
    assert moved and moved <= set(FROM_TEXTS)
    assert after["coherence"] > before["coherence"], "here all texts are coherent"
    assert learned.linker.weights.nil == linker.weights.nil


def test_of_a_known_mention_one_candidate_is_right_and_another_is_there(linker):
    examples = examples_of_ambiguity(linker, texts(60))
    right = np.add.reduceat(examples.right, examples.starts[:-1])
    assert (right == 1).all()
    assert (np.diff(examples.starts) >= 1).all()
    assert (np.diff(examples.starts) > 1).mean() > 0.4
    same = examples_of_ambiguity(linker, texts(60))
    assert (same.matrix == examples.matrix).all() and (same.right == examples.right).all()


def test_the_prior_of_an_ambiguous_name_is_how_often_texts_mean_it(linker):
    some = ["The bank, the river and the shore."] * 30 + ["The bank, the loan and the credit."] * 10
    learned = learn_from_texts(linker, some).linker
    lexicon, entities = learned.index.lexicon, learned.index.entities
    (form,) = lexicon.find(["bank"]).tolist()
    rows = range(*lexicon.pointers[form : form + 2].tolist())
    prior = {entities.id(int(lexicon.entities[row])): float(learned.prior[row]) for row in rows}
    assert 0.55 < prior["bank_water"] < 0.75 and 0.1 < prior["bank_money"] < 0.3
    assert learned.link("A bank.")[0].entity == "bank_water"
    assert learned.link("The bank gave a loan and credit.")[0].entity == "bank_money"
    single = np.repeat(np.diff(lexicon.pointers) == 1, np.diff(lexicon.pointers))
    assert (learned.prior[single] == 0).all()


def test_a_prior_that_is_known_stays(linker):
    once = learn_from_texts(linker, ["The bank, the river and the shore."] * 30).linker
    again = learn_from_texts(once, ["The bank, the loan and the credit."] * 30).linker
    assert (once.prior == again.prior).all()


def test_few_texts_change_no_weight_and_none_are_refused(linker):
    learned = learn_from_texts(linker, ["Nothing here.", "", "river"])
    assert (learned.known, learned.ambiguous) == (0, 0)
    assert learned.linker.weights.named == linker.weights.named
    with pytest.raises(ValueError, match="no text"):
        learn_from_texts(linker, [])


def test_saved_with_what_was_learned(linker, tmp_path):
    learned = learn_from_names(learn_from_texts(linker, texts(200)).linker)
    learned.save(tmp_path / "taught")
    loaded = Linker.load(tmp_path / "taught")
    assert loaded.weights.named == learned.weights.named
    assert loaded.link("A bank and a river.") == learned.link("A bank and a river.")
