"""Takes pictures in that are to be learned from, as Custom Vision's clients send them."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence

import msgspec
from fastapi import Request
from starlette.responses import Response

from imagestore.errors import NotFetched
from imagestore.fetch import fetch
from imagestore.record import utc
from imagestore.store.projects import Project
from imagestore.store.training import PictureFacts, at_once
from imagestore.web.custom_vision import answers
from imagestore.web.custom_vision.errors import refused
from imagestore.web.custom_vision.pictures import Pictures, image_id, pictures_of
from imagestore.web.custom_vision.routing import answer, body_of, signed
from imagestore.web.problems import ApiProblem
from imagestore.web.services import Services
from preprocess import DecoderFailed, Fit, ImageSpec, PictureError, Reason

MOST_BYTES = 6 * 2**20
"""The largest picture that Custom Vision took to learn from."""
MOST_AT_ONCE = 64
AT_ONCE = 8
"""How many are fetched at a time."""
MOST_BATCH_BYTES = 100_000_000
"""A batch is held in memory."""
MOST_WORDS, MOST_KEY, MOST_VALUE = 10, 128, 256
"""The metadata of a picture: how many there can be, and how many characters each name and value can have."""
KEPT_WORDS = "custom_vision_"
"""Metadata whose names begin so say where an imported picture came from: nobody else writes them."""
_LOOK = ImageSpec(64, 64, 3, 1.0, Fit.STRETCH)
"""Whether a picture can be read is seen by reading it."""
_SIZES = {Reason.TOO_MANY_PIXELS: "ErrorImageDimensions", Reason.TOO_SMALL: "ErrorImageDimensions"}
Get = Callable[[], bytes]


class Region(msgspec.Struct, rename="camel"):
    """A part of a picture, in shares of its width and height."""

    tag_id: str
    left: float
    top: float
    width: float
    height: float


class FileEntry(msgspec.Struct, rename="camel"):
    """A picture in a batch: in base64, or at an address."""

    name: str | None = None
    contents: str | None = None
    url: str | None = None
    tag_ids: list[str] | None = None
    regions: list[Region] | None = None


class Batch(msgspec.Struct, rename="camel"):
    """Pictures, and the tags and metadata of them all."""

    images: list[FileEntry] = []
    tag_ids: list[str] | None = None
    metadata: dict[str, str] | None = None


async def batch_of(request: Request) -> Batch:
    """The batch in a request's body. Raises ApiProblem 400."""
    batch = await body_of(request, Batch, MOST_BATCH_BYTES)
    if not batch.images:
        raise refused("BadRequestImageBatch", "The batch holds no pictures.")
    if len(batch.images) > MOST_AT_ONCE:
        said = f"The batch holds {len(batch.images)} pictures; the limit is {MOST_AT_ONCE}."
        raise refused("BadRequestExceededBatchSize", said)
    return batch


def keep_each(
    request: Request, services: Services, project: Project, sent: Sequence[tuple[FileEntry, Get]], batch: Batch
) -> Response:
    """Keep these pictures, and say how it went with each."""
    pictures = pictures_of(services, project)
    pictures.demand_own()
    demand_words(batch.metadata or {})
    asked = {id for entry, _ in sent for id in _tag_ids(entry, batch)}
    unknown = {id for id in asked if not _is_tag(pictures, id)}

    def read(one: tuple[FileEntry, Get]) -> bytes | str:
        return _read(one[1]) if unknown.isdisjoint(_tag_ids(one[0], batch)) else "ErrorInvalidTag"

    done = []
    for start in range(0, len(sent), AT_ONCE):
        some = sent[start : start + AT_ONCE]
        found = at_once(read, some)
        for (entry, _), data in zip(some, found, strict=True):
            done.append(_keep(request, services, pictures, entry, data, batch))
    is_good = all(one.status in ("OK", "OKDuplicate") for one in done)
    return answer(answers.ImageCreateSummary(is_batch_successful=is_good, images=done), 200 if is_good else 207)


