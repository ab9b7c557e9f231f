"""Reads the tensors of an old-style torch file with NumPy alone: without torch, and without running code from the file.

The layout (magic number, protocol, system info, pickle, storages) is that of torch.save before version 1.6,
https://github.com/pytorch/pytorch/blob/v1.5.0/torch/serialization.py.
"""

import pickle
import struct
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

import numpy as np

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001
_TYPES = {"FloatStorage": np.dtype("<f4"), "LongStorage": np.dtype("<i8")}


class _TensorUnpickler(pickle.Unpickler):
    """Allows ordered dicts and tensors and refuses everything else."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file, encoding="utf-8")
        self.types: dict[str, np.dtype[Any]] = {}

    def find_class(self, module: str, name: str) -> Any:
        known: dict[tuple[str, str], Any] = {
            ("collections", "OrderedDict"): OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2"): _tensor,
        }
        if module == "torch" and name in _TYPES:
            return _TYPES[name]
        if (module, name) not in known:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a weights file")
        return known[module, name]

    def persistent_load(self, pid: Any) -> str:
        kind, dtype, key, *_ = pid
        if kind != "storage":
            raise pickle.UnpicklingError(f"{kind} is not allowed in a weights file")
        self.types[key] = dtype
        return str(key)


class _PlainUnpickler(pickle.Unpickler):
    """Allows numbers, texts, lists and dicts, and refuses whatever would have to be imported."""

    def find_class(self, module: str, name: str) -> Any:
        raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a weights file")


def _plain(file: IO[bytes]) -> Any:
    return _PlainUnpickler(file).load()


_View = Callable[[dict[str, np.ndarray]], np.ndarray]


def _tensor(key: str, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any) -> _View:
    def view(storages: dict[str, np.ndarray]) -> np.ndarray:
        flat = storages[key][offset:]
        return np.lib.stride_tricks.as_strided(flat, size, [step * flat.itemsize for step in stride]).copy()

    return view


def read_weights(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a torch weights file, by name. Raises UnpicklingError if it is not one."""
    with path.open("rb") as file:
        if _plain(file) != _MAGIC or _plain(file) != _PROTOCOL:
            raise pickle.UnpicklingError(f"{path.name} is not an old-style torch file")
        _plain(file)
        unpickler = _TensorUnpickler(file)
        tensors: dict[str, _View] = unpickler.load()
        storages = {}
        for key in _plain(file):
            (count,) = struct.unpack("<q", file.read(8))
            dtype = unpickler.types[key]
            storages[key] = np.frombuffer(file.read(count * dtype.itemsize), dtype)
    return {name: view(storages) for name, view in tensors.items()}
