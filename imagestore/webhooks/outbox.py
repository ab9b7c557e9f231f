"""What is to be sent, what is being sent, and what became of it: the deliveries in the container `jobs`."""

from collections.abc import Iterator

from imagestore.errors import Conflict, NotFound
from imagestore.store import Item, Items
from imagestore.webhooks.delivery import TYPE, Delivery, DeliveryState, delivery_of

Kept = tuple[Delivery, str]
"""A delivery, and the ETag with which it was read or written."""


class Outbox:
    """The deliveries. Every method raises Unavailable."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def put(self, delivery: Delivery) -> Kept | None:
        """Write a delivery down; None if it was before."""
        try:
            return delivery, self._items.create(delivery.document()).etag
        except Conflict:
            return None

    def find(self, id: str) -> Delivery | None:
        """A delivery, None if it is not there."""
        return delivery_of(self._items.read(id))

    def replace(self, delivery: Delivery, etag: str) -> Kept:
        """Write a delivery in place of the version with this ETag. Raises Conflict."""
        return delivery, self._items.replace(delivery.document(), etag).etag

    def read(self, webhook: str, id: str) -> Kept:
        """A delivery to this webhook. Raises NotFound."""
        item = self._items.read(id)
        found = delivery_of(item)
        if item is None or found is None or found.webhook != webhook:
            raise NotFound(f"There is no delivery {id[:80]} to this webhook, or not any more.")
        return found, item.etag

    def due(self, webhook: str, now: str, most: int) -> list[Kept]:
        """The deliveries to a webhook whose time has come, at most so many, the oldest events first."""
        wanted = {"webhook": webhook, "state": str(DeliveryState.WAITING)}
        return list(_kept(self._items.find(TYPE, wanted, until=now, limit=most, oldest_first=True)))

    def being_sent(self, webhook: str, most: int) -> list[Kept]:
        """The deliveries to a webhook that somebody sends, or has died over, at most so many."""
        wanted = {"webhook": webhook, "state": str(DeliveryState.SENDING)}
        return list(_kept(self._items.find(TYPE, wanted, limit=most, oldest_first=True)))

    def latest(
        self, webhook: str, most: int, before: str | None = None, state: DeliveryState | None = None
    ) -> list[Delivery]:
        """The latest deliveries to a webhook, at most so many, the newest events first; with `before`, an id, only
        older ones."""
        wanted = {"webhook": webhook, **({} if state is None else {"state": str(state)})}
        return [one for one, _ in _kept(self._items.find(TYPE, wanted, before=before, limit=most))]

    def clear(self, webhook: str, most: int) -> bool:
        """Delete deliveries to a webhook, at most so many. Returns whether these were all."""
        found = list(self._items.find(TYPE, {"webhook": webhook}, limit=most))
        for item in found:
            self._items.delete(item.id)
        return len(found) < most


def _kept(items: Iterator[Item]) -> Iterator[Kept]:
    for item in items:
        found = delivery_of(item)
        if found is not None:
            yield found, item.etag
