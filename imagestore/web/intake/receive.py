"""Writes an upload to its container as it arrives, in bounded memory."""

import secrets
from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from enum import StrEnum

from jinja2.filters import do_filesizeformat
from starlette.concurrency import run_in_threadpool

from imagestore import telemetry
from imagestore.errors import Conflict
from imagestore.pipeline.upload import UNKNOWN_TYPE, content_type, is_unchanged
from imagestore.record import record_id
from imagestore.store import Blobs, BlobState
from imagestore.web.intake.names import marked
from imagestore.web.problems import ApiProblem

_PIECE_BYTES = 2**20
_NUMBERED = range(2, 6)
"""The numbers to try for a name that is taken. Each asks storage once."""
_RANDOM_BYTES = 8


class IfExists(StrEnum):
    """What to do if there is an upload of this name already, with other content."""

    ERROR = "error"
    OVERWRITE = "overwrite"
    RENAME = "rename"


@dataclass(frozen=True)
class Received:
    """The upload as it is now; `is_new` is false if it was there already, with the same content."""

    name: str
    etag: str
    is_new: bool


async def receive(
    uploads: Blobs,
    name: str,
    body: AsyncIterator[bytes],
    if_exists: IfExists,
    max_bytes: int,
    longest_name: int,
    *,
    about_to_go: Collection[str] = (),
) -> Received:
    """Write the content in `body`. If the upload has the same content (by MD5) already, or with RENAME one of its
    numbered names has, nothing is written, unless its present version is `about_to_go` (the ids of those that are to be
    deleted).

    Raises ApiProblem (409 if the name is taken, 413 if there are more than `max_bytes`), Unavailable, Conflict. An
    upload that breaks off leaves nothing behind.
    """
    there = await run_in_threadpool(uploads.stat, name)
    target, taken = name, {} if there is None else {name: there}
    if there is not None and if_exists is IfExists.RENAME:
        target, numbered = await run_in_threadpool(_free_name, uploads, name, longest_name)
        taken |= numbered
    writer = uploads.writer(target)
    piece = bytearray()
    async for chunk in body:
        piece += chunk
        if writer.size_bytes + len(piece) > max_bytes:
            raise too_large(None, max_bytes)
        if len(piece) >= _PIECE_BYTES:
            await run_in_threadpool(writer.add, bytes(piece))
            piece.clear()
    await run_in_threadpool(writer.add, bytes(piece))
    same = {at: blob for at, blob in taken.items() if is_unchanged(blob, writer.md5, writer.size_bytes)}
    for at, blob in same.items():
        if record_id(at) not in about_to_go:
            return Received(at, blob.etag, is_new=False)
    if target in same:
        if_exists = IfExists.OVERWRITE
    if target in taken and if_exists is IfExists.ERROR:
        raise _taken(name)
    kind, metadata = _safe_content_type(target), telemetry.carried()
    try:
        if if_exists is IfExists.OVERWRITE:
            etag = await run_in_threadpool(writer.commit, kind, metadata=metadata)
        else:
            etag = await run_in_threadpool(writer.commit, kind, only_new=True, metadata=metadata)
    except Conflict:
        raise _taken(target) from None
    return Received(target, etag, is_new=True)


def too_large(size_bytes: int | None, max_bytes: int, setting: str | None = "MAX_BYTES") -> ApiProblem:
    """The error for an upload over the limit; `size_bytes` is None if only that is known, and `setting` if the limit is
    fixed.

    `size_bytes` and `limit_bytes` let a page say so in its own words, without offering to send the file again.
    """
    said, limit = f"more than {_size(max_bytes)}", _size(max_bytes)
    if size_bytes is not None:
        said = _size(size_bytes)
        if said == limit:
            said, limit = f"{size_bytes:,} bytes", f"{max_bytes:,} bytes"
    named = f" ({setting})" if setting else ""
    detail = f"The file has {said}; the limit is {limit}{named}. Sending it again will not help."
    return ApiProblem(413, "too_many_bytes", detail, more={"size_bytes": size_bytes, "limit_bytes": max_bytes})


def _size(size_bytes: int) -> str:
    return do_filesizeformat(size_bytes).replace(".0 ", " ")


def _free_name(uploads: Blobs, name: str, longest: int) -> tuple[str, dict[str, BlobState]]:
    """A similar name that no upload has: with a number, or, once a few numbers are taken, with a random mark; and the
    uploads of the numbers before it."""
    taken: dict[str, BlobState] = {}
    for number in _NUMBERED:
        candidate = marked(name, str(number), longest)
        blob = uploads.stat(candidate)
        if blob is None:
            return candidate, taken
        taken[candidate] = blob
    return marked(name, secrets.token_hex(_RANDOM_BYTES), longest), taken


def _taken(name: str) -> ApiProblem:
    detail = f"There is another upload named '{name}'. Give it another name, or say if_exists=overwrite or rename."
    return ApiProblem(409, "name_taken", detail)


def _safe_content_type(name: str) -> str:
    """By the name's ending, and only of pictures without scripts: a blob may be opened in a browser one day."""
    guessed = content_type(name)
    return guessed if guessed.startswith("image/") and "svg" not in guessed else UNKNOWN_TYPE
