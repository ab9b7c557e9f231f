"""Reads the change feed, writes down what webhooks are to be told, and has it sent: in one process at a time.

An event is written down for each webhook before the place in the feed moves on, so a death at any step loses nothing:
what is read again is found to be written down already, and what was being sent is sent by who comes next.
"""

import contextlib
import logging
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from imagestore.errors import LeaseLost, NotFound, SettingsError, StoreError
from imagestore.record import utc
from imagestore.store import StoredRecord, Stores, is_same_generation
from imagestore.webhooks import events, feed
from imagestore.webhooks.backoff import Answered, moment
from imagestore.webhooks.delivery import Delivery, new
from imagestore.webhooks.lane import Lane
from imagestore.webhooks.outbox import Outbox
from imagestore.webhooks.registry import Webhooks
from imagestore.webhooks.sending import Send
from imagestore.webhooks.webhook import EventType, Webhook

log = logging.getLogger("imagestore.webhooks")
GONE = "Its receiver answered 410 Gone: it wants no more events."
_NEWS = timedelta(hours=1)
"""An outcome older than the last look at the feed by more than this is no news: its record was written again."""
_LOOK_AT_CONTAINER_S = 60.0
_AT_A_TIME = 100
_LONGEST_PAUSE_S = 30.0


@dataclass(frozen=True)
class Pace:
    """How long a lease is, how often what has changed and what is due is looked at, and how often whether there is a
    webhook at all, how often which models are live, and what was left behind; in seconds."""

    lease_s: float = 30.0
    poll_s: float = 2.0
    idle_s: float = 10.0
    due_s: float = 4.0
    models_s: float = 10.0
    left_s: float = 60.0

    @classmethod
    def of(cls, lease_s: float, poll_s: float) -> "Pace":
        """For a lease and a poll of so many seconds."""
        return cls(lease_s, poll_s, min(10.0, 5 * poll_s), 2 * poll_s, 5 * poll_s)


