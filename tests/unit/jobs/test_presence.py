"""Which runners there are, by the database's own clock."""

from collections.abc import Mapping
from typing import Any

import pytest

from imagestore.errors import Conflict
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Arguments, Importing, JobKind
from imagestore.jobs.presence import TYPE, Presence, is_any, is_there
from imagestore.jobs.status import JobStatus
from imagestore.store import Item
from unit.jobs.conftest import LEASE_S, Clock
from unit.memory_items import MemoryItems


def test_a_runner_is_there_until_its_lease_is_over(items: MemoryItems, clock: Clock) -> None:
    one = Presence(items, LEASE_S)
    assert not is_any(items)
    for _ in range(3):
        one.refresh()
        clock.pass_by(LEASE_S - 1)
        assert is_there(items, one.runner)
    clock.pass_by(1)
    assert not is_there(items, one.runner)
    one.refresh()
    assert JobBoard(items).has_runner()
    one.end()
    assert not is_any(items)
    one.refresh()
    assert is_any(items)


def test_a_runner_of_an_earlier_version_does_no_imports(items: MemoryItems) -> None:
    board = JobBoard(items)
    items.create({"id": "runner-before", "type": TYPE, "at": "2026-11-21T09:00:00.000Z", "lacks": [], "ttl": LEASE_S})
    assert (board.has_runner(), board.has_runner(JobKind.TRAIN), board.has_runner(JobKind.IMPORT)) == (
        True,
        True,
        False,
    )
    waits = board.put(JobKind.IMPORT, "me", Arguments(importing=Importing("https://elsewhere.example.org", "Garden")))
    assert "no runner has been heard of that does this" in JobStatus.of(waits, waits.kind in board.kinds()).stage
    Presence(items, LEASE_S).refresh()
    assert board.has_runner(JobKind.IMPORT)


def test_a_write_whose_answer_was_lost_does_no_harm(items: MemoryItems, clock: Clock) -> None:
    one = Presence(items, LEASE_S)
    one.refresh()
    one._etag = None  # as if the answer had not come
    one.refresh()
    clock.pass_by(LEASE_S - 1)
    one.refresh()
    clock.pass_by(1)
    assert is_there(items, one.runner)


def test_a_runner_whose_document_has_expired_but_still_takes_up_its_id_is_there_again(
    items: MemoryItems, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The service clears away later what has expired, and nobody says that its id is free before."""
    create = items.create

    def create_where_nothing_was(document: Mapping[str, Any]) -> Item:
        if document["id"] in items.items:
            raise Conflict("creating a document: Conflict (409)")
        return create(document)

    monkeypatch.setattr(items, "create", create_where_nothing_was)
    one = Presence(items, LEASE_S)
    one.refresh()
    clock.pass_by(LEASE_S)
    one.refresh()
    assert is_there(items, one.runner)
