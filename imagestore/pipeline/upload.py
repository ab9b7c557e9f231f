"""What all ways to upload a file share: whether it must be sent again, and the content type of its blob."""

import mimetypes

from imagestore.store import BlobState, Listed

UNKNOWN_TYPE = "application/octet-stream"


def is_unchanged(blob: BlobState | Listed | None, md5: bytes, size_bytes: int) -> bool:
    """Whether the blob, if there is one, holds a file of this size and MD5 already."""
    return blob is not None and blob.md5 == md5 and blob.size_bytes == size_bytes


def content_type(name: str) -> str:
    """The content type for the ending of this name."""
    return mimetypes.guess_type(name)[0] or UNKNOWN_TYPE
