"""Reading a PyTorch state without running what a pickle may hold.

`torch.load(weights_only=True)` does it, but knows only the older pickle protocols, and PyKEEN's `save_state`
writes in the newest. Such a file is read here, by an unpickler that knows a dict, a tensor and its numbers.
"""

import pickle
import sys
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from loregraft.errors import BadInput

NUMBERS = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "BoolStorage": torch.bool,
    "ComplexFloatStorage": torch.complex64,
}
OLD_PROTOCOL = 2
FIX = "In PyKEEN, write the state with: torch.save(model.state_dict(), 'state.pt')."


def read_state(path: Path) -> dict[str, Tensor]:
    """Read the tensors of a state by name; nothing in the file is run.

    Raises:
        BadInput: It is no state: a whole model, another pickle, or damaged.
    """
    try:
        with zipfile.ZipFile(path) as packed:
            if any(info.compress_type for info in packed.infolist()):
                raise ValueError("it is compressed, which torch.save never does")
            name = next(name for name in packed.namelist() if name.endswith("/data.pkl"))
            with packed.open(name) as file:
                old = file.read(2)[1] <= OLD_PROTOCOL
            found = torch.load(path, "cpu", weights_only=True) if old else _newer(packed, name)
        if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
            raise ValueError("it is no table of tensors by name")
    except Exception as error:  # what is no state fails in whatever way it likes
        said = (str(error) or type(error).__name__).splitlines()[0]
        raise BadInput(path, 0, f"this is no state of tensors ({said:.160})", FIX) from error
    return {key: value for key, value in found.items() if isinstance(value, Tensor)}


def _newer(packed: zipfile.ZipFile, name: str) -> object:
    root = name.removesuffix("data.pkl")
    order = packed.read(f"{root}byteorder").decode() if f"{root}byteorder" in packed.namelist() else "little"
    if order != sys.byteorder:
        raise ValueError(f"its numbers are {order} endian")
    with packed.open(name) as file:
        return _Narrow(file, packed, f"{root}data/").load()


class _Narrow(pickle.Unpickler):
    """Makes nothing but dicts, tensors and plain values."""

    def __init__(self, file: Any, packed: zipfile.ZipFile, root: str) -> None:
        super().__init__(file)
        self._packed, self._root = packed, root

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name in NUMBERS:
            return NUMBERS[name]
        raise pickle.UnpicklingError(f"it names {module}.{name}, which is no part of a state")

    def persistent_load(self, pid: Any) -> Tensor:
        kind, dtype, key, _, count = pid
        if kind != "storage" or not isinstance(dtype, torch.dtype) or not str(key).isdecimal():
            raise pickle.UnpicklingError("it refers to what is no numbers")
        content = self._packed.read(f"{self._root}{key}")
        return torch.frombuffer(bytearray(content), dtype=dtype) if count else torch.empty(0, dtype=dtype)


def _tensor(
    storage: Tensor, start: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> Tensor:
    return torch.as_strided(storage, size, stride, start)
