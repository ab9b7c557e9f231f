"""Counts pictures: by status, label and reason."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from classify import ModelLabels
from imagestore.record import RANDOM_BELOW
from imagestore.web.answers import Counts, Label
from imagestore.web.index.index import Index
from imagestore.web.index.queries import TO_REVIEW, Filter, asked_of, in_words
from imagestore.web.index.tallies import ALL, ALL_MORE

MOST_COUNTED = 10_000
"""Of more pictures than these that pass a filter, the rest is not counted one by one."""
_SAID = "status != 'deleted' AND corrected = 1 AND id NOT IN (SELECT value FROM json_each(?))"
_MORE = (
    "SELECT more_labels.label, status, COUNT(*) FROM ({some}) JOIN more_labels USING (id) "
    "GROUP BY more_labels.label, status"
)


def counts(index: Index, filter: Filter) -> Counts:
    """Count the pictures that pass the filter.

    Statuses are counted as if the filter had no status, and labels and reasons likewise, so each count says how many
    pictures choosing that value would show. Where more than MOST_COUNTED pass what else the filter asks for, only so
    many are counted, of those that have a word of the text the newest.
    """
    of_all = replace(filter, label=None, status=None, reason=None)
    if of_all == Filter(hidden=filter.hidden):
        return _all(index, filter)
    some, values = _some(index, of_all)
    found = _Counted(filter)
    seen = 0
    for label, status, reason, count in index.query(
        f"SELECT label, status, reason, COUNT(*) FROM ({some}) GROUP BY label, status, reason", values
    ):
        found.add(label, status, reason, count)
        seen += count
    if filter.reason is None and index.has_several():  # what has a reason has no labels
        for label, status, count in index.query(_MORE.format(some=some), values):
            found.add_more(label, status, count)
    return found.counts(is_capped=seen >= MOST_COUNTED)


def labels(index: Index, models: Collection[ModelLabels]) -> list[Label]:
    """The labels in use, the most used first, then the others that one of the models may answer, by name."""
    used = counts(index, Filter()).labels
    unused = sorted({label for model in models for label in model.answers} - used.keys(), key=str.casefold)
    return [Label(label, count) for label, count in used.items()] + [Label(label, 0) for label in unused]


def corrected_labels(index: Index, hidden: Sequence[str]) -> list[tuple[str | None, str, str]]:
    """(project, label, content) of all that people have said; `hidden` are ids to leave out. A content is a SHA-256, or
    the id of an upload of which that is not known."""
    query = (
        f"SELECT project, label, coalesce(sha256, id) FROM pictures WHERE {_SAID} AND label IS NOT NULL UNION ALL "
        "SELECT project, more_labels.label, coalesce(sha256, id) FROM pictures JOIN more_labels USING (id) "
        f"WHERE {_SAID}"
    )
    return [(project, label, content) for project, label, content in index.query(query, [_ids(hidden)] * 2)]


def corrected_to(index: Index, label: str, hidden: Sequence[str]) -> list[tuple[str, str | None, str]]:
    """(id, project, content) of the pictures that people have given this label, by name."""
    columns = "id, project, coalesce(sha256, id), name"
    query = (
        f"SELECT {columns} FROM pictures WHERE {_SAID} AND label = ? "
        f"UNION ALL SELECT {columns} FROM pictures WHERE {_SAID} "
        "AND id IN (SELECT id FROM more_labels WHERE label = ?) ORDER BY name, id"
    )
    rows = index.query(query, [_ids(hidden), label] * 2)
    return [(id, project, content) for id, project, content, _ in rows]


def count_to_review(index: Index) -> int:
    """How many pictures nobody has reviewed yet."""
    ((count,),) = index.query(f"SELECT COUNT(*) {TO_REVIEW}")
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


def _ids(hidden: Sequence[str]) -> str:
    return msgspec.json.encode(hidden).decode()


@dataclass
class _Counted:
    """What was counted so far."""

    filter: Filter
    total: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def add(self, label: str | None, status: str, reason: str | None, count: int) -> None:
        """Count pictures with this first label, if any."""
        wanted = self.filter
        is_label = wanted.label in (None, label)
        is_status = wanted.status in (None, status)
        is_reason = wanted.reason in (None, reason)
        if is_label and is_status and is_reason:
            self.total += count
        if label is not None and is_status and is_reason:
            self.labels[label] += count
        if is_label and is_reason:
            self.statuses[status] += count
        if reason is not None and is_label and is_status:
            self.reasons[reason] += count

    def add_more(self, label: str, status: str, count: int) -> None:
        """Count pictures for which this label holds too."""
        is_label, is_status = self.filter.label == label, self.filter.status in (None, status)
        if is_status:
            self.labels[label] += count
            self.total += count * is_label
        if is_label:
            self.statuses[status] += count

    def counts(self, *, is_capped: bool = False) -> Counts:
        """The answer: what there is, the most frequent first."""
        return Counts(self.total, _there(self.statuses), _there(self.labels), _there(self.reasons), is_capped)


def _there(counted: Counter[str]) -> dict[str, int]:
    return {key: n for key, n in counted.most_common() if n}


def _all(index: Index, filter: Filter) -> Counts:
    """All pictures, from what is kept of them; those that are hidden are taken away one by one."""
    found, hidden = _Counted(filter), _ids(filter.hidden)
    for label, status, reason, count in index.query(ALL):
        found.add(label, status, reason, count)
    if filter.reason is None:
        for label, status, count in index.query(ALL_MORE):
            found.add_more(label, status, count)
    if filter.hidden:
        of_hidden = "FROM pictures WHERE status != 'deleted' AND id IN (SELECT value FROM json_each(?))"
        for label, status, reason in index.query(f"SELECT label, status, reason {of_hidden}", [hidden]):
            found.add(label, status, reason, -1)
        if filter.reason is None:
            query = f"SELECT label, status FROM more_labels JOIN (SELECT id, status {of_hidden}) USING (id)"
            for label, status in index.query(query, [hidden]):
                found.add_more(label, status, -1)
    return found.counts()


def _some(index: Index, filter: Filter) -> tuple[str, list[Any]]:
    """An SQL query for the id, label, status and reason of up to MOST_COUNTED pictures that pass the filter, and its
    values: by their words, the newest first, if it has a text."""
    asked = asked_of(index, filter)
    columns = "id, label, status, reason"
    if asked is None:
        where, values = filter.where()
        how = "" if filter.wrong or filter.corrected or filter.since or filter.until else "INDEXED BY facets"
        return f"SELECT {columns} FROM pictures {how} WHERE {where} LIMIT {MOST_COUNTED}", values
    where, values = in_words(filter)
    return (
        f"SELECT {columns} FROM words CROSS JOIN pictures ON pictures.row = words.rowid "
        f"WHERE words MATCH ? AND {where} ORDER BY words.rowid DESC LIMIT {MOST_COUNTED}"
    ), [asked, *values]
