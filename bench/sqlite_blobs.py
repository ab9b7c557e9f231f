"""A container of blobs in one SQLite file, for measurements of so many blobs as Azurite takes hours to write.

Azurite goes through all its blobs at every write: 3 ms each at 15,000, so a set of 100,000 pictures would measure
Azurite. This answers as `Blobs` does, as far as training asks: conditions on ETags, pages of 5,000 with metadata.
"""

import hashlib
import itertools
import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path

from imagestore.errors import Conflict, NotFound
from imagestore.store import Blob, BlobState, Listed

_PAGE, _PIECE_BYTES = 5000, 2**22
_THEN = datetime(2026, 1, 1, tzinfo=UTC)
_TABLE = "CREATE TABLE IF NOT EXISTS blobs (name TEXT PRIMARY KEY, etag TEXT, told TEXT, size INTEGER, data BLOB)"


class SqliteBlobs:
    """The blobs of one container, in the file `path`."""

    def __init__(self, path: Path, container: str = "training") -> None:
        self.container = container
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute("PRAGMA journal_mode = MEMORY")
        self._database.execute(_TABLE)
        self._lock = threading.Lock()
        last = max((int(row[0][2:], 16) for row in self._database.execute("SELECT etag FROM blobs")), default=0)
        self._numbers = itertools.count(last + 1)

    def get(self, name: str, max_bytes: int | None = None) -> Blob:
        """The blob with its content. Raises NotFound."""
        with self._lock:
            row = self._database.execute("SELECT etag, data, told FROM blobs WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise NotFound(name)
        etag, data, told = row
        return Blob(etag, len(data), None, _THEN, data, json.loads(told))

    def read(self, name: str, etag: str, offset: int, length: int) -> Iterator[bytes]:
        """A part of a blob, in pieces. Raises NotFound, or Conflict if it was overwritten."""
        with self._lock:
            row = self._database.execute("SELECT rowid, etag FROM blobs WHERE name = ?", (name,)).fetchone()
        if row is None:
            raise NotFound(name)
        if row[1] != etag:
            raise Conflict(name)
        for start in range(offset, offset + length, _PIECE_BYTES):
            with self._lock, self._database.blobopen("blobs", "data", row[0], readonly=True) as opened:
                opened.seek(start)
                piece = opened.read(min(_PIECE_BYTES, offset + length - start))
            yield piece

    def stat(self, name: str) -> BlobState | None:
        """The blob without its content; None if there is none."""
        try:
            found = self.get(name)
        except NotFound:
            return None
        return BlobState(found.etag, found.size_bytes, md5=hashlib.md5(found.data or b"").digest())

    def put(
        self,
        name: str,
        data: bytes,
        content_type: str,
        replacing: str | None,
        metadata: Mapping[str, str] | None = None,
    ) -> str:
        """Write a blob over the version with this ETag, or with None only if there is none. Raises Conflict."""
        with self._lock:
            row = self._database.execute("SELECT etag FROM blobs WHERE name = ?", (name,)).fetchone()
            if (row[0] if row else None) != replacing:
                raise Conflict(name)
            return self._written(name, data, metadata)

    def overwrite(self, name: str, data: bytes, content_type: str, metadata: Mapping[str, str] | None = None) -> str:
        """Write a blob whether or not there is one."""
        with self._lock:
            return self._written(name, data, metadata)

    def delete(self, name: str, etag: str | None = None) -> None:
        """Delete a blob, if there is one. Raises Conflict if it has another ETag."""
        with self._lock:
            row = self._database.execute("SELECT etag FROM blobs WHERE name = ?", (name,)).fetchone()
            if row and etag not in (None, row[0]):
                raise Conflict(name)
            self._database.execute("DELETE FROM blobs WHERE name = ?", (name,))

    def list(
        self, marker: str | None = None, *, tags: bool = False, metadata: bool = False, prefix: str | None = None
    ) -> Iterator[tuple[list[Listed], str | None]]:
        """Pages of blobs in the order of their names."""
        prefix = last = prefix or ""
        query = "SELECT name, etag, size, told FROM blobs WHERE name >= ? AND name < ? ORDER BY name LIMIT ?"
        while True:
            with self._lock:
                rows = self._database.execute(query, (last, f"{prefix}\U0010ffff", _PAGE)).fetchall()
            yield [Listed(name, etag, size, _THEN, None, {}, json.loads(told)) for name, etag, size, told in rows], None
            if len(rows) < _PAGE:
                return
            last = f"{rows[-1][0]}\0"

    def folders(self) -> Iterator[str]:
        """What stands before the first slash in the names of blobs."""
        last = ""
        while True:
            with self._lock:
                row = self._database.execute("SELECT min(name) FROM blobs WHERE name > ?", (last,)).fetchone()
            if row[0] is None:
                return
            folder, slash, _ = row[0].partition("/")
            last = f"{folder}0" if slash else row[0]  # "0" is what follows the slash
            if slash:
                yield folder

    def _written(self, name: str, data: bytes, metadata: Mapping[str, str] | None) -> str:
        etag, told = f"0x{next(self._numbers):X}", json.dumps(dict(metadata or {}))
        row = (name, etag, told, len(data), data)
        self._database.execute("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?, ?)", row)
        return etag
