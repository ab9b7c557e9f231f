"""One request's stay at a gate: how long the app works on it, and when it only waits and gives its place to others."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator

from imagestore.web.load.gate import Gate, Ticket

REST_AFTER_S = 0.02
"""What comes sooner from a client does not count as waiting, so that places do not change hands at every piece."""


class Visit:
    """From admission to the end of the answer."""

    def __init__(self, gate: Gate, ticket: Ticket, monotonic: Callable[[], float]) -> None:
        self._gate = gate
        self._ticket = ticket
        self._monotonic = monotonic
        self._began = monotonic()
        self._waited_s = 0.0
        self.is_measured = True
        """Whether the time that it takes tells how busy the app is."""
        self.let_go: Callable[[], None] = lambda: None
        """Gives back early what of a bounded number this request has taken."""

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """A `with` block in which the app waits for something else than its own work."""
        began = self._monotonic()
        timer = asyncio.get_running_loop().call_later(REST_AFTER_S, self._gate.rest, self._ticket)
        try:
            yield
        finally:
            timer.cancel()
            self._gate.resume(self._ticket)
            self._waited_s += self._monotonic() - began

    @contextlib.contextmanager
    def done_but_for_the_answer(self) -> Iterator[None]:
        """A `with` block in which only that is waited for which the answer is to say, as the record of an upload."""
        self.let_go()
        with self.waiting():
            yield

    def end(self) -> None:
        """Its place is free; once is enough."""
        seconds = self._monotonic() - self._began - self._waited_s
        self._gate.leave(self._ticket, seconds if self.is_measured else None)
