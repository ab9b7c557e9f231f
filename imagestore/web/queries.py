"""The queries that pages and API share: lists, counts, labels, duplicates, the overview."""

import base64
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from classify import ModelLabels
from imagestore.errors import BadCursor
from imagestore.pipeline.queue_roles import queue_lengths
from imagestore.record import Record, Status, utc
from imagestore.store import Stores
from imagestore.store.documents import from_json
from imagestore.web.answers import Cause, Counts, Duplicates, Hour, Label, Listing, Overview
from imagestore.web.index import NO_CONFIDENCE, Index, signed
from imagestore.web.words import question

NEAR_BITS = 8
"""Pictures whose perceptual hashes differ in at most this many of 64 bits are near duplicates."""
MOST_DUPLICATES = 24
HOURS = 24
RANDOM_BELOW = "1999999a"
"""Ids are hex digits of a hash: a tenth of them is smaller, which is the random sample."""
_TO_REVIEW = "FROM pictures WHERE status != 'deleted' AND uncertainty IS NOT NULL AND corrected = 0"
BINS = 20
_RARE = 5000
"""A text that so many pictures have, or fewer, is looked up; of another, the pictures are gone through in order."""
_MORE = (
    "SELECT more_labels.label, status, COUNT(*) FROM pictures JOIN more_labels USING (id) WHERE {where} "
    "GROUP BY more_labels.label, status"
)


_EACH_LABEL = """
    WITH RECURSIVE each(label) AS (
        SELECT min(label) FROM pictures WHERE status != 'deleted'
        UNION ALL
        SELECT (SELECT min(label) FROM pictures WHERE status != 'deleted' AND label > each.label) FROM each
        WHERE each.label IS NOT NULL
    )
    SELECT label FROM each
"""


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

    def where(self, *, has_several: bool = False, is_rare: bool = False) -> tuple[str, list[object]]:
        """The filter as an SQL condition, and its values. `has_several` says that several labels may hold for a
        picture; `is_rare` that few pictures have the text, so that the search begins with those."""
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
            ("corrected = ?", self.corrected),
        ):
            if value is not None:
                conditions.append(condition)
                values.append(value)
        if self.wrong is not None:
            conditions.append(f"wrong = {self.wrong:d}")  # no parameter, so that SQLite may look those up
        if has_several and self.label is not None:
            conditions.append("(label = ? OR id IN (SELECT id FROM more_labels WHERE label = ?))")
            values += [self.label, self.label]
        if self.text:
            asked = question(self.text)
            row = "pictures.rowid" if is_rare else "+pictures.rowid"  # with a plus, SQLite does not begin here
            conditions.append("FALSE" if asked is None else f"{row} IN (SELECT rowid FROM words WHERE words MATCH ?)")
            values += [] if asked is None else [asked]
        if self.hidden:
            conditions.append("id NOT IN (SELECT value FROM json_each(?))")
            values.append(msgspec.json.encode(self.hidden).decode())
        return " AND ".join(conditions), values


def list_records(index: Index, filter: Filter, sort: Sort, limit: int, after: str | None = None) -> Listing:
    """At most `limit` records that pass the filter, in this order.

    Raises BadCursor if `after` belongs to another list.
    """
    column, direction = _ORDERS[sort]
    where, values = filter.where(
        has_several=filter.label is not None and index.has_several(), is_rare=_is_rare(index, filter)
    )
    if after is not None:
        compare = "<" if direction == "DESC" else ">"
        where += f" AND ({column}, id) {compare} (?, ?)"
        values += _read_cursor(after, sort)
    query = (
        f"SELECT {column}, id, json FROM documents JOIN "
        f"(SELECT id, {column} FROM pictures WHERE {where} ORDER BY {column} {direction}, id {direction} LIMIT ?) "
        f"USING (id) ORDER BY {column} {direction}, id {direction}"
    )
    rows = index.query(query, [*values, limit + 1])
    more = len(rows) > limit
    rows = rows[:limit]
    cursor = _cursor(sort, rows[-1][0], rows[-1][1]) if more else None
    return Listing([from_json(json) for _, _, json in rows], cursor)


def neighbours(index: Index, filter: Filter, sort: Sort, id: str) -> tuple[str | None, str | None]:
    """The ids of the pictures before and after this one in a list, which need not hold it any more."""
    column, direction = _ORDERS[sort]
    place = index.query(f"SELECT {column}, id FROM pictures WHERE id = ?", [id])
    if not place:
        return None, None
    has_several = filter.label is not None and index.has_several()
    where, values = filter.where(has_several=has_several, is_rare=_is_rare(index, filter))

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
    where, values = filter.where(has_several=has_several, is_rare=_is_rare(index, filter))
    return [id for (id,) in index.query(f"SELECT id FROM pictures WHERE {where} LIMIT ?", [*values, limit])]


