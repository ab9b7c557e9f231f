"""What a backup looks like: files, their names, and what is in them. Version 1.

    imagestore-backup.json                      which instance's backups these are
    contents/ab/abcd…                           a blob's content, by its SHA-256
    snapshots/<id>/pictures-0001.jsonl.gz       lists: a line for each picture, file or document
    snapshots/<id>/manifest.json                what belongs to the snapshot, with checksums; it is written last

A snapshot without a manifest is not finished. Small contents stand in the lists themselves.
"""

import gzip
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from imagestore.decoding import convert, decode
from imagestore.errors import BackupError

FORMAT = 1
HEAD = "imagestore-backup.json"
CONTENTS = "contents/"
SNAPSHOTS = "snapshots/"
MANIFEST = "manifest.json"
INLINE_BYTES = 4096
"""A content of at most so many bytes stands in the list."""
LINES = 1000
"""How many lines a list has at most."""
SNAPSHOT_ID = re.compile(r"[0-9]{8}T[0-9]{12}Z-[0-9a-f]{6}")
Line = TypeVar("Line")


@dataclass(frozen=True)
class Head:
    """Which instance's backups these are. Only a version that knows the format reads them."""

    format: int
    instance: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Content:
    """The content of a blob. `md5` is in hex; `inline` is the content itself, if it is small. Of uploads that were left
    out, the SHA-256 may not be known."""

    size_bytes: int
    sha256: str | None = None
    md5: str | None = None
    inline: bytes | None = None


@dataclass(frozen=True, slots=True)
class FileLine:
    """A blob. `etag` is the version that was read; `tags` are those that are not ours."""

    name: str
    etag: str
    content: Content
    content_type: str | None = None
    metadata: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class PictureLine:
    """An upload, and its record as Cosmos DB has it, unless there was none of this version."""

    upload: FileLine
    record: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class DocumentLine:
    """A document of Cosmos DB, and when it was last written (seconds since 1970)."""

    document: dict[str, Any]
    written_at: int


@dataclass(frozen=True)
class ListFile:
    """One list of a snapshot: its file within the snapshot, with the checksum of the file."""

    name: str
    sha256: str
    lines: int


@dataclass(frozen=True)
class LeftOut:
    """A blob that could not be read, and why."""

    container: str
    name: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A finished snapshot. `lists` has, by what they hold, the lists in order; times are UTC.

    `new_bytes` are those of contents that no snapshot before it had.
    """

    format: int
    id: str
    instance: str
    app_version: str
    begun_at: str
    ended_at: str
    with_uploads: bool
    lists: dict[str, list[ListFile]]
    left_out: list[LeftOut] = field(default_factory=list)
    new_bytes: int = 0

    def count(self, what: str) -> int:
        """How many lines the lists of this have."""
        return sum(one.lines for one in self.lists.get(what, []))


def content_file(sha256: str) -> str:
    """Where a content lies."""
    return f"{CONTENTS}{sha256[:2]}/{sha256}"


def snapshot_file(id: str, name: str) -> str:
    """Where a file of a snapshot lies."""
    return f"{SNAPSHOTS}{id}/{name}"


def packed(lines: Iterable[object]) -> bytes:
    """Lines as a list's file: JSON Lines, compressed; the same lines give the same bytes."""
    return gzip.compress(b"".join(msgspec.json.encode(line) + b"\n" for line in lines), mtime=0)


def unpacked(data: bytes, kind: type[Line], name: str) -> Iterator[Line]:
    """The lines of a list's file. Raises BackupError."""
    try:
        for line in gzip.decompress(data).splitlines():
            yield decode(line, kind)
    except (OSError, EOFError, msgspec.MsgspecError) as error:
        raise BackupError(f"{name} of the backup cannot be read: {error}. Take another snapshot.") from None


def read_head(data: bytes, where: str) -> Head:
    """The head of a backup. Raises BackupError."""
    return _of_known_format(data, Head, f"{HEAD} in {where}")


def read_manifest(data: bytes, id: str) -> Manifest:
    """The manifest of a snapshot. Raises BackupError."""
    return _of_known_format(data, Manifest, f"The manifest of snapshot {id}")


def sha256_of(data: bytes) -> str:
    """The SHA-256 of these bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def _of_known_format(data: bytes, kind: type[Line], what: str) -> Line:
    try:
        written = decode(data, dict[str, Any])
        if written.get("format") != FORMAT:
            raise BackupError(
                f"{what} says format {written.get('format')}; this version reads format {FORMAT}. Use the version of "
                "Intelligent Storage that wrote it, or a later one."
            )
        return convert(written, kind)
    except msgspec.MsgspecError as error:
        raise BackupError(f"{what} cannot be read: {error}.") from None
