"""The webhooks as whoever registers them sees them: add, look at, turn off and on, test and remove them; what was
delivered, and sending it again."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from imagestore.errors import Conflict, NotAWebhook, NotFound, SettingsError, StoreError
from imagestore.jobs.sealed import NO_SECRETS, SECRET, Sealer
from imagestore.record import stored_name, tombstone, utc
from imagestore.store import Stores
from imagestore.webhooks import feed
from imagestore.webhooks.backoff import moment
from imagestore.webhooks.delivery import Delivery, DeliveryState, new
from imagestore.webhooks.events import of_test
from imagestore.webhooks.outbox import Outbox
from imagestore.webhooks.signing import new_secret
from imagestore.webhooks.webhook import LONGEST_NAME, TYPE, EventType, Webhook, checked_url, webhook_of

MOST = 20
STUCK = timedelta(minutes=1)
"""One that is being sent for longer can be sent again: a try takes 15 seconds at most, and whoever made it has died."""
BY_HAND = "Somebody turned it off."


def told_of_deletion(stores: Stores, name: str) -> list[Webhook]:
    """The webhooks that are told that the picture of this name was deleted, and its name. Raises Unavailable."""
    found = (webhook_of(item) for item in stores.jobs.find(TYPE))
    gone = tombstone(name, utc())
    return [one for one in found if one is not None and one.is_on and one.wants(EventType.DELETED, gone)]


class Webhooks:
    """The webhooks in the stores. `sealer` seals their secrets; `hosts` are those that may be on a private network
    (WEBHOOK_HOSTS); `source` is that of the events. Every method raises Unavailable."""

    def __init__(self, stores: Stores, sealer: Sealer | None, hosts: tuple[str, ...], source: str) -> None:
        self._stores = stores
        self._items = stores.jobs
        self._sealer = sealer
        self._hosts = hosts
        self._source = source
        self.outbox = Outbox(stores.jobs)

    def add(
        self,
        url: str,
        events: Sequence[EventType],
        by: str,
        *,
        name: str = "",
        prefix: str = "",
        project: str | None = None,
    ) -> tuple[Webhook, str]:
        """Register a webhook, which is told of what happens from now on. Returns it with its secret, which is kept
        sealed and shown to nobody again.

        Raises NotAWebhook; NotFound if there is no such project; SettingsError where no secret can be sealed.
        """
        if self._sealer is None:
            raise SettingsError(f"The secret could not be kept safe: {NO_SECRETS}")
        if not events:
            raise NotAWebhook(f"Choose at least one event: {', '.join(EventType)}.")
        if len(name) > LONGEST_NAME or not name.isprintable():
            raise NotAWebhook(f"A name has at most {LONGEST_NAME} characters, none that controls text.")
        checked_url(url, self._hosts)
        if project is not None:
            project = self._stores.projects.open(project).name
        if len(self.all()) >= MOST:
            raise NotAWebhook(f"There are {MOST} webhooks already, which is the limit. Remove one.")
        at, secret = utc(), new_secret()
        webhook = Webhook(
            id=f"webhook-{secrets.token_hex(8)}",
            url=url,
            events=tuple(event for event in EventType if event in events),
            by=by,
            created_at=at,
            since=at,
            source=self._source,
            sealed="",
            name=name,
            prefix=stored_name(prefix),
            project=project,
        )
        webhook = replace(webhook, sealed=self._sealer.seal(secret, webhook.bound))
        self._items.create(webhook.document())
        try:
            self._begin(webhook)
        except StoreError:  # nobody would know its secret
            self._items.delete(webhook.id)
            raise
        return webhook, secret

    def all(self) -> list[Webhook]:
        """The webhooks, in the order in which they were registered."""
        return sorted((one for one in self._every() if not one.is_removed), key=lambda one: (one.created_at, one.id))

    def removed(self) -> list[Webhook]:
        """Those that are to go."""
        return [one for one in self._every() if one.is_removed]

    def read(self, id: str) -> Webhook:
        """The webhook with this id. Raises NotFound."""
        return self._read(id)[0]

    def remove(self, id: str) -> Webhook:
        """Remove a webhook: nothing is sent any more, and its deliveries are deleted. Raises NotFound."""
        return self._change(id, lambda one: replace(one, is_removed=True, sealed=""))

    def turn_off(self, id: str, why: str = BY_HAND) -> Webhook:
        """Send nothing. What waits goes on waiting, and what happens meanwhile is told to nobody. Raises NotFound."""
        return self._change(id, lambda one: replace(one, off=one.off or why))

    def turn_on(self, id: str) -> Webhook:
        """Send again: what waits, and what happens from now on. Raises NotFound."""
        if self.read(id).is_on:
            return self.read(id)
        webhook = self._change(id, lambda one: replace(one, off=None, since=utc()))
        self._begin(webhook)
        return webhook

    def test(self, id: str) -> Delivery:
        """Have an event sent that says nothing but that it is a test. Raises NotFound; Conflict if it is off."""
        webhook = self.read(id)
        if not webhook.is_on:
            raise Conflict(f"The webhook is off: {webhook.off} Turn it on first.")
        delivery = new(id, of_test(id, webhook.source, secrets.token_hex(16)), utc())
        self.outbox.put(delivery)
        return delivery

    def deliveries(
        self, id: str, most: int, before: str | None = None, state: DeliveryState | None = None
    ) -> list[Delivery]:
        """What was sent to a webhook and what is to be, the newest events first. Raises NotFound."""
        return self.outbox.latest(self.read(id).id, most, before, state)

    def resend(self, id: str, delivery: str) -> Delivery:
        """Have a delivery sent once more, with the same id. Raises NotFound; Conflict if it is being sent, for less
        than STUCK, or the webhook is off."""
        webhook = self.read(id)
        if not webhook.is_on:
            raise Conflict(f"The webhook is off: {webhook.off} Turn it on first.")
        while True:
            found, etag = self.outbox.read(id, delivery)
            if found.state is DeliveryState.SENDING and moment(found.at) > datetime.now(UTC) - STUCK:
                raise Conflict("It is being sent just now. Look again in a moment.")
            again = found.again(utc())
            try:
                self.outbox.replace(again, etag)
            except Conflict:
                continue
            return again

    def secret(self, webhook: Webhook) -> str:
        """The secret that signs what goes to a webhook. Raises SettingsError where it cannot be opened."""
        if self._sealer is None:
            raise SettingsError(f"The secret of the webhook {webhook.id} cannot be read: {NO_SECRETS}")
        otherwise = (
            f"The secret of the webhook cannot be opened: the secret '{SECRET}' is another one here than when it was "
            "registered. Remove the webhook and register it again."
        )
        return self._sealer.opened(webhook.sealed, webhook.bound, otherwise)

    def forget(self, webhook: Webhook, most: int) -> None:
        """Delete deliveries of a removed webhook, at most so many, and after the last of them the webhook."""
        if self.outbox.clear(webhook.id, most):
            self._items.delete(webhook.id)

    def _begin(self, webhook: Webhook) -> None:
        """Where no other webhook keeps the feed being read, it goes on from now."""
        if not any(one.is_on and one.id != webhook.id for one in self.all()):
            feed.restart(self._stores)

    def _every(self) -> list[Webhook]:
        found = (webhook_of(item) for item in self._items.find(TYPE))
        return [one for one in found if one is not None]

    def _read(self, id: str) -> tuple[Webhook, str]:
        item = self._items.read(id) if id.startswith("webhook-") else None
        found = webhook_of(item)
        if item is None or found is None or found.is_removed:
            raise NotFound(f"There is no webhook {id[:40]}: imagestore webhooks list.")
        return found, item.etag

    def _change(self, id: str, changed: Callable[[Webhook], Webhook]) -> Webhook:
        while True:
            found, etag = self._read(id)
            after = changed(found)
            try:
                self._items.replace(after.document(), etag)
            except Conflict:
                continue
            return after
