"""Lists of labelled pictures are kept for a while, and never lack what this process has changed."""

from collections.abc import Iterator
from typing import Any

from imagestore.store.training import ListedPicture, PictureFacts, TrainingPictures
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