def counts(index: Index, filter: Filter) -> Counts:
    """Count the pictures that pass the filter.

    Statuses are counted as if the filter had no status, and labels and reasons likewise, so each count says how many
    pictures choosing that value would show.
    """
    is_rare = _is_rare(index, filter)
    where, values = replace(filter, label=None, status=None, reason=None).where(is_rare=is_rare)
    how = "" if is_rare or filter.wrong else "INDEXED BY facets"
    query = f"SELECT label, status, reason, COUNT(*) FROM pictures {how} WHERE {where} GROUP BY label, status, reason"
    total = 0
    labels: Counter[str] = Counter()
    statuses: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for label, status, reason, count in index.query(query, values):
        is_label = filter.label in (None, label)
        is_status = filter.status in (None, status)
        is_reason = filter.reason in (None, reason)
        if is_label and is_status and is_reason:
            total += count
        if label is not None and is_status and is_reason:
            labels[label] += count
        if is_label and is_reason:
            statuses[status] += count
        if reason is not None and is_label and is_status:
            reasons[reason] += count
    if filter.reason is None and index.has_several():  # what has a reason has no labels
        for label, status, count in index.query(_MORE.format(where=where), values):
            is_label, is_status = filter.label == label, filter.status in (None, status)
            if is_status:
                labels[label] += count
                total += count * is_label
            if is_label:
                statuses[status] += count
    return Counts(total, dict(statuses.most_common()), dict(labels.most_common()), dict(reasons.most_common()))


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


def labels(index: Index, models: Collection[ModelLabels]) -> list[Label]:
    """The labels in use, the most used first, then the others that one of the models may answer, by name."""
    used = counts(index, Filter()).labels
    unused = sorted({label for model in models for label in model.answers} - used.keys(), key=str.casefold)
    return [Label(label, count) for label, count in used.items()] + [Label(label, 0) for label in unused]


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


def first_to_review(index: Index, left_out: Sequence[str], *, random_sample: bool) -> Record | None:
    """The next picture of the random sample, or the least certain of the others, that is not in `left_out`."""
    order = f"AND id < '{RANDOM_BELOW}' ORDER BY id"
    if not random_sample:
        order = f"AND id >= '{RANDOM_BELOW}' ORDER BY uncertainty DESC, id"
    query = (
        f"SELECT json FROM documents JOIN (SELECT id {_TO_REVIEW} AND id NOT IN (SELECT value FROM json_each(?)) "
        f"{order} LIMIT 1) USING (id)"
    )
    return next(iter(_documents(index, query, [msgspec.json.encode(left_out).decode()])), None)


def count_to_review(index: Index) -> int:
    """How many pictures nobody has reviewed yet."""
    ((count,),) = index.query(f"SELECT COUNT(*) {_TO_REVIEW}")
    return int(count)


def count_reviewed(index: Index) -> int:
    """How many pictures were corrected or confirmed."""
    ((count,),) = index.query("SELECT COUNT(*) FROM pictures WHERE status != 'deleted' AND corrected = 1")
    return int(count)


def right_in_sample(index: Index, model_sha256: str | None) -> tuple[int, int]:
    """How many pictures of the random sample this model had right, and of how many, up to the last one reviewed."""
    mine = "FROM pictures WHERE status != 'deleted' AND corrected_model = ?"
    ((right, of),) = index.query(
        f"SELECT coalesce(sum(was_right), 0), COUNT(*) {mine} AND id < ? "
        f"AND id <= (SELECT max(id) {mine} AND random_sample = 1 AND id < ?)",
        [model_sha256, RANDOM_BELOW, model_sha256, RANDOM_BELOW],
    )
    return int(right), int(of)


def _is_rare(index: Index, filter: Filter) -> bool:
    """Whether so few pictures have the text that it is best to begin with them."""
    if not filter.text or (asked := question(filter.text)) is None:
        return False
    ((count,),) = index.query(
        "SELECT COUNT(*) FROM (SELECT 1 FROM words WHERE words MATCH ? LIMIT ?)", [asked, _RARE + 1]
    )
    return int(count) <= _RARE


def _hours(index: Index, now: datetime) -> list[Hour]:
    last = now.replace(minute=0, second=0, microsecond=0)
    hours = {utc(last - timedelta(hours=back))[:13]: dict[str, int]() for back in reversed(range(HOURS))}
    query = (
        "SELECT substr(at, 1, 13) AS hour, status, COUNT(*) FROM pictures "
        "WHERE status != 'deleted' AND at >= ? GROUP BY hour, status"
    )
    for hour, status, count in index.query(query, [min(hours)]):
        if hour in hours:
            hours[hour][status] = count
    return [Hour(hour, statuses) for hour, statuses in hours.items()]


def _confidence(index: Index) -> list[int]:
    query = (
        f"SELECT min(CAST(confidence * {BINS} AS INTEGER), {BINS - 1}) AS bin, COUNT(*) FROM pictures "
        f"WHERE status != 'deleted' AND confidence != {NO_CONFIDENCE} GROUP BY bin"
    )
    bins = dict(index.query(query))
    return [bins.get(bin, 0) for bin in range(BINS)]


def _causes(index: Index) -> list[Cause]:
    query = (
        "SELECT status, reason, COUNT(*) AS n FROM pictures WHERE status != 'deleted' AND reason IS NOT NULL "
        "GROUP BY status, reason ORDER BY n DESC"
    )
    return [Cause(Status(status), reason, count) for status, reason, count in index.query(query)]


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
        made_by, value, id = msgspec.json.decode(data, type=_Cursor)
    except ValueError:  # of base64, or of msgspec, which takes no deep, no huge and no half a character
        raise BadCursor("'after' is not a cursor that this list gave.") from None
    if made_by is not sort or isinstance(value, str) is (_ORDERS[sort][0] == "confidence"):
        raise BadCursor(f"'after' is not a cursor of a list sorted by '{sort}'.")
    return [value, id]
