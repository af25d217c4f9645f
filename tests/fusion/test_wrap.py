"""Wrapping: stock heads, transformers' own Trainer, folders, and what is refused."""

import json
import logging

import pytest
import torch
from transformers import AutoModel, AutoModelForSequenceClassification, AutoTokenizer

from loregraft.errors import BadInput, WrongArtifact
from loregraft.fusion.facts_text import FactsTextSettings
from loregraft.fusion.folder import load_fused, save_fused
from loregraft.fusion.knowledge import Knowledge
from loregraft.fusion.wrap import wrap
from loregraft.kge.vectors import Vectors
from loregraft.linking.linker import Linker
from loregraft.records import Link, Mention


@pytest.fixture
def classifier(tiny_encoder_folder):
    torch.manual_seed(0)
    model = AutoModelForSequenceClassification.from_pretrained(tiny_encoder_folder, num_labels=2)
    return model, AutoTokenizer.from_pretrained(tiny_encoder_folder)


def examples(texts, links):
    return [
        {"text": t, "links": f, "label": row % 2} for row, (t, f) in enumerate(zip(texts, links, strict=True))
    ]


@pytest.mark.parametrize("method", ["facts_text", "entity_layer"])
def test_a_stock_head_trains_with_transformers_own_trainer(
    method, classifier, knowledge, linked_texts, tmp_path
):
    """And is saved by it as any model, evaluated with a loss, and opened again from our folder."""
    from transformers import Trainer, TrainingArguments

    fused = wrap(*classifier, knowledge, method=method)
    data = examples(*linked_texts) * 4
    before = {name: value.clone() for name, value in fused.state_dict().items()}
    arguments = TrainingArguments(
        output_dir=str(tmp_path / "trainer"),
        max_steps=6,
        per_device_train_batch_size=6,
        learning_rate=1e-2,
        remove_unused_columns=False,
        report_to="none",
        use_cpu=True,
        save_strategy="no",
        disable_tqdm=True,
    )
    trainer = Trainer(
        model=fused, args=arguments, train_dataset=data, eval_dataset=data, data_collator=fused.collate
    )
    trainer.train()
    assert trainer.evaluate()["eval_loss"] < 1.0
    after = fused.state_dict()
    assert not torch.equal(after["model.classifier.weight"], before["model.classifier.weight"])
    if method != "facts_text":
        changed = [
            name for name in after if name.startswith("method.") and (after[name] != before[name]).any()
        ]
        assert changed
    save_fused(fused.eval(), tmp_path / "fused")
    opened = load_fused(tmp_path / "fused", knowledge)
    batch = fused.collate(examples(*linked_texts))
    with torch.inference_mode():
        assert torch.equal(opened(**batch).logits, fused(**batch).logits)


def test_the_folder_opens_without_loregraft(classifier, knowledge, tmp_path):
    save_fused(wrap(*classifier, knowledge, method="facts_text"), tmp_path / "fused")
    stock = AutoModelForSequenceClassification.from_pretrained(tmp_path / "fused")
    for name, value in classifier[0].state_dict().items():
        assert torch.equal(stock.state_dict()[name], value)
    told = json.loads((tmp_path / "fused" / "knowledge" / "method.json").read_text())
    assert told["method"] == "facts_text" and told["settings"]["budget"] == 64


def test_a_linker_finds_what_is_not_given(classifier, tiny_graph):
    fused = wrap(*classifier, Knowledge(tiny_graph), linker=Linker.build(tiny_graph)).eval()
    inputs = fused.prepare(["Rubeola comes with pyrexia"])
    names = {tiny_graph.id_at(entity) for entity in inputs.entities[0]}
    assert names == {"D:1", "P:1"}
    said = fused.tokenizer.decode(inputs.tensors["input_ids"][0])
    assert "exanthem" in said.lower()


