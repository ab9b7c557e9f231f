"""What a runner does beside jobs."""

import logging
import threading
from types import SimpleNamespace
from typing import Any

import pytest

from imagestore import telemetry
from imagestore.errors import Unavailable
from imagestore.jobs.housekeeping import keep_house, keeping_house
from imagestore.pipeline.costs.holdings import kept
from imagestore.pipeline.models.projects import delete_project
from imagestore.store.models import MODEL_FILE
from unit.memory_items import MemoryItems
from unit.web.memory import MemoryBlobs, registry


@pytest.fixture
def stores() -> Any:
    stores: Any = SimpleNamespace(**registry(), training=MemoryBlobs("training"), jobs=MemoryItems())
    stores.containers = lambda: []
    stores.projects.create("screws", "me")
    stores.models.keep("screws", "1", {MODEL_FILE: b"model"})
    delete_project(stores, "screws", "me")
    return stores


def test_projects_whose_day_has_come_are_gone_for_good(stores: Any) -> None:
    keep_house(stores, 7)
    assert stores.models.versions() == [("screws", "1")]
    keep_house(stores, 0)
    assert stores.models.versions() == []


def test_what_is_kept_where_is_counted_and_measured(stores: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[tuple[str, float, dict[str, Any]]] = []
    monkeypatch.setattr(
        telemetry, "measure", lambda metric, value, **split: measured.append((metric.name, value, split))
    )
    blobs = MemoryBlobs("uploads")
    blobs.put("a.jpg", b"bytes", "image/jpeg", None)
    stores.containers = lambda: [blobs]
    keep_house(stores, 7)
    found = kept(stores.jobs)
    assert found is not None
    assert found.dollars_a_month > 0
    assert measured[0] == ("imagestore.kept.cost", found.dollars_a_month, {"tier": "hot"})
    assert [(value, split["tier"]) for _, value, split in measured[1:]] == [(0, "cool"), (0, "cold"), (0, "archive")]


def test_a_store_that_is_away_is_left_to_the_next_time(stores: Any, caplog: pytest.LogCaptureFixture) -> None:
    def away() -> None:
        raise Unavailable("storage does not answer")

    stores.projects.read = away
    with caplog.at_level(logging.WARNING):
        keep_house(stores, 0)
    assert "looked after later: storage does not answer" in caplog.text


def test_it_is_done_again_and_again_while_the_runner_is_there() -> None:
    times = [threading.Event() for _ in range(3)]
    left = iter(times)

    def work() -> None:
        if (one := next(left, None)) is not None:
            one.set()

    with keeping_house(work, 0.001):
        assert all(one.wait(60) for one in times)
