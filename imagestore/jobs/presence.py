"""Which runners there are: each keeps a document alive, which expires by the database's own clock.

So no two machines' clocks are compared: a runner whose document is gone was silent for the whole lease, whether it
died, was paused, or was cut off.
"""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from imagestore.errors import Conflict
from imagestore.jobs.job import JobKind
from imagestore.record import utc
from imagestore.store import Items

TYPE = "runner"
_OF_BEFORE = frozenset(JobKind) - {JobKind.IMPORT, JobKind.THRESHOLD}
"""The kinds of jobs that a runner does which does not say what it does, since it is of an earlier version."""


def is_there(items: Items, runner: str) -> bool:
    """Whether this runner was heard of within its lease. Raises Unavailable."""
    return items.read(_id(runner)) is not None


@dataclass(frozen=True)
class Heard:
    """A runner that was heard of within its lease: when last (UTC, by its own clock), which libraries it lacks, and
    which kinds of jobs its version does."""

    at: str
    lacks: tuple[str, ...] = ()
    kinds: frozenset[JobKind] = _OF_BEFORE


def heard(items: Items) -> list[Heard]:
    """The runners that were heard of within their lease. Raises Unavailable."""
    found = (item.document for item in items.find(TYPE))
    return [
        Heard(
            str(one.get("at", "")),
            tuple(map(str, one.get("lacks", ()))),
            frozenset(kind for kind in JobKind if kind in one["kinds"]) if "kinds" in one else _OF_BEFORE,
        )
        for one in found
    ]


def is_any(items: Items) -> bool:
    """Whether any runner was heard of within its lease. Raises Unavailable."""
    return next(items.find(TYPE, limit=1), None) is not None


class Presence:
    """The document of one runner. `lease_s` is for how many seconds it counts as there without being heard of, `lacks`
    which libraries are not installed where it runs."""

    def __init__(self, items: Items, lease_s: int, lacks: Sequence[str] = ()) -> None:
        self.runner = uuid.uuid4().hex
        self._lacks = list(lacks)
        self._items = items
        self._lease_s = lease_s
        self._etag: str | None = None

    def refresh(self) -> None:
        """Be there for another lease. Raises Unavailable."""
        document = {
            "id": _id(self.runner),
            "type": TYPE,
            "at": utc(),
            "lacks": self._lacks,
            "kinds": [str(kind) for kind in JobKind],
            "ttl": self._lease_s,
        }
        if self._etag is not None:
            try:
                self._etag = self._items.replace(document, self._etag).etag
                return
            except Conflict:  # it has expired, or an earlier write was made whose answer was lost
                self._etag = None
        try:
            self._etag = self._items.create(document).etag
        except Conflict:
            found = self._items.read(str(document["id"]))
            if found is not None:
                self._etag = found.etag
                return
            # It has expired and cannot be read, but still takes up its id until the service clears it away.
            self.runner, self._etag = uuid.uuid4().hex, None
            self.refresh()

    def end(self) -> None:
        """Be gone at once. Raises Unavailable."""
        self._etag = None
        self._items.delete(_id(self.runner))


def _id(runner: str) -> str:
    return f"runner-{runner}"
