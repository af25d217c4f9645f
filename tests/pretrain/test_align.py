"""Pre-training from end to end on made-up worlds: it learns what is there and nothing where nothing is."""

import hashlib
import itertools
import random

import numpy as np
import pytest

from loregraft.encoder.encode import encode
from loregraft.encoder.load import load_encoder
from loregraft.evaluate.controls import shuffle_views
from loregraft.pretrain.align import make_step_loss, plan_steps, prepare, pretrain
from loregraft.pretrain.settings import PretrainSettings
from loregraft.pretrain.views import Views
from loregraft.training.settings import LoopSettings

LOOP = LoopSettings(learning_rate=3e-3, bf16=False)
SETTINGS = PretrainSettings(batch=24, group=4, max_tokens=12, anchor_texts=4, loop=LOOP)
SENTENCES = ["The fever often comes with chills.", "Light makes it worse.", "It spreads over the body."]


class World:
    """64 concepts "sign site", each with two synonyms in other words for the same signs and sites.

    Every fourth concept is held out. Its words are known from other concepts, so who has learned
    what the words mean finds it, and who has not cannot: the synonyms share no word with the names.
    """

    def __init__(self, encoder):
        words = sorted(w for w in encoder.tokenizer.get_vocab() if w.isascii() and w.isalpha() and len(w) > 2)
        words = random.Random(0).sample(words, 48)
        sign, site, sign_lay, site_lay, sign_other, site_other = (words[8 * i : 8 * i + 8] for i in range(6))
        places = list(itertools.product(range(8), range(8)))
        self.preferred = [f"{sign[a]} {site[b]}" for a, b in places]
        self.lay = [f"{site_lay[b]} {sign_lay[a]}" for a, b in places]
        other = [f"{sign_other[a]} of {site_other[b]}" for a, b in places]
        self.held_out = [i for i, (a, b) in enumerate(places) if (a + b) % 4 == 0]
        self.train = [i for i in range(64) if i not in self.held_out]
        rows = [
            row
            for i in self.train
            for row in ((i, self.preferred[i], "preferred"), (i, self.lay[i], "lay"), (i, other[i], "exact"))
        ]
        concepts, texts, kinds = zip(*rows, strict=True)
        self.views = Views(np.array(concepts, np.int64), texts, kinds, ("made",) * len(rows), {})

    def accuracy(self, encoder, concepts):
        """Acc@1 of lay names among the preferred names of all 64."""
        queries = encode(encoder, [self.lay[i] for i in concepts])
        found = (queries @ encode(encoder, self.preferred).T).argmax(axis=1)
        return float(np.mean(found == concepts))


@pytest.fixture
def world(tiny_encoder):
    return World(tiny_encoder)


def train(encoder, views, folder, steps, settings=SETTINGS, seed=0, report=lambda progress: None):
    ready = prepare(encoder, views, SENTENCES, settings)
    return pretrain(
        encoder, views, ready, settings, steps=steps, seed=seed, checkpoints=folder, report=report
    )


def sha256(encoder):
    tensors = sorted(encoder.model.state_dict().items())
    return hashlib.sha256(b"".join(tensor.numpy().tobytes() for _, tensor in tensors)).hexdigest()


def test_it_learns_what_the_graph_knows_and_nothing_from_a_shuffled_one(
    tiny_encoder, tiny_encoder_folder, world, tmp_path
):
    before = world.accuracy(tiny_encoder, world.train), world.accuracy(tiny_encoder, world.held_out)
    trained = train(tiny_encoder, world.views, tmp_path / "grafted", steps=150)
    assert trained.loss[-1][1] < 0.5 * trained.loss[0][1]
    after = world.accuracy(tiny_encoder, world.train), world.accuracy(tiny_encoder, world.held_out)
    assert before[0] < 0.2 and after[0] > 0.8
    assert before[1] < 0.2 and after[1] > 0.6

    control = load_encoder(tiny_encoder_folder)
    train(control, shuffle_views(world.views, seed=0), tmp_path / "shuffled", steps=150)
    assert world.accuracy(control, world.train) < 0.2
    assert world.accuracy(control, world.held_out) < 0.2


def test_names_of_random_words_are_learned_by_heart(tiny_encoder, tmp_path):
    """60 concepts whose three names have nothing in common: the loss falls, held-in Acc rises."""
    syllables, chance = ["fe", "ver", "ra", "sh", "mi", "gra", "ne", "flu", "vi", "ral"], random.Random(1)
    names = sorted({"".join(chance.choices(syllables, k=3)) for _ in range(400)})
    names = chance.sample(names, 180)
    kinds = ("preferred", "exact", "lay") * 60
    views = Views(np.repeat(np.arange(60), 3), tuple(names), kinds, ("made",) * 180, {})

    def accuracy():
        vectors = encode(tiny_encoder, names)
        return float(np.mean((vectors[2::3] @ vectors[::3].T).argmax(axis=1) == np.arange(60)))

    before = accuracy()
    trained = train(tiny_encoder, views, tmp_path, steps=150)
    losses = [loss for _, loss in trained.loss]
    assert np.mean(losses[-10:]) < 0.7 * np.mean(losses[:10])
    assert accuracy() > before + 0.2


