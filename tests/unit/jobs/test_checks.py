"""What the doctor says of the runners of jobs."""

from imagestore.jobs.checks import runners
from imagestore.jobs.presence import Presence
from imagestore.pipeline.checks import Severity
from unit.jobs.conftest import LEASE_S, Clock
from unit.memory_items import MemoryItems


def test_without_a_runner_it_says_that_what_is_put_in_waits(items: MemoryItems) -> None:
    found = runners(items)
    assert found.severity is Severity.WARNING
    assert "none has been heard of" in found.detail
    assert "imagestore jobs run" in found.remedy


def test_a_runner_that_is_there_is_well_until_its_lease_is_over(items: MemoryItems, clock: Clock) -> None:
    Presence(items, LEASE_S).refresh()
    assert runners(items).severity is Severity.OK
    Presence(items, 2 * LEASE_S, ["onnx"]).refresh()
    found = runners(items)
    assert (found.severity, found.detail[:15]) == (Severity.OK, "2 were heard of")
    clock.pass_by(LEASE_S)
    assert runners(items).severity is Severity.WARNING


def test_runners_that_all_lack_libraries_are_said_to(items: MemoryItems) -> None:
    Presence(items, LEASE_S, ["onnx", "scipy"]).refresh()
    found = runners(items)
    assert found.severity is Severity.WARNING
    assert "cannot train" in found.detail
    assert "onnx, scipy" in found.remedy


def test_a_runner_of_the_version_before_is_one_too(items: MemoryItems) -> None:
    items.create({"id": "runner-a", "type": "runner", "at": "2026-11-21T09:00:00.000Z", "ttl": LEASE_S})
    assert runners(items).severity is Severity.OK


def test_a_database_that_is_away_is_said(items: MemoryItems) -> None:
    items.is_away = True
    assert runners(items).severity is Severity.WARNING
