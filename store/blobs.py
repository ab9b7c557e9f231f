"""Blobs of one container: read, look, put, tag, delete and list, each one call where it can be."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, Any

from azure.core import MatchConditions
from azure.storage.blob import BlobProperties, ContainerClient, ContentSettings

from errors import Conflict, Missing
from store.failures import translated
from store.writer import BLOCK_BYTES, BlobWriter

FIRST_READ_BYTES = 16 * 2**20
"""One ranged read fetches this much, and tells the whole size; only larger blobs take further calls."""
MOST_TAGS = 10
"""Azure's limit per blob."""


@dataclass(frozen=True)
class Blob:
    """A blob as it was read. `data` is None where it has more bytes than were allowed."""

    etag: str
    size_bytes: int
    content_type: str | None
    last_modified: datetime
    data: bytes | None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Present:
    """The version of a blob that is there now."""

    etag: str
    size_bytes: int = 0
    has_tags: bool = False
    md5: bytes | None = None


@dataclass(frozen=True)
class Listed:
    """A blob as a listing shows it."""

    name: str
    etag: str
    size_bytes: int
    last_modified: datetime
    md5: bytes | None
    tags: Mapping[str, str]


class Blobs:
    """The blobs of one container. ETags come and go without quotes."""

    def __init__(self, client: ContainerClient) -> None:
        self._client = client
        self.container = client.container_name

    def get(self, name: str, max_bytes: int | None = None) -> Blob:
        """Read a blob; one larger than `max_bytes` is not read further than its size. Missing, Conflict, Away."""
        with translated(f"reading from {self.container}"):
            stream = self._client.download_blob(name)
            found = stream.properties
            too_large = max_bytes is not None and stream.size > max_bytes
            data = None if too_large else stream.readall()
        return Blob(
            etag=bare(found.etag),
            size_bytes=stream.size,
            content_type=found.content_settings.content_type,
            last_modified=found.last_modified,
            data=data,
            metadata=found.metadata or {},
        )

    def look(self, name: str) -> Present | None:
        """What is there now under this name, None if nothing is. Reads no content."""
        try:
            with translated(f"looking into {self.container}"):
                found = self._client.get_blob_client(name).get_blob_properties()
        except Missing:
            return None
        md5 = found.content_settings.content_md5
        return Present(
            etag=bare(found.etag),
            size_bytes=found.size,
            has_tags=bool(found.tag_count),
            md5=bytes(md5) if md5 else None,
        )

    def put(self, name: str, data: bytes, content_type: str, replacing: str | None) -> str:
        """Write a blob in place of the one with ETag `replacing`, or only if there is none; its new ETag. Conflict."""
        condition = (
            {"overwrite": False}
            if replacing is None
            else {"overwrite": True, "etag": quoted(replacing), "match_condition": MatchConditions.IfNotModified}
        )
        try:
            return self._upload(name, data, content_type, condition)
        except Missing:  # the one to replace is gone
            raise Conflict(f"writing to {self.container}: the blob is gone") from None

    def overwrite(self, name: str, data: bytes, content_type: str, metadata: Mapping[str, str] | None = None) -> str:
        """Write a blob whatever was there; its new ETag."""
        return self._upload(name, data, content_type, {"overwrite": True, "metadata": metadata})

    def send(self, name: str, stream: IO[bytes], size_bytes: int, content_type: str, md5: bytes) -> str:
        """Write a blob from a stream, in blocks where it is large, whatever was there; its new ETag."""
        settings = ContentSettings(content_type=content_type, content_md5=bytearray(md5))
        with translated(f"writing to {self.container}"):
            blob = self._client.get_blob_client(name)
            written = blob.upload_blob(stream, length=size_bytes, content_settings=settings, overwrite=True)
        return bare(written["etag"])

    def writer(self, name: str) -> BlobWriter:
        """Writes a blob piece by piece."""
        return BlobWriter(self._client.get_blob_client(name))

    def read(self, name: str, etag: str, offset: int, length: int) -> Iterator[bytes]:
        """A part of that version of a blob, in chunks of at most 4 MiB. Missing, Conflict, Away, at any chunk."""
        end = offset + length
        for start in range(offset, end, BLOCK_BYTES):
            count = min(BLOCK_BYTES, end - start)
            with translated(f"reading from {self.container}"):
                yield self._client.download_blob(
                    name, start, count, etag=quoted(etag), match_condition=MatchConditions.IfNotModified
                ).readall()

    def delete(self, name: str, etag: str | None = None) -> None:
        """Delete a blob, if `etag` is given only in that version (else Conflict). One that is gone already is fine."""
        condition: dict[str, Any] = (
            {} if etag is None else {"etag": quoted(etag), "match_condition": MatchConditions.IfNotModified}
        )
        try:
            with translated(f"deleting from {self.container}"):
                self._client.delete_blob(name, delete_snapshots="include", **condition)
        except Missing:
            return

    def tag(self, name: str, tags: Mapping[str, str], present: Present) -> None:
        """Set index tags on that version of the blob, keeping a user's own as far as ten allow. Missing, Conflict.

        Setting tags replaces all of them, so where there are any they are read first (one more call). Azurite ignores
        the condition on the ETag; Azure holds it.
        """
        blob = self._client.get_blob_client(name)
        with translated(f"tagging in {self.container}"):
            others = blob.get_blob_tags() if present.has_tags else {}
            kept = [(key, value) for key, value in others.items() if key not in tags][: MOST_TAGS - len(tags)]
            blob.set_blob_tags(
                {**dict(kept), **tags}, etag=quoted(present.etag), match_condition=MatchConditions.IfNotModified
            )

    def list(self, marker: str | None = None, *, tags: bool = False) -> Iterator[tuple[list[Listed], str | None]]:
        """Pages of blobs in the order of their names, each with the marker from which the next page goes on."""
        include = ["tags"] if tags else None
        with translated(f"listing {self.container}"):
            pages = self._client.list_blobs(include=include).by_page(marker)
            for page in pages:
                yield [_listed(blob) for blob in page], getattr(pages, "continuation_token", None) or None

    def _upload(self, name: str, data: bytes, content_type: str, condition: Mapping[str, Any]) -> str:
        settings = ContentSettings(content_type=content_type)
        with translated(f"writing to {self.container}"):
            written = self._client.get_blob_client(name).upload_blob(
                data, length=len(data), content_settings=settings, **condition
            )
        return bare(written["etag"])


def bare(etag: str | None) -> str:
    """An ETag without quotes: listings give it so, headers with them."""
    return (etag or "").strip('"')


def quoted(etag: str) -> str:
    """An ETag as conditions want it."""
    return f'"{bare(etag)}"'


def _listed(blob: BlobProperties) -> Listed:
    md5 = blob.content_settings.content_md5
    return Listed(
        blob.name, bare(blob.etag), blob.size, blob.last_modified, bytes(md5) if md5 else None, blob.tags or {}
    )
