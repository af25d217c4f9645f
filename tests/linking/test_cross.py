"""Close calls: which they are, what reading them adds, and what is learned from labels."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from loregraft.artifact import read_card
from loregraft.errors import WrongArtifact
from loregraft.kg.graph import KnowledgeGraph
from loregraft.kg.tables.columns import Columns
from loregraft.linking.explain import explain
from loregraft.linking.formats import read
from loregraft.linking.formats.jsonl import write_jsonl
from loregraft.linking.formats.records import Annotated, Gold
from loregraft.linking.learning.cross import CloseCalls, teach
from loregraft.linking.learning.learn import learn_from_labels
from loregraft.linking.linker import Linker
from loregraft.linking.scoring.cross import MOST, CrossEncoder, close_calls
from loregraft.linking.scoring.features import FEATURES, Pool
from loregraft.records import Document, Mention
from loregraft.training.settings import LoopSettings

QUICK = LoopSettings(learning_rate=1e-3, new_learning_rate=0.3)
NAMES = [("a", "Asthma"), ("a", "Viral infection"), ("b", "Asthma"), ("b", "Headache"), ("c", "Fever")]
TEXT = "Asthma, fever and a rash."


@pytest.fixture(scope="module")
def graph():
    columns = {"entity": [id for id, _ in NAMES], "name": [name for _, name in NAMES]}
    return KnowledgeGraph.gather([Columns("names", columns)], source="test")


@pytest.fixture
def labelled():
    gold = [Gold(Mention(0, 6, "Asthma"), ("ab"[number % 2],)) for number in range(20)]
    return [Annotated(Document(str(number), TEXT), (one,)) for number, one in enumerate(gold)]


def pool_of(lengths):
    starts = np.r_[0, np.cumsum(lengths)].astype(np.int64)
    none, count = np.zeros(len(lengths), np.int64), int(starts[-1])
    matrix = np.zeros((count, len(FEATURES)), np.float32)
    return Pool(none, none, starts, np.arange(count), np.arange(count), matrix)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_close_calls_are_those_near_the_best_and_never_one_alone(data):
    lengths = data.draw(st.lists(st.integers(0, 12), min_size=1, max_size=4))
    scores = np.array(
        data.draw(st.lists(st.integers(-9, 9), min_size=sum(lengths), max_size=sum(lengths))), float
    )
    narrow = data.draw(st.sampled_from([0.5, 2.0, 30.0]))
    pool, expected = pool_of(lengths), []
    for first, last in zip(pool.starts[:-1].tolist(), pool.starts[1:].tolist(), strict=True):
        best = sorted(range(first, last), key=lambda row: (-scores[row], row))[:MOST]
        near = [row for row in best if scores[row] >= scores[best[0]] - narrow]
        expected += sorted(near) if len(near) > 1 else []
    assert close_calls(pool, scores, narrow).tolist() == expected


def test_before_it_learns_it_changes_nothing(graph, tiny_encoder):
    plain = Linker.build(graph)
    reading = replace(plain, cross=CrossEncoder.start(tiny_encoder))
    assert reading.links([TEXT]) == plain.links([TEXT])
    one, other = reading.judge([TEXT]), plain.judge([TEXT])
    assert one.scores.tobytes() == other.scores.tobytes()


def spoken(linker, encoder, weight):
    """A cross-encoder that says something."""
    cross = CrossEncoder.start(encoder)
    torch.nn.init.normal_(cross.head.weight, std=weight, generator=torch.Generator().manual_seed(0))
    return replace(linker, cross=cross)


def test_what_it_says_is_part_of_the_explanation_and_of_close_calls_alone(graph, tiny_encoder):
    linker = spoken(Linker.build(graph), tiny_encoder, 3.0)
    judged = linker.judge([TEXT])
    read = judged.pool.column("read")
    assert np.count_nonzero(read) == 2 and abs(read.sum()) < 1e-5  # asthma's two, less their mean
    found = explain(linker, TEXT)
    for thought in (thought for one in found for thought in one.thoughts):
        assert abs(sum(thought.gave.values()) - thought.score) < 1e-5
    assert any("read" in thought.gave for one in found for thought in one.thoughts)
    assert linker.with_settings(narrow=0).links([TEXT]) == Linker.build(graph).links([TEXT])


def test_it_reads_the_mention_the_candidate_and_the_text_around(graph, tiny_encoder):
    linker = spoken(Linker.build(graph), tiny_encoder, 1.0)
    judged = linker.judge(["x" * 300 + " asthma " + "y" * 300])
    rows = np.flatnonzero(judged.pool.column("read"))
    inputs = linker.cross.inputs_of(
        rows, judged.pool, judged.spans, ["x" * 300 + " asthma " + "y" * 300], linker.index
    )
    around = "x" * 199 + " asthma " + "y" * 199
    assert inputs == [
        f"asthma [SEP] Asthma; Viral infection [SEP] {around}",
        f"asthma [SEP] Asthma; Headache [SEP] {around}",
    ]
    ids = linker.cross._encoder.tokenize(inputs, 128).text(0).tolist()
    assert ids.count(tiny_encoder.tokenizer.sep_token_id) == 3, "the separators are tokens of their own"


def calls(right="fever", wrong="rash", mentions=24):
    """Each mention has two candidates, the worse one with more points before it is read."""
    inputs = [word for number in range(mentions) for word in (f"{right} {number}", f"{wrong} {number}")]
    scores = np.tile(np.array([0.0, 1.0], np.float32), mentions)
    return CloseCalls(inputs, scores, np.tile([True, False], mentions), np.arange(0, 2 * mentions + 1, 2))


def test_it_learns_to_tell_apart_what_the_scores_have_wrong(tiny_encoder):
    cross = CrossEncoder.start(tiny_encoder)
    before = {name: value.clone() for name, value in tiny_encoder.model.state_dict().items()}
    teach(cross, calls(), loop=QUICK)
    with torch.inference_mode():
        good, bad = cross(["fever 99", "rash 99"]).tolist()
    assert good - bad > 1
    assert all(torch.equal(before[name], value) for name, value in tiny_encoder.model.state_dict().items())


def test_a_loss_is_zero_where_the_right_one_is_far_ahead_and_nothing_is_learned_from_nothing(tiny_encoder):
    sure, told = replace(calls(), scores=np.tile(np.array([99.0, 0.0], np.float32), 24)), []
    teach(CrossEncoder.start(tiny_encoder), sure, report=lambda now: told.append(now.losses["choice"]))
    assert max(told) == 0
    cross = CrossEncoder.start(tiny_encoder)
    before = cross.sha256
    teach(cross, CloseCalls.joined([]))
    assert cross.sha256 == before


def test_a_run_that_was_cut_off_ends_with_the_same_weights(tiny_encoder, tmp_path):
    loop = QUICK.model_copy(update={"checkpoint_every_s": 1e-9})
    straight, resumed = CrossEncoder.start(tiny_encoder), CrossEncoder.start(tiny_encoder)
    teach(straight, calls(), loop=loop)

    def stop(now):
        if now.step == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        teach(CrossEncoder.start(tiny_encoder), calls(), loop=loop, checkpoints=tmp_path, report=stop)
    steps = []
    teach(resumed, calls(), loop=loop, checkpoints=tmp_path, report=lambda now: steps.append(now.step))
    assert steps[0] == 4 and resumed.sha256 == straight.sha256


def test_labels_teach_it_and_a_folder_keeps_it(graph, labelled, tiny_encoder, tmp_path):
    taught = learn_from_labels(Linker.build(graph), labelled, encoder=tiny_encoder)
    assert taught.weights.named["read"] == 1.0
    assert taught.cross.head.weight.abs().max() > 0, "asthma was a close call"
    taught.save(tmp_path / "linker")
    opened = Linker.load(tmp_path / "linker")
    one, other = (linker.judge([TEXT]) for linker in (taught, opened))
    assert one.scores.tobytes() == other.scores.tobytes() and np.any(one.pool.column("read"))
    replace(taught, cross=None).save(tmp_path / "plain")
    assert read_card(tmp_path / "plain").key != read_card(tmp_path / "linker").key
    (tmp_path / "linker" / "cross" / "head.safetensors").write_bytes(b"no")
    with pytest.raises(WrongArtifact, match="not the head of this encoder"):
        Linker.load(tmp_path / "linker")
    again = learn_from_labels(opened, labelled)
    assert again.cross is None, "what it read is not learned from twice"


def test_processes_read_too(graph, tiny_encoder):
    linker = spoken(Linker.build(graph), tiny_encoder, 3.0)
    assert list(linker.pipe([TEXT] * 4, workers=2, batch=2)) == linker.links([TEXT] * 4)


def test_the_command_needs_labels_and_says_what_it_does(
    commands, graph, labelled, tiny_encoder_folder, tmp_path
):
    Linker.build(graph).save(tmp_path / "linker")
    (tmp_path / "plain.txt").write_text(TEXT + "\n")
    encoder = str(tiny_encoder_folder)
    told = commands.run("link", "fit", "linker", "plain.txt", "out", "--cross", encoder, cwd=tmp_path)
    assert told.code == 2 and "no labels in it to learn to read close calls from" in told.err
    sure = [Annotated(Document(str(n), "Fever."), (Gold(Mention(0, 5, "Fever"), ("c",)),)) for n in range(5)]
    write_jsonl(sure, tmp_path / "sure.jsonl")
    told = commands.run("link", "fit", "linker", "sure.jsonl", "plain", "--cross", encoder, cwd=tmp_path)
    assert told.code == 0 and "no mention was a close call" in told.out.replace("\n", " ")
    assert not (tmp_path / "plain" / "cross").exists()
    write_jsonl(labelled, tmp_path / "train.jsonl")
    assert len(list(read(tmp_path / "train.jsonl"))) == 20
    told = commands.run("link", "fit", "linker", "train.jsonl", "out", "--cross", encoder, cwd=tmp_path)
    assert told.code == 0, told.err
    assert "learning to read close calls: 100 %" in told.err
    assert (tmp_path / "out" / "cross" / "config.json").exists() and not list(tmp_path.glob(".out*"))
    told = commands.run("link", "run", "out", "plain.txt", cwd=tmp_path)
    assert told.code == 0 and "Asthma" in told.out
