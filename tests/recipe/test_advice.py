"""Advice from a graph's shape, and a pilot that finds knowledge where there is some, and only there."""

from dataclasses import replace

import numpy as np
import pytest

from loregraft.config import load_settings
from loregraft.fusion.knowledge import Knowledge
from loregraft.kg.check.fitness import fitness
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.linking.coverage import measure_coverage
from loregraft.linking.linker import Linker
from loregraft.pretrain.settings import MixSettings
from loregraft.recipe.advice.advise import advise, polarities_of, recipe_of
from loregraft.recipe.advice.pilot import TooFewLabels, run_pilot
from loregraft.tasks.examples import Example

TEXTS = ["Measles comes with fever", "a rash and flu", "nothing"]


def whats(given, kind):
    return [one.what for one in given if one.kind == kind]


def test_shape_and_texts_decide(tiny_graph):
    fit, reach = fitness(tiny_graph), measure_coverage(tiny_graph, TEXTS)
    given = advise(fit, reach)
    assert whats(given, "absorb") == ["synonyms", "triples", "masked_entities"]
    assert whats(given, "attach") == ["facts_text"] and not whats(given, "warning")
    assert "11 facts can be taken in" in next(one.why for one in given if one.what == "triples")


def test_what_is_in_the_way_is_said(tiny_graph):
    fit = fitness(tiny_graph)
    reach = measure_coverage(tiny_graph, ["nothing here"] * 9 + ["a fever"])
    given = advise(replace(fit, names=0.1), replace(reach, ambiguous=0.9))
    assert whats(given, "warning") == ["link coverage", "ambiguity", "names"]
    assert "masked_entities" not in whats(given, "absorb") and "facts_text" not in whats(given, "attach")


def test_large_graphs_are_read_and_not_trained_in(tiny_graph):
    fit = fitness(tiny_graph)
    many = replace(fit, counts={**fit.counts, "facts": 10**6}, depth=5)
    assert whats(advise(many, None), "attach") == ["knowledge_attention", "kge train"]
    assert "are more than can be taken in" in str(advise(many, None))


def test_a_lexicon_is_seen(tiny_graph):
    both = ["good", "bad"]
    columns = [
        Columns("entities", {"id": both, "type": ["word", "word"]}),
        Columns("names", {"entity": ["good", "bad"], "name": ["good", "bad"], "kind": ["preferred"] * 2}),
        Columns(
            "attributes", {"entity": ["good", "bad"], "property": ["polarity"] * 2, "value": ["2", "-2"]}
        ),
    ]
    lexicon = KnowledgeGraph.gather(columns)
    assert polarities_of(lexicon) == 2 and polarities_of(tiny_graph) == 0
    reach = measure_coverage(lexicon, ["good work"])
    assert "sentiment" in whats(advise(fitness(lexicon), reach, polarities=2), "absorb")


def test_the_recipe_is_read_back(tiny_graph, tmp_path):
    from loregraft.config import dump_settings

    given = advise(fitness(tiny_graph), measure_coverage(tiny_graph, TEXTS))
    recipe = recipe_of(given, 2.0)
    assert recipe.objectives == ("synonyms", "triples", "masked_entities") and recipe.minutes == 2
    path = tmp_path / "recipe.yaml"
    path.write_text(dump_settings(recipe))
    assert load_settings(MixSettings, path) == recipe
    assert recipe_of([], 1.0).objectives == ("masked_words",)


def world(told: bool) -> tuple[KnowledgeGraph, list[Example]]:
    """Eighty drugs with names of chance, a text each; what it is good for the graph tells, or does not."""
    generator = np.random.default_rng(0)
    syllables = ["ba", "do", "ki", "lu", "me", "no", "pa", "ri", "su", "ta", "ve", "zo"]
    names = sorted({"".join(generator.choice(syllables, 2)) for _ in range(300)})[:80]
    kinds = generator.permutation(["fever"] * 40 + ["breathing"] * 40).tolist()
    said = kinds if told else generator.permutation(kinds).tolist()
    entities = [*names, "fever", "breathing"]
    columns = [
        Columns("entities", {"id": entities, "type": ["drug"] * 80 + ["kind"] * 2}),
        Columns("names", {"entity": entities, "name": entities, "kind": ["preferred"] * 82}),
        Columns("triples", {"head": names, "relation": ["headache of"] * 80, "tail": said}),
    ]
    examples = [Example(f"pain and {name}", kind) for name, kind in zip(names, kinds, strict=True)]
    return KnowledgeGraph.gather(columns), examples


@pytest.mark.parametrize(("told", "found"), [(True, "helped"), (False, "no evidence")])
def test_a_pilot_finds_knowledge_where_there_is_some(told, found, tiny_encoder):
    """The control has as many facts, those of other drugs: they do not help."""
    graph, examples = world(told)
    pilot = run_pilot(examples, Knowledge(graph), Linker.build(graph), tiny_encoder)
    assert pilot.verdict == found and pilot.linked == 1.0 and pilot.examples == 80
    if told:
        assert pilot.accuracy["facts"] > pilot.accuracy["shuffled"] + 0.2


def test_a_pilot_needs_two_labels(tiny_graph, tiny_encoder):
    examples = [Example("fever", "a")] * 20 + [Example("rash", "b")] * 3
    with pytest.raises(TooFewLabels, match="there are: a 20, b 3"):
        run_pilot(examples, Knowledge(tiny_graph), Linker.build(tiny_graph), tiny_encoder)
