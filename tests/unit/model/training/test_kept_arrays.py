"""What was computed of pictures is kept by their content, and nothing of one that is gone."""

from typing import Any

import numpy as np

from model.training.kept_arrays import KeptArrays
from unit.web.memory import MemoryBlobs

ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)


def stored(blobs: Any, *pictures: str, **depends_on: Any) -> None:
    kept = KeptArrays(blobs, "mine")
    kept.add({sha256: np.full(4, int(sha256[0]), np.float32) for sha256 in pictures}, "features", **depends_on)
    kept.write(set(pictures))


def test_it_is_found_by_content_and_by_what_it_depends_on() -> None:
    blobs: Any = MemoryBlobs("training")
    stored(blobs, ONE, TWO, backbone="a")
    again = KeptArrays(blobs, "mine")
    found = again.get("features", backbone="a")
    assert {sha256: array.tolist() for sha256, array in found.items()} == {ONE: [1.0] * 4, TWO: [2.0] * 4}
    assert found[ONE].dtype == np.float32
    assert again.get("features", backbone="b") == {}
    assert again.get("looks", backbone="a") == {}
    assert KeptArrays(blobs, "theirs").get("features", backbone="a") == {}, "another project keeps its own"


def test_nothing_is_left_of_a_picture_that_is_gone_nor_of_a_way_that_is_no_longer_gone() -> None:
    blobs: Any = MemoryBlobs("training")
    stored(blobs, ONE, TWO, backbone="a")
    stored(blobs, ONE, backbone="b")
    blobs.overwrite("mine/split.json", b"{}", "application/json")
    blobs.overwrite("theirs/computed-looks-0123456789abcdef01234567.npz", b"", "application/octet-stream")
    assert len(blobs.blobs) == 3, "what was computed for the first is deleted"
    stored(blobs, ONE, TWO, THREE, backbone="b")
    last = KeptArrays(blobs, "mine")
    last.get("features", backbone="b")
    last.write({ONE, THREE})
    assert set(KeptArrays(blobs, "mine").get("features", backbone="b")) == {ONE, THREE}
    assert "theirs/computed-looks-0123456789abcdef01234567.npz" in blobs.blobs


def test_a_damaged_file_is_computed_again() -> None:
    blobs: Any = MemoryBlobs("training")
    stored(blobs, ONE, backbone="a")
    (name,) = blobs.blobs
    data = blobs.blobs[name].data
    middle = len(data) // 2
    for damaged in (b"", b"no archive", data[:-30], data[:middle] + bytes([data[middle] ^ 255]) + data[middle + 1 :]):
        blobs.overwrite(name, damaged, "application/octet-stream")
        assert set(KeptArrays(blobs, "mine").get("features", backbone="a")) <= {ONE}
    blobs.overwrite(name, data[:-30], "application/octet-stream")
    stored(blobs, TWO, backbone="a")
    assert set(KeptArrays(blobs, "mine").get("features", backbone="a")) == {TWO}


def test_without_a_container_it_is_kept_for_this_training_alone() -> None:
    kept = KeptArrays()
    kept.add({ONE: np.zeros(1)}, "features", backbone="a")
    kept.write({ONE})
    assert set(kept.get("features", backbone="a")) == {ONE}
