"""Facts as text: what is written, in which order, within which budget, and what is recorded of it."""

import pytest

from loregraft.fusion.facts_text import FactsTextSettings
from loregraft.fusion.wrap import wrap
from loregraft.records import Link, Mention


def written(tiny_encoder, knowledge, settings, text="Flu came", links=None):
    fused = wrap(tiny_encoder.model, tiny_encoder.tokenizer, knowledge, settings=settings).eval()
    links = [Link(Mention(0, 3, "Flu"), "D:2", 1.0)] if links is None else links
    inputs = fused.prepare([text], [links])
    ids = inputs.tensors["input_ids"][0].tolist()
    said = tiny_encoder.tokenizer.decode(ids[len(tiny_encoder.tokenizer(text)["input_ids"]) :])
    return inputs, said.replace("[UNK]", "|")  # the tiny vocabulary has neither ":" nor ";"


def test_type_description_and_facts_follow_the_text(tiny_encoder, knowledge):
    """What tells most first, the relations in turn; the text itself stays as it is."""
    settings = FactsTextSettings(description_words=3, facts=3, budget=100)
    inputs, said = written(tiny_encoder, knowledge, settings)
    facts = [fact for fact in knowledge.facts(knowledge.graph.index("D:2"))]
    assert said.startswith("influenza | disease | a viral disease |")
    chosen = [fact for fact in facts if fact.words.lower() in said]
    assert len(chosen) == 3 and set(inputs.triples[0]) == {fact.row for fact in chosen}
    assert said.endswith("[SEP]") and "exanthem" not in said  # known to be false
    assert {fact.relation for fact in chosen} == {"has phenotype", "is a"}
    assert inputs.added == inputs.tensors["input_ids"].shape[1] - len(
        tiny_encoder.tokenizer("Flu came")["input_ids"]
    )


def test_what_is_not_wanted_is_not_written(tiny_encoder, knowledge):
    settings = FactsTextSettings(types=False, description_words=0, facts=5, relations=("is a",))
    _, said = written(tiny_encoder, knowledge, settings)
    assert said == "influenza | is a viral infection | [SEP]"


@pytest.mark.parametrize("budget", [1, 5, 12, 20, 40])
def test_the_budget_holds_and_only_what_was_written_is_recorded(tiny_encoder, knowledge, budget):
    settings = FactsTextSettings(budget=budget, facts=5)
    inputs, said = written(tiny_encoder, knowledge, settings)
    assert inputs.added <= budget
    names = {fact.row: fact.words.lower() for fact in knowledge.facts(knowledge.graph.index("D:2"))}
    assert {row for row, words in names.items() if words in said} == set(inputs.triples[0])
    assert bool(inputs.entities[0]) == bool(said)


def test_a_text_that_fills_the_encoder_stays_whole(tiny_encoder, knowledge):
    """Nothing is added, and nothing of the text is lost for it."""
    words = next(
        n for n in range(400) if len(tiny_encoder.tokenizer("Flu " + "rash " * n)["input_ids"]) >= 157
    )
    inputs, said = written(tiny_encoder, knowledge, FactsTextSettings(), "Flu " + "rash " * words)
    assert inputs.cut == 0 and inputs.added == 0 and not inputs.triples[0] and said == ""


def test_an_entity_is_written_once_however_often_it_is_mentioned(tiny_encoder, knowledge):
    links = [Link(Mention(0, 3, "Flu"), "D:2", 1.0), Link(Mention(8, 11, "flu"), "D:2", 1.0)]
    _, said = written(tiny_encoder, knowledge, FactsTextSettings(), "Flu, or flu", links)
    assert said.count("influenza |") == 1
