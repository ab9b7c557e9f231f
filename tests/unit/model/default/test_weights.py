"""A weights file is data: nothing in it is executed."""

import os
import pickle
import struct
from pathlib import Path

import pytest

from model.default.weights import read_weights

MAGIC, PROTOCOL = 0x1950A86A20F9469CFC6C, 1001


class Runs:
    """What unpickles to a call."""

    def __init__(self, touched: Path) -> None:
        self._touched = touched

    def __reduce__(self) -> tuple[object, ...]:
        return os.mkdir, (str(self._touched),)


@pytest.mark.parametrize("place", range(5))
def test_no_part_of_a_weights_file_runs_code(tmp_path: Path, place: int) -> None:
    touched = tmp_path / "touched"
    parts: list[object] = [MAGIC, PROTOCOL, {}, {}, []]
    parts[place] = Runs(touched)
    path = tmp_path / "weights.pth"
    path.write_bytes(b"".join(pickle.dumps(part, 2) for part in parts))
    with pytest.raises(pickle.UnpicklingError, match="mkdir is not allowed in a weights file"):
        read_weights(path)
    assert not touched.exists()


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(pickle.dumps(1) + struct.pack("<q", 0))
    with pytest.raises(pickle.UnpicklingError, match="not an old-style torch file"):
        read_weights(path)
