"""What is live, as this process knows it: storage is asked now and then, and wherever a guess might be wrong."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from imagestore.errors import StoreError, Unavailable
from imagestore.store import LiveModels

log = logging.getLogger("imagestore.models")


@dataclass(frozen=True)
class _Look:
    """What was live, and when whoever asked for it began to, by the clock of this process."""

    live: LiveModels
    began: float


class KnownLive:
    """What is live, asked for at most every `every_s` seconds, unless somebody must know it of a later moment.

    Any change is known to `confirmed` here `every_s` seconds after it was written, whatever else this process does.
    """

    def __init__(
        self, read: Callable[[], LiveModels], every_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._read = read
        self._every_s = every_s
        self._clock = clock
        self._asking = threading.Lock()
        self._last: _Look | None = None
        self._asked_at = float("-inf")
        self._failure: tuple[float, Unavailable] | None = None

    def get(self) -> LiveModels:
        """What is live, as far as is known: of before, while another thread asks or storage is away.

        Raises StoreError only while nothing is known.
        """
        if (last := self._last) is None:
            return self.since(float("-inf"))
        if self._clock() - self._asked_at > self._every_s and self._asking.acquire(blocking=False):
            try:
                return self._ask()
            except Unavailable as error:
                log.warning("the models in use stay: %s", error)
            finally:
                self._asking.release()
        return last.live

    def confirmed(self) -> LiveModels:
        """What was live at some moment of the last `every_s` seconds. Raises Unavailable if that cannot be known."""
        return self.since(self._clock() - self._every_s)

    def now(self) -> LiveModels:
        """What is live at a moment of this call. Raises Unavailable if that cannot be known."""
        return self.since(self._clock())

    def since(self, moment: float) -> LiveModels:
        """What was live at this moment of the clock, or at a later one.

        Threads that need it at once share one answer, and one failure. Raises Unavailable if storage does not answer.
        """
        asked = self._clock()
        if (last := self._last) is not None and last.began >= moment:
            return last.live
        with self._asking:
            if (last := self._last) is not None and last.began >= moment:
                return last.live
            if self._failure is not None and self._failure[0] >= asked:
                raise Unavailable(str(self._failure[1]))
            return self._ask()

    def _ask(self) -> LiveModels:
        """Ask storage. The answer holds for the moment at which this began, since a change may fall in between. What is
        there but cannot be read changes nothing."""
        began = self._asked_at = self._clock()
        try:
            live = self._read()
        except Unavailable as error:
            self._failure = began, error
            raise
        except StoreError as error:
            if self._last is None:
                raise
            log.warning("the models in use stay: %s", error)
            live = self._last.live
        self._last = _Look(live, began)
        return live
