"""One request's stay at a gate: how long the app works on it, and when it only waits and gives its place to others."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from imagestore.web.load.gate import Gate, Ticket


class Visit:
    """From admission to the end of the answer."""

    def __init__(self, gate: Gate, ticket: Ticket, monotonic: Callable[[], float]) -> None:
        self._gate = gate
        self._ticket = ticket
        self._monotonic = monotonic
        self._began = monotonic()
        self._waited_s = 0.0
        self._may_go_on = asyncio.Event()
        self.is_measured = True
        """Whether the time that it takes tells how busy the app is."""
        self.let_go: Callable[[], None] = lambda: None
        """Gives back early what of a bounded number this request has taken."""

    @contextlib.asynccontextmanager
    async def waiting(self) -> AsyncIterator[None]:
        """A block in which the app waits for something else than its own work. What is there at once, as a body that
        came with its head, costs no place."""
        began = self._monotonic()
        soon = asyncio.get_running_loop().call_soon(self._rest)
        try:
            yield
        finally:
            soon.cancel()
            self._waited_s += self._monotonic() - began
        began = self._monotonic()
        while not self._gate.resume(self._ticket):
            await self._may_go_on.wait()
        self._waited_s += self._monotonic() - began

    @contextlib.asynccontextmanager
    async def done_but_for_the_answer(self) -> AsyncIterator[None]:
        """A block in which only that is waited for which the answer is to say, as the record of an upload."""
        self.let_go()
        async with self.waiting():
            yield

    def _rest(self) -> None:
        self._may_go_on.clear()
        self._ticket.decide = self._may_go_on.set
        self._gate.rest(self._ticket)

    def end(self) -> None:
        """Its place is free; once is enough."""
        seconds = self._monotonic() - self._began - self._waited_s
        self._gate.leave(self._ticket, seconds if self.is_measured else None)
