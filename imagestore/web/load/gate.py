"""Who may begin, who waits for a moment, and who is refused at once.

A short queue takes up what comes in bursts, as a page with sixty pictures does. A queue that stands is of no use: it
adds to every answer's time and to none's number. So as soon as somebody has been waiting for longer than a burst lasts,
or more wait than a burst has, it is a crowd: all but the newest few are refused, patience becomes short, and the newest
goes first, until nothing has been refused for a second. That is the controlled delay and adaptive LIFO of "Fail at
Scale" (Maurer, ACM Queue 13/8, 2015), after CoDel (RFC 8289). Cheaper kinds go before dearer ones, and of each kind it
is known by itself whether it waits too long: a crowd of uploads does not make reads impatient. That one who waits alone
is refused does not prolong a crowd: then it is not many who ask, but something slow that is at work.

As long as there is no crowd, some may be at work beside each other though that is more than is worth while: a quick
answer is not to wait behind a slow one, and there is time for both.

Nothing here waits or knows of asyncio: `decide` is called once it is known.
"""

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from imagestore.web.load.kinds import Kind
from imagestore.web.load.limit import AdaptiveLimit

BURST_S = {Kind.READ: 2.0, Kind.CHANGE: 1.0, Kind.SEARCH: 1.0, Kind.UPLOAD: 0.3, Kind.CLASSIFY: 0.1}
MOST_IN_A_BURST = 120
"""So many may wait: two pages of sixty pictures, which a slow machine shows in two seconds."""
CALM_S = 1.0
_SHORTEST_S = 0.005
_OF_LATE_S = 0.5
"""How many are at work "of late" is a mean over about so long."""


@dataclass(eq=False)
class Ticket:
    """One request at a gate. `is_in` is None as long as it waits; once it is in, `decide` tells it after a rest that it
    has a place again."""

    kind: Kind
    row: str
    decide: Callable[[], None] = lambda: None
    is_in: bool | None = None
    is_resting: bool = False
    asked_at: float = 0.0


