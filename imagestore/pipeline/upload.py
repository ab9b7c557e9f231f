"""What all ways to upload a file share: whether it must be sent again, and the content type of its blob."""

import mimetypes
from dataclasses import dataclass
from enum import StrEnum

from imagestore.store import BlobState, Listed

UNKNOWN_TYPE = "application/octet-stream"


class FileStatus(StrEnum):
    """What came of one of many files: it was `taken` in, is there already (`unchanged`), or was `refused`."""

    TAKEN = "taken"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


@dataclass(frozen=True)
class UploadedFile:
    """What came of one of many files. Its name is that under which it is there, else the one that was asked for; `id`
    and `etag` are "" if it was refused, and `code` and `why` say why it was."""

    name: str
    status: FileStatus
    id: str = ""
    etag: str = ""
    code: str = ""
    why: str = ""


@dataclass(frozen=True)
class BatchUploaded:
    """What came of many files, in their order. `stopped` says why those after the last were not looked at, None if all
    were."""

    items: list[UploadedFile]
    stopped: str | None


def is_unchanged(blob: BlobState | Listed | None, md5: bytes, size_bytes: int) -> bool:
    """Whether the blob, if there is one, holds a file of this size and MD5 already."""
    return blob is not None and blob.md5 == md5 and blob.size_bytes == size_bytes


def content_type(name: str) -> str:
    """The content type for the ending of this name."""
    return mimetypes.guess_type(name)[0] or UNKNOWN_TYPE
