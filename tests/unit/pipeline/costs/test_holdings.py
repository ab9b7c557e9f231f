"""What is kept where is counted by container and tier, priced, and kept for the pages."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from imagestore.pipeline.costs.holdings import Holding, count, keep, kept
from imagestore.pipeline.costs.prices import Prices, Tier
from imagestore.store import Listed
from unit.memory_items import MemoryItems

PRICES = Prices.read()


def blob(size: int, tier: str | None) -> Listed:
    return Listed("x", "1", size, datetime(2026, 1, 1, tzinfo=UTC), None, {}, tier=tier)


def container(name: str, *pages: list[Listed]) -> Any:
    return SimpleNamespace(container=name, list=lambda: iter([(page, None) for page in pages]))


def test_blobs_and_bytes_are_counted_by_container_and_tier() -> None:
    uploads = container("uploads", [blob(10**9, "Hot"), blob(3, "Cold")], [blob(10**9, None)])
    stores: Any = SimpleNamespace(
        containers=lambda: [uploads, container("staging", []), container("results", [blob(5, "Hot")])]
    )
    seen: list[int] = []
    found = count(stores, PRICES, seen.append)
    assert [(one.container, one.tier, one.blobs, one.size_bytes) for one in found.parts] == [
        ("uploads", "hot", 2, 2 * 10**9), ("uploads", "cold", 1, 3), ("results", "hot", 1, 5),
    ]  # fmt: skip
    assert found.parts[0].dollars_a_month == pytest.approx(0.0416)
    assert found.dollars_a_month == pytest.approx(0.0416, abs=1e-6)
    assert found.prices_of == PRICES.written_down
    assert seen == [2, 1, 0, 1]


def test_what_was_counted_last_is_kept() -> None:
    items: Any = MemoryItems()
    assert kept(items) is None
    stores: Any = SimpleNamespace(containers=lambda: [container("uploads", [blob(7, "Cool")])])
    for _ in range(2):
        keep(items, count(stores, PRICES))
    found = kept(items)
    assert found is not None
    assert found.parts == (Holding("uploads", "cool", 1, 7, PRICES.month(Tier.COOL, 7)),)
