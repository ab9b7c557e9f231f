"""Sessions of people who signed in: kept here, under a hash of what the cookie holds, and ended here."""

import contextlib
import math
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import msgspec

from imagestore.accounts.tokens import Clock, id_of, new_secret, now
from imagestore.decoding import convert
from imagestore.errors import Conflict
from imagestore.record import utc
from imagestore.store import Item, Items

TYPE = "session"
SEEN_EVERY = timedelta(minutes=5)
"""How exactly `seen_at` is kept: a write for each request would cost too much."""
RECENT = timedelta(minutes=10)
"""Who signed in so lately needs not do so again before what cannot be undone."""
_LONGEST_AGENT = 200
_TRIES = 8


@dataclass(frozen=True)
class Session:
    """A session. `agent` is what the browser says it is, and `address` where it was when the session began.

    `has_factor` says that who began it showed a second factor, or set it up in it. Without, it ends once there is one.
    """

    id: str
    account: str
    created_at: str
    seen_at: str
    expires_at: str
    address: str
    agent: str
    has_factor: bool = False


@dataclass(frozen=True)
class Lengths:
    """How long a session lasts without a request, and at most."""

    idle: timedelta = timedelta(hours=2)
    most: timedelta = timedelta(days=7)


class Sessions:
    """The sessions. Every method raises Unavailable."""

    def __init__(self, items: Items, lengths: Lengths | None = None, clock: Clock = now) -> None:
        self._items = items
        self._lengths = lengths or Lengths()
        self._clock = clock

    def start(self, account: str, address: str, agent: str, *, has_factor: bool = False) -> tuple[str, Session]:
        """Begin a session. Returns its token, for the cookie, and what is kept of it."""
        token = new_secret()
        moment = self._clock()
        session = Session(
            id=id_of(TYPE, token),
            account=account,
            created_at=utc(moment),
            seen_at=utc(moment),
            expires_at=utc(moment + self._lengths.most),
            address=address,
            agent=agent[:_LONGEST_AGENT],
            has_factor=has_factor,
        )
        self._items.create(self._document(session, moment))
        return token, session

    def find(self, token: str) -> Session | None:
        """The session with this token, None if there is none or it has ended. It is marked as seen now."""
        item = self._items.read(id_of(TYPE, token))
        if item is None:
            return None
        session, moment = _session(item), self._clock()
        if utc(moment) >= session.expires_at or session.seen_at <= utc(moment - self._lengths.idle):
            return None
        if session.seen_at <= utc(moment - SEEN_EVERY):
            session = replace(session, seen_at=utc(moment))
            with contextlib.suppress(Conflict):  # seen by another request, or just ended: the next look tells
                self._items.replace(self._document(session, moment), item.etag)
        return session

    def note_factor(self, id: str) -> None:
        """Remember of a session that a second factor was set up in it. Raises Conflict (contended)."""
        for _ in range(_TRIES):
            item = self._items.read(id)
            if item is None or item.document.get("type") != TYPE:
                return
            with contextlib.suppress(Conflict):  # it was seen by another request
                self._items.replace(item.document | {"has_factor": True}, item.etag)
                return
        raise Conflict("This session is in use all the time. Sign in again.")

    def get(self, id: str) -> Session | None:
        """The session with this id, None if there is none."""
        item = self._items.read(id)
        return None if item is None or item.document.get("type") != TYPE else _session(item)

    def has_factor(self, id: str) -> bool:
        """Whether a second factor was shown or set up in the session with this id; False if there is none."""
        session = self.get(id)
        return session is not None and session.has_factor

    def is_recent(self, id: str) -> bool:
        """Whether the session with this id began less than RECENT ago; False if there is none."""
        session = self.get(id)
        return session is not None and session.created_at > utc(self._clock() - RECENT)

    def of(self, account: str) -> list[Session]:
        """The sessions of an account, the one seen last first."""
        found = [_session(item) for item in self._items.find(TYPE, {"account": account})]
        moment = utc(self._clock())
        return sorted((one for one in found if one.expires_at > moment), key=lambda one: one.seen_at)[::-1]

    def end(self, id: str, account: str) -> bool:
        """End a session of this account; False if it has none with this id."""
        item = self._items.read(id)
        if item is None or item.document.get("type") != TYPE or item.document.get("account") != account:
            return False
        return self._items.delete(id)

    def end_all(self, account: str) -> int:
        """End all sessions of an account. Returns how many there were."""
        return sum(self._items.delete(item.id) for item in list(self._items.find(TYPE, {"account": account})))

    def _document(self, session: Session, moment: datetime) -> dict[str, Any]:
        left = datetime.fromisoformat(session.expires_at) - moment
        document: dict[str, Any] = msgspec.to_builtins(session)
        seconds = max(1, math.ceil(min(left, self._lengths.idle).total_seconds()))
        return document | {"type": TYPE, "ttl": seconds}


def _session(item: Item) -> Session:
    return convert(item.document, Session)