class Cut(Exception):
    pass


@pytest.mark.parametrize("dropout", [False, True])
def test_a_run_that_was_cut_off_ends_with_the_same_bits(tiny_encoder_folder, world, tmp_path, dropout):
    loop = LOOP.model_copy(update={"dropout": dropout, "checkpoint_every_s": 1e-9})
    settings = SETTINGS.model_copy(update={"loop": loop})
    whole, cut, resumed = (load_encoder(tiny_encoder_folder) for _ in range(3))
    expected = train(whole, world.views, tmp_path / "whole", 6, settings)

    def stop(progress):
        if progress.step == 4:
            raise Cut

    with pytest.raises(Cut):
        train(cut, world.views, tmp_path / "cut", 6, settings, report=stop)
    steps = []
    found = train(
        resumed, world.views, tmp_path / "cut", 6, settings, report=lambda told: steps.append(told.step)
    )
    assert steps == [4, 5, 6]
    assert sha256(resumed) == sha256(whole)
    assert (found.loss, found.tokens) == (expected.loss, expected.tokens)


@pytest.mark.parametrize("changed", ["texts", "kinds", "sources", "seed", "settings"])
def test_a_checkpoint_of_another_lesson_is_not_used(tiny_encoder_folder, world, tmp_path, changed):
    loop = LOOP.model_copy(update={"checkpoint_every_s": 1e-9})
    settings = SETTINGS.model_copy(update={"loop": loop})
    train(load_encoder(tiny_encoder_folder), world.views, tmp_path, 3, settings)
    views, seed, steps = world.views, 0, []
    if changed == "seed":
        seed = 1
    elif changed == "settings":
        settings = settings.model_copy(update={"temperature": 0.06})
    else:
        column = getattr(views, changed)
        views = Views(**{**vars(views), changed: (*column[:-1], f"{column[-1]} changed")})
    train(
        load_encoder(tiny_encoder_folder),
        views,
        tmp_path,
        3,
        settings,
        seed,
        report=lambda told: steps.append(told.step),
    )
    assert steps == [1, 2, 3]


def test_losses_of_a_step(tiny_encoder, world):
    """Untouched, plain sentences are where they were: the anchor's loss is 0. Equal steps, equal losses."""
    ready = prepare(tiny_encoder, world.views, SENTENCES, SETTINGS.model_copy(update={"anchor": 2.0}))
    step_loss = make_step_loss(tiny_encoder, world.views, ready, SETTINGS, seed=0)
    losses, tokens = step_loss(0)
    assert losses.keys() == {"alignment", "anchor"}
    assert losses["alignment"].item() > 0
    assert abs(losses["anchor"].item()) < 1e-2  # vectors of the preparation may be bfloat16's
    assert tokens > 24 * 2 * 3  # pairs, texts and at least three tokens each
    assert step_loss(0)[0]["alignment"].item() == losses["alignment"].item()
    assert step_loss(1)[0]["alignment"].item() != losses["alignment"].item()


def test_without_an_anchor(tiny_encoder, world):
    settings = SETTINGS.model_copy(update={"anchor": 0.0})
    ready = prepare(tiny_encoder, world.views, SENTENCES, settings)
    assert ready.sentences == () and ready.anchors.shape == (0, 32)
    losses, _ = make_step_loss(tiny_encoder, world.views, ready, settings, seed=0)(0)
    assert losses.keys() == {"alignment"}


def test_preparation(tiny_encoder, world):
    """One vector for each paired concept; plain sentences evenly among the sorted ones, each once."""
    settings = SETTINGS.model_copy(update={"anchor_pool": 3})
    shares = []
    sentences = ["f", "b", "a", "c", "d", "e", "a"]
    ready = prepare(tiny_encoder, world.views, sentences, settings, progress=shares.append)
    assert ready.heads.shape == (48, 32)
    assert ready.sentences == ("a", "c", "e")
    assert ready.anchors.shape == (3, 32)
    assert shares[-1] == pytest.approx(1.0) and shares == sorted(shares)


def test_planning_leaves_the_encoder_as_it_was(tiny_encoder, world):
    kept = sha256(tiny_encoder)
    ready = prepare(tiny_encoder, world.views, SENTENCES, SETTINGS)
    minute, two = (
        plan_steps(
            tiny_encoder, world.views, ready, SETTINGS.model_copy(update={"minutes": minutes, "batch": 4})
        )
        for minutes in (1, 2)
    )
    assert 60 < minute < 60_000 and two > minute / 3
    assert sha256(tiny_encoder) == kept
