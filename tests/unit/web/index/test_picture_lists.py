"""Lists of labelled pictures are kept for a while, and never lack what this process has changed."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.store.training import ListedPicture, PictureFacts, TrainingPictures
from imagestore.web.index import picture_lists
from imagestore.web.index.picture_lists import Listing, PictureLists
from unit.web.memory import MemoryBlobs


def add(pictures: TrainingPictures, digit: str) -> None:
    pictures.put_facts(digit * 64, PictureFacts(labels=("rose",)), None)
    pictures.put_picture(digit * 64, b"picture")


def test_a_list_is_read_once_until_something_changes() -> None:
    blobs: Any = MemoryBlobs("training")
    pictures, lists = TrainingPictures(blobs, "mine"), PictureLists()
    add(pictures, "1")
    assert len(lists.get(pictures)) == 1
    add(pictures, "2")
    assert len(lists.get(pictures)) == 1, "by another process, it is seen a little later"
    lists.forget("mine")
    assert len(lists.get(pictures)) == 2


def test_a_long_list_is_read_behind_what_is_shown_and_own_changes_are_seen_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    blobs: Any = MemoryBlobs("training")
    now, reads = [100.0], list[float]()
    monkeypatch.setattr(picture_lists, "time", SimpleNamespace(monotonic=lambda: now[0]))

    class Slow(TrainingPictures):
        def list(self, *, during_migration: bool = False) -> Iterator[ListedPicture]:
            reads.append(now[0])
            now[0] += 2
            yield from [*super().list()]

    pictures, lists = Slow(blobs, "mine"), PictureLists()
    add(pictures, "1")
    add(pictures, "2")
    assert len(lists.get(pictures)) == 2
    add(pictures, "3")
    with lists.changing("mine", "1" * 64):
        pictures.change("1" * 64, lambda one: replace(one, labels=("tulip",)))
    with lists.changing("mine", "2" * 64):
        pictures.remove_picture("2" * 64)
    found = lists.get(pictures)
    assert [(one.sha256[0], one.labels) for one in found] == [("1", ("tulip",))], "another's is seen later"
    assert (found.tally.labels, found.labels_of) == ({"tulip": 1}, {"1" * 64: ("tulip",)})
    assert reads == [100.0], "a long list is not read for that"
    now[0] += 60
    assert lists.get(pictures) is found, "the former list is shown while it is read"
    for thread in threading.enumerate():
        if thread.name == "labelled pictures":
            thread.join()
    assert [one.sha256[0] for one in lists.get(pictures)] == ["3", "1"]
    assert len(reads) == 2


class Turns(TrainingPictures):
    """Whose lists take two seconds each by `now`, and wait for `go` once they are read, if that is not set."""

    now: list[float]
    go: threading.Event
    is_read: threading.Event
    reads: list[int]

    def list(self, *, during_migration: bool = False) -> Iterator[ListedPicture]:
        rows = [*super().list()]
        self.reads.append(len(rows))
        self.now[0] += 2
        self.is_read.set()
        assert self.go.wait(60)
        yield from rows


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    blobs: Any = MemoryBlobs("training")
    pictures = Turns(blobs, "mine")
    pictures.now, pictures.go, pictures.is_read, pictures.reads = [100.0], threading.Event(), threading.Event(), []
    monkeypatch.setattr(picture_lists, "time", SimpleNamespace(monotonic=lambda: pictures.now[0]))
    pictures.go.set()
    add(pictures, "1")
    return pictures


def read_behind() -> None:
    """Wait until what is read behind what is shown has been read."""
    for thread in threading.enumerate():
        if thread.name == "labelled pictures":
            thread.join()


def test_what_was_changed_and_shown_while_a_long_list_is_read_stays_changed(turns: Turns) -> None:
    lists = PictureLists()
    lists.get(turns)
    turns.now[0] += 60
    turns.go.clear()
    turns.is_read.clear()
    lists.get(turns)
    assert turns.is_read.wait(60)
    with lists.changing("mine", "1" * 64):
        turns.change("1" * 64, lambda one: replace(one, labels=("tulip",)))
    assert [one.labels for one in lists.get(turns)] == [("tulip",)]
    turns.go.set()
    read_behind()
    found = lists.get(turns)
    assert ([one.labels for one in found], found.tally.labels) == ([("tulip",)], {"tulip": 1})
    assert lists.get(turns) is found, "it is looked at once more, and no oftener"


def test_who_asks_while_the_first_list_is_read_waits_for_that_and_reads_none(turns: Turns) -> None:
    lists, found = PictureLists(), list[Listing]()
    turns.go.clear()
    threads = [threading.Thread(target=lambda: found.append(lists.get(turns))) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert turns.is_read.wait(60)
    turns.go.set()
    for thread in threads:
        thread.join()
    assert ([len(one) for one in found], turns.reads) == ([1] * 5, [1])


def test_a_long_list_stays_while_it_is_read_anew_and_who_wants_a_fresh_one_waits(turns: Turns) -> None:
    lists = PictureLists()
    before = lists.get(turns)
    add(turns, "2")
    turns.go.clear()
    lists.forget()
    assert lists.get(turns) is before
    turns.go.set()
    read_behind()
    assert len(lists.get(turns)) == 2
    add(turns, "3")
    assert len(lists.get(turns)) == 2
    assert len(lists.get(turns, fresh=True)) == 3


def test_of_very_many_changes_some_are_looked_at_and_the_list_is_read_behind(
    turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(picture_lists, "_MOST_LOOKED_AT", 2)
    lists = PictureLists()
    lists.get(turns)
    for digit in "2345":
        add(turns, digit)
    lists.changed("mine", [digit * 64 for digit in "2345"])
    turns.go.clear()
    turns.is_read.clear()
    assert len(lists.get(turns)) == 3, "two of the four"
    assert turns.is_read.wait(60)
    assert len(lists.get(turns)) == 5, "and the others"
    turns.go.set()
    read_behind()
    assert (len(lists.get(turns)), turns.reads) == (5, [1, 5])


def test_more_changes_than_are_remembered_have_the_list_read_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(picture_lists, "_MOST_REMEMBERED", 1)
    blobs: Any = MemoryBlobs("training")
    pictures, lists = TrainingPictures(blobs, "mine"), PictureLists()
    lists.get(pictures)
    add(pictures, "1")
    add(pictures, "2")
    lists.changed("mine", ["1" * 64, "2" * 64])
    assert len(lists.get(pictures)) == 2


def test_what_changes_while_the_list_is_read_is_not_missed() -> None:
    blobs: Any = MemoryBlobs("training")
    lists = PictureLists()

    class Slow(TrainingPictures):
        def list(self, *, during_migration: bool = False) -> Iterator[ListedPicture]:
            yield from [*super().list()]
            if len(blobs.blobs) == 2:
                add(self, "2")
                lists.forget("mine")

    pictures = Slow(blobs, "mine")
    add(pictures, "1")
    lists.get(pictures)
    assert len(lists.get(pictures)) == 2
