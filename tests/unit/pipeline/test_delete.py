"""A deletion that waited deletes the version it is of, and is not dropped while that version is there."""

from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.errors import Conflict, StoreError
from imagestore.pipeline.delete import delete_version
from imagestore.store import BlobState


def stores(present: str | None, refusal: StoreError) -> Any:
    """Stores that refuse to delete, with this version of the upload."""

    def delete(name: str, etag: str | None) -> None:
        raise refusal

    state = None if present is None else BlobState(present)
    return SimpleNamespace(uploads=SimpleNamespace(delete=delete, stat=lambda name: state))


@pytest.mark.parametrize("present", ["0x2", None])
def test_a_version_that_is_gone_needs_no_deletion(present: str | None) -> None:
    delete_version(stores(present, Conflict("deleting: ConditionNotMet (412)")), "a.jpg", "0x1")


@pytest.mark.parametrize("refusal", [Conflict("deleting: 409"), StoreError("deleting: SnapshotsPresent (409)")])
def test_a_version_that_is_still_there_is_not_taken_for_deleted(refusal: StoreError) -> None:
    with pytest.raises(type(refusal)):
        delete_version(stores("0x1", refusal), "a.jpg", "0x1")
