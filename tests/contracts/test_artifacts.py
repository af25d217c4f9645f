"""The artifact contract, over every folder that a run writes: intact, told apart, found out when spoilt."""

import json
import random
import shutil
from pathlib import Path

import pytest
import torch

from loregraft.artifact import CARD, FORMAT, is_current, read_card, sha256_file, verify
from loregraft.errors import WrongArtifact
from loregraft.training.checkpoint import save_checkpoint

FOLDERS = {
    "graph": "graph",
    "vectors": "vectors",
    "ranking": "ranking",
    "links": "links",
    "model": "model",
    "arms/shuffled-0": "model",
    "answers/exact": "answers",
    "answers/ngram": "answers",
    "answers/untouched": "answers",
    "answers/shuffled-0": "answers",
    "answers/grafted-0": "answers",
    "checkpoints/step-000003": "checkpoint",
}
"""Where each lies -> its kind."""


@pytest.fixture(params=FOLDERS)
def artifact(request, finished_world) -> tuple[Path, str]:
    out = finished_world / "out"
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    save_checkpoint(out / "checkpoints", 3, "key", model, optimizer, {"loss": []})
    return out / request.param, FOLDERS[request.param]


def files_of(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file() and file.name != CARD)


def test_every_folder_that_a_run_writes_is_in_this_contract(finished_world):
    out = finished_world / "out"
    written = {card.parent.relative_to(out).as_posix() for card in out.rglob(CARD)}
    assert written == {name for name, kind in FOLDERS.items() if kind != "checkpoint"}


def test_the_card_says_what_the_folder_is(artifact):
    folder, kind = artifact
    card = read_card(folder, kind)
    assert card.key and card.format == FORMAT and "loregraft" in card.packages
    assert card.outputs == {
        file.relative_to(folder).as_posix(): sha256_file(file) for file in files_of(folder)
    }
    assert card.outputs, "it holds something"
    assert verify(folder) == []
    assert is_current(folder, kind, card.key)
    assert not is_current(folder, kind, f"{card.key}x")


def test_the_card_names_no_place_of_the_machine(artifact, tmp_path):
    text = (artifact[0] / CARD).read_text(encoding="utf-8")
    assert str(tmp_path.parent) not in text and str(Path.home()) not in text
    assert "/tmp/" not in text


def test_another_kind_is_refused(artifact):
    folder, kind = artifact
    for other in set(FOLDERS.values()) - {kind}:
        with pytest.raises(WrongArtifact, match=f"this is a {kind}, not a {other}"):
            read_card(folder, other)


def test_a_newer_format_is_refused(artifact):
    folder, kind = artifact
    card = json.loads((folder / CARD).read_text(encoding="utf-8"))
    (folder / CARD).write_text(json.dumps(card | {"format": FORMAT + 1}), encoding="utf-8")
    with pytest.raises(WrongArtifact, match="newer loregraft"):
        verify(folder)
    assert not is_current(folder, kind, card["key"])


def test_every_spoilt_file_is_found(artifact):
    folder, _ = artifact
    chance = random.Random(0)
    for file in files_of(folder):
        name, content = file.relative_to(folder).as_posix(), file.read_bytes()
        for _ in range(5):
            spoilt = bytearray(content)
            spoilt[chance.randrange(len(content))] ^= 1 << chance.randrange(8)
            file.write_bytes(spoilt)
            assert verify(folder) == [f"{name}: changed since it was written"]
        for wrong in (content[:-1], b"", content + b"\0"):
            file.write_bytes(wrong)
            assert verify(folder) == [f"{name}: changed since it was written"]
        file.unlink()
        assert verify(folder) == [f"{name}: missing"]
        file.write_bytes(content)
    assert verify(folder) == []


def test_an_extra_file_is_found_and_a_moved_folder_is_the_same(artifact, tmp_path):
    folder, kind = artifact
    moved = Path(shutil.move(folder, tmp_path / "elsewhere"))
    assert verify(moved) == [] and read_card(moved, kind)
    (moved / "extra").write_text("")
    assert verify(moved) == ["extra: not listed in the card"]
