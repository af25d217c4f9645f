"""Cuts training off in every way there is, and prints as JSON what the resumed runs ended with.

Run by test_faults.py, once. Torch is imported once; each case is a fork of its own, and each kill is
a real SIGKILL.
"""

import json
import os
import random
import resource
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from loregraft.artifact import verify
from loregraft.errors import CannotWrite
from loregraft.training import checkpoint
from loregraft.training.loop import fit
from loregraft.training.settings import LoopSettings

STEPS = 4
OFTEN = LoopSettings(learning_rate=0.05, dropout=True, bf16=False, checkpoint_every_s=1e-9)
CHANGES = ("open", "os.mkdir", "os.rename", "os.remove", "os.rmdir", "shutil.rmtree")


def model() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = torch.nn.Linear(4, 8), torch.nn.Tanh(), torch.nn.Dropout(0.2), torch.nn.Linear(8, 1)
    return torch.nn.Sequential(*layers)


def train(checkpoints: Path, pause_s: float = 0.0, steps: int = STEPS) -> str:
    """Train to the end and give the weights as text."""
    trained = model()

    def step_loss(step: int) -> tuple[dict[str, torch.Tensor], int]:
        time.sleep(pause_s)
        inputs = torch.randn(16, 4, generator=torch.Generator().manual_seed(step))
        return {"square": (trained(inputs)[:, 0] - inputs.sum(1)).square().mean()}, 16

    fit(trained, step_loss, steps, OFTEN, seed=3, key="toy", checkpoints=checkpoints)
    return repr([tensor.tolist() for tensor in trained.state_dict().values()])


def forked(work: Callable[[], object]) -> tuple[int, str]:
    """Run in a fork; give its exit code (minus the signal that ended it) and what it returned."""
    reading, writing = os.pipe()
    process = os.fork()
    if not process:
        code = 1
        try:
            os.write(writing, str(work()).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read()
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), said


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def killed_at_change(checkpoints: Path, number: int) -> str:
    """Train, and die before the given change to the files of the checkpoints."""
    left = number

    def watch(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in CHANGES and isinstance(arguments[0], (str, Path)):
            left -= str(checkpoints) in str(arguments[0])
            if left < 0:
                die()

    sys.addaudithook(watch)
    return train(checkpoints)


def killed_while_writing(checkpoints: Path, number: int) -> str:
    """Train, and die when half of the given tensor file is written."""
    save, left = checkpoint.save_file, number

    def half(tensors: dict[str, torch.Tensor], path: Path) -> None:
        nonlocal left
        save(tensors, path)
        if not left:
            os.truncate(path, path.stat().st_size // 2)
            die()
        left -= 1

    checkpoint.save_file = half
    return train(checkpoints)


def resumed(checkpoints: Path) -> str:
    """Give the weights after the run has gone on to its end; "damaged" if a checkpoint is half written."""
    if any(verify(path) for path in checkpoints.glob("step-*") if (path / "card.json").exists()):
        return "damaged"
    return forked(lambda: train(checkpoints))[1]


def cut_off(folder: Path, kill: Callable[[Path, int], str]) -> dict[str, object]:
    """Kill at the first, second, ... place until there is none left."""
    ends = []
    for number in range(500):
        checkpoints = folder / str(number)
        code, _ = forked(lambda number=number, checkpoints=checkpoints: kill(checkpoints, number))
        if code == 0:
            break
        assert code == -signal.SIGKILL, code
        ends.append(resumed(checkpoints))
        shutil.rmtree(checkpoints, ignore_errors=True)
    return {"places": len(ends), "ends": sorted(set(ends))}


def cut_off_by_chance(folder: Path) -> dict[str, object]:
    """Kill one run from outside, again and again, until it comes to its end."""
    chance, kills = random.Random(0), 0
    while True:
        process = os.fork()
        if not process:
            train(folder, 0.005, steps=30)
            os._exit(0)
        time.sleep(chance.uniform(0.02, 0.1))
        os.kill(process, signal.SIGKILL)
        if os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) == 0:
            break
        kills += 1
        if kills == 8:
            break
    return {"kills": kills, "end": forked(lambda: train(folder, steps=30))[1]}


def full_disk(folder: Path) -> str:
    """Write a checkpoint, fill the disk, write another; tell what was raised and what is left."""
    small, large = torch.nn.Linear(4, 4), torch.nn.Linear(200, 200)
    optimizer = torch.optim.AdamW(small.parameters())
    checkpoint.save_checkpoint(folder, 1, "key", small, optimizer, {})
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
    try:
        checkpoint.save_checkpoint(folder, 2, "key", large, optimizer, {})
        found = "nothing was raised"
    except CannotWrite as error:
        found = str(error)
    left = {path.name: verify(path) for path in folder.iterdir()}
    step, _ = checkpoint.load_checkpoint(folder, "key", small, optimizer)
    return json.dumps({"error": found, "left": left, "step": step})


def main(folder: Path) -> None:
    json.dump(
        {
            "whole": train(folder / "whole"),
            "whole of 30": train(folder / "whole of 30", steps=30),
            "killed at each change": cut_off(folder / "change", killed_at_change),
            "killed while writing": cut_off(folder / "writing", killed_while_writing),
            "killed by chance": cut_off_by_chance(folder / "chance"),
            "full disk": json.loads(forked(lambda: full_disk(folder / "full"))[1]),
        },
        sys.stdout,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
