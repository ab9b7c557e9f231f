"""The picture in the body of a request: the file as it is, or in a form."""

import re
from collections.abc import AsyncIterator

from fastapi import Request

from imagestore.web.intake.multipart import FORM, FORM_BYTES, FormFile, FormFiles
from imagestore.web.intake.receive import too_large
from imagestore.web.problems import ApiProblem

_BYTES = re.compile("[0-9]{1,18}")
_FILE = {"type": "string", "format": "binary"}
_FORM_SCHEMA = {"type": "object", "required": ["file"], "properties": {"file": _FILE}}
BODY = {
    "requestBody": {
        "required": True,
        "description": "The file as it is, or a form with one file.",
        "content": {"application/octet-stream": {"schema": _FILE}, FORM: {"schema": _FORM_SCHEMA}},
    }
}
"""The description of such a body."""


async def sent_picture(request: Request, name: str | None, max_bytes: int) -> tuple[str, AsyncIterator[bytes]]:
    """The name of an upload and its content, sent as the request's body or in a form.

    Raises ApiProblem: 413 if the request announces too much, 422 if it does not name the picture.
    """
    content_type = request.headers.get("content-type", "")
    is_form = content_type.partition(";")[0].strip().lower() == FORM
    sent = sent_bytes(request.headers.get("content-length", "0"))
    if sent > max_bytes + (FORM_BYTES if is_form else 0):
        raise too_large(sent, max_bytes)
    if is_form:
        form = FormFile(content_type, request.stream())
        await form.start()
        return name or form.name or "", form.content()
    if name is None:
        raise ApiProblem(422, "bad_request", "name: is missing; say what the picture is called: ?name=cat.jpg.")
    return name, request.stream()


async def whole_picture(request: Request, max_bytes: int, field: str | None = None) -> bytes:
    """The content of a picture, sent as the request's body or in a form, where it may be in a `field` of this name that
    is no file.

    Raises ApiProblem: 413 if it is too large, 400 if the form cannot be read.
    """
    content_type = request.headers.get("content-type", "")
    is_form = content_type.partition(";")[0].strip().lower() == FORM
    sent = sent_bytes(request.headers.get("content-length", "0"))
    setting = "MAX_BYTES" if field is None else None
    if sent > max_bytes + (FORM_BYTES if is_form else 0):
        raise too_large(sent, max_bytes, setting)
    body: AsyncIterator[bytes] = request.stream()
    if is_form:
        form = FormFile(content_type, body, field)
        await form.start()
        body = form.content()
    data = bytearray()
    async for piece in body:
        data += piece
        if len(data) > max_bytes:
            raise too_large(None, max_bytes, setting)
    return bytes(data)


async def whole_pictures(
    request: Request, max_bytes: int, field: str, most: int, most_bytes: int
) -> list[tuple[str, bytes | bytearray]]:
    """The names and contents of the pictures in a form, at most so many, or the one that is the request's body. In a
    form, one that is too large has a byte more than `max_bytes`.

    Raises ApiProblem: 413 if it is too large, or a form larger than `most_bytes`; 400 if the form cannot be read.
    """
    content_type = request.headers.get("content-type", "")
    if content_type.partition(";")[0].strip().lower() != FORM:
        return [("", await whole_picture(request, max_bytes, field))]
    sent = sent_bytes(request.headers.get("content-length", "0"))
    if sent > most_bytes:
        raise too_large(sent, most_bytes, None)

    async def bounded() -> AsyncIterator[bytes]:
        came = 0
        async for piece in request.stream():
            came += len(piece)
            if came > most_bytes:
                raise too_large(None, most_bytes, None)
            yield piece

    files = await FormFiles(content_type, bounded(), field).read(most, max_bytes)
    return [*files]


def sent_bytes(content_length: str) -> int:
    """The size that a request says it has. Raises ApiProblem 400 where that is no number of bytes."""
    if not _BYTES.fullmatch(content_length):
        raise ApiProblem(400, "bad_request", "The header Content-Length is no number of bytes. Nothing was kept.")
    return int(content_length)
