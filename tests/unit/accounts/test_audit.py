"""The audit log: added to, searched, never in the way."""

import logging

import pytest

from imagestore.accounts.audit import Audit
from unit.accounts.conftest import Clock
from unit.memory_items import MemoryItems


def test_entries_are_found_by_what_stands_in_them_newest_first(clock: Clock) -> None:
    audit = Audit(MemoryItems(clock), clock)
    for number in range(5):
        audit.write("maria" if number % 2 else "ada", "correct", target=f"picture-{number}", after={"label": "rose"})
        clock.turn(minutes=1)
    assert [entry.target for entry in audit.search(who="ada")] == ["picture-4", "picture-2", "picture-0"]
    between = audit.search(since="2026-11-25T09:01:00.000Z", until="2026-11-25T09:03:00.000Z")
    assert [entry.target for entry in between] == ["picture-2", "picture-1"]
    first = list(audit.search(limit=2))
    rest = list(audit.search(limit=10, before=first[-1].id))
    assert [entry.target for entry in first + rest] == [f"picture-{number}" for number in (4, 3, 2, 1, 0)]
    assert first[0].after == {"label": "rose"}


def test_how_long_an_entry_is_kept_is_the_containers_own_matter(clock: Clock) -> None:
    items = MemoryItems(clock, default_ttl=86_400)
    entry = Audit(items, clock).write("maria", "correct")
    kept = items.read(entry.id)
    assert kept is not None
    assert "ttl" not in kept.document
    clock.turn(days=1)
    assert list(Audit(items, clock).search()) == []


def test_where_cosmos_is_away_the_log_of_the_process_has_the_entry(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    items = MemoryItems(clock)
    items.is_away = True
    with caplog.at_level(logging.INFO, "imagestore.audit"):
        Audit(items, clock).write("maria", "promote", target="garden 3", result="done")
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert '"what": "promote"' in record.getMessage()
    assert '"target": "garden 3"' in record.getMessage()
