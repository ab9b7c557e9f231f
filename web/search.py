"""Questions to the index: pages of pictures, counts, duplicates, and what the dashboard shows."""

import base64
import json
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum

from record import Record
from store.documents import from_json
from web.index import NO_CONFIDENCE, Index, signed

NEAR_BITS = 8
"""Perceptual hashes that differ in at most so many of 64 bits are called near duplicates."""
MOST_DUPLICATES = 24


class Sort(StrEnum):
    """The order of a gallery."""

    NEWEST = "newest"
    OLDEST = "oldest"
    CONFIDENT = "confident"
    DOUBTFUL = "doubtful"
    NAME = "name"


_ORDERS = {
    Sort.NEWEST: ("at", "DESC"),
    Sort.OLDEST: ("at", "ASC"),
    Sort.CONFIDENT: ("confidence", "DESC"),
    Sort.DOUBTFUL: ("confidence", "ASC"),
    Sort.NAME: ("name", "ASC"),
}


class BadCursor(ValueError):
    """This text is no cursor of this search."""


@dataclass(frozen=True)
class Filter:
    """Which pictures: every field that is set must hold. Times are ISO 8601 in UTC; confidence is 0 to 1."""

    label: str | None = None
    status: str | None = None
    reason: str | None = None
    text: str | None = None
    since: str | None = None
    until: str | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    corrected: bool | None = None
    hidden: tuple[str, ...] = field(default=())

    def where(self) -> tuple[str, list[object]]:
        """As an SQL condition and its values."""
        conditions = ["status != 'deleted'"]
        values: list[object] = []
        for condition, value in (
            ("label = ?", self.label),
            ("status = ?", self.status),
            ("reason = ?", self.reason),
            ("instr(folded, ?)", self.text.casefold() if self.text else None),
            ("at >= ?", self.since),
            ("at < ?", self.until),
            ("confidence >= ?", self.min_confidence),
            (f"confidence <= ? AND confidence != {NO_CONFIDENCE}", self.max_confidence),
            ("corrected = ?", self.corrected),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        if self.hidden:
            conditions.append(f"id NOT IN ({', '.join('?' * len(self.hidden))})")
            values += self.hidden
        return " AND ".join(conditions), values


@dataclass(frozen=True)
class Page:
    """Records, and the cursor from which the next page goes on (None at the end)."""

    records: list[Record]
    next: str | None


def page(index: Index, wanted: Filter, sort: Sort, limit: int, after: str | None = None) -> Page:
    """A page of pictures. BadCursor where `after` was not given by this sort."""
    column, direction = _ORDERS[sort]
    where, values = wanted.where()
    if after is not None:
        compare = "<" if direction == "DESC" else ">"
        where += f" AND ({column}, id) {compare} (?, ?)"
        values += _read_cursor(after, sort)
    query = (
        f"SELECT {column}, id, json FROM documents JOIN "
        f"(SELECT id, {column} FROM pictures WHERE {where} ORDER BY {column} {direction}, id {direction} LIMIT ?) "
        f"USING (id) ORDER BY {column} {direction}, id {direction}"
    )
    rows = index.connection.execute(query, [*values, limit + 1]).fetchall()
    more = len(rows) > limit
    rows = rows[:limit]
    cursor = _cursor(sort, rows[-1][0], rows[-1][1]) if more else None
    return Page([from_json(json) for _, _, json in rows], cursor)


@dataclass(frozen=True)
class Counts:
    """How many pictures there are: in all, and of each status, label and reason, most first."""

    total: int
    statuses: dict[str, int]
    labels: dict[str, int]
    reasons: dict[str, int]


def counts(index: Index, wanted: Filter) -> Counts:
    """Each leaves its own filter out, so that it tells what choosing another value would show."""
    where, values = replace(wanted, label=None, status=None, reason=None).where()
    query = (
        f"SELECT label, status, reason, COUNT(*) FROM pictures INDEXED BY facets WHERE {where} "
        "GROUP BY label, status, reason"
    )
    total = 0
    labels: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for label, status, reason, count in index.connection.execute(query, values):
        is_label = wanted.label in (None, label)
        is_status = wanted.status in (None, status)
        is_reason = wanted.reason in (None, reason)
        if is_label and is_status and is_reason:
            total += count
        if label is not None and is_status and is_reason:
            labels[label] += count
        if is_label and is_reason:
            statuses[status] += count
        if reason is not None and is_label and is_status:
            reasons[reason] += count
    return Counts(total, dict(statuses.most_common()), dict(labels.most_common()), dict(reasons.most_common()))


@dataclass(frozen=True)
class Duplicates:
    """Pictures with the same bytes, and pictures that look alike (nearest first)."""

    exact: list[Record]
    near: list[Record]


def duplicates(index: Index, record: Record) -> Duplicates:
    """Of this record, itself left out; at most MOST_DUPLICATES of each kind."""
    sha256 = record.upload.sha256 if record.upload else None
    phash = record.image.phash if record.image else None
    exact = _documents(
        index,
        "SELECT json FROM pictures JOIN documents USING (id) WHERE sha256 = ? AND id != ? AND status != 'deleted' "
        "ORDER BY at DESC LIMIT ?",
        [sha256, record.id, MOST_DUPLICATES],
    )
    if phash is None:
        return Duplicates(exact, [])
    near = _documents(
        index,
        "SELECT json FROM documents JOIN (SELECT id, distance(phash, ?) AS far FROM pictures "
        "WHERE phash IS NOT NULL AND far <= ? AND id != ? AND sha256 IS NOT ? AND status != 'deleted' "
        "ORDER BY far, id LIMIT ?) USING (id) ORDER BY far, id",
        [signed(phash), NEAR_BITS, record.id, sha256, MOST_DUPLICATES],
    )
    return Duplicates(exact, near)


def _documents(index: Index, query: str, values: list[object]) -> list[Record]:
    return [from_json(json) for (json,) in index.connection.execute(query, values)]


def _cursor(sort: Sort, value: object, id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([sort, value, id]).encode()).decode().rstrip("=")


def _read_cursor(text: str, sort: Sort) -> list[object]:
    try:
        made_by, value, id = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError):
        raise BadCursor("'after' is not a cursor that this list gave.") from None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    fits = is_number if _ORDERS[sort][0] == "confidence" else isinstance(value, str)
    if made_by != sort or not fits or not isinstance(id, str):
        raise BadCursor(f"'after' is not a cursor of a list sorted by '{sort}'.")
    return [value, id]
