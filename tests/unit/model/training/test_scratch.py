"""What is large is on disk, and works as an array in memory does."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from imagestore.errors import NoRoom
from model.training import scratch


def test_what_is_large_is_on_disk_and_leaves_nothing_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(scratch, "IN_MEMORY_BYTES", 1000)
    found = scratch.empty((100, 5), np.float32)
    found[:] = np.arange(500).reshape(100, 5)
    assert f"{tmp_path}/" in Path("/proc/self/maps").read_text()
    assert found[[99, 3]].sum() == np.arange(495, 500).sum() + np.arange(15, 20).sum()
    assert type(found) is np.ndarray
    del found
    assert f"{tmp_path}/" not in Path("/proc/self/maps").read_text()
    assert list(tmp_path.iterdir()) == []
    assert scratch.empty((10, 5), np.float32).base is None, "what is small is in memory"


def test_a_full_disk_is_said_before_anything_is_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(NoRoom, match=rf"^{tmp_path} has no room for 512 MB .* \(No space left on device\). Make room"):
        scratch.empty((100_000, 1280), np.float32)


def test_blocks_are_all_rows_in_order() -> None:
    assert [list(range(10))[block] for block in scratch.blocks(10, 4)] == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9]]
    assert list(scratch.blocks(0)) == []
