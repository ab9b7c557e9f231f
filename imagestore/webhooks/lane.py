"""Sends the deliveries of one webhook, a few at once, so that a receiver that is slow or away holds no other up."""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial

from imagestore import telemetry
from imagestore.errors import Conflict, ImageStoreError
from imagestore.record import utc
from imagestore.store.patience import patiently
from imagestore.telemetry import signals
from imagestore.webhooks.backoff import Answered, after
from imagestore.webhooks.delivery import Attempt, Delivery, DeliveryState
from imagestore.webhooks.outbox import Kept, Outbox
from imagestore.webhooks.webhook import Webhook

log = logging.getLogger("imagestore.webhooks")
AT_ONCE = 4
ROOM = 200
"""How many deliveries of a webhook are sent at once, and how many wait in memory for that."""
FAILURES = 3
"""After so many failures one after the other, one delivery at a time is tried, with a pause before each."""
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _LONGEST_ASKED_S = 5.0, 60.0, 3600.0


class Lane:
    """The deliveries of one webhook that this process sends as `by`. `send` makes one try of a delivery and raises
    nothing; `gone` is called if the receiver wants no more. `clock` tells seconds."""

    def __init__(
        self,
        webhook: Webhook,
        outbox: Outbox,
        by: str,
        send: Callable[[Webhook, Delivery], Answered],
        gone: Callable[[Webhook], object],
        limit: timedelta,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.webhook = webhook
        self._outbox = outbox
        self._by = by
        self._send = send
        self._gone = gone
        self._limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._queue: deque[Kept] = deque()
        self._known = set[str]()
        self._threads = self._busy = 0
        self._failures = 0
        self._paused_until = float("-inf")
        self._is_closed = False
        self._wait = threading.Event()

    @property
    def room(self) -> int:
        """How many more it would take now."""
        with self._lock:
            return 0 if self._is_closed or self._is_paused() else max(0, ROOM - len(self._known))

    @property
    def is_free(self) -> bool:
        """Whether it would send one more at once."""
        with self._lock:
            return self._has_connection() and not self._queue

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing to send."""
        with self._lock:
            return not self._known

    def offer(self, kept: Kept, *, is_mine: bool = False) -> None:
        """Send this delivery, unless it is being sent already. That it is being sent is written first, on its ETag, so
        that nobody else sends it too, and nobody one that was deleted. With `is_mine` that was just written; it is
        written again if there is no connection at once."""
        with self._lock:
            if self._is_closed or kept[0].id in self._known:
                return
            self._known.add(kept[0].id)
            if not (is_mine and self._has_connection() and self._begin(kept)):
                self._queue.append(kept)
        self.go_on()

    def go_on(self) -> None:
        """Have threads send what waits here, if it is time for that."""
        with self._lock:
            while self._has_connection() and len(self._queue) > self._threads - self._busy:
                if not self._begin():
                    return

    def close(self) -> None:
        """Begin nothing more. What is being sent ends by itself; what waits here is found again in the store."""
        with self._lock:
            self._is_closed = True
            self._known -= {delivery.id for delivery, _ in self._queue}
            self._queue.clear()
        self._wait.set()

    def _has_connection(self) -> bool:
        most = AT_ONCE if self._failures < FAILURES else 1
        return not self._is_closed and not self._is_paused() and self._threads < most

    def _begin(self, mine: Kept | None = None) -> bool:
        """Have one more thread send, this delivery first. Returns whether there is one."""
        try:
            threading.Thread(target=self._work, args=(mine,), name=f"send {self.webhook.id}", daemon=True).start()
        except RuntimeError as error:  # there is no thread to be had; the next turn tries again
            log.warning("webhook %s: %s", self.webhook.id, error)
            return False
        self._threads += 1
        self._busy += mine is not None
        return True

    def _is_paused(self) -> bool:
        return self._clock() < self._paused_until

    def _work(self, mine: Kept | None) -> None:
        if mine is not None:
            self._send_one(mine, is_mine=True)
        while True:
            with self._lock:
                is_one_too_many = self._failures >= FAILURES and self._threads > 1
                if self._is_closed or self._is_paused() or is_one_too_many or not self._queue:
                    self._threads -= 1
                    return
                kept = self._queue.popleft()
                self._busy += 1
            self._send_one(kept)

    def _send_one(self, kept: Kept, *, is_mine: bool = False) -> None:
        try:
            self._deliver(*(kept if is_mine else self._claimed(*kept)))
        except Conflict:
            log.info("delivery %s: somebody else has it, or it was deleted", kept[0].id)
        except ImageStoreError as error:  # it is found again in the store
            log.warning("delivery %s: %s", kept[0].id, error)
        except Exception:
            log.exception("delivery %s", kept[0].id)
        finally:
            with self._lock:
                self._busy -= 1
                self._known.discard(kept[0].id)

    def _claimed(self, delivery: Delivery, etag: str) -> Kept:
        return self._outbox.replace(replace(delivery, state=DeliveryState.SENDING, by=self._by, at=utc()), etag)

    def _deliver(self, delivery: Delivery, etag: str) -> None:
        answered = self._tried(delivery)
        done = after(delivery, answered, self._limit)
        self._count(answered)
        telemetry.measure(signals.WEBHOOKS, state=str(done.state))
        if answered.is_gone:
            self._gone(self.webhook)
        patiently(partial(self._outbox.replace, done, etag), self._pause)

    def _tried(self, delivery: Delivery) -> Answered:
        try:
            return self._send(self.webhook, delivery)
        except ImageStoreError as error:
            return Answered(Attempt(utc(), None, str(error), 0))
        except Exception as error:
            log.exception("delivery %s", delivery.id)
            return Answered(Attempt(utc(), None, f"{type(error).__name__} on our side; the log says more.", 0))

    def _pause(self, seconds: float) -> None:
        self._wait.wait(seconds)

    def _count(self, answered: Answered) -> None:
        with self._lock:
            if answered.is_taken:
                self._failures, self._paused_until = 0, float("-inf")
                return
            self._failures += 1
            pause_s = answered.retry_after_s or 0.0
            if self._failures >= FAILURES:
                pause_s = max(pause_s, min(_FIRST_PAUSE_S * 2 ** min(self._failures - FAILURES, 10), _LONGEST_PAUSE_S))
            self._paused_until = max(self._paused_until, self._clock() + min(pause_s, _LONGEST_ASKED_S))
