"""Records in Cosmos DB. Every write is conditional: on the ETag that was read, or on there being none."""

import contextlib
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from azure.core import MatchConditions
from azure.cosmos import ContainerProxy

from imagestore.errors import Conflict, NotFound, Unavailable
from imagestore.record import Record, Status, reasons_like, utc
from imagestore.store.blobs import bare, quoted
from imagestore.store.documents import from_item, to_item
from imagestore.store.failures import asked_again, translated

TOMBSTONE_TTL_S = 14 * 24 * 3600
"""Longer than any message lives (7 days on a queue, 1 day at Event Grid)."""
PAGE = 1000
_CLEARED = "cleared"
"""The id of the item that tells that all records were deleted. Its name is empty, as no upload's is, and it is a
tombstone for whoever reads it as a record."""


@dataclass(frozen=True)
class StoredRecord:
    """A record as Cosmos DB has it.

    `etag` is its own, `result_etag` that of the result blob written just before it. Of two versions of a record, the
    one with the higher `revision` is newer: every write replaces the version that was read and raises it, to the
    milliseconds since 1970 or to one more than before, whichever is higher. Lists leave the picture out until
    `hidden_until` (ISO 8601 in UTC), since its deletion waits and can be undone.
    """

    record: Record
    etag: str
    result_etag: str | None
    revision: int = 0
    hidden_until: str | None = None


@dataclass(frozen=True)
class Summary:
    """The few fields of a record that `verify` and training need; only training knows the project, all labels that hold
    where several may, when a person said so, and the content's SHA-256."""

    name: str
    status: str
    label: str | None
    etag: str | None
    result_etag: str | None
    project: str | None = None
    labels: tuple[str, ...] = ()
    corrected_at: str | None = None
    sha256: str | None = None


