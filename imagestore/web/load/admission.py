"""Lets in what the app can do, and refuses what is beyond it with 429, the dearest first.

There are two gates: before what the app's own process does, and before what its one child classifies. While reads and
searches alone are more than can be done, nothing is classified. Only who has been let in is asked who they are.
"""

import asyncio
import random
import time
from collections.abc import Callable

from fastapi import FastAPI
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imagestore.settings import Auth
from imagestore.web.access import Routes
from imagestore.web.clients import address_of
from imagestore.web.load.gate import Gate, Ticket
from imagestore.web.load.kinds import Kind, kind_of
from imagestore.web.load.limit import AdaptiveLimit
from imagestore.web.load.most import SlowestBody
from imagestore.web.load.pace import PacedBody, too_slow
from imagestore.web.load.rates import Rates
from imagestore.web.load.refusals import Refusals, too_many
from imagestore.web.load.visit import Visit

MOST_AT_WORK, MOST_CLASSIFYING = 24, 6
"""Starlette has forty threads: some are left for sign-in, health and event streams."""
RETRY_AFTER_S = {Kind.READ: 1, Kind.CHANGE: 1, Kind.SEARCH: 2, Kind.UPLOAD: 3, Kind.CLASSIFY: 5}
_SAID = "More is asked of this app than it can do just now. Nothing was done."


class Admission:
    """Stands before all that costs something."""

    def __init__(
        self,
        app: ASGIApp,
        of: FastAPI,
        rates: Rates,
        refusals: Refusals,
        auth: Auth,
        trusted_proxies: int = 0,
        slowest: SlowestBody | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._app = app
        self._routes = Routes(of)
        self._rates = rates
        self._refusals = refusals
        self._auth = auth
        self._trusted_proxies = trusted_proxies
        self._slowest = slowest or SlowestBody()
        self._monotonic = monotonic
        self._own = Gate(AdaptiveLimit(start=8, most=MOST_AT_WORK), monotonic)
        self._child = Gate(AdaptiveLimit(start=2, most=MOST_CLASSIFYING), monotonic)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        found = self._routes.find(scope["method"], scope["path"])
        row = "" if found is None else found[0].row(scope["method"])
        kind = kind_of(row, scope["query_string"])
        scope.setdefault("state", {}).update(found=found, row=row, kind=kind)
        if kind is Kind.FREE:
            await self._pass_on(None, kind, scope, receive, send)
            return
        if self._auth is Auth.REQUIRED:
            problem = self._rates.of_address(address_of(scope, self._trusted_proxies))
            if problem is not None:
                await self._refusals.send(kind, "address", problem, scope, receive, send)
                return
        gate = self._child if kind is Kind.CLASSIFY else self._own
        ticket = await self._admitted(gate, kind, row)
        if ticket is None:
            wait_s = random.randint(RETRY_AFTER_S[kind], 2 * RETRY_AFTER_S[kind])  # so that not all come back at once
            await self._refusals.send(kind, "load", too_many("overloaded", _SAID, wait_s), scope, receive, send)
            return
        visit = scope["state"]["visit"] = Visit(gate, ticket, self._monotonic)
        try:
            await self._pass_on(visit, kind, scope, receive, send)
        finally:
            visit.end()

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
        body = PacedBody(scope, receive, self._slowest, self._monotonic)
        has_begun = is_replaced = False

        async def received() -> Message:
            if visit is None or body.is_whole:
                return await body.receive()
            with visit.waiting():
                return await body.receive()

        async def told(message: Message) -> None:
            nonlocal has_begun, is_replaced
            if message["type"] == "http.response.start":
                has_begun, is_replaced = True, body.is_late and not has_begun
                if is_replaced:
                    await self._refusals.send(kind, "slow", too_slow(self._slowest), scope, receive, send)
                if visit is not None and _is_event_stream(message):
                    visit.is_measured = False
                    visit.end()
            if is_replaced:
                return
            if visit is None or not message.get("more_body"):
                await send(message)
                return
            visit.is_measured = False  # a long answer, which goes as fast as its client reads
            with visit.waiting():
                await send(message)

        await self._app(scope, received, told)


def _is_event_stream(start: Message) -> bool:
    return Headers(raw=start["headers"]).get("content-type", "").startswith("text/event-stream")
