"""A run that is cut off, anywhere, goes on with the same command and ends as if nothing had been."""

import random
import shutil
import signal
import time
from pathlib import Path

import pytest

from loregraft.artifact import verify

STAGES = {
    "kg": "kg        ... ",
    "vectors": "vectors   ... ",
    "linking": "linking   ... ",
    "views": "views     ... ",
    "plan": "plan      ... ",
    "shuffled": "pretrain  ... shuffled",
    "grafted": "pretrain  ... grafted",
    "evaluate": "evaluate  ... ",
    "report": "report    ... ",
}
"""What stderr shows when a stage begins."""
RUN = ("run", "recipe.yaml")
SAVE_OFTEN = "\n  loop:\n    checkpoint_every_s: 0.000001"


def whole(out: Path) -> dict[str, list[str]]:
    """Give the problems of each folder that has a card and could be taken for whole."""
    return {str(card.parent): verify(card.parent) for card in out.rglob("card.json")} if out.exists() else {}


@pytest.fixture
def fresh_world(finished_world, essence):
    """A world whose run is to be cut off, and what the run must end with."""
    expected = essence(finished_world / "out")
    shutil.rmtree(finished_world / "out")
    return finished_world, expected


def finish(world, expected, commands, essence, nothing_half_written):
    ran = commands.run(*RUN, cwd=world)
    assert ran.code == 0, ran.err
    assert essence(world / "out") == expected
    assert nothing_half_written(world / "out") == []
    assert not any(whole(world / "out").values())


def test_killed_at_each_stage_in_turn_it_still_ends_the_same(
    fresh_world, commands, essence, nothing_half_written
):
    world, expected = fresh_world
    for shown in STAGES.values():
        running = commands.start(*RUN, cwd=world)
        assert running.until(shown), running.err
        assert running.end(signal.SIGKILL).code == -signal.SIGKILL
        assert not any(whole(world / "out").values())
    finish(world, expected, commands, essence, nothing_half_written)


@pytest.mark.slow
@pytest.mark.parametrize("stage", STAGES)
def test_killed_at_one_stage_it_ends_the_same(stage, fresh_world, commands, essence, nothing_half_written):
    world, expected = fresh_world
    running = commands.start(*RUN, cwd=world)
    assert running.until(STAGES[stage]), running.err
    running.end(signal.SIGKILL)
    assert not any(whole(world / "out").values())
    finish(world, expected, commands, essence, nothing_half_written)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_killed_at_random_times_it_ends_the_same(seed, fresh_world, commands, essence, nothing_half_written):
    world, expected = fresh_world
    chance = random.Random(seed)
    for _ in range(3):
        running = commands.start(*RUN, cwd=world)
        time.sleep(chance.uniform(0.05, 1.2))
        assert running.end(signal.SIGKILL).code in (0, -signal.SIGKILL)
        assert not any(whole(world / "out").values())
    finish(world, expected, commands, essence, nothing_half_written)


@pytest.fixture
def often_saved(fresh_world, commands, essence):
    """A fresh world whose recipe writes a checkpoint after every step, and what its run ends with."""
    world, _ = fresh_world
    recipe = world / "recipe.yaml"
    recipe.write_text(
        recipe.read_text(encoding="utf-8").replace("  steps: 6", f"  steps: 12{SAVE_OFTEN}"), encoding="utf-8"
    )
    assert commands.run(*RUN, cwd=world).code == 0
    expected = essence(world / "out")
    shutil.rmtree(world / "out")
    return world, expected


def test_killed_between_checkpoints_training_goes_on_and_ends_the_same(
    often_saved, commands, essence, nothing_half_written
):
    world, expected = often_saved
    checkpoint = world / "out" / ".model.checkpoints" / "step-000004"
    running = commands.start(*RUN, cwd=world)
    while not checkpoint.exists():
        time.sleep(0.001)
    running.end(signal.SIGKILL)
    saved = sorted(path.name for path in checkpoint.parent.glob("step-*"))
    assert saved, "the kill left something to go on from"
    if len(saved) > 1:  # a damaged newest checkpoint is passed over for the one before
        (checkpoint.parent / saved[-1] / "model.safetensors").write_bytes(b"damaged")
    finish(world, expected, commands, essence, nothing_half_written)


def test_checkpoints_of_a_run_killed_right_after_its_model_are_swept(
    finished_world, commands, nothing_half_written
):
    left = finished_world / "out" / ".model.checkpoints" / "step-000003"
    left.mkdir(parents=True)
    (left / "model.safetensors").write_bytes(b"old")
    assert commands.run(*RUN, cwd=finished_world).code == 0
    assert nothing_half_written(finished_world / "out") == []


@pytest.mark.parametrize(
    "stage", [pytest.param(stage, marks=[] if stage == "grafted" else pytest.mark.slow) for stage in STAGES]
)
def test_ctrl_c_says_how_to_go_on_and_it_does(stage, fresh_world, commands, essence, nothing_half_written):
    world, expected = fresh_world
    running = commands.start(*RUN, cwd=world)
    assert running.until(STAGES[stage])
    ended = running.end(signal.SIGINT)
    assert ended.code == 130, ended.err
    assert ended.err.endswith("interrupted; the same command goes on from here\n")
    assert "Traceback" not in ended.err
    assert [path for path in (world / "out").rglob("*.writing")] == []
    finish(world, expected, commands, essence, nothing_half_written)


def test_two_runs_in_one_folder_the_second_is_refused_at_once(fresh_world, commands):
    world, _ = fresh_world
    running = commands.start(*RUN, cwd=world)
    assert running.until(STAGES["kg"])
    second = commands.run(*RUN, cwd=world)
    assert second.code == 2
    assert "error: out: another loregraft process is using this folder. Wait for it" in second.err
    running.end(signal.SIGKILL)
