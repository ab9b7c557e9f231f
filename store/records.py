"""Records in Cosmos DB. Every write is conditional: on the ETag that was read, or on there being none."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from azure.core import MatchConditions
from azure.cosmos import ContainerProxy

from errors import Conflict, Missing
from record import Record, Status
from store.blobs import bare, quoted
from store.documents import from_item, to_item
from store.failures import translated

TOMBSTONE_TTL_S = 14 * 24 * 3600
"""Longer than any message lives (7 days on a queue, 1 day at Event Grid)."""
PAGE = 1000


@dataclass(frozen=True)
class Known:
    """A record as Cosmos has it: with its own ETag, and that of the result blob written just before it."""

    record: Record
    etag: str
    result_etag: str | None


@dataclass(frozen=True)
class Summary:
    """A record in brief."""

    name: str
    status: str
    label: str | None
    etag: str | None
    result_etag: str | None


class Records:
    """The container of records; the partition key is the id."""

    def __init__(self, client: ContainerProxy) -> None:
        self._client = client

    def read(self, id: str) -> Known | None:
        """The record with this id, None if there is none. Away."""
        try:
            with translated("reading a record"):
                return _known(self._client.read_item(id, partition_key=id))
        except Missing:
            return None

    def write(self, record: Record, result_etag: str | None, replacing: str | None) -> str:
        """Write the record in place of the one with ETag `replacing`, or only if there is none; its new ETag.

        Conflict where that is not what is there; Away.
        """
        item = to_item(record) | {"result_etag": result_etag}
        if record.status is Status.DELETED:
            item["ttl"] = TOMBSTONE_TTL_S
        try:
            with translated("writing a record"):
                if replacing is None:
                    written = self._client.create_item(item)
                else:
                    written = self._client.replace_item(
                        record.id, item, etag=quoted(replacing), match_condition=MatchConditions.IfNotModified
                    )
        except Missing:  # the one to replace has expired
            raise Conflict("writing a record: it is gone") from None
        return bare(written["_etag"])

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
        """Records newest first, by `finished_at`; deleted ones only if asked for. Away.

        `since` is an ISO 8601 time; `after` is the (finished_at, id) of the last record of the page before.
        """
        conditions, values = ["c.status != 'deleted'" if status is None else "c.status = @status"], {"@status": status}
        if label is not None:
            conditions.append("c.label = @label")
            values["@label"] = label
        if reason is not None:
            conditions.append("c.problem.reason = @reason")
            values["@reason"] = reason
        if since is not None:
            conditions.append("c.finished_at >= @since")
            values["@since"] = since
        if after is not None:
            conditions.append("(c.finished_at < @at OR (c.finished_at = @at AND c.id > @id))")
            values |= {"@at": after[0], "@id": after[1]}
        query = (
            f"SELECT TOP {int(limit)} * FROM c WHERE {' AND '.join(conditions)} ORDER BY c.finished_at DESC, c.id ASC"
        )
        return [_known(item).record for item in self._query(query, values)]

    def summaries(self) -> Iterator["Summary"]:
        """Of every record what a comparison with the other stores needs. Away."""
        query = "SELECT c.id, c.name, c.status, c.label, c.upload.etag, c.result_etag FROM c"
        for item in self._query(query, {}):
            yield Summary(item["name"], item["status"], item.get("label"), item.get("etag"), item.get("result_etag"))

    def corrections(self) -> Iterator["Summary"]:
        """Of every record that a person corrected, its name and label. Away."""
        query = (
            "SELECT c.id, c.name, c.status, c.label, c.upload.etag, c.result_etag FROM c WHERE IS_OBJECT(c.correction)"
        )
        for item in self._query(query, {}):
            yield Summary(item["name"], item["status"], item.get("label"), item.get("etag"), item.get("result_etag"))

    def count(self, status: str) -> int:
        """How many records have this status. Away."""
        query = "SELECT VALUE COUNT(1) FROM c WHERE c.status = @status"
        (count,) = self._query(query, {"@status": status})
        return int(str(count))

    def generation(self) -> str:
        """Which container this is: another once it was dropped and made anew. Away, Missing."""
        with translated("looking at the container of records"):
            return str(self._client.read()["_rid"])

    def now(self) -> str:
        """The token from which `changes` tells of what changes from now on. Away."""
        with translated("reading changes"):
            for _ in self._client.query_items_change_feed(start_time="Now").by_page():
                pass
            return str(self._client.client_connection.last_response_headers["etag"])

    def changes(self, token: str | None) -> Iterator[tuple[list[Record], str]]:
        """Records as they change, in pages, each with the token from which the next call goes on. Away.

        Without a token it begins with the first record there is.
        """
        start: dict[str, Any] = {"continuation": token} if token else {"start_time": "Beginning"}
        with translated("reading changes"):
            feed = self._client.query_items_change_feed(max_item_count=PAGE, **start)
            for page in feed.by_page():
                records = [_known(item).record for item in page]
                yield records, self._client.client_connection.last_response_headers["etag"]

    def _query(self, query: str, values: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        parameters = [{"name": name, "value": value} for name, value in values.items() if name in query]
        with translated("searching records"):
            yield from self._client.query_items(query, parameters=parameters, enable_cross_partition_query=True)


def _known(item: Mapping[str, Any]) -> Known:
    return Known(from_item(dict(item)), bare(item["_etag"]), item.get("result_etag"))