def demand_words(words: Mapping[str, str]) -> None:
    """Raises ApiProblem 400 if this is no metadata that a client can give to a picture."""
    if len(words) > MOST_WORDS:
        said = f"There are {len(words)} words of metadata; the limit is {MOST_WORDS}."
        raise refused("BadRequestImageMetadataKey", said)
    for key, value in words.items():
        if not key or len(key) > MOST_KEY:
            said = f"A name of metadata has {len(key)} characters; there are at least 1 and at most {MOST_KEY}."
            raise refused("BadRequestImageMetadataKey", said)
        if key.lower().startswith(KEPT_WORDS):
            said = f"'{key}': names that begin with '{KEPT_WORDS}' are for what an import notes. Choose another name."
            raise refused("BadRequestImageMetadataKey", said)
        if len(value) > MOST_VALUE:
            said = f"The value of '{key}' has {len(value)} characters; the limit is {MOST_VALUE}."
            raise refused("BadRequestImageMetadataValue", said)


def _tag_ids(entry: FileEntry, batch: Batch) -> dict[str, None]:
    """The ids of the tags that a picture of a batch is to have, each once."""
    return dict.fromkeys([*(batch.tag_ids or ()), *(entry.tag_ids or ())])


def _is_tag(pictures: Pictures, id: str) -> bool:
    try:
        return bool(pictures.tag(id))
    except ApiProblem:
        return False


def _read(read: Get) -> bytes | str:
    """What is read, or the status of a picture that cannot be."""
    try:
        return read()
    except NotFetched:
        return "ErrorSource"
    except (binascii.Error, ValueError):
        return "ErrorImageFormat"


def _keep(
    request: Request, services: Services, pictures: Pictures, entry: FileEntry, data: bytes | str, batch: Batch
) -> answers.ImageCreateResult:
    source = entry.url or entry.name or ""

    def failed(status: str) -> answers.ImageCreateResult:
        return answers.ImageCreateResult(source_url=source, status=status)

    if isinstance(data, str):
        return failed(data)
    if len(data) > MOST_BYTES:
        return failed("ErrorImageSize")
    try:
        info, _ = services.renderer.pixels(data, _LOOK)
    except PictureError as error:
        return failed(_SIZES.get(error.reason, "ErrorImageFormat"))
    except DecoderFailed:
        return failed("ErrorUnknown")
    tags = [pictures.tag(id) for id in _tag_ids(entry, batch)]
    sha256 = hashlib.sha256(data).hexdigest()
    sent = PictureFacts(
        source=source,
        md5=hashlib.md5(data, usedforsecurity=False).hexdigest(),
        regions=tuple(msgspec.to_builtins(one) for one in entry.regions or ()),
        metadata=batch.metadata or {},
        width=info.width,
        height=info.height,
    )
    try:
        with pictures.lists.changing(pictures.project.pictures_in, sha256):
            looked_at, status = utc(), "OKDuplicate"
            if pictures.has(sha256):
                pictures.add_tags(sha256, tags, sent)
            else:
                pictures.put(sha256, data, sent, tags, looked_at)
                status = "OK"
    except ApiProblem as problem:
        is_negative = problem.code == "BadRequestNegativeAndRegularTagOnSameImage"
        return failed("ErrorNegativeAndRegularTagOnSameImage" if is_negative else "ErrorTagLimitExceed")
    image = image_of(request, services, pictures, sha256, pictures.facts([sha256])[0])
    return answers.ImageCreateResult(source_url=source, status=status, image=image)


def reader_of(entry: FileEntry) -> Get:
    """What reads a picture that is in the batch itself."""
    return lambda: base64.b64decode(entry.contents or "", validate=True)


def fetcher_of(entry: FileEntry, services: Services) -> Get:
    return lambda: fetch(entry.url or "", MOST_BYTES, services.may_fetch)


def image_of(
    request: Request, services: Services, pictures: Pictures, sha256: str, facts: PictureFacts
) -> answers.Image:
    """The picture as Custom Vision's clients read it. Raises Unavailable."""
    created, id = facts.created_at or "1970-01-01T00:00:00.000Z", image_id(sha256)
    uri = signed(request, services, "custom_vision_image", image_id=id)
    tags = [answers.ImageTag(tag_id=tag.id, tag_name=tag.name, created=created) for tag in pictures.tags_of(facts)]
    return answers.Image(
        id=id, created=created, width=facts.width, height=facts.height, resized_image_uri=uri, thumbnail_uri=uri,
        original_image_uri=uri, tags=tags, regions=list(facts.regions), metadata=facts.metadata,
    )  # fmt: skip
