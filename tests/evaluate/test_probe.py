"""Facts asked for: the questions, the score, and that injected facts are found while others are not."""

import numpy as np
import pytest
import torch

from loregraft.corpus.verbalize import HELD_OUT
from loregraft.evaluate.probe import BATCH, Question, answer, ask
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.pretrain.make import word_head
from loregraft.pretrain.objectives.triples import TripleSettings, TripleWords
from loregraft.pretrain.trunk import Trunk


def rows_of(graph, relation):
    wanted = graph.relation_ids.index(relation)
    return np.flatnonzero(np.asarray(graph.relation_indexes) == wanted)


def test_a_question_has_the_right_tail_first_and_no_other_true_one(tiny_graph):
    """Measles has fever and rash: whichever is asked for, the other is no candidate."""
    knowledge = Knowledge(tiny_graph)
    rows = rows_of(tiny_graph, "has_phenotype")
    for row, question in zip(rows.tolist(), ask(knowledge, rows), strict=True):
        head, tail = int(tiny_graph.heads[row]), int(tiny_graph.tails[row])
        true = {
            knowledge.names[int(tiny_graph.tails[other])] for other in rows if tiny_graph.heads[other] == head
        }
        assert question.candidates[0] == knowledge.names[tail]
        assert not true & set(question.candidates[1:]) and len(set(question.candidates)) == len(
            question.candidates
        )
        kinds = {knowledge.types[knowledge.names.index(name)] for name in question.candidates}
        assert kinds == {"phenotype"}
        wordings = [
            template.format(h=knowledge.names[head], r="has phenotype", t="~") for template in HELD_OUT
        ]
        assert question.before + "~" + question.after in wordings


def test_fewer_candidates_and_other_wordings(tiny_graph):
    knowledge = Knowledge(tiny_graph)
    rows = rows_of(tiny_graph, "has_phenotype")
    assert {len(one.candidates) for one in ask(knowledge, rows, candidates=3)} == {3}
    trained = ask(knowledge, rows, held_out=False)
    assert not any(one.before.startswith(("about", "what")) for one in trained)
    assert ask(knowledge, rows, seed=1) != ask(knowledge, rows, seed=0) == ask(knowledge, rows)


def test_some_names_are_taken_before_others(tiny_graph):
    """As the tails of injected facts are, so that having seen a name gives nothing away."""
    knowledge = Knowledge(tiny_graph)
    rows = rows_of(tiny_graph, "has_phenotype")
    first = np.array([tiny_graph.index("P:3"), tiny_graph.index("P:6")])
    for row, question in zip(rows.tolist(), ask(knowledge, rows, candidates=3, first=first), strict=True):
        if tiny_graph.id_at(int(tiny_graph.heads[row])) == "D:1":
            assert set(question.candidates[1:]) == {"Migraine", "Fatigue"}


def test_the_score_is_the_mean_log_probability_where_as_many_are_hidden(tiny_encoder):
    """Each candidate by itself, in plain loops."""
    trunk = Trunk(tiny_encoder)
    torch.manual_seed(0)
    head, tokenizer = word_head(trunk), tiny_encoder.tokenizer
    names = ("fever", "trouble breathing", "rash", "throbbing headache on one side")
    scores = []
    with torch.inference_mode():
        for name in names:
            pieces = tokenizer(name, add_special_tokens=False)["input_ids"]
            text = "measles has " + " ".join(["[MASK]"] * len(pieces)) + "."
            ids = tokenizer(text)["input_ids"]
            hidden = trunk.model(input_ids=torch.tensor([ids])).last_hidden_state[0]
            masked = [place for place, id in enumerate(ids) if id == tokenizer.mask_token_id]
            likely = torch.log_softmax(head(hidden[masked], trunk.table), -1)
            scores.append(float(sum(likely[k, piece] for k, piece in enumerate(pieces)) / len(pieces)))
    for right in range(len(names)):
        ordered = (names[right], *names[:right], *names[right + 1 :])
        (rank,) = answer(trunk, head, [Question(0, "measles has ", ".", ordered)])
        assert rank == 1 + sum(score > scores[right] for score in scores)


def test_injected_facts_are_found_and_others_are_not(tiny_encoder):
    """Forty of eighty made-up facts are trained; asked in the wordings of the training, which so small an
    encoder cannot leave.
    """
    generator = np.random.default_rng(0)
    things = ["fever", "rash", "headache", "fatigue", "flu", "measles", "asthma", "tiredness"]
    syllables = ["ba", "do", "ki", "lu", "me", "no", "pa", "ri", "su", "ta"]
    heads = sorted({"".join(generator.choice(syllables, 3)) for _ in range(200)})[:80]
    ids, tails = [*heads, *things], generator.choice(things, 80).tolist()
    columns = [
        Columns("entities", {"id": ids, "type": ["head"] * 80 + ["thing"] * 8}),
        Columns("names", {"entity": ids, "name": ids, "kind": ["preferred"] * 88}),
        Columns(
            "triples",
            {"head": heads, "relation": ["has"] * 80, "tail": tails},
        ),
    ]
    knowledge = Knowledge(KnowledgeGraph.gather(columns))
    trunk, injected, never = Trunk(tiny_encoder), np.arange(40), np.arange(40, 80)
    torch.manual_seed(0)
    head = word_head(trunk)
    objective = TripleWords(
        trunk, knowledge, TripleSettings(parts=("tail",), batch=40), head=head, rows=injected
    )
    parameters = {id(p): p for module in (trunk, objective) for p in module.parameters()}
    optimizer = torch.optim.Adam(parameters.values(), lr=3e-3)
    for step in range(250):
        loss = objective.loss(trunk, objective.items(0, step)).mean
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    known = (answer(trunk, head, ask(knowledge, injected, held_out=False)) == 1).mean()
    others = (answer(trunk, head, ask(knowledge, never, held_out=False)) == 1).mean()
    assert known > 0.7 and others < 0.4


@pytest.mark.parametrize("length", [200])
def test_a_sentence_that_is_too_long_is_answered_last(tiny_encoder, length):
    trunk = Trunk(tiny_encoder)
    question = Question(0, "fever " * length, ".", ("rash", "flu", "measles"))
    assert answer(trunk, word_head(trunk), [question]).tolist() == [3.0]


def test_questions_read_together_are_answered_as_each_alone(tiny_encoder):
    """More than are read at once, and one of them too long."""
    trunk = Trunk(tiny_encoder)
    head = word_head(trunk)
    names = ("fever", "trouble breathing", "rash", "flu", "throbbing headache on one side", "measles")
    questions = [
        Question(
            row, "measles has " * (1 + row % 3), " too." * (row % 2), (*names[row % 5 :], *names[: row % 5])
        )
        for row in range(BATCH + 5)
    ]
    questions[3] = Question(3, "fever " * 200, ".", names)
    alone = np.concatenate([answer(trunk, head, [one]) for one in questions])
    assert len(set(alone.tolist())) > 2
    assert answer(trunk, head, questions).tolist() == alone.tolist()
