"""How much memory a loaded model takes beside its file: `python -m bench.loaded_models [MODEL.onnx]`."""

import ctypes
import sys
from pathlib import Path

import numpy as np

from classify import Model, read_model
from model.default.build import DEFAULT

_COUNT = 5


def main() -> None:
    """Load a model several times over, let each answer a picture, and print the growth of this process."""
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT
    data = path.read_bytes()
    loaded = [_answering(data, str(path))]
    before = _resident_bytes()
    loaded += [_answering(data, str(path)) for _ in range(_COUNT)]
    each = (_resident_bytes() - before) / _COUNT
    print(f"{path}: the file has {len(data) / 2**20:.1f} MB, a loaded model takes {each / 2**20:.1f} MB", end=", ")
    print(f"which is {each / len(data):.2f} times as much.")


def _answering(data: bytes, called: str) -> Model:
    model = read_model(data, called)
    model.run(np.zeros((model.spec.height, model.spec.width, model.spec.channels), np.uint8))
    return model


def _resident_bytes() -> int:
    ctypes.CDLL(None).malloc_trim(0)
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


if __name__ == "__main__":
    main()
