"""What all tasks that give labels promise, over both of them, with a method attached and without."""

import json
from dataclasses import replace

import pytest
import torch

from loregraft.artifact import read_card, verify
from loregraft.encoder.load import load_encoder
from loregraft.errors import BadInput, WrongArtifact
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.wrap import wrap
from loregraft.linking.linker import Linker
from loregraft.tasks.classify import Classifier
from loregraft.tasks.examples import Example
from loregraft.tasks.pairs import Pair
from loregraft.tasks.reading import no_knowledge
from loregraft.tasks.relation import RelationClassifier
from loregraft.tasks.settings import TaskSettings
from loregraft.training.settings import LoopSettings

LOOP = LoopSettings(learning_rate=1e-3, new_learning_rate=1e-2, bf16=False)
FEW = TaskSettings(steps=3, batch=4, loop=LOOP)
MANY = TaskSettings(steps=60, batch=8, loop=LOOP)
WORDS = ("fever", "rash")
PLACES = ("today", "at night", "in the head", "of the skin", "each winter")
TEXTS = [f"{word} {place}" for place in PLACES for word in WORDS]

TASKS = {
    Classifier: [Example(text, text.split()[0]) for text in TEXTS],
    RelationClassifier: [
        Pair(text, (0, len(word)), (len(word) + 1, len(text)), word)
        for text in TEXTS
        for word in [text.split()[0]]
    ],
}


@pytest.fixture(params=list(TASKS), ids=lambda task: task.kind)
def task(request):
    return request.param


@pytest.fixture
def examples(task):
    return TASKS[task]


def attached(method, hosted, knowledge, graph):
    """A model with a method, or without any."""
    torch.manual_seed(0)
    if method == "plain":
        return wrap(*hosted, no_knowledge(), method="plain")
    return wrap(*hosted, knowledge, method=method, linker=Linker.build(graph))


def shares(predictions):
    return [list(one.probabilities.values()) for one in predictions]


@pytest.mark.parametrize("method", ["plain", "facts_text", "entity_layer"])
def test_saved_and_opened_it_says_the_same(task, examples, method, hosted, knowledge, tiny_graph, tmp_path):
    learnt = task.learn(attached(method, hosted, knowledge, tiny_graph), examples, FEW)
    said = learnt.predict(examples)
    learnt.save(tmp_path / "out")
    opened = task.load(tmp_path / "out", knowledge, Linker.build(tiny_graph))
    assert opened.predict(examples) == said  # to the bit
    assert opened.labels == ("fever", "rash") and opened.counts == {"fever": 5, "rash": 5}
    assert opened.settings == FEW and opened.facts == learnt.facts
    assert any(one.entities for one in said) == (method != "plain")


def test_a_folder_is_whole_and_holds_no_pickle(task, examples, tiny_encoder, tmp_path):
    learnt = task.learn(tiny_encoder, examples, FEW)
    learnt.save(tmp_path / "out")
    assert verify(tmp_path / "out") == [] and verify(tmp_path / "out" / "model") == []
    assert {path.suffix for path in (tmp_path / "out").rglob("*.*")} <= {".json", ".safetensors"}
    card = read_card(tmp_path / "out", task.kind)
    assert card.facts["examples"] == 10 and card.facts["steps"] == 3 and card.facts["cut"] == 0
    assert str(tmp_path) not in (tmp_path / "out" / "card.json").read_text()
    opened = task.load(tmp_path / "out")
    said = torch.tensor(shares(learnt.predict(examples)))
    assert torch.allclose(torch.tensor(shares(opened.predict(examples))), said, atol=1e-4)


def test_it_learns_what_is_plain_to_see(task, examples, tiny_encoder):
    learnt = task.learn(tiny_encoder, examples, MANY)
    found = learnt.score(examples)
    assert found.accuracy == found.macro_f1 == found.micro_f1 == 1.0 and found.examples == 10
    assert found.f1 == {"fever": 1.0, "rash": 1.0}


def test_predictions(task, examples, tiny_encoder):
    """In the order asked for, whatever the lengths; shares sum to 1; the likeliest is the label."""
    learnt = task.learn(tiny_encoder, examples, FEW)
    said = learnt.predict(examples)
    for one in said:
        assert sum(one.probabilities.values()) == pytest.approx(1)
        assert one.probability == max(one.probabilities.values())
        assert one.triples == one.entities == () and not one.cut and not one.unseen
    alone = [learnt.predict([example])[0] for example in examples]
    assert torch.allclose(torch.tensor(shares(said)), torch.tensor(shares(alone)), atol=1e-4)
    assert learnt.predict([]) == []
    assert not torch.is_inference_mode_enabled() and not learnt.fused.training


def test_equal_seeds_are_equal(task, examples, tiny_encoder_folder):
    def learn(**others):
        torch.manual_seed(len(others))  # what others drew before makes no difference
        encoder = load_encoder(tiny_encoder_folder)
        return shares(task.learn(encoder, examples, FEW.model_copy(update=others)).predict(examples))

    assert learn() == learn(batch=4) != learn(seed=1)


