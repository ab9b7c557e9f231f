"""Takes an upload in as it arrives, in bounded memory, straight into the container of uploads."""

import mimetypes
from collections.abc import AsyncIterator
from dataclasses import dataclass
from enum import StrEnum

from starlette.concurrency import run_in_threadpool

from errors import Conflict
from store import Blobs, Present
from web.names import numbered
from web.problems import Problem

_PIECE_BYTES = 2**20
_MOST_NAMESAKES = 1000


class IfExists(StrEnum):
    """What to do where there is an upload of this name already, with other content."""

    ERROR = "error"
    OVERWRITE = "overwrite"
    RENAME = "rename"


@dataclass(frozen=True)
class Received:
    """The upload that is there now; `is_new` is false where it was there already, with the same content."""

    name: str
    etag: str
    is_new: bool


async def receive(
    uploads: Blobs, name: str, body: AsyncIterator[bytes], if_exists: IfExists, max_bytes: int, longest_name: int
) -> Received:
    """Write what `body` brings. What is the same as what is there, by MD5, is not written again.

    Problem 409 where the name is taken, 413 where there are more than `max_bytes`. Raises Away, Conflict. What breaks
    off leaves nothing behind.
    """
    there = await run_in_threadpool(uploads.look, name)
    target, namesake = name, there
    if there is not None and if_exists is IfExists.RENAME:
        target = await run_in_threadpool(_free_name, uploads, name, longest_name)
        namesake = None
    writer = uploads.writer(target)
    piece = bytearray()
    async for chunk in body:
        piece += chunk
        if writer.size_bytes + len(piece) > max_bytes:
            raise too_large(max_bytes)
        if len(piece) >= _PIECE_BYTES:
            await run_in_threadpool(writer.add, bytes(piece))
            piece.clear()
    await run_in_threadpool(writer.add, bytes(piece))
    if there is not None and there.md5 == writer.md5 and there.size_bytes == writer.size_bytes:
        return Received(name, there.etag, is_new=False)
    if namesake is not None and if_exists is IfExists.ERROR:
        raise _taken(name)
    kind = _content_type(target)
    try:
        if if_exists is IfExists.OVERWRITE:
            etag = await run_in_threadpool(writer.commit, kind)
        else:
            etag = await run_in_threadpool(writer.commit, kind, only_new=True)
    except Conflict:
        raise _taken(target) from None
    return Received(target, etag, is_new=True)


def too_large(max_bytes: int) -> Problem:
    """What an upload over the limit is told."""
    return Problem(413, "too_many_bytes", f"The file is larger than {max_bytes} bytes, the limit (MAX_BYTES).")


def _free_name(uploads: Blobs, name: str, longest: int) -> str:
    for number in range(2, _MOST_NAMESAKES):
        candidate = numbered(name, number, longest)
        found: Present | None = uploads.look(candidate)
        if found is None:
            return candidate
    raise _taken(name)


def _taken(name: str) -> Problem:
    detail = f"There is another upload named '{name}'. Give it another name, or say if_exists=overwrite or rename."
    return Problem(409, "name_taken", detail)


def _content_type(name: str) -> str:
    """By the name's ending, and only of pictures without scripts: a blob may be opened in a browser one day."""
    guessed = mimetypes.guess_type(name)[0] or ""
    return guessed if guessed.startswith("image/") and "svg" not in guessed else "application/octet-stream"
