"""JSON documents in a container of Cosmos DB whose partition key is the id. Every change is conditional on an ETag."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from azure.core import MatchConditions
from azure.cosmos import ContainerProxy

from imagestore.errors import Conflict, NotFound, Unavailable
from imagestore.store.blobs import bare, quoted
from imagestore.store.failures import asked_again, translated

_FIELD = re.compile(r"[a-z_]+")


@dataclass(frozen=True)
class Item:
    """A document as it is stored. `etag` changes with every write; `written_at` (seconds since 1970) is the last."""

    document: dict[str, Any]
    etag: str
    written_at: int = field(default=0, compare=False)

    @property
    def id(self) -> str:
        """The document's id."""
        return str(self.document["id"])


class Items(Protocol):
    """Documents, each with an `id` and a `type`; one with a `ttl` expires after that many seconds.

    Every method raises Unavailable.
    """

    def read(self, id: str) -> Item | None:
        """The document with this id, None if there is none."""

    def create(self, document: Mapping[str, Any]) -> Item:
        """Store a new document. Raises Conflict if there is one with its id."""

    def replace(self, document: Mapping[str, Any], etag: str) -> Item:
        """Replace the document that was read with this ETag. Raises Conflict if it has changed."""

    def delete(self, id: str, etag: str | None = None) -> bool:
        """Delete a document. Returns False if there is none.

        With an `etag`, raises Conflict if that is not the document's.
        """

    def find(
        self,
        type: str,
        equal: Mapping[str, str] | None = None,
        *,
        since: str | None = None,
        until: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        oldest_first: bool = False,
    ) -> Iterator[Item]:
        """The documents of a type whose fields have these values, in descending order of id; `oldest_first` turns that
        round.

        `since` and `until` limit the field `at` (from, and before, a time in ISO 8601). `before` is an id: only smaller
        ones are returned, at most `limit`.
        """

    def every(self, but: str = "") -> Iterator[Item]:
        """All documents, in no order, but those of this type."""


class CosmosItems:
    """Documents in Cosmos DB."""

    def __init__(self, client: Callable[[], ContainerProxy]) -> None:
        self._client = client

    def read(self, id: str) -> Item | None:
        """The document with this id, None if there is none."""
        try:
            with translated("reading a document"):
                return _item(self._client().read_item(id, partition_key=id))
        except NotFound:
            return None

    def create(self, document: Mapping[str, Any]) -> Item:
        """Store a new document. Raises Conflict if there is one with its id."""
        try:
            with translated("creating a document"):
                return _item(self._client().create_item(dict(document)))
        except NotFound as error:
            raise Unavailable(f"{error}: its container is not there") from None

    def replace(self, document: Mapping[str, Any], etag: str) -> Item:
        """Replace the document that was read with this ETag. Raises Conflict if it has changed."""
        id = str(document["id"])
        try:
            with translated("replacing a document"):
                written = self._client().replace_item(
                    id, dict(document), etag=quoted(etag), match_condition=MatchConditions.IfNotModified
                )
        except NotFound:
            raise Conflict("replacing a document: it is gone") from None
        return _item(written)

    def delete(self, id: str, etag: str | None = None) -> bool:
        """Delete a document. Returns False if there is none. Raises Conflict if the ETag is not the document's."""
        condition: dict[str, Any] = {}
        if etag is not None:
            condition = {"etag": quoted(etag), "match_condition": MatchConditions.IfNotModified}
        try:
            with translated("deleting a document"):
                self._client().delete_item(id, partition_key=id, **condition)
        except NotFound:
            return False
        return True

    def find(
        self,
        type: str,
        equal: Mapping[str, str] | None = None,
        *,
        since: str | None = None,
        until: str | None = None,
        before: str | None = None,
        limit: int | None = None,
        oldest_first: bool = False,
    ) -> Iterator[Item]:
        """The documents of a type whose fields have these values, in descending order of id; see Items."""
        values = {"type": type, **(equal or {})}
        if bad := [name for name in values if not _FIELD.fullmatch(name)]:
            raise ValueError(f"{bad[0]!r} is no field")
        conditions = [f"c.{name} = @{name}" for name in values]
        for name, value, condition in (
            ("since", since, "c.at >= @since"),
            ("until", until, "c.at < @until"),
            ("before", before, "c.id < @before"),
        ):
            if value is not None:
                values[name] = value
                conditions.append(condition)
        top = "" if limit is None else f"TOP {limit:d} "
        order = "ASC" if oldest_first else "DESC"
        query = f"SELECT {top}* FROM c WHERE {' AND '.join(conditions)} ORDER BY c.id {order}"
        parameters: list[dict[str, Any]] = [{"name": f"@{name}", "value": value} for name, value in values.items()]
        with translated("searching documents"):
            for found in asked_again(
                lambda: self._client().query_items(query, parameters=parameters, enable_cross_partition_query=True)
            ):
                yield _item(found)

    def every(self, but: str = "") -> Iterator[Item]:
        """All documents, in no order, but those of this type."""
        query = "SELECT * FROM c" + (" WHERE NOT IS_DEFINED(c.type) OR c.type != @but" if but else "")
        parameters: list[dict[str, Any]] = [{"name": "@but", "value": but}] if but else []
        with translated("reading all documents"):
            for found in asked_again(
                lambda: self._client().query_items(query, parameters=parameters, enable_cross_partition_query=True)
            ):
                yield _item(found)


def _item(found: Mapping[str, Any]) -> Item:
    document = {name: value for name, value in found.items() if not name.startswith("_")}
    return Item(document, bare(found["_etag"]), int(found.get("_ts", 0)))