def test_a_run_that_was_cut_off_is_gone_on_with(task, examples, tiny_encoder_folder, tmp_path):
    often = FEW.model_copy(
        update={"steps": 6, "loop": LOOP.model_copy(update={"checkpoint_every_s": 1e-9, "dropout": True})}
    )

    class Cut(Exception):
        pass

    def report(progress):
        steps.append(progress.step)
        if len(steps) == 4:
            raise Cut

    steps = []
    with pytest.raises(Cut):
        task.learn(
            load_encoder(tiny_encoder_folder), examples, often, checkpoints=tmp_path / "c", report=report
        )
    resumed = task.learn(
        load_encoder(tiny_encoder_folder), examples, often, checkpoints=tmp_path / "c", report=report
    )
    assert steps == [1, 2, 3, 4, 4, 5, 6]  # the fourth was cut before its checkpoint
    whole = task.learn(load_encoder(tiny_encoder_folder), examples, often)
    assert shares(resumed.predict(examples)) == shares(whole.predict(examples))
    assert resumed.facts["loss"] == whole.facts["loss"]


def test_a_label_that_was_not_learnt_is_counted(task, examples, tiny_encoder):
    learnt = task.learn(tiny_encoder, examples, FEW)
    found = learnt.score([*examples, replace(examples[0], label="new")])
    assert found.unlearnt == {"new": 1} and found.examples == 11 and found.f1["new"] == 0.0


def test_what_was_left_out_is_counted(task, examples, knowledge, tiny_encoder, caplog):
    """Longer texts, and knowledge that nothing is linked to."""
    longer = Example if task is Classifier else Pair
    text = "fever " * 20
    places = () if task is Classifier else ((0, 5), (114, 119))
    one = longer(text, *places, label="fever")
    host = tiny_encoder.model, tiny_encoder.tokenizer, knowledge
    links = [[] for _ in [one, *examples]]
    learnt = task.learn(wrap(*host), [one, *examples], FEW.model_copy(update={"max_tokens": 16}), links=links)
    unseen = int(task is RelationClassifier)
    assert learnt.facts["cut"] == 1 and learnt.facts["unseen"] == unseen and learnt.facts["linked"] == 0
    assert "facts_text reads knowledge, and none of 11 texts has a link" in caplog.text
    found = learnt.score([one, *examples], links=links)
    assert found.cut == 1 and found.unseen == unseen
    said = learnt.predict([one], links=[[]])[0]
    assert said.cut and said.unseen == unseen and sum(said.probabilities.values()) == pytest.approx(1)


def test_what_cannot_be_learnt_is_said(task, examples, tiny_encoder, knowledge):
    with pytest.raises(BadInput, match="there is no example"):
        task.learn(tiny_encoder, [], FEW)
    with pytest.raises(BadInput, match="all 5 examples have the label 'fever'"):
        task.learn(tiny_encoder, examples[::2], FEW)
    with pytest.raises(BadInput, match="1 of 10 have no label, the first is number 2"):
        task.learn(tiny_encoder, [*examples[:1], replace(examples[1], label=""), *examples[2:]], FEW)
    with pytest.raises(ValueError, match="links are needed"):
        task.learn(wrap(tiny_encoder.model, tiny_encoder.tokenizer, knowledge), examples, FEW)
    with pytest.raises(ValueError, match="there are links of 1 texts, and 10 texts"):
        task.learn(tiny_encoder, examples, FEW, links=[[]])


def test_what_cannot_be_scored_is_said(task, examples, tiny_encoder):
    learnt = task.learn(tiny_encoder, examples, FEW)
    with pytest.raises(BadInput, match="there is no example"):
        learnt.score([])
    with pytest.raises(BadInput, match="1 of 1 have no label"):
        learnt.score([replace(examples[0], label="")])


def test_what_cannot_be_opened_is_said(task, examples, tiny_encoder, knowledge, tiny_graph, tmp_path):
    host = tiny_encoder.model, tiny_encoder.tokenizer, knowledge
    folder = tmp_path / "out"
    task.learn(wrap(*host, linker=Linker.build(tiny_graph)), examples, FEW).save(folder)
    with pytest.raises(ValueError, match=rf"this {task.kind} reads knowledge by facts_text: give load\("):
        task.load(folder)
    other = next(one for one in TASKS if one is not task)
    with pytest.raises(WrongArtifact, match=f"this is a {task.kind}, not a {other.kind}"):
        other.load(folder, knowledge)
    labels = folder / "labels.json"
    for spoilt in ("{", json.dumps({"fever": 1}), "5"):
        labels.write_text(spoilt)
        with pytest.raises(WrongArtifact, match="the head cannot be read"):
            task.load(folder, Knowledge(tiny_graph))
    with pytest.raises(WrongArtifact, match="there is no card"):
        task.load(tmp_path / "nowhere")
