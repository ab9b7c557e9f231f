"""The blobs of one container: get, stat, put, tag, delete and list, each in one call if possible."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO, TYPE_CHECKING, Any

from azure.core import MatchConditions
from azure.storage.blob import BlobProperties, ContainerClient, ContentSettings

from imagestore.errors import Conflict, NotFound, StoreError
from imagestore.record import stored_name
from imagestore.store.failures import translated
from imagestore.store.tags import ETAG, merged
from imagestore.store.writer import BLOCK_BYTES, BlobWriter

if TYPE_CHECKING:
    from imagestore.store.object_store import ObjectStore

FIRST_READ_BYTES = 16 * 2**20
"""The first read asks for this many bytes and learns the whole size; only larger blobs take further calls."""


@dataclass(frozen=True)
class Blob:
    """A blob that was read. `data` is None if it has more bytes than the caller allowed."""

    etag: str
    size_bytes: int
    content_type: str | None
    last_modified: datetime
    data: bytes | None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class BlobState:
    """The current version of a blob, without its content."""

    etag: str
    size_bytes: int = 0
    has_tags: bool = False
    md5: bytes | None = None
    metadata: Mapping[str, str] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Listed:
    """A blob as the listing shows it. `tier` is Azure's name, such as Cool, and `tier_changed` when it was last set."""

    name: str
    etag: str
    size_bytes: int
    last_modified: datetime
    md5: bytes | None
    tags: Mapping[str, str]
    metadata: Mapping[str, str] = field(default_factory=dict)
    tier: str | None = None
    tier_changed: datetime | None = None
    is_rehydrating: bool = False


@dataclass(frozen=True)
class OpenedBlob:
    """A version of a blob that is being read: `chunks` gives its content, and raises Conflict if it is overwritten."""

    etag: str
    size_bytes: int
    content_type: str | None
    metadata: Mapping[str, str]
    chunks: Iterator[bytes]