class Deliverer:
    """Tells webhooks what happens. `send` makes one try of a delivery; it is tried for as long as `limit` says. `clock`
    tells seconds."""

    def __init__(
        self,
        stores: Stores,
        webhooks: Webhooks,
        send: Send,
        limit: timedelta = timedelta(hours=72),
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._stores = stores
        self._webhooks = webhooks
        self._send = send
        self._limit = limit
        self._pace = pace or Pace()
        self._clock = clock
        self._id = uuid.uuid4().hex
        self._outbox = Outbox(stores.jobs)
        self._lease = feed.Lease(stores, self._id, self._pace.lease_s, clock)
        self._lanes: dict[str, Lane] = {}
        self._secrets: dict[str, str] = {}
        self._looked: dict[str, float] = {}
        self._stop = threading.Event()

    @property
    def is_at_work(self) -> bool:
        """Whether it is this one that reads the feed and sends."""
        return self._lease.position is not None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being sent."""
        return all(lane.is_idle for lane in self._lanes.values())

    def run(self, stop: threading.Event) -> None:
        """Go on until `stop` is set, and then let the next one go on."""
        self._stop, failures = stop, 0
        while not stop.is_set():
            pause = self._pace.poll_s
            try:
                pause = self._pace.poll_s if self.turn() else self._pace.idle_s
                failures = 0
            except LeaseLost as error:
                log.info("%s", error)
            except (StoreError, SettingsError) as error:
                failures += 1
                self._looked.pop("generation", None)
                log.warning("webhooks: %s", error)
            except Exception:  # whatever it is, webhooks must not stand still for ever
                failures += 1
                log.exception("webhooks are told nothing just now")
            stop.wait(min(pause * 2 ** min(failures, 10), max(pause, _LONGEST_PAUSE_S)))
        self.close()

    def turn(self) -> bool:
        """Do what is to be done now. Returns whether there is a webhook. Raises StoreError, LeaseLost."""
        webhooks = self._webhooks.all()
        on = [one for one in webhooks if one.is_on]
        if self._is_time("left", self._pace.left_s):
            for one in self._webhooks.removed():
                self._webhooks.forget(one, _AT_A_TIME)
        if not on:
            self._keep_lanes([])
            self._lease.let_go()
            return False
        if self._lease.position is None:
            self._keep_lanes([])
            if not self._lease.take():
                return True
            self._looked.clear()
        self._lease.beat()
        self._keep_lanes(on)
        if self._is_time("left behind", self._pace.left_s):
            self._take_up()
        self._read(on)
        if self._is_time("models", self._pace.models_s) and any(EventType.PROMOTED in one.events for one in on):
            self._look_at_models(on)
        if self._is_time("due", self._pace.due_s):
            self._offer_due()
        for lane in self._lanes.values():
            lane.go_on()
        return True

    def close(self) -> None:
        """Send nothing more, and let the next one go on at once."""
        self._keep_lanes([])
        try:
            self._lease.let_go()
        except StoreError as error:
            log.warning("webhooks: %s", error)

    def _read(self, webhooks: list[Webhook]) -> None:
        """Write down what the feed tells, and move on. A page may take longer than a lease: each event beats."""
        position, began = self._held(), utc()
        if self._is_time("generation", _LOOK_AT_CONTAINER_S):
            generation = self._stores.records.generation()
            if not is_same_generation(position.generation, generation):
                log.warning("the records are others than before: webhooks are told of what changes from now on")
                self._lease.move(replace(feed.now(self._stores), live=position.live))
                return
        for records, token in self._stores.records.changes(position.token):
            for stored in records:
                if self._stop.is_set():
                    return
                for webhook in webhooks:
                    self._lease.beat()
                    self._note(webhook, stored, position.at)
            self._lease.position = replace(self._held(), token=token)
            if records:
                self._lease.move(self._held())
        self._lease.position = replace(self._held(), at=began)  # which the next beat writes

    def _note(self, webhook: Webhook, stored: StoredRecord, seen_until: str) -> None:
        """Write down what this webhook is to be told of a record that has changed."""
        found = events.outcome(stored.record)
        if found is None:
            return
        event, at = found
        is_news = at >= webhook.since and moment(at) > moment(seen_until) - _NEWS
        if is_news and webhook.wants(event, stored.record):
            told = self._put(webhook, events.of_outcome(stored.record, webhook.source), stored.revision)
            is_rewritten = told is not None and told < stored.revision and stored.hidden_until is None
        else:
            is_rewritten = events.is_rewritten(stored) and events.written(stored) >= webhook.since
        if is_rewritten and webhook.wants(EventType.UPDATED, stored.record):
            self._put(webhook, events.of_rewriting(stored, webhook.source), stored.revision)

    def _look_at_models(self, webhooks: list[Webhook]) -> None:
        position, found = self._held(), feed.live(self._stores)
        marks = {name: feed.mark(entry) for name, entry in found.items()}
        if (after := {**position.live, **marks}) == position.live:
            return
        for name, entry in found.items():
            for webhook in webhooks:
                is_wanted = EventType.PROMOTED in webhook.events and webhook.project in (None, entry.name)
                if is_wanted and position.live.get(name) != marks[name] and entry.at >= webhook.since:
                    self._put(webhook, events.of_promotion(entry, webhook.source))
        self._lease.move(replace(position, live=after))

    def _put(self, webhook: Webhook, event: events.Event, revision: int = 0) -> int | None:
        """Write down that a webhook is to be told of an event. If it was before, returns of which revision of the
        record."""
        lane = self._lanes[webhook.id]
        delivery = new(webhook.id, event, utc(), self._id if lane.is_free else None, revision)
        kept = self._outbox.put(delivery)
        if kept is None:
            known = self._outbox.find(delivery.id)
            return revision if known is None else known.revision
        if delivery.by is not None or lane.room:
            lane.offer(kept, is_mine=delivery.by is not None)
        return None

    def _take_up(self) -> None:
        """Send what another was sending, or this one without being able to say what came of it."""
        for id, lane in self._lanes.items():
            for kept in self._outbox.being_sent(id, lane.room) if lane.room else ():
                lane.offer(kept)

    def _offer_due(self) -> None:
        now = utc(datetime.now(UTC) + timedelta(milliseconds=1))  # what is due in this very millisecond too
        for id, lane in self._lanes.items():
            for kept in self._outbox.due(id, now, room) if (room := lane.room) else ():
                lane.offer(kept)

    def _keep_lanes(self, webhooks: list[Webhook]) -> None:
        wanted = {one.id: one for one in webhooks}
        for id in [id for id in self._lanes if id not in wanted]:
            self._lanes.pop(id).close()
        for id, webhook in wanted.items():
            if id in self._lanes:
                self._lanes[id].webhook = webhook
            else:
                self._lanes[id] = Lane(
                    webhook, self._outbox, self._id, self._tried, self._turn_off, self._limit, self._clock
                )

    def _tried(self, webhook: Webhook, delivery: Delivery) -> Answered:
        if webhook.sealed not in self._secrets:
            self._secrets[webhook.sealed] = self._webhooks.secret(webhook)
        return self._send(webhook, delivery, self._secrets[webhook.sealed])

    def _turn_off(self, webhook: Webhook) -> None:
        log.warning("webhook %s is off: %s", webhook.id, GONE)
        with contextlib.suppress(NotFound):
            self._webhooks.turn_off(webhook.id, GONE)

    def _held(self) -> feed.Position:
        if self._lease.position is None:
            raise LeaseLost("Another reads the change feed for webhooks.")
        return self._lease.position

    def _is_time(self, what: str, every_s: float) -> bool:
        """Whether something is due that is done every so many seconds; it counts as done."""
        now = self._clock()
        if now - self._looked.get(what, float("-inf")) < every_s:
            return False
        self._looked[what] = now
        return True
