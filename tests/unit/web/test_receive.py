"""Taking an upload in: what it costs to find a name that is free."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any, cast

import pytest

from imagestore.record import LONGEST_NAME
from imagestore.store import BlobState
from imagestore.web.names import checked, marked
from imagestore.web.receive import IfExists, Received, receive
from unit.web.memory import MemoryBlobs

_MOST_LOOKS = 5


class Counted(MemoryBlobs):
    """Counts how often it is asked whether a blob is there."""

    looks = 0

    def stat(self, name: str) -> BlobState | None:
        self.looks += 1
        return super().stat(name)


def taken_in(uploads: Counted, name: str, data: bytes) -> Received:
    async def body() -> AsyncIterator[bytes]:
        yield data

    return asyncio.run(receive(cast(Any, uploads), name, body(), IfExists.RENAME, 1000, LONGEST_NAME))


def test_a_name_that_is_taken_a_thousand_times_costs_a_few_calls_and_still_finds_one() -> None:
    uploads = Counted("uploads")
    for number in itertools.chain([None], range(2, 1002)):
        name = "pets/cat.jpg" if number is None else marked("pets/cat.jpg", str(number))
        uploads.overwrite(name, b"another", "image/jpeg")
    found = {taken_in(uploads, "pets/cat.jpg", bytes([number])).name for number in range(3)}
    assert len(found) == 3
    assert all(name.startswith("pets/cat (") and name.endswith(").jpg") for name in found)
    assert uploads.looks <= 3 * _MOST_LOOKS


@pytest.mark.parametrize("name", ["a." + "b" * 1017, "x" * 1019, "d/" * 500 + "cat.jpg", ".hidden"])
def test_a_name_made_for_it_is_one_that_an_upload_can_have(name: str) -> None:
    uploads = Counted("uploads")
    for data in (b"one", b"two", b"three", b"four", b"five", b"six"):
        assert checked(taken_in(uploads, name, data).name)
    assert len(uploads.blobs) == 6
