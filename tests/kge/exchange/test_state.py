"""A state is read without running what is in it."""

import collections
import pickle
import zipfile

import pytest
import torch
from torch import nn

from loregraft.errors import BadInput
from loregraft.kge.exchange.state import read_state


class Trap:
    """A pickle that makes a file where it is opened."""

    def __reduce__(self):
        return (open, ("trap", "w"))


STATE = {
    "a": torch.arange(6.0).view(2, 3),
    "turned": torch.arange(6.0).view(2, 3).T,
    "part": torch.arange(10)[3:7],
    "wide": torch.ones(2, dtype=torch.float64),
    "none": torch.empty(0, 4),
}


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_tensors_come_back_in_each_protocol(tmp_path, protocol):
    state = collections.OrderedDict(STATE) | {"said": 3}
    torch.save(state, tmp_path / "state.pt", pickle_protocol=protocol)
    found = read_state(tmp_path / "state.pt")
    assert list(found) == list(STATE)
    for name, expected in STATE.items():
        assert found[name].dtype == expected.dtype and torch.equal(found[name], expected)


@pytest.mark.parametrize("protocol", [2, 5])
@pytest.mark.parametrize(
    "content", [Trap(), {"a": Trap()}, nn.Linear(2, 2), {"a": print}, {3: torch.ones(1)}, [torch.ones(1)]]
)
def test_what_would_run_or_is_no_state_is_refused(tmp_path, monkeypatch, protocol, content):
    monkeypatch.chdir(tmp_path)
    torch.save(content, tmp_path / "state.pt", pickle_protocol=protocol)
    with pytest.raises(BadInput) as raised:
        read_state(tmp_path / "state.pt")
    assert raised.value.found.startswith("this is no state of tensors (")
    assert "torch.save(model.state_dict(), 'state.pt')" in raised.value.fix
    assert [path.name for path in tmp_path.iterdir()] == ["state.pt"]


def repacked(source, path, change, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w", compression) as new:
        for info in old.infolist():
            content = change(info.filename, old.read(info))
            if content is not None:
                new.writestr(info.filename, content)


def test_damaged_files_are_refused(tmp_path):
    good = tmp_path / "good.pt"
    torch.save(STATE, good, pickle_protocol=5)
    whole = good.read_bytes()
    cases = {"empty": b"", "text": b"text", "cut": whole[: len(whole) // 2], "pickle": pickle.dumps(Trap())}
    for name, content in cases.items():
        (tmp_path / name).write_bytes(content)
    repacked(good, tmp_path / "compressed", lambda name, content: content, zipfile.ZIP_DEFLATED)
    repacked(
        good, tmp_path / "short", lambda name, content: content[:4] if name.endswith("data/0") else content
    )
    repacked(good, tmp_path / "lost", lambda name, content: None if name.endswith("data/0") else content)
    repacked(good, tmp_path / "big", lambda name, content: b"big" if name.endswith("byteorder") else content)
    for name in (*cases, "compressed", "short", "lost", "big", "missing"):
        with pytest.raises(BadInput, match="this is no state of tensors"):
            read_state(tmp_path / name)


@pytest.mark.parametrize(
    "reference",
    [
        ("storage", "FloatStorage", "0", "cpu", 6),
        ("storage", torch.FloatStorage, "../../secret", "cpu", 6),
        ("module", torch.FloatStorage, "0", "cpu", 6),
    ],
)
def test_a_reference_to_anything_but_numbers_is_refused(tmp_path, reference):
    class Pickler(pickle.Pickler):
        def persistent_id(self, thing):
            return reference if thing is here else None

    here = object()
    with zipfile.ZipFile(tmp_path / "state.pt", "w") as packed, packed.open("s/data.pkl", "w") as file:
        Pickler(file, 5).dump({"a": here})
    with pytest.raises(BadInput, match="it refers to what is no numbers"):
        read_state(tmp_path / "state.pt")