class Records:
    """The container of records; the partition key is the id. Every method raises Unavailable."""

    def __init__(self, client: ContainerProxy) -> None:
        self._client = client

    def read(self, id: str) -> StoredRecord | None:
        """The record with this id, None if there is none."""
        try:
            with translated("reading a record"):
                return _stored(self._client.read_item(id, partition_key=id))
        except NotFound:
            return None

    def write(self, record: Record, result_etag: str | None, replacing: StoredRecord | None) -> StoredRecord:
        """Write the record over `replacing`, or, if that is None, only if there is no record. Returns it as stored.

        A picture that is hidden stays so while its upload is the same. Raises Conflict if another version is there, or
        no record to replace.
        """
        return self._write(record, result_etag, replacing, _still_hidden(record, replacing))

    def hide(self, stored: StoredRecord, until: str | None) -> StoredRecord:
        """Have lists leave a picture out until this time (ISO 8601 in UTC), or with None show it again; its record
        stays as it is. Returns it as stored. Raises Conflict if another version is there.
        """
        return self._write(stored.record, stored.result_etag, stored, until)

    def _write(
        self, record: Record, result_etag: str | None, replacing: StoredRecord | None, hidden_until: str | None
    ) -> StoredRecord:
        item = to_item(record) | {"result_etag": result_etag, "revision": _next_revision(replacing)}
        if hidden_until is not None:
            item["hidden_until"] = hidden_until
        if record.status is Status.DELETED:
            item["ttl"] = TOMBSTONE_TTL_S
        try:
            with translated("writing a record"):
                if replacing is None:
                    written = self._client.create_item(item)
                else:
                    written = self._client.replace_item(
                        record.id, item, etag=quoted(replacing.etag), match_condition=MatchConditions.IfNotModified
                    )
        except NotFound as error:
            if replacing is None:
                raise Unavailable(f"{error}: there is no container of records") from None
            raise Conflict("writing a record: the one to replace has expired") from None
        return StoredRecord(record, bare(written["_etag"]), result_etag, item["revision"], hidden_until)

    def find(
        self,
        *,
        label: str | None = None,
        status: str | None = None,
        reason: str | None = None,
        since: str | None = None,
        after: tuple[str, str] | None = None,
        limit: int = PAGE,
    ) -> list[Record]:
        """One page of records, newest first by `finished_at`; deleted ones only if asked for.

        `since` is an ISO 8601 time; `after` is the (finished_at, id) of the last record of the page before. A reason
        also finds records in which an earlier version gave it another name.
        """
        by_status = "c.status != 'deleted'" if status is None else "c.status = @status AND c.name != ''"
        conditions, values = [by_status], {"@status": status}
        if label is not None:
            conditions.append("(c.label = @label OR ARRAY_CONTAINS(c.labels, @label))")
            values["@label"] = label
        if reason is not None:
            conditions.append(f"({_any_of('c.problem.reason', '@reason', reasons_like(reason), values)})")
        if since is not None:
            conditions.append("c.finished_at >= @since")
            values["@since"] = since
        if after is not None:
            conditions.append("(c.finished_at < @at OR (c.finished_at = @at AND c.id > @id))")
            values |= {"@at": after[0], "@id": after[1]}
        query = (
            f"SELECT TOP {int(limit)} * FROM c WHERE {' AND '.join(conditions)} ORDER BY c.finished_at DESC, c.id ASC"
        )
        return [_stored(item).record for item in self._query(query, values)]

    def each(
        self,
        *,
        label: str | None = None,
        status: str | None = None,
        reason: str | None = None,
        since: str | None = None,
        limit: int | None = None,
    ) -> Iterator[Record]:
        """All records that `find` gives, page after page, or the first `limit` of them."""
        after, left = None, float("inf") if limit is None else limit
        while left > 0:
            size = int(min(PAGE, left))
            page = self.find(label=label, status=status, reason=reason, since=since, after=after, limit=size)
            yield from page
            if len(page) < size:
                return
            after, left = (page[-1].finished_at or "", page[-1].id), left - size

    def summaries(self) -> Iterator["Summary"]:
        """A summary of every record, for `verify`."""
        query = "SELECT c.id, c.name, c.status, c.label, c.upload.etag, c.result_etag FROM c"
        for item in self._query(query, {}):
            yield Summary(item["name"], item["status"], item.get("label"), item.get("etag"), item.get("result_etag"))

    def deleted_since(self, since: str) -> Iterator[str]:
        """The names of the uploads whose records became tombstones at this ISO 8601 time or later."""
        query = "SELECT c.id, c.name FROM c WHERE c.status = 'deleted' AND c.finished_at >= @since"
        for item in self._query(query, {"@since": since}):
            yield item["name"]

    def corrections(self) -> Iterator["Summary"]:
        """A summary of every record whose label is a person's correction."""
        query = (
            "SELECT c.id, c.name, c.status, c.label, c.labels, c.upload.etag, c.result_etag, c.project, "
            "c.correction.at AS corrected_at, c.upload.sha256 FROM c WHERE IS_OBJECT(c.correction)"
        )
        for item in self._query(query, {}):
            if item.get("label") is not None:  # a correction that waits for its picture is no label yet
                told = (item.get("etag"), item.get("result_etag"), item.get("project"))
                labels = tuple(item.get("labels") or ())
                said = (labels, item.get("corrected_at"), item.get("sha256"))
                yield Summary(item["name"], item["status"], item["label"], *told, *said)

    def corrected_as(self, label: str) -> Iterator[tuple[str, str | None, str | None]]:
        """The name, the project and the content's SHA-256 of every record whose correction has this label, also one
        that waits for its picture: its SHA-256 is None."""
        query = (
            "SELECT c.id, c.name, c.project, c.upload.sha256 FROM c WHERE c.correction.label = @label "
            "OR ARRAY_CONTAINS(c.correction.labels, @label)"
        )
        for item in self._query(query, {"@label": label}):
            yield item["name"], item.get("project"), item.get("sha256")

    def count(self, status: str) -> int:
        """How many records have this status."""
        query = "SELECT VALUE COUNT(1) FROM c WHERE c.status = @status AND c.name != ''"
        (count,) = self._query(query, {"@status": status})
        return int(str(count))

    def generation(self) -> str:
        """Text that names this set of records: it changes when the container is made anew or all records are deleted.

        Compare two of them with `is_same_generation`. Raises NotFound if there is no container.
        """
        with translated("looking at the container of records"):
            container = str(self._client.read()["_rid"])
        try:
            with translated("looking at the container of records"):
                cleared = self._client.read_item(_CLEARED, partition_key=_CLEARED)
        except NotFound:
            return container
        return f"{container}@{cleared['revision']}"

    def ids(self) -> Iterator[str]:
        """The ids of all records, tombstones included."""
        for item in self._query("SELECT c.id FROM c WHERE c.id != @cleared", {"@cleared": _CLEARED}):
            yield item["id"]

    def delete(self, id: str) -> None:
        """Delete a record if it exists. The change feed does not tell of it: see `mark_cleared`."""
        with contextlib.suppress(NotFound), translated("deleting a record"):
            self._client.delete_item(id, partition_key=id)

    def mark_cleared(self) -> None:
        """Note that records were deleted, so that `generation` changes for whoever keeps a copy of them."""
        item = to_item(Record(_CLEARED, "", status=Status.DELETED, finished_at=utc()))
        with translated("writing a record"):
            self._client.upsert_item(
                item | {"result_etag": None, "revision": _next_revision(None), "ttl": TOMBSTONE_TTL_S}
            )

    def now(self) -> str:
        """A token for the end of the change feed: `changes` with it returns what changes after this call."""
        answer = _LastAnswer()
        with translated("reading changes"):
            for _ in self._client.query_items_change_feed(start_time="Now", response_hook=answer).by_page():
                pass
        return answer.token

    def changes(self, token: str | None) -> Iterator[tuple[list[StoredRecord], str]]:
        """Records as they change, in pages, each with the token with which the next call continues.

        Without a token it begins with the first record there is.
        """
        answer = _LastAnswer()
        start: dict[str, Any] = {"continuation": token} if token else {"start_time": "Beginning"}
        with translated("reading changes"):
            feed = self._client.query_items_change_feed(max_item_count=PAGE, response_hook=answer, **start)
            for page in feed.by_page():
                yield [_stored(item) for item in page if item["id"] != _CLEARED], answer.token

    def _query(self, query: str, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        parameters = [{"name": name, "value": value} for name, value in values.items() if name in query]
        with translated("searching records"):
            yield from asked_again(
                lambda: self._client.query_items(query, parameters=parameters, enable_cross_partition_query=True)
            )


def is_same_generation(known: str, now: str) -> bool:
    """Whether a copy of the records made at generation `known` can still be brought up to date.

    The item that tells of a deletion expires after TOMBSTONE_TTL_S, so its absence means nothing.
    """
    (container, _, _), (container_now, _, cleared) = known.partition("@"), now.partition("@")
    return container == container_now and (not cleared or known == now)


class _LastAnswer:
    """Keeps the headers of the last answer to one query, since the SDK puts the change feed's token there.

    The client's own `last_response_headers` are shared by all its users, including its background threads. The SDK
    calls this before it writes the token of several partitions into the same headers, so they are read late.
    """

    def __init__(self) -> None:
        self._headers: Mapping[str, Any] = {}

    def __call__(self, headers: Mapping[str, Any], _: object) -> None:
        self._headers = headers

    @property
    def token(self) -> str:
        """The token after this answer. Raises Unavailable if it had none."""
        if "etag" not in self._headers:
            raise Unavailable("reading changes: the answer holds no token")
        return str(self._headers["etag"])


def _any_of(field: str, parameter: str, values: Sequence[str], parameters: dict[str, Any]) -> str:
    """An SQL condition that the field has one of these values; appends the values to the parameters."""
    names = [f"{parameter}{number}" for number in range(len(values))]
    parameters |= dict(zip(names, values, strict=True))
    return " OR ".join(f"{field} = {name}" for name in names)


def _stored(item: Mapping[str, Any]) -> StoredRecord:
    """The record in an item of Cosmos DB.

    For an item of version 0.1, which had no revision, the time of its last write stands in.
    """
    revision = int(item.get("revision") or item.get("_ts", 0) * 1000 + 999)
    record, etag = from_item(dict(item)), bare(item["_etag"])
    return StoredRecord(record, etag, item.get("result_etag"), revision, item.get("hidden_until"))


def _still_hidden(record: Record, replaced: StoredRecord | None) -> str | None:
    """Until when lists leave the picture out: of another upload of this name nobody has asked for the deletion."""
    before, now = replaced and replaced.record.upload, record.upload
    return replaced.hidden_until if replaced and before and now and before.etag == now.etag else None


def _next_revision(replaced: StoredRecord | None) -> int:
    """A revision above that of the record to replace, and above that of an expired tombstone of this name."""
    return max((replaced.revision if replaced else 0) + 1, time.time_ns() // 1_000_000)
