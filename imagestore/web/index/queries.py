"""The queries that pages and API share: lists, counts, labels, duplicates, the overview."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec

from imagestore.decoding import decode
from imagestore.errors import BadCursor
from imagestore.pipeline.queue_roles import queue_lengths
from imagestore.record import RANDOM_BELOW, Record, Status, utc
from imagestore.store import Stores
from imagestore.store.documents import from_json
from imagestore.web.answers import Cause, Duplicates, Hour, Listing, Overview
from imagestore.web.index import tallies
from imagestore.web.index.index import NO_CONFIDENCE, Index, row_of, signed
from imagestore.web.index.tallies import ALL, CONFIDENCES, PARTS, REASONS
from imagestore.web.index.words import question

NEAR_BITS = 8
"""Pictures whose perceptual hashes differ in at most this many of 64 bits are near duplicates."""
MOST_DUPLICATES = 24
HOURS = 24
TO_REVIEW = "FROM pictures WHERE status != 'deleted' AND uncertainty IS NOT NULL AND corrected = 0"
"""Those that nobody has reviewed yet."""
_SLACK = 8
"""So many pictures that came in one millisecond may stand in another order in the index than by their ids."""
_COMMON = 10
_RARE = 5000
"""A text that so many pictures have, or fewer, is looked up; of another, the pictures are gone through in order."""

_EACH_LABEL = """
    WITH RECURSIVE each(label) AS (
        SELECT min(label) FROM pictures WHERE status != 'deleted'
        UNION ALL
        SELECT (SELECT min(label) FROM pictures WHERE status != 'deleted' AND label > each.label) FROM each
        WHERE each.label IS NOT NULL
    )
    SELECT label FROM each
