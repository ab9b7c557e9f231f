"""The files of a picture: the original, the staged picture, and renditions to look at."""

import re
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.responses import StreamingResponse

from errors import Missing, PictureError
from pipeline.commit import staged_name
from record import Record
from store import Blobs, Present
from web.api.common import Id, TheSite, matches, name_of
from web.problems import Problem
from web.site import Site

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
"""Of the formats that are read. Whatever else was uploaded goes out as a file to save, never as something to show."""
UNKNOWN_TYPE = "application/octet-stream"
FOREVER = "private, max-age=31536000, immutable"
_RANGE = re.compile(r"bytes=(\d*)-(\d*)")
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_FILE: dict[int | str, dict[str, Any]] = {
    200: {"description": "The file.", "content": {kind: _BINARY for kind in (*MEDIA_TYPES.values(), UNKNOWN_TYPE)}},
    206: {"description": "A part of it.", "content": {kind: _BINARY for kind in (*MEDIA_TYPES.values(), UNKNOWN_TYPE)}},
    304: {"description": "As you have it."},
}
_RENDITION: dict[int | str, dict[str, Any]] = {
    200: {"description": "The picture.", "content": {"image/webp": _BINARY}},
    304: {"description": "As you have it."},
}


def media_type(record: Record | None) -> str:
    """What an original is served as: by what was found in it, never by its name or what its sender said."""
    return MEDIA_TYPES.get(record.image.format, UNKNOWN_TYPE) if record and record.image else UNKNOWN_TYPE


@router.get("/original", response_class=Response, responses=_FILE, operation_id="original")
def original(request: Request, site: TheSite, id: Id) -> Response:
    """The file as it was uploaded, with all its metadata."""
    name = name_of(site, id)
    return _serve(request, site.stores.uploads, name, media_type(site.index.get(id)), name)


@router.get("/staged", response_class=Response, responses=_FILE, operation_id="staged")
def staged(request: Request, site: TheSite, id: Id) -> Response:
    """The preprocessed picture, as the model saw it. It carries what was learned of the original."""
    name = staged_name(name_of(site, id))
    return _serve(request, site.stores.staging, name, "image/png", name)


Version = Annotated[str | None, Query(max_length=64, description="The upload's ETag: it can then be cached.")]


@router.get("/thumbnail", response_class=Response, responses=_RENDITION, operation_id="thumbnail")
def thumbnail(request: Request, site: TheSite, id: Id, v: Version = None) -> Response:
    """A small picture (384 pixels at most) in WebP, upright, without metadata."""
    return _rendition(request, site, id, "thumbnail", v)


@router.get("/preview", response_class=Response, responses=_RENDITION, operation_id="preview")
def preview(request: Request, site: TheSite, id: Id, v: Version = None) -> Response:
    """A picture of 1600 pixels at most in WebP, upright, without metadata."""
    return _rendition(request, site, id, "preview", v)


def _rendition(request: Request, site: Site, id: str, kind: str, v: str | None) -> Response:
    record = site.index.get(id)
    if record is None or record.upload is None:
        raise Missing("There is no record of this picture.")
    version = record.upload.etag
    etag = f'"{version}-{kind}"'
    headers = {"ETag": etag, "Cache-Control": FOREVER if v == version else "private, no-cache"}
    if matches(request, etag):
        return Response(status_code=304, headers=headers)
    try:
        data = site.renderer.get(record.name, version, kind)
    except PictureError as error:
        raise Problem(404, str(error.reason), f"There is nothing to show of this picture. {error.detail}") from None
    return Response(data, 200, headers, "image/webp")


def _serve(request: Request, blobs: Blobs, name: str, kind: str, save_as: str) -> Response:
    """A blob, or the part that was asked for, chunk by chunk."""
    present = blobs.look(name)
    if present is None:
        raise Missing("There is no such file, or no longer.")
    etag = f'"{present.etag}"'
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
    part = _part(request, present, etag)
    start, length = part or (0, present.size_bytes)
    headers["Content-Length"] = str(length)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{present.size_bytes}"
    body = blobs.read(name, present.etag, start, length)
    return StreamingResponse(body, 206 if part else 200, headers, kind)


def _part(request: Request, present: Present, etag: str) -> tuple[int, int] | None:
    """(offset, length) of the part asked for; None for all of it. Problem 416 where there is no such part."""
    found = _RANGE.fullmatch(request.headers.get("range", "").strip())
    if not found or not any(found.groups()) or request.headers.get("if-range", etag) != etag:
        return None
    size = present.size_bytes
    first, last = found.groups()
    start = int(first) if first else max(0, size - int(last))
    end = min(int(last), size - 1) if first and last else size - 1
    if start > end:
        detail = f"The file has {size} bytes; there is no part '{found[0]}'."
        raise Problem(416, "no_such_range", detail, headers={"Content-Range": f"bytes */{size}"})
    return start, end - start + 1