class Gate:
    """Admits as many as its limit says, or, while there is no crowd, `at_leisure` if that is more. For one thread, that
    of the event loop."""

    def __init__(self, limit: AdaptiveLimit, monotonic: Callable[[], float], at_leisure: int = 1) -> None:
        self._limit = limit
        self._at_leisure = at_leisure
        self._monotonic = monotonic
        self._at_work = self._uploads_at_work = 0
        self._of_late, self._counted_at = 0.0, monotonic()
        self._returning: list[Ticket] = []
        self._waiting: list[deque[Ticket]] = [deque() for _ in Kind]
        self._refused_at = [float("-inf") for _ in Kind]

    @property
    def limit(self) -> int:
        """How many may be at work now."""
        return self._limit.value

    @property
    def at_work(self) -> int:
        """How many are at work; who waits for their client is not."""
        return self._at_work

    def is_overloaded(self, kind: Kind) -> bool:
        """Whether more of this kind and cheaper ones is asked than can be done."""
        now = self._monotonic()
        if now - self._refused_at[kind] <= CALM_S:
            return True
        oldest = min((waiting[0].asked_at for waiting in self._waiting[: kind + 1] if waiting), default=now)
        return now - oldest > BURST_S[kind]

    def patience_s(self, kind: Kind) -> float:
        """How long one that comes now waits at most."""
        if self.is_overloaded(kind):
            return max(_SHORTEST_S, self._limit.mean_s / 2)
        return BURST_S[kind]

    def refuses(self, kind: Kind) -> bool:
        """Whether one of this kind that came now would be refused at once."""
        return not (self._has_room(kind) and not self._waits(kind)) and self._is_full(kind)

    def ask(self, kind: Kind, row: str) -> Ticket:
        """Ask to begin: the ticket is in, or waits, or is refused since too many wait."""
        if self._returning or self._waits(Kind.CLASSIFY):
            self._next()  # what was a crowd may have become calm meanwhile, and have more places
        ticket = Ticket(kind, row, asked_at=self._monotonic())
        if self._has_room(kind) and not self._waits(kind):
            self._enter(ticket)
        elif self._is_full(kind):
            self.give_up(ticket)
        else:
            self._waiting[kind].append(ticket)
        return ticket

    def give_up(self, ticket: Ticket) -> None:
        """Refuse one that has waited for as long as it may, and with it all that wait in vain."""
        if ticket.is_in is None:
            is_alone = self._count_waiting(ticket.kind) < self._worth_waiting
            self.withdraw(ticket)
            if not (is_alone and self.is_overloaded(ticket.kind)):
                self._crowded(ticket.kind)
            ticket.is_in = False
            ticket.decide()

    def refused(self, kind: Kind) -> None:
        """One of this kind was refused without having asked for a ticket, since `refuses` said so."""
        self._crowded(kind)

    def withdraw(self, ticket: Ticket) -> None:
        """Forget one that waits: its client has left."""
        if ticket in self._waiting[ticket.kind]:
            self._waiting[ticket.kind].remove(ticket)

    def rest(self, ticket: Ticket) -> None:
        """It waits for its client, or for the record of an upload: its place is free meanwhile."""
        if ticket.is_in and not ticket.is_resting:
            ticket.is_resting = True
            self._count(ticket.kind, -1)
            self._next()

    def resume(self, ticket: Ticket) -> bool:
        """Ask to go on after a rest: whether it may at once. Else it is told, before any that has not begun."""
        if not ticket.is_in or not ticket.is_resting:
            return True
        if ticket not in self._returning:
            if self._has_room(ticket.kind):
                ticket.is_resting = False
                self._count(ticket.kind, 1)
                return True
            self._returning.append(ticket)
        return False

    def leave(self, ticket: Ticket, seconds: float | None) -> None:
        """It is done, after so many seconds of work; None if they say nothing."""
        if not ticket.is_in:
            return
        ticket.is_in = False
        was_full = self._waits(Kind.CLASSIFY) or bool(self._returning) or self._at_work >= self._limit.value
        self._count(ticket.kind, 0)
        if seconds is not None:
            self._limit.took(ticket.row, seconds, at_once=self._of_late, was_full=was_full)
        if ticket in self._returning:
            self._returning.remove(ticket)
        if not ticket.is_resting:
            self._count(ticket.kind, -1)
        self._next()

    def _waits(self, kind: int) -> bool:
        """Whether any of this kind or of a cheaper one waits."""
        return any(self._waiting[: kind + 1])

    def _is_full(self, kind: Kind) -> bool:
        """Whether one more would wait in vain: in a crowd none but the next few get in before their time is over, and
        to refuse at once costs least."""
        most = self._worth_waiting if self.is_overloaded(kind) else MOST_IN_A_BURST
        return self._count_waiting(kind) >= most

    @property
    def _worth_waiting(self) -> int:
        """How many may wait in a crowd: those whose turn comes before their patience is over."""
        return 2 * self._limit.value

    def _count_waiting(self, kind: int) -> int:
        return sum(map(len, self._waiting[: kind + 1]))

    def _crowded(self, kind: Kind) -> None:
        """Know that something of this kind was refused: of it and of dearer kinds the newest few are left waiting, as
        far as cheaper ones leave them room."""
        now = self._monotonic()
        for dearer in range(len(self._waiting) - 1, kind - 1, -1):
            self._refused_at[dearer] = now
            while self._waiting[dearer] and self._count_waiting(dearer) > self._worth_waiting:
                oldest = self._waiting[dearer].popleft()
                oldest.is_in = False
                oldest.decide()

    def _has_room(self, kind: Kind) -> bool:
        """Whether one more of this kind may begin or go on. Uploads have half of the places, so that reads find one."""
        most = self._limit.value if self.is_overloaded(kind) else max(self._at_leisure, self._limit.value)
        return self._at_work < most and (kind is not Kind.UPLOAD or self._uploads_at_work < max(1, most // 2))

    def _count(self, kind: Kind, change: int) -> None:
        """So many more are at work from now on. How many were so of late is the mean of half a second, whatever
        each answer took: quick answers would else count as those with little beside them."""
        now = self._monotonic()
        self._of_late += (self._at_work - self._of_late) * -math.expm1((self._counted_at - now) / _OF_LATE_S)
        self._counted_at = now
        self._at_work += change
        if kind is Kind.UPLOAD:
            self._uploads_at_work += change

    def _enter(self, ticket: Ticket) -> None:
        self._count(ticket.kind, 1)
        ticket.is_in = True

    def _next(self) -> None:
        for ticket in [one for one in self._returning if self._has_room(one.kind)]:
            if self._has_room(ticket.kind):
                self._returning.remove(ticket)
                ticket.is_resting = False
                self._count(ticket.kind, 1)
                ticket.decide()
        for kind in Kind:
            waiting = self._waiting[kind]
            while waiting and self._has_room(kind):
                ticket = waiting.pop() if self.is_overloaded(kind) else waiting.popleft()
                self._enter(ticket)
                ticket.decide()
