"""What one caller may have at once, and all together: uploads on their way, pictures in memory, streams of events.

It stands behind the check of who may ask, since it must know who that is, and before the idempotency keys: what is
refused here is not kept as anybody's answer.
"""

import contextlib
from collections import Counter

from starlette.types import ASGIApp, Receive, Scope, Send

from imagestore.accounts.callers import Caller, Means
from imagestore.web.guards.access import AuditNote
from imagestore.web.load.kinds import EVENTS, Kind
from imagestore.web.load.most import MostAtOnce
from imagestore.web.load.rates import Rates
from imagestore.web.load.refusals import Refusals, too_many
from imagestore.web.problems import ApiProblem

MOST_IN_MEMORY, MOST_IN_MEMORY_OF_ONE = 16, 4
"""Pictures that are classified on request are held in memory, 20 MB each at most."""
_UPLOADS_WAIT_S, _STREAMS_WAIT_S = 2, 10


class Places:
    """So many places for one thing, of which one caller may have so many."""

    def __init__(self, what: str, setting: str | None, most: int, most_of_one: int, wait_s: int) -> None:
        """`setting` names what limits them all, with _PER_CALLER what limits one; None where both are fixed."""
        self._what = what
        self._named = ("", "") if setting is None else (f" ({setting})", f" ({setting}_PER_CALLER)")
        self._most = most
        self._most_of_one = most_of_one
        self._wait_s = wait_s
        self._taken: Counter[str] = Counter()

    @property
    def taken(self) -> int:
        """How many are taken."""
        return self._taken.total()

    def take(self, caller: Caller) -> ApiProblem | None:
        """Take a place for this caller; the problem, if there is none. Where nobody signs in, one caller is all."""
        has = self._taken[caller.account]
        if has >= self._most_of_one and caller.means is not Means.LOCAL:
            said = f"{has:,} {self._what} of yours are open already, which is the limit{self._named[1]}."
        elif self.taken >= self._most:
            said = f"{self.taken:,} {self._what} are open already, which is the limit{self._named[0]}."
        else:
            self._taken[caller.account] += 1
            return None
        return too_many("too_many_at_once", said, self._wait_s)

    def leave(self, caller: Caller) -> None:
        """Give a place back."""
        self._taken[caller.account] -= 1
        if not self._taken[caller.account]:
            del self._taken[caller.account]


class Allowances:
    """Refuses who asks too often, or has too much going on already."""

    def __init__(self, app: ASGIApp, rates: Rates, refusals: Refusals, most: MostAtOnce) -> None:
        self._app = app
        self._rates = rates
        self._refusals = refusals
        self.uploads = Places("uploads", "UPLOADS_AT_ONCE", most.uploads, most.uploads_of_one, _UPLOADS_WAIT_S)
        self.streams = Places("event streams", "EVENT_STREAMS", most.streams, most.streams_of_one, _STREAMS_WAIT_S)
        self.in_memory = Places("pictures to classify", None, MOST_IN_MEMORY, MOST_IN_MEMORY_OF_ONE, _UPLOADS_WAIT_S)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http" or scope["state"]["kind"] is Kind.FREE or scope["state"]["caller"] is None:
            await self._app(scope, receive, send)
            return
        state = scope["state"]
        caller: Caller = state["caller"]
        problem = self._rates.of_caller(caller)
        if problem is not None:
            await self._refuse("rate", problem, scope, receive, send)
            return
        places = self._places(state["row"], state["kind"])
        if places is None:
            await self._app(scope, receive, send)
            return
        problem = places.take(caller)
        if problem is not None:
            await self._refuse("at_once", problem, scope, receive, send)
            return
        with contextlib.ExitStack() as stack:
            stack.callback(places.leave, caller)
            state["visit"].let_go = stack.close
            await self._app(scope, receive, send)

    def _places(self, row: str, kind: Kind) -> Places | None:
        if row == EVENTS:
            return self.streams
        return {Kind.UPLOAD: self.uploads, Kind.CLASSIFY: self.in_memory}.get(kind)

    async def _refuse(self, how: str, problem: ApiProblem, scope: Scope, receive: Receive, send: Send) -> None:
        note: AuditNote = scope["state"]["audit"]
        note.is_written = True  # nothing was done, and an entry for each would be the dearest of it
        await self._refusals.send(scope["state"]["kind"], how, problem, scope, receive, send)