"""


@dataclass(frozen=True)
class Words:
    """What a text asks of the words of pictures, None if there is no word in it. Of few pictures (`is_rare`) one begins
    with those; where a tenth of all have it (`is_common`) one looks at each picture in order."""

    asked: str | None
    is_rare: bool = False
    is_common: bool = False


class Sort(StrEnum):
    """The order of a list of pictures."""

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


@dataclass(frozen=True)
class Filter:
    """Conditions on pictures; all that are set must hold.

    `text` is searched for in names, labels, guesses, dates and cameras, as words.py says; `since` is inclusive and
    `until` is not. Times are ISO 8601 in UTC, confidence is 0 to 1. `wrong` are pictures of which somebody has said
    that the model is wrong, and nobody what is right. `hidden` are ids to leave out.
    """

    label: str | None = None
    status: str | None = None
    reason: str | None = None
    text: str | None = None
    since: str | None = None
    until: str | None = None
    min_confidence: float | None = None
    max_confidence: float | None = None
    corrected: bool | None = None
    wrong: bool | None = None
    hidden: tuple[str, ...] = field(default=())

    @property
    def is_of_words_alone(self) -> bool:
        """Whether it asks for words, and besides for times at most."""
        return self.text is not None and replace(self, text=None, since=None, until=None, hidden=()) == Filter()

    def where(self, *, has_several: bool = False, words: "Words | None" = None) -> tuple[str, list[object]]:
        """The filter as an SQL condition, and its values. `has_several` says that several labels may hold for a
        picture; `words` how many pictures have the text, which decides how they are looked for."""
        conditions = ["status != 'deleted'"]
        values: list[object] = []
        for condition, value in (
            ("label = ?", None if has_several else self.label),
            ("status = ?", self.status),
            ("reason = ?", self.reason),
            ("at >= ?", self.since),
            ("at < ?", self.until),
            ("confidence >= ?", self.min_confidence),
            (f"confidence <= ? AND confidence != {NO_CONFIDENCE}", self.max_confidence),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        for name, is_so in (("corrected", self.corrected), ("wrong", self.wrong)):
            if is_so is not None:
                conditions.append(f"{name} = {is_so:d}")  # no parameter, so that SQLite may look those up
        if has_several and self.label is not None:
            conditions.append("(label = ? OR id IN (SELECT id FROM more_labels WHERE label = ?))")
            values += [self.label, self.label]
        if self.text:
            asked = question(self.text) if words is None else words.asked
            if asked is None:
                conditions.append("FALSE")
            elif words is not None and words.is_common:
                conditions.append("EXISTS (SELECT 1 FROM words WHERE words MATCH ? AND words.rowid = pictures.row)")
                values.append(asked)
            else:
                row = "pictures.row" if words is not None and words.is_rare else "+pictures.row"
                conditions.append(f"{row} IN (SELECT rowid FROM words WHERE words MATCH ?)")  # a plus: not begun here
                values.append(asked)
        if self.hidden:
            conditions.append("id NOT IN (SELECT value FROM json_each(?))")
            values.append(msgspec.json.encode(self.hidden).decode())
        return " AND ".join(conditions), values


def list_records(index: Index, filter: Filter, sort: Sort, limit: int, after: str | None = None) -> Listing:
    """At most `limit` records that pass the filter, in this order.

    Raises BadCursor if `after` belongs to another list.
    """
    column, direction = _ORDERS[sort]
    words, place = _words(index, filter), None if after is None else _read_cursor(after, sort)
    if words.asked is not None and not words.is_rare and column == "at" and filter.is_of_words_alone:
        newest = sort is Sort.NEWEST
        return _listing(_by_words(index, filter, words.asked, "json", place, limit + 1, newest=newest), sort, limit)
    where, values = filter.where(has_several=filter.label is not None and index.has_several(), words=words)
    if place is not None:
        compare = "<" if direction == "DESC" else ">"
        where += f" AND ({column}, id) {compare} (?, ?)"
        values += place
    query = (
        f"SELECT {column}, id, json FROM documents JOIN "
        f"(SELECT id, {column} FROM pictures WHERE {where} ORDER BY {column} {direction}, id {direction} LIMIT ?) "
        f"USING (id) ORDER BY {column} {direction}, id {direction}"
    )
    return _listing(index.query(query, [*values, limit + 1]), sort, limit)


def in_words(filter: Filter) -> tuple[str, list[object]]:
    """What a filter asks besides for words, as an SQL condition on the words' rows and their pictures, and its values:
    its times are of the rows too, so that no others are gone through."""
    where, values = replace(filter, text=None).where()
    for at, compare, further in ((filter.since, ">=", 0), (filter.until, "<", 1)):
        if at is not None:
            where += f" AND words.rowid {compare} ?"
            values.append(row_of(at, further=further))
    return where, values


def _by_words(
    index: Index, filter: Filter, asked: str, columns: str, place: Sequence[object] | None, most: int, *, newest: bool
) -> list[tuple[Any, ...]]:
    """The first rows of (at, id, columns) after a place, where so many pictures have the words that they are best gone
    through in the order of the words' rows: that of time, but for a few that share a millisecond."""
    direction, compare, slack = ("DESC", "<", _SLACK) if newest else ("ASC", ">", -_SLACK)
    where, values = in_words(filter)
    if place is not None:
        at, id = map(str, place)
        where += f" AND (at, id) {compare} (?, ?) AND words.rowid {compare} ?"
        values += [at, id, row_of(at, id) + slack]
    query = (
        f"SELECT at, id, {columns} FROM words CROSS JOIN pictures ON pictures.row = words.rowid "
        f"JOIN documents USING (id) WHERE words MATCH ? AND {where} ORDER BY words.rowid {direction} LIMIT ?"
    )
    rows = index.query(query, [asked, *values, most + _SLACK])
    return sorted(rows, key=lambda row: row[:2], reverse=newest)


def _listing(rows: Sequence[tuple[Any, ...]], sort: Sort, limit: int) -> Listing:
    """The first rows (what orders them, id, JSON) as a page, of which there are more if there are more rows."""
    cursor = _cursor(sort, *rows[limit - 1][:2]) if len(rows) > limit else None
    return Listing([from_json(json) for _, _, json in rows[:limit]], cursor)


