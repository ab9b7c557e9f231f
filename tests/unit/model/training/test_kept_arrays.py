"""What was computed of pictures is kept by their content, in parts, and nothing of one that is gone."""

import errno
import io
import os
import tempfile
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from imagestore.errors import NoRoom, Unavailable
from imagestore.store import Blob, patience
from imagestore.store.blobs import FIRST_READ_BYTES
from imagestore.store.training import COMPUTED
from model.training import kept_arrays
from model.training.kept_arrays import KeptArrays
from unit.web.memory import MemoryBlobs

ONE, TWO, THREE = ("1" * 64, "2" * 64, "3" * 64)
ROW_BYTES, ROWS = 1024, 8


def many(first: int, count: int) -> list[str]:
    """The SHA-256 of so many pictures, of which the first has this number."""
    return [f"{number:064x}" for number in range(first, first + count)]


def row_of(sha256: str) -> np.ndarray:
    return np.full(ROW_BYTES // 4, int(sha256[-8:], 16), np.float32)


def added(kept: KeptArrays, *pictures: str, **depends_on: Any) -> KeptArrays:
    for sha256 in pictures:
        kept.table("features", **depends_on).add(sha256, row_of(sha256))
    return kept


def stored(blobs: Any, *pictures: str, **depends_on: Any) -> None:
    added(KeptArrays(blobs, "mine"), *pictures, **depends_on).write(set(pictures))


def found(blobs: Any, **depends_on: Any) -> set[str]:
    """The pictures of which something is kept; what is kept is checked."""
    arrays = KeptArrays(blobs, "mine").table("features", **depends_on).take()
    assert all(array.tolist() == row_of(sha256).tolist() for sha256, array in arrays.items())
    return set(arrays)


@pytest.fixture
def blobs() -> Any:
    return MemoryBlobs("training")


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """A part is full with ROWS rows."""
    monkeypatch.setattr(kept_arrays, "PART_BYTES", ROWS * ROW_BYTES)
    monkeypatch.setattr(kept_arrays, "_TOO_LARGE", 2 * ROWS * ROW_BYTES)


def test_it_is_found_by_content_and_by_what_it_depends_on(blobs: Any) -> None:
    stored(blobs, ONE, TWO, backbone="a")
    again = KeptArrays(blobs, "mine")
    arrays = again.table("features", backbone="a").take()
    assert {sha256: array.tolist() for sha256, array in arrays.items()} == {
        sha256: row_of(sha256).tolist() for sha256 in (ONE, TWO)
    }
    assert arrays[ONE].dtype == np.float32
    assert set(again.table("features", backbone="a").take({TWO})) == {TWO}
    assert again.table("features", backbone="b").take() == {}
    assert again.table("looks", backbone="a").take() == {}
    assert KeptArrays(blobs, "theirs").table("features", backbone="a").take() == {}, "another project keeps its own"


def test_nothing_is_left_of_a_picture_that_is_gone_nor_of_a_way_that_is_no_longer_gone(blobs: Any) -> None:
    stored(blobs, ONE, TWO, backbone="a")
    stored(blobs, ONE, backbone="b")
    blobs.overwrite("mine/split.json", b"{}", "application/json")
    blobs.overwrite("theirs/computed-looks-0123456789abcdef01234567.npz", b"", "application/octet-stream")
    assert len(blobs.blobs) == 3, "what was computed for the first is deleted"
    stored(blobs, ONE, TWO, THREE, backbone="b")
    last = KeptArrays(blobs, "mine")
    last.table("features", backbone="b")
    last.write({ONE, THREE})
    assert found(blobs, backbone="b") == {ONE, THREE}
    assert "theirs/computed-looks-0123456789abcdef01234567.npz" in blobs.blobs


def test_a_damaged_part_is_computed_again(blobs: Any) -> None:
    stored(blobs, ONE, backbone="a")
    (name,) = blobs.blobs
    data = blobs.blobs[name].data
    flipped = [data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :] for at in range(0, len(data), 41)]
    for damaged in (b"", b"no archive", data[:-30], *flipped):
        blobs.overwrite(name, damaged, "application/octet-stream")
        assert found(blobs, backbone="a") <= {ONE}
    blobs.overwrite(name, data[:-30], "application/octet-stream")
    stored(blobs, ONE, backbone="a")
    assert found(blobs, backbone="a") == {ONE}
    blobs.overwrite(name, data[:-30], "application/octet-stream")
    stored(blobs, TWO, backbone="a")
    assert found(blobs, backbone="a") == {TWO}
    assert name not in blobs.blobs


def test_without_a_container_it_is_kept_for_this_training_alone() -> None:
    kept = added(KeptArrays(), ONE, backbone="a")
    kept.write({ONE})
    assert set(kept.table("features", backbone="a").take()) == {ONE}


