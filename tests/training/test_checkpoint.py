"""Checkpoints: only whole ones of the same run are trusted, and only the newest are kept."""

import json

import pytest
import torch

from loregraft.artifact import verify
from loregraft.errors import CannotWrite
from loregraft.training.checkpoint import KEEP, load_checkpoint, save_checkpoint


def made(seed=0):
    """A small model after two steps of AdamW, so that there is a state to keep."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.LayerNorm(4))
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    for _ in range(2):
        model(torch.randn(5, 3)).sum().backward()
        optimizer.step()
        optimizer.zero_grad()
    return model, optimizer


def state(model, optimizer):
    tensors = [*model.state_dict().values()]
    kept = optimizer.state_dict()["state"]
    tensors += [kept[index][name] for index in sorted(kept) for name in sorted(kept[index])]
    return [tensor.tolist() for tensor in tensors]


def saved(folder, *steps, key="key"):
    """Save checkpoints whose weights differ from step to step."""
    for step in steps:
        save_checkpoint(folder, step, key, *made(step), {"tokens": 10 * step})


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_what_was_saved_comes_back(tmp_path):
    saved(tmp_path, 7)
    assert verify(tmp_path / "step-000007") == []
    model, optimizer = made(seed=99)
    assert state(model, optimizer) != state(*made(7))
    step, facts = load_checkpoint(tmp_path, "key", model, optimizer)
    assert (step, facts["tokens"]) == (7, 70)
    assert state(model, optimizer) == state(*made(7))
    assert optimizer.param_groups[0]["lr"] == 0.1


def test_there_is_none(tmp_path):
    assert load_checkpoint(tmp_path / "nothing", "key", *made()) == (0, {})


def test_the_newest_are_kept(tmp_path):
    assert KEEP == 2
    saved(tmp_path, 1, 2, 3, 10, 11)
    assert names(tmp_path) == ["step-000010", "step-000011"]


def flip_a_byte(folder):
    path = folder / "optimizer.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def truncate(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-5])


def remove_file(folder):
    (folder / "model.safetensors").unlink()


def remove_card(folder):
    (folder / "card.json").unlink()


def spoil_card(folder):
    (folder / "card.json").write_text('{"kind": ')


DAMAGES = [flip_a_byte, truncate, remove_file, remove_card, spoil_card]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_one_is_skipped_and_the_older_one_used(tmp_path, caplog, damage):
    saved(tmp_path, 4, 5)
    damage(tmp_path / "step-000005")
    model, optimizer = made()
    assert load_checkpoint(tmp_path, "key", model, optimizer)[0] == 4
    assert state(model, optimizer) == state(*made(4))
    (warning,) = [record for record in caplog.records if record.levelname == "WARNING"]
    assert "skipped" in warning.getMessage() and "step-000005" in warning.getMessage()


def test_all_damaged_means_none_and_the_model_is_as_it_was(tmp_path):
    saved(tmp_path, 4, 5)
    flip_a_byte(tmp_path / "step-000005")
    truncate(tmp_path / "step-000004")
    model, optimizer = made()
    assert load_checkpoint(tmp_path, "key", model, optimizer) == (0, {})
    assert state(model, optimizer) == state(*made())


def test_that_of_another_run_is_skipped(tmp_path, caplog):
    saved(tmp_path, 4)
    saved(tmp_path, 5, key="other")
    assert load_checkpoint(tmp_path, "key", *made())[0] == 4
    assert "belongs to another run" in caplog.text


def test_an_artifact_of_another_kind_is_skipped(tmp_path, caplog):
    saved(tmp_path, 4)
    card = tmp_path / "step-000004" / "card.json"
    card.write_text(json.dumps(json.loads(card.read_text()) | {"kind": "model"}))
    assert load_checkpoint(tmp_path, "key", *made()) == (0, {})
    assert "this is a model, not a checkpoint" in caplog.text


def test_a_new_run_keeps_its_own_and_not_those_of_an_older_run_that_was_further(tmp_path):
    """Were the highest numbers kept, a run with new settings could not be resumed before step 200."""
    saved(tmp_path, 100, 200, key="old")
    saved(tmp_path, 10, key="new")
    assert names(tmp_path) == ["step-000010"]
    assert load_checkpoint(tmp_path, "new", *made())[0] == 10
    saved(tmp_path, 20, 30, key="new")
    assert names(tmp_path) == ["step-000020", "step-000030"]


def test_a_file_in_the_way_is_told(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(CannotWrite, match="a file is in the way"):
        saved(tmp_path / "file", 1)