def asked_of(index: Index, filter: Filter) -> str | None:
    """What the filter's text asks of the index's words; None if there is no word in it."""
    return question(filter.text, lambda word: not index.has_longer(word)) if filter.text else None


def neighbours(index: Index, filter: Filter, sort: Sort, id: str) -> tuple[str | None, str | None]:
    """The ids of the pictures before and after this one in a list, which need not hold it any more."""
    column, direction = _ORDERS[sort]
    place = index.query(f"SELECT {column}, id FROM pictures WHERE id = ?", [id])
    if not place:
        return None, None
    has_several, words = filter.label is not None and index.has_several(), _words(index, filter)
    if words.asked is not None and not words.is_rare and column == "at" and filter.is_of_words_alone:
        ends = [_by_words(index, filter, words.asked, "1", place[0], 1, newest=newest) for newest in (True, False)]
        older, newer = (end[0][1] if end else None for end in ends)
        return (newer, older) if sort is Sort.NEWEST else (older, newer)
    where, values = filter.where(has_several=has_several, words=words)

    def nearest(compare: str, order: str) -> str | None:
        query = (
            f"SELECT id FROM pictures WHERE {where} AND ({column}, id) {compare} (?, ?) "
            f"ORDER BY {column} {order}, id {order} LIMIT 1"
        )
        return next((found for (found,) in index.query(query, [*values, *place[0]])), None)

    smaller, greater = nearest("<", "DESC"), nearest(">", "ASC")
    return (smaller, greater) if direction == "ASC" else (greater, smaller)


def matching_ids(index: Index, filter: Filter, limit: int) -> list[str]:
    """The ids of the pictures that pass the filter, at most so many."""
    has_several = filter.label is not None and index.has_several()
    where, values = filter.where(has_several=has_several, words=replace(_words(index, filter), is_common=False))
    return [id for (id,) in index.query(f"SELECT id FROM pictures WHERE {where} LIMIT ?", [*values, limit])]


def duplicates(index: Index, record: Record) -> Duplicates:
    """The duplicates of this record, without itself: at most MOST_DUPLICATES of each kind."""
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


def labels_in_use(index: Index) -> list[str]:
    """Every label that a picture has; each is found by one step in an index, however many pictures have it."""
    first = index.query(_EACH_LABEL) + index.query("SELECT DISTINCT label FROM more_labels")
    return list(dict.fromkeys(label for (label,) in first if label is not None))


def count_label(index: Index, label: str, most: int = -1) -> int:
    """How many pictures have this label, counted up to `most`."""
    has = "SELECT id FROM pictures WHERE label = ? AND status != 'deleted'"
    more = "SELECT id FROM more_labels WHERE label = ?"
    ((count,),) = index.query(f"SELECT COUNT(*) FROM ({has} UNION ALL {more} LIMIT ?)", [label, label, most])
    return int(count)


def overview(index: Index, stores: Stores, now: datetime | None = None) -> Overview:
    """The figures as of `now`."""
    queues = {role.name: length for role, length in queue_lengths(stores).items()}
    return Overview(_hours(index, now or datetime.now(UTC)), _confidence(index), _causes(index), queues)


def count_outdated(index: Index, live: Sequence[tuple[str, str]]) -> int:
    """How many pictures another model should classify than the one that has, as `is_outdated` says of a record.

    `live` are prefixes of names, each with the SHA-256 of the model that is live for what begins so: the longest first,
    the empty one last.
    """
    *routed, (_, default) = live
    cases = "".join(" WHEN substr(name, 1, ?) = ? THEN ?" for _ in routed)
    expected = f"CASE{cases} ELSE ? END" if routed else "?"
    query = f"SELECT COUNT(*) FROM pictures WHERE status != 'deleted' AND model IS NOT NULL AND model != {expected}"
    values = [value for prefix, sha256 in routed for value in (len(prefix), prefix, sha256)]
    ((count,),) = index.query(query, [*values, default])
    return int(count)


