"""Writes a blob piece by piece in bounded memory. The blob appears only when it is complete."""

import base64
import hashlib
import uuid
from collections.abc import Mapping
from typing import Any

from azure.core import MatchConditions
from azure.storage.blob import BlobBlock, BlobClient, ContentSettings

from imagestore.store.failures import translated

BLOCK_BYTES = 4 * 2**20


class BlobWriter:
    """Writes one blob. It holds one block in memory, and sends a larger blob block by block.

    Blocks that are never committed are never visible, and Azure drops them after a week.
    """

    def __init__(self, client: BlobClient) -> None:
        self._client = client
        self._buffer = bytearray()
        self._blocks: list[BlobBlock] = []
        self._prefix = uuid.uuid4().hex
        self._md5 = hashlib.md5(usedforsecurity=False)
        self.size_bytes = 0

    @property
    def md5(self) -> bytes:
        """The MD5 of everything added so far."""
        return self._md5.digest()

    def add(self, data: bytes) -> None:
        """Add the next piece of the content. Raises Unavailable or Protected."""
        self._md5.update(data)
        self.size_bytes += len(data)
        rest = memoryview(data)
        while rest:
            room = BLOCK_BYTES - len(self._buffer)
            if room == 0:
                self._stage()
                continue
            self._buffer += rest[:room]
            rest = rest[room:]

    def commit(self, content_type: str, *, only_new: bool = False, metadata: Mapping[str, str] | None = None) -> str:
        """Create the blob, with this metadata, from what was added, and return its ETag.

        With `only_new` raises Conflict if there is such a blob already. Raises Unavailable or Protected.
        """
        settings = ContentSettings(content_type=content_type, content_md5=bytearray(self.md5))
        condition: dict[str, Any] = {"match_condition": MatchConditions.IfMissing} if only_new else {}
        kept: dict[str, Any] = {"metadata": dict(metadata)} if metadata else {}
        with translated("writing an upload"):
            if self._blocks:
                if self._buffer:
                    self._stage()
                written = self._client.commit_block_list(self._blocks, content_settings=settings, **condition, **kept)
            else:
                data = bytes(self._buffer)
                written = self._client.upload_blob(
                    data, length=len(data), content_settings=settings, overwrite=not only_new, **kept
                )
        return str(written["etag"]).strip('"')

    def _stage(self) -> None:
        id = base64.b64encode(f"{self._prefix}-{len(self._blocks):06d}".encode()).decode()
        with translated("writing a block of an upload"):
            self._client.stage_block(id, bytes(self._buffer), len(self._buffer))
        self._blocks.append(BlobBlock(id))
        self._buffer.clear()
