"""Lets in what the app can do, and refuses what is beyond it with 429, the dearest first.

There are two gates: before what the app's own process does, and before what its one child classifies. While reads and
searches alone are more than can be done, nothing is classified. Only who has been let in is asked who they are.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imagestore.settings import Auth
from imagestore.web.clients import address_of
from imagestore.web.guards.access import Routes
from imagestore.web.load.gate import Gate, Ticket
from imagestore.web.load.kinds import Kind, kind_of
from imagestore.web.load.limit import AdaptiveLimit
from imagestore.web.load.most import SlowestBody
from imagestore.web.load.pace import PacedBody, too_slow
from imagestore.web.load.rates import Rates
from imagestore.web.load.refusals import Refusals, overloaded
from imagestore.web.load.visit import Visit
from imagestore.web.problems import ApiProblem

AT_LEISURE, MOST_AT_WORK, MOST_CLASSIFYING = 4, 24, 6
"""Starlette has forty threads: some are left for sign-in, health and event streams."""
_LONGEST_ADDRESS = 8192
_HEALTH = "/api/v1/health/"
_TOO_LONG = ApiProblem(
    414, "too_long", f"An address has {_LONGEST_ADDRESS:,} bytes at most, up to its question mark. Shorten it."
)


def own_gate(monotonic: Callable[[], float] = time.monotonic) -> Gate:
    """The gate before what the app's own process does."""
    return Gate(AdaptiveLimit(start=8, most=MOST_AT_WORK), monotonic, AT_LEISURE)


class Admission:
    """Stands before all that costs something."""

    def __init__(
        self,
        app: ASGIApp,
        routes: Routes,
        gate: Gate,
        rates: Rates,
        refusals: Refusals,
        auth: Auth,
        trusted_proxies: int = 0,
        slowest: SlowestBody | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._routes = routes
        self._rates = rates
        self._refusals = refusals
        self._auth = auth
        self._trusted_proxies = trusted_proxies
        self._slowest = slowest or SlowestBody()
        self._monotonic = monotonic
        self._own = gate
        self._child = Gate(AdaptiveLimit(start=2, most=MOST_CLASSIFYING), monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state: dict[str, Any] = scope.setdefault("state", {})
        state.update(found=None, row="", kind=Kind.READ)
        problem = self._of_address(scope)
        if problem is not None:
            how = "long" if problem is _TOO_LONG else "address"
            await self._refusals.send(Kind.READ, how, problem, scope, receive, send)
            return
        found = self._routes.find(scope["method"], scope["path"])
        row = None if found is None else found[0].row(scope["method"])
        kind = kind_of(row, scope["query_string"])
        state.update(found=found, row=row or "", kind=kind)
        if kind is Kind.FREE:
            await self._pass_on(None, kind, scope, receive, send)
            return
        gate = self._child if kind is Kind.CLASSIFY else self._own
        ticket = await self._admitted(gate, kind, row or "")
        if ticket is None:
            await self._refusals.send(kind, "load", overloaded(kind), scope, receive, send)
            return
        visit = state["visit"] = Visit(gate, ticket, self._monotonic)
        try:
            await self._pass_on(visit, kind, scope, receive, send)
        finally:
            visit.end()

    def _of_address(self, scope: Scope) -> ApiProblem | None:
        """Count whose network address it comes from, before anything is looked up; the problem, if there is one."""
        if self._auth is Auth.REQUIRED and not scope["path"].startswith(_HEALTH):
            problem = self._rates.of_address(address_of(scope, self._trusted_proxies))
            if problem is not None:
                return problem
        return _TOO_LONG if len(scope.get("raw_path") or scope["path"]) > _LONGEST_ADDRESS else None

    async def _admitted(self, gate: Gate, kind: Kind, row: str) -> Ticket | None:
        """A ticket that is in; None if this is refused, at once or after a moment."""
        if gate is self._child and self._own.is_overloaded(Kind.SEARCH):
            return None
        patience_s, ticket = gate.patience_s(kind), gate.ask(kind, row)
        if ticket.is_in is None:
            loop = asyncio.get_running_loop()
            decided = loop.create_future()
            ticket.decide = lambda: None if decided.done() else decided.set_result(None)
            timer = loop.call_later(patience_s, gate.give_up, ticket)
            try:
                await decided
            except asyncio.CancelledError:
                gate.withdraw(ticket)
                gate.leave(ticket, None)
                raise
            finally:
                timer.cancel()
        return ticket if ticket.is_in else None

    async def _pass_on(self, visit: Visit | None, kind: Kind, scope: Scope, receive: Receive, send: Send) -> None:
        """Have the app answer. A body that came too slowly is answered with 408, whatever the app says of it."""
        in_memory = kind is Kind.CLASSIFY
        body = PacedBody(scope, receive, self._slowest, self._monotonic, is_in_memory=in_memory)
        answer = _Answer(send, visit)

        async def received() -> Message:
            if visit is None or body.is_whole:
                return await body.receive()
            async with visit.waiting():
                return await body.receive()

        async def told(message: Message) -> None:
            if message["type"] == "http.response.start":
                answer.is_replaced = body.is_late and not answer.has_begun
                if answer.is_replaced:
                    if visit is not None:
                        visit.end()
                    await self._refusals.send(kind, "slow", too_slow(self._slowest), scope, receive, send)
            if not answer.is_replaced:
                await answer.send(message)

        await self._app(scope, received, told)


class _Answer:
    """What the app answers, as it goes to the client. No place is held while the client takes it: also its first piece
    may have to wait, where the client has not taken the answer before."""

    def __init__(self, send: Send, visit: Visit | None) -> None:
        self._send = send
        self._visit = visit
        self._start: Message | None = None
        self.has_begun = self.is_replaced = False

    async def send(self, message: Message) -> None:
        """Send a piece; the head goes together with what comes next."""
        if self._visit is None:
            await self._send(message)
        elif message["type"] == "http.response.start":
            self.has_begun = True
            self._visit.is_measured &= message["status"] < 300  # a refusal takes less, and says nothing of the route
            if _is_event_stream(message):
                self._visit.is_measured = False
                self._visit.end()
                await self._send(message)
            else:
                self._start = message
        elif message.get("more_body"):
            self._visit.is_measured = False  # a long answer, which goes as fast as its client reads
            async with self._visit.waiting():
                await self._send_both(message)
        else:
            self._visit.end()
            await self._send_both(message)

    async def _send_both(self, message: Message) -> None:
        if self._start is not None:
            start, self._start = self._start, None
            await self._send(start)
        await self._send(message)


def _is_event_stream(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/event-stream")