class Blobs:
    """The blobs of one container. All ETags are without quotes.

    Every method raises Unavailable, and Protected if a lease, the archive tier or a policy forbids the call.
    """

    def __init__(
        self,
        client: ContainerClient,
        before_change: Callable[[], object] | None = None,
        object_store: "ObjectStore | None" = None,
    ) -> None:
        """`before_change` is called before each put, overwrite and deletion, which what it raises prevents.

        `get`, `stat`, `put`, `overwrite` and `tag` try the `object_store` of the same container first, if there is one.
        """
        self._client = client
        self._object_store = object_store
        self._before_change = before_change or (lambda: None)
        self.container = client.container_name
        self.keeps_versions = False
        """Whether the answer to a write told that the account keeps versions of what is overwritten."""

    def get(self, name: str, max_bytes: int | None = None) -> Blob:
        """The blob with its content, or without it if it has more than `max_bytes`.

        Raises NotFound, or Conflict if the blob was overwritten while it was read.
        """
        if self._object_store and (blob := self._object_store.get(within(name), max_bytes)):
            return blob
        with translated(f"reading from {self.container}"):
            stream = self._client.download_blob(within(name))
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

    @contextlib.contextmanager
    def opened(self, name: str) -> Iterator[OpenedBlob]:
        """The blob, to be read piece by piece while the block runs. Raises NotFound."""
        with translated(f"reading from {self.container}"):
            stream = self._client.download_blob(within(name))
            found = stream.properties
            yield OpenedBlob(
                etag=bare(found.etag),
                size_bytes=stream.size,
                content_type=found.content_settings.content_type,
                metadata=found.metadata or {},
                chunks=stream.chunks(),
            )

    def stat(self, name: str) -> BlobState | None:
        """The current version of the blob, None if there is none. Does not read the content."""
        try:
            if self._object_store and (state := self._object_store.stat(within(name))):
                return state
            with translated(f"looking into {self.container}"):
                found = self._client.get_blob_client(within(name)).get_blob_properties()
        except NotFound:
            return None
        md5 = found.content_settings.content_md5
        return BlobState(
            etag=bare(found.etag),
            size_bytes=found.size,
            has_tags=bool(found.tag_count),
            md5=bytes(md5) if md5 else None,
            metadata=found.metadata or {},
        )

    def put(
        self,
        name: str,
        data: bytes,
        content_type: str,
        replacing: str | None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write a blob over the version with the ETag `replacing`, or, if that is None, only if there is no blob.
        Returns the new ETag.

        Raises Conflict if another version is there, or no blob to replace.
        """
        try:
            return self._upload(name, data, content_type, metadata, replacing=replacing, overwrite=False)
        except NotFound:  # the one to replace is gone
            raise Conflict(f"writing to {self.container}: the blob is gone") from None

    def put_stream(
        self,
        name: str,
        stream: IO[bytes],
        size_bytes: int,
        content_type: str | None,
        replacing: str | None,
        *,
        md5: bytes | None = None,
        metadata: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Write a blob of any size as `put` does, with its tags. Returns the new ETag. Raises Conflict."""
        settings = ContentSettings(content_type=content_type, content_md5=bytearray(md5) if md5 else None)
        self._before_change()
        try:
            with translated(f"writing to {self.container}"):
                written = self._client.get_blob_client(within(name)).upload_blob(
                    stream,
                    length=size_bytes,
                    content_settings=settings,
                    metadata=dict(metadata or {}),
                    tags=dict(tags or {}) or None,
                    **_in_place_of(replacing),
                )
        except NotFound:
            raise Conflict(f"writing to {self.container}: the blob is gone") from None
        return bare(written["etag"])

    def overwrite(self, name: str, data: bytes, content_type: str, metadata: Mapping[str, str] | None = None) -> str:
        """Write a blob whether or not there is one. Returns the new ETag."""
        return self._upload(name, data, content_type, metadata, replacing=None, overwrite=True)

    def send(self, name: str, stream: IO[bytes], size_bytes: int, content_type: str, md5: bytes) -> str:
        """Write a blob from a stream, in blocks if it is large, whether or not there is one. Returns the new ETag."""
        settings = ContentSettings(content_type=content_type, content_md5=bytearray(md5))
        with translated(f"writing to {self.container}"):
            blob = self._client.get_blob_client(within(name))
            written = blob.upload_blob(stream, length=size_bytes, content_settings=settings, overwrite=True)
        return bare(written["etag"])

    def writer(self, name: str) -> BlobWriter:
        """A writer that takes the content of a blob piece by piece."""
        return BlobWriter(self._client.get_blob_client(within(name)))

    def read(self, name: str, etag: str, offset: int, length: int) -> Iterator[bytes]:
        """A part of this version of a blob, in chunks of at most 4 MiB.

        Raises, at any chunk, NotFound, or Conflict if the blob was overwritten.
        """
        end = offset + length
        for start in range(offset, end, BLOCK_BYTES):
            count = min(BLOCK_BYTES, end - start)
            with translated(f"reading from {self.container}"):
                yield self._client.download_blob(
                    within(name), start, count, etag=quoted(etag), match_condition=MatchConditions.IfNotModified
                ).readall()

    def delete(self, name: str, etag: str | None = None) -> None:
        """Delete a blob, if there is one. With an `etag`, raises Conflict if that is not its version."""
        condition: dict[str, Any] = (
            {} if etag is None else {"etag": quoted(etag), "match_condition": MatchConditions.IfNotModified}
        )
        self._before_change()
        try:
            with translated(f"deleting from {self.container}"):
                self._client.delete_blob(within(name), delete_snapshots="include", **condition)
        except NotFound:
            return

    def tag(self, name: str, tags: Mapping[str, str], state: BlobState) -> list[str]:
        """Set our tags on this version and keep the user's. Returns the keys of ours that did not fit.

        Setting tags replaces all tags of a blob, so if it has any, they are read first, which is one more call. Azure
        checks the condition on the ETag; Azurite ignores it. Raises NotFound, or Conflict if another version is there.
        """
        name, direct = within(name), self._object_store
        with translated(f"tagging in {self.container}"):
            present = direct.tags(name) if direct and state.has_tags else None
            if present is None:
                present = self._client.get_blob_client(name).get_blob_tags() if state.has_tags else {}
            wanted, left_out = merged(present, tags)
            if wanted != present and not (direct and direct.set_tags(name, wanted, state.etag)):
                self._client.get_blob_client(name).set_blob_tags(
                    wanted, etag=quoted(state.etag), match_condition=MatchConditions.IfNotModified
                )
        return left_out

    def set_tier(self, name: str, tier: str, etag: str | None = None) -> None:
        """Move a blob to a tier, such as Cold, without writing it: its ETag stays. With an `etag`, only while its tags
        say that it is the version they speak of; Azure checks that, Azurite ignores it.

        Raises NotFound, or Conflict if the tags speak of another version.
        """
        condition: dict[str, Any] = {} if etag is None else {"if_tags_match_condition": f"\"{ETAG}\" = '{etag}'"}
        with translated(f"setting a tier in {self.container}"):
            self._client.get_blob_client(within(name)).set_standard_blob_tier(tier, **condition)

    def list(
        self, marker: str | None = None, *, tags: bool = False, metadata: bool = False, prefix: str | None = None
    ) -> Iterator[tuple[list[Listed], str | None]]:
        """Pages of blobs in the order of their names, each with the marker of the next page.

        With a `prefix`, only those whose names begin so.
        """
        include = [what for what, is_wanted in (("tags", tags), ("metadata", metadata)) if is_wanted]
        with translated(f"listing {self.container}"):
            pages = self._client.list_blobs(name_starts_with=prefix, include=include or None).by_page(marker)
            for page in pages:
                yield [_listed(blob) for blob in page], getattr(pages, "continuation_token", None) or None

    def folders(self) -> Iterator[str]:
        """What stands before the first slash in the names of blobs, each once, in order."""
        with translated(f"listing {self.container}"):
            for found in self._client.walk_blobs(delimiter="/"):
                if found.name.endswith("/"):
                    yield found.name[:-1]

    def _upload(
        self,
        name: str,
        data: bytes,
        content_type: str,
        metadata: Mapping[str, str] | None,
        *,
        replacing: str | None,
        overwrite: bool,
    ) -> str:
        self._before_change()
        if self._object_store and (
            done := self._object_store.put(
                within(name), data, content_type, metadata or {}, replacing=replacing, overwrite=overwrite
            )
        ):
            self.keeps_versions = self.keeps_versions or done.keeps_versions
            return done.etag
        condition: dict[str, Any] = {"overwrite": True} if overwrite else _in_place_of(replacing)
        settings = ContentSettings(content_type=content_type)
        with translated(f"writing to {self.container}"):
            written = self._client.get_blob_client(within(name)).upload_blob(
                data,
                length=len(data),
                content_settings=settings,
                metadata=dict(metadata) if metadata else None,
                **condition,
            )
        self.keeps_versions = self.keeps_versions or bool(written.get("version_id"))
        return bare(written["etag"])


def within(name: str) -> str:
    """The name, if a blob of a container can have it. Raises StoreError for one that leads out of the container."""
    if {".", ".."} & set(stored_name(name).split("/")):
        raise StoreError("a blob was asked for whose name has a part '.' or '..', which would lead elsewhere")
    return name


def bare(etag: str | None) -> str:
    """The ETag without quotes. Azure's listings give it so; its headers give it with quotes."""
    return (etag or "").strip('"')


def quoted(etag: str) -> str:
    """The ETag in double quotes, as HTTP conditions need it."""
    return f'"{bare(etag)}"'


def _in_place_of(etag: str | None) -> dict[str, Any]:
    """The options of a write in place of the version with this ETag, or with None only if there is no blob."""
    if etag is None:
        return {"overwrite": False}
    return {"overwrite": True, "etag": quoted(etag), "match_condition": MatchConditions.IfNotModified}


def _listed(blob: BlobProperties) -> Listed:
    md5 = blob.content_settings.content_md5
    return Listed(
        blob.name,
        bare(blob.etag),
        blob.size,
        blob.last_modified,
        bytes(md5) if md5 else None,
        blob.tags or {},
        blob.metadata or {},
        blob.blob_tier,
        getattr(blob, "blob_tier_change_time", None),
        bool(blob.archive_status),
    )
