"""Answers that are kept for a day under the key that a client gave its request, so that one that is sent again is not
done again.

Each is a document in the container `accounts`. It is there while the request is at work, and says until when that may
last: who dies in between leaves a claim that ends within LEASE_S, and then the next one with the key does it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from imagestore.accounts.tokens import Clock, id_of, now
from imagestore.errors import Conflict
from imagestore.record import utc
from imagestore.store import Item, Items

TYPE = "idempotency"
KEPT_S = 86_400
LEASE_S = 30.0
"""How long a request counts as being at work after its process was last heard of."""
MOST_ANSWER_BYTES = 1_000_000
"""A larger answer is not kept, only that the request was done: a document of Cosmos DB has at most 2 MB."""
_TRIES = 5


@dataclass(frozen=True)
class Asked:
    """Who asks what under which key. `id` is the document's; `request` a digest of all that the request is but for its
    body."""

    id: str
    request: str
    account: str

    @classmethod
    def by(cls, who: tuple[str, str], account: str, route: str, key: str, request: tuple[str, ...]) -> "Asked":
        """The same key of another caller, or for another route, is another document."""
        return cls(id_of(TYPE, *who, route, key), id_of("request", *request), account)


@dataclass(frozen=True)
class Body:
    """The body of a request: its SHA-256 and size. Of one that the route did not read to its end both are None: that is
    no part of what was asked."""

    sha256: str | None = None
    size_bytes: int | None = None


@dataclass(frozen=True)
class Answer:
    """An answer as it went out. Its `text` is None where it was too large to be kept."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str | None = None


@dataclass(frozen=True)
class AtWork:
    """The first request with this key is still at work, or its process died less than LEASE_S ago."""

    request: str


@dataclass(frozen=True)
class Done:
    """The request was done before, with this body, and answered so."""

    request: str
    body: Body
    answer: Answer


class Claim:
    """A request that is to be done now under its key. Every method raises Unavailable; and Conflict once another
    process has taken it up, since this one was not heard of for too long."""

    def __init__(self, items: Items, asked: Asked, etag: str, clock: Clock) -> None:
        self._items = items
        self._asked = asked
        self._etag = etag
        self._clock = clock

    def renew(self) -> None:
        """Say that it is still at work."""
        self._etag = self._items.replace(_at_work(self._asked, self._clock), self._etag).etag

    def keep(self, body: Body, answer: Answer) -> None:
        """Keep the answer for a day."""
        said = {"status": answer.status, "headers": dict(answer.headers), "text": answer.text}
        kept = {"body": body.sha256, "size_bytes": body.size_bytes, "answer": said}
        self._items.replace(_document(self._asked, self._clock, KEPT_S) | kept, self._etag)

    def release(self) -> None:
        """Nothing was done: the next request with the key is done."""
        self._items.delete(self._asked.id, self._etag)


class KeptAnswers:
    """The answers of all instances. Every method raises Unavailable."""

    def __init__(self, items: Items, clock: Clock = now) -> None:
        self._items = items
        self._clock = clock

    def begin(self, asked: Asked) -> Claim | AtWork | Done:
        """Claim a request, which is then to be done; or what is known of the one before with its key."""
        claim = _at_work(asked, self._clock)
        for _ in range(_TRIES):
            found = self._items.read(asked.id)
            try:
                if found is None:
                    written = self._items.create(claim)
                elif found.document["until"] > utc(self._clock()):
                    return _known(found)
                elif "answer" not in found.document and found.document["request"] != asked.request:
                    return AtWork(found.document["request"])  # of a dead process: only the same request follows it
                else:
                    written = self._items.replace(claim, found.etag)
            except Conflict:
                continue
            return Claim(self._items, asked, written.etag, self._clock)
        return AtWork(asked.request)

    def forget_of(self, account: str) -> None:
        """Delete the answers to this account's requests."""
        for item in self._items.find(TYPE, {"account": account}):
            self._items.delete(item.id)


def _known(found: Item) -> AtWork | Done:
    document = found.document
    if "answer" not in document:
        return AtWork(document["request"])
    said = document["answer"]
    body = Body(document["body"], document["size_bytes"])
    return Done(document["request"], body, Answer(said["status"], said["headers"], said["text"]))


def _at_work(asked: Asked, clock: Clock) -> dict[str, Any]:
    return _document(asked, clock, LEASE_S)


def _document(asked: Asked, clock: Clock, lasts_s: float) -> dict[str, Any]:
    return {
        "id": asked.id,
        "type": TYPE,
        "account": asked.account,
        "request": asked.request,
        "until": utc(clock() + timedelta(seconds=lasts_s)),
        "ttl": KEPT_S,
    }