@pytest.mark.usefixtures("small_parts")
def test_no_more_than_one_part_is_held_at_a_time(blobs: Any) -> None:
    pictures = many(0, 20 * ROWS + 3)
    kept = KeptArrays(blobs, "mine", keeps=True)
    added(kept, *pictures, backbone="a")
    assert len(blobs.blobs) == 20, "what fills a part is not held"
    kept.write(pictures)
    assert len(blobs.blobs) == 21
    assert all(COMPUTED.fullmatch(name.removeprefix("mine/")) for name in blobs.blobs), "an earlier version knows them"
    read = Counted(blobs)
    rows = KeptArrays(read, "mine").table("features", backbone="a").rows()  # type: ignore[arg-type]
    for number, (some, values) in enumerate(rows, 1):
        assert len(read.names) == number, "the next part is read when this one is done with"
        assert len(some) == len(values) <= ROWS
    assert number == 21


def test_a_part_of_any_kind_is_read_in_one_call(blobs: Any) -> None:
    kept = KeptArrays(blobs, "mine", keeps=True)
    for sha256 in many(0, 4000):
        kept.table("features").add(sha256, np.zeros(1280, np.float32))
    for sha256 in many(0, 320_000):
        kept.table("moments").add(sha256, np.zeros(3, np.int64))
    sizes = [blob.size_bytes for blob in blobs.blobs.values()]
    assert len(sizes) == 2
    assert FIRST_READ_BYTES - 2**17 < min(sizes) <= max(sizes) <= FIRST_READ_BYTES


@pytest.mark.usefixtures("small_parts")
def test_a_part_that_holds_nothing_wanted_is_not_read_again(blobs: Any) -> None:
    stored(blobs, *many(0, 5 * ROWS), backbone="a")
    read = Counted(blobs)
    table = KeptArrays(read, "mine").table("features", backbone="a")  # type: ignore[arg-type]
    assert set(table.take({f"{3:064x}"})) == {f"{3:064x}"}
    read.names.clear()
    assert set(table.take({f"{3:064x}", f"{4:064x}"})) == {f"{3:064x}", f"{4:064x}"}
    assert len(read.names) == 1


@pytest.mark.usefixtures("small_parts")
def test_a_training_that_breaks_off_leaves_the_parts_that_were_full(blobs: Any) -> None:
    added(KeptArrays(blobs, "mine", keeps=True), *many(0, 3 * ROWS + 2), backbone="a")
    assert found(blobs, backbone="a") == set(many(0, 3 * ROWS))


@pytest.mark.usefixtures("small_parts")
def test_parts_that_are_not_full_become_one(blobs: Any) -> None:
    stored(blobs, *many(0, ROWS), backbone="a")
    for number in range(3):
        kept = added(KeptArrays(blobs, "mine"), f"{100 + number:064x}", backbone="a")
        kept.write([*many(0, ROWS), *many(100, number + 1)])
        assert len(blobs.blobs) == 2
    before = dict(blobs.blobs)
    again = KeptArrays(blobs, "mine")
    again.table("features", backbone="a")
    again.write([*many(0, ROWS), *many(100, 3)])
    assert blobs.blobs == before, "and nothing is written where nothing is new"


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("keeps", [False, True])
def test_of_two_trainings_beside_each_other_neither_loses_anything(blobs: Any, keeps: bool) -> None:
    stored(blobs, *many(0, 3), backbone="a")
    everything = [*many(0, 3), *many(10, 2 * ROWS), *many(50, 2 * ROWS)]
    both = [KeptArrays(blobs, "mine", keeps=keeps) for _ in range(2)]
    assert [set(kept.table("features", backbone="a").take()) for kept in both] == [set(many(0, 3))] * 2
    for kept, first in zip(both, (10, 50), strict=True):
        added(kept, *many(first, 2 * ROWS), backbone="a")
    for kept in both:
        kept.write(everything)
    assert found(blobs, backbone="a") == set(everything)
    last = KeptArrays(blobs, "mine")
    last.table("features", backbone="a")
    last.write(everything)
    assert found(blobs, backbone="a") == set(everything)


def test_what_another_training_computed_meanwhile_in_another_way_stays(blobs: Any) -> None:
    stored(blobs, ONE, backbone="old")
    kept = added(KeptArrays(blobs, "mine"), ONE, backbone="a")
    other = added(KeptArrays(blobs, "mine"), TWO, backbone="b")
    other.write({ONE, TWO})
    kept.write({ONE, TWO})
    assert found(blobs, backbone="old") == set()
    assert (found(blobs, backbone="a"), found(blobs, backbone="b")) == ({ONE}, {TWO})


