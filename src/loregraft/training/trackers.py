"""Trackers: each step's figures for tensorboard, wandb, mlflow or trackio too, through accelerate.

The lines of `steps.jsonl` are always written; these are for who watches runs in such a tool.
"""

import importlib.util
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from loregraft.errors import MissingExtra

Tracker = Literal["tensorboard", "wandb", "mlflow", "trackio"]
Tell = Callable[[Mapping[str, float], int], object]


@contextmanager
def tracking(names: Sequence[Tracker], folder: Path, config: Mapping[str, object]) -> Iterator[Tell]:
    """Give a function that tells trackers figures by name, and the step; without trackers it tells nobody.

    Args:
        folder: Where trackers that write files do so.
        config: The run's settings.

    Raises:
        MissingExtra: A tracker is not installed.
    """
    if not names:
        yield lambda figures, step: None
        return
    for name in names:
        if importlib.util.find_spec(name) is None:
            raise MissingExtra(name, "track")
    from accelerate import Accelerator

    accelerator = Accelerator(cpu=True, log_with=list(names), project_dir=folder)
    plain = {name: value for name, value in config.items() if isinstance(value, bool | int | float | str)}
    accelerator.init_trackers("loregraft", config=plain)
    try:
        yield lambda figures, step: accelerator.log(dict(figures), step=step)
    finally:
        accelerator.end_training()
