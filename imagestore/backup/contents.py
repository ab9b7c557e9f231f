"""The contents in a backup, each kept once, by its SHA-256."""

import hashlib
import tempfile
import threading
from collections.abc import Iterable, Iterator
from typing import IO

from imagestore.backup.format import CONTENTS, INLINE_BYTES, Content, content_file
from imagestore.backup.vault import Vault
from imagestore.errors import BackupError, NotFound

_IN_MEMORY_BYTES = 2**24
"""A content that is larger waits on disk while its SHA-256 is computed."""


class Contents:
    """The contents in a vault, which is listed once. Safe to use from many threads. Every method raises Unavailable."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault
        self._there = {name.rpartition("/")[2]: size for name, size in vault.list(CONTENTS)}
        self._lock = threading.Lock()
        self.new_bytes = 0
        """How many bytes were added by `keep`."""

    def has(self, content: Content) -> bool:
        """Whether this content is kept, in the list itself or beside it."""
        is_there = content.sha256 is not None and self._there.get(content.sha256) == content.size_bytes
        return content.inline is not None or is_there

    def keep(self, pieces: Iterable[bytes]) -> Content:
        """Keep a content, unless it is kept already."""
        sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
        with tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES) as spool:
            for piece in pieces:
                sha256.update(piece)
                md5.update(piece)
                spool.write(piece)
            size = spool.tell()
            spool.seek(0)
            if size <= INLINE_BYTES:
                return Content(size, sha256.hexdigest(), md5.hexdigest(), spool.read())
            content = Content(size, sha256.hexdigest(), md5.hexdigest())
            if not self.has(content):
                self._vault.add(content_file(sha256.hexdigest()), spool, size)
                with self._lock:
                    self.new_bytes += 0 if self.has(content) else size
                    self._there[sha256.hexdigest()] = size
        return content

    def open(self, content: Content) -> IO[bytes]:
        """A file with this content, checked against its SHA-256. Raises BackupError if it is missing or damaged."""
        spool = tempfile.SpooledTemporaryFile(_IN_MEMORY_BYTES)  # noqa: SIM115, whoever asked closes it
        try:
            sha256 = hashlib.sha256()
            for piece in self._pieces(content):
                sha256.update(piece)
                spool.write(piece)
            if sha256.hexdigest() != content.sha256:
                raise BackupError(f"The content {content.sha256} in {self._vault.where} is damaged.")
            spool.seek(0)
        except BaseException:
            spool.close()
            raise
        return spool

    def _pieces(self, content: Content) -> Iterator[bytes]:
        if content.inline is not None:
            yield content.inline
            return
        try:
            yield from self._vault.pieces(content_file(content.sha256 or ""))
        except NotFound:
            raise BackupError(f"The content {content.sha256} is not in {self._vault.where}.") from None