@pytest.mark.usefixtures("small_parts")
def test_a_part_that_another_training_takes_away_is_computed_again(blobs: Any) -> None:
    stored(blobs, *many(0, 3 * ROWS), backbone="a")
    table = KeptArrays(blobs, "mine").table("features", backbone="a")
    rows = table.rows()
    first, _ = next(rows)
    for name in [name for name in blobs.blobs if name != sorted(blobs.blobs)[0]]:
        blobs.delete(name)
    assert not list(rows)
    assert len(first) == ROWS


@pytest.mark.usefixtures("small_parts")
def test_the_one_file_of_an_earlier_version_is_read_and_divided(blobs: Any) -> None:
    pictures = many(0, 10 * ROWS)
    stored(blobs, "f" * 64, backbone="a")
    (name,) = blobs.blobs
    out = io.BytesIO()
    digests = np.array([list(bytes.fromhex(sha256)) for sha256 in pictures], np.uint8)
    np.savez(out, sha256=digests, values=np.stack([row_of(sha256) for sha256 in pictures]))
    blobs.delete(name)
    former = name[:-16] + "0123456789ab.npz"
    blobs.overwrite(former, out.getvalue(), "application/octet-stream")
    assert len(out.getvalue()) > 2 * ROWS * ROW_BYTES, "too large to be read in one piece"
    assert found(blobs, backbone="a") == set(pictures)
    kept = KeptArrays(blobs, "mine")
    assert max(len(some) for some, _ in kept.table("features", backbone="a").rows()) == ROWS
    kept.write(pictures)
    assert former not in blobs.blobs
    assert len(blobs.blobs) == 10
    assert found(blobs, backbone="a") == set(pictures)


@pytest.mark.usefixtures("small_parts")
def test_a_full_disk_is_said_and_deletes_nothing(blobs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(blobs, *many(0, ROWS), backbone="a")
    monkeypatch.setattr(kept_arrays, "_TOO_LARGE", 0)  # as the one file of an earlier version is
    before = dict(blobs.blobs)

    def full(**_: Any) -> Any:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(tempfile, "TemporaryFile", full)
    kept = KeptArrays(blobs, "mine")
    with pytest.raises(NoRoom, match=r"No space left on device.*TMPDIR"):
        kept.table("features", backbone="a").take()
    with pytest.raises(NoRoom):
        added(kept, *many(100, 1), backbone="a").write({*many(0, ROWS), *many(100, 1)})
    assert before.items() <= blobs.blobs.items()
    monkeypatch.undo()
    assert found(blobs, backbone="a") >= set(many(0, ROWS))


def test_a_large_file_that_is_damaged_is_computed_again(blobs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    stored(blobs, ONE, backbone="a")
    monkeypatch.setattr(kept_arrays, "_TOO_LARGE", 0)
    (name,) = blobs.blobs
    data = blobs.blobs[name].data
    for at in range(0, len(data), 13):
        blobs.overwrite(name, data[:at] + bytes([data[at] ^ 255]) + data[at + 1 :], "application/octet-stream")
        assert found(blobs, backbone="a") <= {ONE}


@pytest.mark.parametrize("call", ["get", "put", "delete"])
def test_a_moment_without_storage_loses_nothing(blobs: Any, call: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PAUSE_S", 0.0)
    stored(blobs, ONE, backbone="a")
    answers, made = [Unavailable("no answer")], getattr(blobs, call)

    def away(*given: Any, **named: Any) -> Any:
        if answers:
            raise answers.pop()
        return made(*given, **named)

    monkeypatch.setattr(blobs, call, away)
    stored(blobs, ONE, TWO, backbone="a")
    assert not answers
    assert found(blobs, backbone="a") == {ONE, TWO}
    assert len(blobs.blobs) == 1


@pytest.mark.usefixtures("small_parts")
def test_what_two_trainings_computed_twice_is_kept_once(blobs: Any) -> None:
    """Each came upon the pictures in another order, so their parts differ."""
    pictures = many(0, 2 * ROWS)
    both = [KeptArrays(blobs, "mine", keeps=True) for _ in range(2)]
    assert [kept.table("features", backbone="a").take() for kept in both] == [{}, {}]
    for kept, order in zip(both, (pictures, pictures[::2] + pictures[1::2]), strict=True):
        added(kept, *order, backbone="a")
    for kept in both:
        kept.write(pictures)
    assert len(blobs.blobs) == 4
    last = KeptArrays(blobs, "mine")
    last.table("features", backbone="a")
    last.write(pictures)
    assert len(blobs.blobs) == 2
    assert found(blobs, backbone="a") == set(pictures)


class Counted:
    """Notes which blobs are read."""

    def __init__(self, blobs: MemoryBlobs) -> None:
        self.blobs, self.names = blobs, list[str]()

    def get(self, name: str, max_bytes: int | None = None) -> Blob:
        self.names.append(name)
        return self.blobs.get(name)

    def list(self, prefix: str) -> Iterator[Any]:
        return self.blobs.list(prefix=prefix)
