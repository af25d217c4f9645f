"""Figures of steps told to a tracker, through accelerate."""

import importlib.util

import pytest

from loregraft.errors import MissingExtra
from loregraft.training.trackers import tracking


def test_without_trackers_nobody_is_told(tmp_path):
    with tracking((), tmp_path, {}) as tell:
        tell({"loss": 1.0}, 1)
    assert not list(tmp_path.iterdir())


def test_a_tracker_that_is_not_installed_is_named(tmp_path):
    if importlib.util.find_spec("mlflow") is not None:
        pytest.skip("mlflow is installed here")
    with pytest.raises(MissingExtra, match=r"'mlflow' is not installed.*loregraft\[track\]"):
        with tracking(("mlflow",), tmp_path, {}):
            pass


def test_tensorboard_has_each_step(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with tracking(("tensorboard",), tmp_path, {"steps": 2, "weights": {}}) as tell:
        tell({"masked_words": 5.0}, 1)
        tell({"masked_words": 4.0}, 2)
    (folder,) = [path for path in tmp_path.iterdir() if path.is_dir()]
    read = EventAccumulator(str(folder))
    read.Reload()
    assert [(event.step, event.value) for event in read.Scalars("masked_words")] == [(1, 5.0), (2, 4.0)]