def latest_of_model(index: Index, sha256: str, since: str, most: int) -> tuple[int, list[bytes]]:
    """How many pictures came since then, `most` at most, the latest; and the records of those of them that the model
    with this SHA-256 has classified, as JSON. It costs the same however many others there are."""
    latest = "FROM pictures WHERE status != 'deleted' AND at >= ? ORDER BY at DESC LIMIT ?"
    ((count,),) = index.query(f"SELECT COUNT(*) FROM (SELECT 1 {latest})", [since, most])
    query = f"SELECT json FROM documents JOIN (SELECT id, model {latest}) USING (id) WHERE model = ?"
    return int(count), [data for (data,) in index.query(query, [since, most, sha256])]


def first_to_review(index: Index, left_out: Sequence[str], *, random_sample: bool) -> Record | None:
    """The next picture of the random sample, or the least certain of the others, that is not in `left_out`."""
    order = f"AND id < '{RANDOM_BELOW}' ORDER BY id"
    if not random_sample:
        order = f"AND id >= '{RANDOM_BELOW}' ORDER BY uncertainty DESC, id"
    query = (
        f"SELECT json FROM documents JOIN (SELECT id {TO_REVIEW} AND id NOT IN (SELECT value FROM json_each(?)) "
        f"{order} LIMIT 1) USING (id)"
    )
    return next(iter(_documents(index, query, [msgspec.json.encode(left_out).decode()])), None)


def _words(index: Index, filter: Filter) -> "Words":
    """What the text asks, and how many pictures have it."""
    if (asked := asked_of(index, filter)) is None:
        return Words(None)
    many = max(_RARE, index.query(f"SELECT sum(n) / {_COMMON} FROM ({ALL})")[0][0] or 0)
    is_exact = " *" not in asked  # what only begins so takes long to look for in one picture
    least = many if is_exact else _RARE
    ((count,),) = index.query(
        "SELECT COUNT(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)", [asked, least + 1]
    )
    return Words(asked, is_rare=count <= _RARE, is_common=is_exact and count > many)


def _hours(index: Index, now: datetime) -> list[Hour]:
    last = now.replace(minute=0, second=0, microsecond=0)
    hours = {utc(last - timedelta(hours=back))[:13]: dict[str, int]() for back in reversed(range(HOURS))}
    for hour, status, count in index.query(tallies.HOURS, [min(hours)]):
        if hour in hours:
            hours[hour][status] = count
    return [Hour(hour, statuses) for hour, statuses in hours.items()]


def _confidence(index: Index) -> list[int]:
    counted = dict(index.query(CONFIDENCES))
    return [counted.get(part, 0) for part in range(PARTS)]


def _causes(index: Index) -> list[Cause]:
    return [Cause(Status(status), reason, count) for status, reason, count in index.query(REASONS)]


def _documents(index: Index, query: str, values: list[object]) -> list[Record]:
    return [from_json(json) for (json,) in index.query(query, values)]


_Cursor = tuple[Sort, str | float, str]
"""The order of the list, and of the last record of a page the value that orders it and the id."""


def _cursor(sort: Sort, value: str | float, id: str) -> str:
    made: _Cursor = (sort, value, id)
    return base64.urlsafe_b64encode(msgspec.json.encode(made)).decode().rstrip("=")


def _read_cursor(text: str, sort: Sort) -> list[object]:
    try:
        data = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        made_by, value, id = decode(data, _Cursor)
    except ValueError:  # of base64, or of msgspec, which takes no deep, no huge and no half a character
        raise BadCursor("'after' is not a cursor that this list gave.") from None
    if made_by is not sort or isinstance(value, str) is (_ORDERS[sort][0] == "confidence"):
        raise BadCursor(f"'after' is not a cursor of a list sorted by '{sort}'.")
    return [value, id]