def test_an_edit_of_the_graph_counts_at_once(classifier, tiny_graph, linked_texts):
    """Without training: the fact is written, and after its removal it is not."""
    from loregraft.kg.tables.columns import Columns

    texts, links = linked_texts
    fused = wrap(*classifier, Knowledge(tiny_graph)).eval()
    assert "exanthem" in fused.tokenizer.decode(fused.prepare(texts, links).tensors["input_ids"][0]).lower()
    ids = [entity for entity in tiny_graph.ids if entity != "P:5"]
    columns = [
        Columns("entities", {"id": ids, "type": ["thing"] * len(ids)}),
        Columns("triples", {"head": ["D:1"], "relation": ["is_a"], "tail": ["D:4"]}),
    ]
    edited = type(tiny_graph).gather(columns)
    fused.with_knowledge(Knowledge(edited))
    inputs = fused.prepare(texts, links)
    assert "exanthem" not in fused.tokenizer.decode(inputs.tensors["input_ids"][0]).lower()
    assert inputs.lost == 1


def test_longer_texts_lose_their_end_and_that_is_told(classifier, knowledge, caplog):
    fused = wrap(*classifier, knowledge).eval()
    text = "fever and rash " * 100
    with caplog.at_level(logging.WARNING):
        inputs = fused.prepare([text, "short"], [[], []])
    most = fused.host.max_tokens
    assert inputs.cut == 1 and inputs.tensors["input_ids"].shape[1] == most == 160
    assert f"1 of 2 texts lost what is beyond {most} tokens" in caplog.text


def test_longer_texts_are_read_in_windows_where_asked(classifier, knowledge):
    """Nothing is lost, and each row says which text it is of."""
    fused = wrap(*classifier, knowledge).eval()
    text = "fever and rash " * 100 + "measles"
    link = Link(Mention(len(text) - 7, len(text), "measles"), "D:1", 1.0)
    inputs = fused.prepare(["short", text], [[], [link]], in_windows=True)
    assert inputs.cut == 0 and inputs.lost == 0 and inputs.texts == (0, *[1] * (len(inputs.texts) - 1))
    assert len(inputs.texts) > 2 and inputs.entities[-1] == (knowledge.graph.index("D:1"),)
    assert inputs.tensors["input_ids"].shape[1] <= fused.host.max_tokens


def test_what_is_wrong_is_said(classifier, knowledge, tiny_graph, linked_texts, tmp_path):
    texts, _ = linked_texts
    with pytest.raises(ValueError, match=r"no method 'fact_text'\. Did you mean 'facts_text'"):
        wrap(*classifier, knowledge, method="fact_text")
    with pytest.raises(ValueError, match="plain takes PlainSettings, not FactsTextSettings"):
        wrap(*classifier, knowledge, method="plain", settings=FactsTextSettings())
    with pytest.raises(ValueError, match=r"links are needed: pass them, or wrap\("):
        wrap(*classifier, knowledge).prepare(texts)
    vectors = knowledge.vectors
    foreign = Vectors(
        vectors.tables, [f"X{id}" for id in vectors.ids], vectors.relation_ids, vectors.settings, ""
    )
    with pytest.raises(BadInput, match="none of the 12 entities of the graph is among the vectors"):
        Knowledge(tiny_graph, foreign)


def test_other_vectors_than_it_learned_with_are_refused(classifier, knowledge, tmp_path):
    from loregraft.kge.tables import Tables

    save_fused(wrap(*classifier, knowledge, method="entity_layer"), tmp_path / "fused")
    given = knowledge.vectors
    settings = given.settings.model_copy(update={"seed": 1})
    tables = Tables.start(len(given.ids), len(given.relation_ids), settings)
    other = Vectors(tables, given.ids, given.relation_ids, settings, "")
    with pytest.raises(WrongArtifact, match="learned with other entity vectors"):
        load_fused(tmp_path / "fused", Knowledge(knowledge.graph, other))


def test_a_damaged_folder_is_refused(classifier, knowledge, tmp_path):
    folder = tmp_path / "fused"
    save_fused(wrap(*classifier, knowledge), folder)
    (folder / "knowledge" / "method.json").write_text("{")
    with pytest.raises(WrongArtifact, match="cannot be read"):
        load_fused(folder, knowledge)


def test_a_bare_encoder_is_wrapped_too(tiny_encoder_folder, knowledge, linked_texts):
    model = AutoModel.from_pretrained(tiny_encoder_folder).eval()
    fused = wrap(model, AutoTokenizer.from_pretrained(tiny_encoder_folder), knowledge).eval()
    inputs = fused.prepare(*linked_texts)
    assert inputs.added > 0
    assert fused(**inputs.tensors).last_hidden_state.shape[:2] == inputs.tensors["input_ids"].shape
