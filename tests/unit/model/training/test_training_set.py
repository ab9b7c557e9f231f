"""The labelled pictures that are kept: what is new, what replaces what, and which of them only test."""

import hashlib
from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.errors import Conflict
from imagestore.record import Status
from imagestore.store.records import Summary
from model.training.split import Member, Split
from model.training.training_set import all_with, keep, keep_split, split_of
from model.training.training_set import held_out as part_that_tests
from preprocess import Limits
from unit.model.labelled_pictures import examples_of, labelled, quiet, scene
from unit.pictures import encoded
from unit.web.memory import MemoryBlobs


class Training(MemoryBlobs):
    """A container whose listing tells the MD5 of each blob, and what is read of it."""

    def __init__(self) -> None:
        super().__init__("training")
        self.read_names: list[str] = []

    def list(self, marker: str | None = None, *, tags: bool = False) -> Any:
        for page, after in super().list(marker):
            yield [SimpleNamespace(name=blob.name, md5=self.md5_of(blob.name)) for blob in page], after

    def md5_of(self, name: str) -> bytes:
        return hashlib.md5(self.blobs[name].data or b"").digest()

    def get(self, name: str, max_bytes: int | None = None) -> Any:
        self.read_names.append(name)
        return super().get(name, max_bytes)


@pytest.fixture
def stores() -> Any:
    return SimpleNamespace(
        training=Training(),
        uploads=MemoryBlobs("uploads"),
        records=SimpleNamespace(corrections=lambda: []),
    )


def test_what_is_there_unchanged_is_not_written_again(stores: Any) -> None:
    sources = [labelled("rose", "rose/1.png", b"one"), labelled("rose", "rose/2.png", b"two")]
    assert keep(stores, sources, lambda: None) == 2
    before = dict(stores.training.blobs)
    changed = [sources[0], labelled("rose", "rose/2.png", b"another two")]
    assert keep(stores, changed, lambda: None) == 1
    assert stores.training.blobs["rose/1.png"] == before["rose/1.png"]
    assert stores.training.blobs["rose/2.png"].data == b"another two"


def test_all_are_the_new_the_kept_that_they_do_not_replace_and_corrected_uploads(stores: Any) -> None:
    keep(stores, [labelled("rose", "rose/1.png", b"old"), labelled("cat", "cat/1.png", b"kept")], lambda: None)
    stores.training.overwrite("split.json", b"{}", "application/json")
    stores.uploads.overwrite("upload.jpg", b"corrected", "image/jpeg")
    stores.records.corrections = lambda: [
        Summary("upload.jpg", str(Status.CLASSIFIED), "lynx", "1", None),
        Summary("deleted.jpg", str(Status.DELETED), "lynx", "1", None),
    ]
    found = all_with(stores, [labelled("rose", "rose/1.png", b"new")])
    assert [(one.label, one.name, one.read(), one.is_correction) for one in found] == [
        ("rose", "rose/1.png", b"new", False),
        ("cat", "cat/1.png", b"kept", False),
        ("lynx", "(corrected) upload.jpg", b"corrected", True),
    ]


def test_of_the_kept_pictures_only_those_that_test_are_read(stores: Any) -> None:
    sources = [labelled("rose", f"rose/{n}.png", encoded(scene(n))) for n in range(3)]
    keep(stores, sources, lambda: None)
    tested = examples_of(sources)[1]
    keep_split(stores, Split(test={tested.sha256: Member(tested.md5, tested.thumb)}), None)
    stores.training.read_names.clear()
    found = part_that_tests(stores, Limits(), quiet).examples
    assert [(one.label, one.sha256) for one in found] == [("rose", tested.sha256)]
    assert set(stores.training.read_names) == {"split.json", "rose/1.png"}


def test_a_split_that_another_training_changed_meanwhile_is_not_overwritten(stores: Any) -> None:
    assert split_of(stores) == (Split(), None)
    keep_split(stores, Split(), None)
    _, etag = split_of(stores)
    keep_split(stores, Split(), etag)
    with pytest.raises(Conflict):
        keep_split(stores, Split(), etag)
