"""The files of a picture: the original, the staged picture, and renditions to look at."""

import re
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import StreamingResponse

from imagestore.errors import NotFound
from imagestore.pipeline.names import staged_name
from imagestore.record import Record
from imagestore.store import Blobs, BlobState
from imagestore.web.answering.location import HideLocation
from imagestore.web.api.common import Id, ServicesDep, matches, name_of, record_of
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services
from preprocess import NotStaged, PictureError
from preprocess.staged import without_note

router = APIRouter(prefix="/pictures/{id}", tags=["Files"])
MEDIA_TYPES = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "AVIF": "image/avif",
    "HEIF": "image/heif",
    "GIF": "image/gif",
    "TIFF": "image/tiff",
    "BMP": "image/bmp",
    "JPEG2000": "image/jp2",
}
"""The media types of the formats we read. Anything else is served as a file to save, never as something to show."""
UNKNOWN_TYPE = "application/octet-stream"
FOREVER = "private, max-age=31536000, immutable"
_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {kind: _BINARY for kind in (*MEDIA_TYPES.values(), UNKNOWN_TYPE)}},
    206: {"description": "A part of it.", "content": {kind: _BINARY for kind in (*MEDIA_TYPES.values(), UNKNOWN_TYPE)}},
    304: {"description": "As you have it."},
}
RENDITION: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {"image/webp": _BINARY}},
    304: {"description": "As you have it."},
}


def media_type(record: Record | None) -> str:
    """The media type to serve an original as, by the format that was found in it, never by its name or by what its
    sender claimed."""
    return MEDIA_TYPES.get(record.image.format, UNKNOWN_TYPE) if record and record.image else UNKNOWN_TYPE


@router.get("/original", response_class=Response, responses=_FILE, operation_id="original")
def original(request: Request, services: ServicesDep, id: Id) -> Response:
    """The file as it was uploaded, with all its metadata."""
    name = name_of(services, id)
    return _serve(request, services.stores.uploads, name, media_type(services.index.get(id)), name)


RenditionVersion = Annotated[str | None, Query(max_length=64, description="The upload's ETag: it can then be cached.")]
Shown = Annotated[str | None, Query(max_length=64, description="The upload's ETag: another address for each version.")]


@router.get("/staged", response_class=Response, responses=_FILE, operation_id="staged")
def staged(request: Request, services: ServicesDep, hide_location: HideLocation, id: Id, v: Shown = None) -> Response:
    """The preprocessed picture, as the model saw it. The PNG also holds the record so far."""
    name = staged_name(name_of(services, id))
    if hide_location:
        return _pixels_alone(services, name)
    return _serve(request, services.stores.staging, name, "image/png", name)


@router.get("/thumbnail", response_class=Response, responses=RENDITION, operation_id="thumbnail")
def thumbnail(request: Request, services: ServicesDep, id: Id, v: RenditionVersion = None) -> Response:
    """A small picture (384 pixels at most) in WebP, upright, without metadata."""
    return _rendition(request, services, id, "thumbnail", v)


@router.get("/preview", response_class=Response, responses=RENDITION, operation_id="preview")
def preview(request: Request, services: ServicesDep, id: Id, v: RenditionVersion = None) -> Response:
    """A picture of 1600 pixels at most in WebP, upright, without metadata."""
    return _rendition(request, services, id, "preview", v)


def _rendition(request: Request, services: Services, id: str, kind: str, v: str | None) -> Response:
    record = record_of(services, id, v)
    if record.upload is None:
        raise NotFound("There is no record of this picture.")
    version = record.upload.etag
    etag = f'"{version}-{kind}"'
    headers = {"ETag": etag, "Cache-Control": FOREVER if v == version else "private, no-cache"}
    if matches(request, etag):
        return Response(status_code=304, headers=headers)
    try:
        data = services.renderer.get(record.name, version, kind)
    except PictureError as error:
        raise ApiProblem(404, str(error.reason), f"There is nothing to show of this picture. {error.detail}") from None
    return Response(data, 200, headers, "image/webp")


def _pixels_alone(services: Services, name: str) -> Response:
    """A staged picture without the record that it holds. Raises NotFound."""
    try:
        data = without_note(services.stores.staging.get(name).data or b"")
    except NotStaged:
        raise NotFound("There is no such file.") from None
    return Response(data, 200, {"Cache-Control": "private, no-cache"}, "image/png")


def _serve(request: Request, blobs: Blobs, name: str, kind: str, save_as: str) -> Response:
    """A blob, or the part that the request asks for, chunk by chunk."""
    blob = blobs.stat(name)
    if blob is None:
        raise NotFound("There is no such file, or no longer.")
    etag = f'"{blob.etag}"'
    how = "attachment" if kind == UNKNOWN_TYPE else "inline"
    file = save_as.rsplit("/", 1)[-1]
    headers = {
        "ETag": etag,
        "Accept-Ranges": "bytes",
        "Cache-Control": "private, no-cache",
        "Content-Disposition": f"{how}; filename*=UTF-8''{quote(file, safe='')}",
        "Content-Security-Policy": "default-src 'none'; sandbox",
    }
    if matches(request, etag):
        return Response(status_code=304, headers=headers)
    part = _part(request, blob, etag)
    start, length = part or (0, blob.size_bytes)
    headers["Content-Length"] = str(length)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{blob.size_bytes}"
    body = blobs.read(name, blob.etag, start, length)
    return StreamingResponse(body, 206 if part else 200, headers, kind)


def _part(request: Request, blob: BlobState, etag: str) -> tuple[int, int] | None:
    """(offset, length) of the part that the request asks for; None for the whole file.

    Raises ApiProblem 416 if there is no such part.
    """
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if not found or not any(found.groups()) or request.headers.get("if-range", etag) != etag:
        return None
    size = blob.size_bytes
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        detail = f"The file has {size} bytes; there is no part '{found[0]}'."
        raise ApiProblem(416, "no_such_range", detail, headers={"Content-Range": f"bytes */{size}"})
    return start, end - start + 1
