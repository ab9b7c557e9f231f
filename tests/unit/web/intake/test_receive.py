"""Taking an upload in: what it costs to find a name that is free."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection
from typing import Any, cast

import pytest

from imagestore.record import LONGEST_NAME, record_id
from imagestore.store import BlobState
from imagestore.web.intake.names import checked, marked
from imagestore.web.intake.receive import IfExists, Received, receive
from imagestore.web.problems import ApiProblem
from unit.web.memory import MemoryBlobs

_MOST_LOOKS = 5


class Counted(MemoryBlobs):
    """Counts how often it is asked whether a blob is there."""

    looks = 0

    def stat(self, name: str) -> BlobState | None:
        self.looks += 1
        return super().stat(name)


def taken_in(
    uploads: Counted,
    name: str,
    data: bytes,
    if_exists: IfExists = IfExists.RENAME,
    about_to_go: Collection[str] = (),
) -> Received:
    async def body() -> AsyncIterator[bytes]:
        yield data

    asked = receive(cast(Any, uploads), name, body(), if_exists, 1000, LONGEST_NAME, about_to_go=about_to_go)
    return asyncio.run(asked)


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


def test_what_got_a_number_is_found_unchanged_when_it_is_sent_again() -> None:
    uploads = Counted("uploads")
    first = [taken_in(uploads, "cat.jpg", data) for data in (b"one", b"two", b"three")]
    assert [one.name for one in first] == ["cat.jpg", "cat (2).jpg", "cat (3).jpg"]
    again = [taken_in(uploads, "cat.jpg", data) for data in (b"one", b"two", b"three")]
    assert again == [Received(one.name, one.etag, is_new=False) for one in first]
    assert taken_in(uploads, "cat.jpg", b"four").name == "cat (4).jpg"


def test_what_got_a_number_and_is_about_to_go_is_taken_in_once_more() -> None:
    uploads = Counted("uploads")
    for data in (b"one", b"two"):
        taken_in(uploads, "cat.jpg", data)
    again = taken_in(uploads, "cat.jpg", b"two", about_to_go=[record_id("cat (2).jpg")])
    assert (again.name, again.is_new) == ("cat (3).jpg", True)


def test_where_no_other_name_was_asked_for_none_is_looked_at() -> None:
    uploads = Counted("uploads")
    for data in (b"one", b"two"):
        taken_in(uploads, "cat.jpg", data)
    with pytest.raises(ApiProblem, match=r"another upload named 'cat\.jpg'"):
        taken_in(uploads, "cat.jpg", b"two", IfExists.ERROR)
    assert taken_in(uploads, "cat.jpg", b"two", IfExists.OVERWRITE).name == "cat.jpg"
