"""Lists of labelled pictures are kept for a while, and never lack what this process has changed."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.store.training import ListedPicture, PictureFacts, TrainingPictures
from imagestore.web import picture_lists
from imagestore.web.picture_lists import PictureLists
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
