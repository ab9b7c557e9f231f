"""How far the change feed of the records was read for webhooks, and who reads on: one document, `webhook-feed`.

Its holder writes it again and again. Whoever has seen it unchanged for the length of a lease, by a clock of its own,
takes it over; machines' clocks are not compared. Each write is conditional on the ETag, so of two holders only one
moves the position, and it moves only after what was read has been written down.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from imagestore.decoding import convert
from imagestore.errors import Conflict, LeaseLost
from imagestore.record import utc
from imagestore.store import Item, PromotionEntry, Stores

ID = "webhook-feed"
TYPE = "webhook_feed"


@dataclass(frozen=True)
class Position:
    """The place in the feed of this generation of records up to which events were written down, and when it was
    reached (UTC); by project, which model was live then; `beat` changes with each sign of the holder."""

    token: str
    generation: str
    at: str
    live: dict[str, str] = field(default_factory=dict)
    holder: str | None = None
    beat: int = 0

    def document(self) -> dict[str, Any]:
        """The position as it is stored."""
        written: dict[str, Any] = msgspec.to_builtins(self)
        return written | {"id": ID, "type": TYPE}


def now(stores: Stores) -> Position:
    """The end of the feed: what happens from now on comes after it. Raises StoreError."""
    records = stores.records
    at, generation = utc(), records.generation()
    return Position(records.now(), generation, at, {name: mark(entry) for name, entry in live(stores).items()})


def live(stores: Stores) -> dict[str, PromotionEntry]:
    """The live models: of each project that a route names, and under '*' the default one. Raises StoreError."""
    found = stores.routes.read()
    default = {} if found.default is None else {"*": found.default.live}
    return {**default, **found.by_project()}


def mark(entry: PromotionEntry) -> str:
    """What tells one promotion from another."""
    return f"{entry.at} {entry.name}/{entry.version}"


def restart(stores: Stores) -> None:
    """Go on from now, whatever was not read: what registers the first webhook does that. Raises StoreError."""
    begin = now(stores)
    while True:
        item = stores.jobs.read(ID)
        try:
            if item is None:
                stores.jobs.create(begin.document())
            else:
                before = _position(item)
                changed = begin if before is None else replace(begin, holder=before.holder, beat=before.beat + 1)
                stores.jobs.replace(changed.document(), item.etag)
        except Conflict:
            continue
        return


class Lease:
    """One who reads the feed, or would. `clock` tells seconds. Every method raises StoreError."""

    def __init__(self, stores: Stores, holder: str, lease_s: float, clock: Callable[[], float]) -> None:
        self._stores = stores
        self._holder = holder
        self._lease_s = lease_s
        self._clock = clock
        self._seen: tuple[str, float] | None = None
        self._etag: str | None = None
        self._written_at = float("-inf")
        self.position: Position | None = None
        """The position, while it is held."""

    def take(self) -> bool:
        """Hold the position if nobody else does. Returns whether it is held now."""
        items, at = self._stores.jobs, self._clock()
        item = items.read(ID)
        found = None if item is None else _position(item)
        try:
            if item is None:
                made = replace(now(self._stores), holder=self._holder)
                self._keep(made, items.create(made.document()))
                return True
            if found is None:
                found = now(self._stores)
            elif found.holder not in (None, self._holder):
                if self._seen is None or self._seen[0] != item.etag:
                    self._seen = (item.etag, at)
                if at - self._seen[1] < self._lease_s:
                    return False
            mine = replace(found, holder=self._holder, beat=found.beat + 1)
            self._keep(mine, items.replace(mine.document(), item.etag))
        except Conflict:
            return False
        return True

    def move(self, position: Position) -> None:
        """Write where it is now. Raises LeaseLost if another holds it, or has put it elsewhere."""
        moved = replace(position, holder=self._holder, beat=position.beat + 1)
        try:
            self._keep(moved, self._stores.jobs.replace(moved.document(), self._etag or ""))
        except Conflict:
            self.position = None
            raise LeaseLost("Another reads the change feed for webhooks, or it begins anew.") from None

    def beat(self) -> None:
        """Give a sign if it is time for one. Raises LeaseLost."""
        if self.position is not None and self._clock() - self._written_at >= self._lease_s / 4:
            self.move(self.position)

    def let_go(self) -> None:
        """Let the next one take it at once."""
        if self.position is None:
            return
        left = replace(self.position, holder=None)
        self.position = None
        try:
            self._stores.jobs.replace(left.document(), self._etag or "")
        except Conflict:  # another has it
            return

    def _keep(self, position: Position, item: Item) -> None:
        self.position, self._etag, self._written_at = position, item.etag, self._clock()
        self._seen = None


def _position(item: Item) -> Position | None:
    try:
        return convert(item.document, Position)
    except msgspec.ValidationError:
        return None
