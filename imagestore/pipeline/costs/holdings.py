"""What is kept where: how many blobs and bytes each container has in each tier, and what they cost a month.

Counting lists every blob, which takes minutes for a large estate, so the runner of jobs counts once a day, and
`imagestore tier` after it has moved something; pages show what was counted last.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from imagestore.decoding import convert
from imagestore.errors import Conflict
from imagestore.pipeline.costs.prices import Prices, Tier
from imagestore.pipeline.costs.tiers import tier_of
from imagestore.record import utc
from imagestore.store import Items, Stores

ID = TYPE = "holdings"


@dataclass(frozen=True)
class Holding:
    """What one container keeps in one tier: the number of blobs, their bytes, and US dollars a month."""

    container: str
    tier: str
    blobs: int
    size_bytes: int
    dollars_a_month: float


@dataclass(frozen=True)
class Holdings:
    """All of it, as it was counted at a time, at the prices of a day."""

    at: str
    prices_of: str
    parts: tuple[Holding, ...]

    @property
    def dollars_a_month(self) -> float:
        """What all of it costs a month."""
        return sum(part.dollars_a_month for part in self.parts)


def count(stores: Stores, prices: Prices, seen: Callable[[int], object] = lambda blobs: None) -> Holdings:
    """Count every blob of every container; `seen` is told of each page. Raises Unavailable."""
    parts = []
    for container in stores.containers():
        blobs, size = Counter[Tier](), Counter[Tier]()
        for page, _ in container.list():
            for blob in page:
                blobs[tier_of(blob)] += 1
                size[tier_of(blob)] += blob.size_bytes
            seen(len(page))
        parts += [
            Holding(container.container, str(tier), blobs[tier], size[tier], prices.month(tier, size[tier]))
            for tier in Tier
            if blobs[tier]
        ]
    return Holdings(utc(), prices.written_down, tuple(parts))


def keep(items: Items, holdings: Holdings) -> None:
    """Keep what was counted, in place of what was before. Raises Unavailable."""
    document: dict[str, Any] = {"id": ID, "type": TYPE, **msgspec.to_builtins(holdings)}
    before = items.read(ID)
    try:
        items.create(document) if before is None else items.replace(document, before.etag)
    except Conflict:  # somebody else has counted at the same time
        return


def kept(items: Items) -> Holdings | None:
    """What was counted last; None if nothing ever was. Raises Unavailable."""
    found = items.read(ID)
    return None if found is None else convert(found.document, Holdings)
