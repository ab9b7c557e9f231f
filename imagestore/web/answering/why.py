"""Where in a picture its label comes from, and where that lies, in words."""

import functools
from itertools import combinations, pairwise

import numpy as np

from classify import ModelRef
from imagestore.errors import NotFound
from imagestore.pipeline.names import staged_name
from imagestore.proportion import percent
from imagestore.record import Record
from imagestore.web.answers import Why
from imagestore.web.models.classifier import Explained, Version
from imagestore.web.services import Services
from preprocess import Area, ImageInfo, ImageSpec, NotStaged, PictureError, Reason, area_seen, open_staged

MOST_LABELS = 5
_MOST, _LARGEST = 0.6, 4
"""A block of ninths is named if it holds this share of what speaks for a label, and is not larger than so many."""
_NINTHS = (
    ("upper left", "upper centre", "upper right"),
    ("left", "centre", "right"),
    ("lower left", "lower centre", "lower right"),
)


def why_of_record(services: Services, record: Record, label: str | None) -> Why:
    """Where in an uploaded picture this label comes from, or with None the model's answer, by the model that classified
    it, in the pixels that this model saw.

    Raises NotFound if there is no prediction, label or such model any more; ModelError if the model's file does not say
    it; PictureError, Busy, Unavailable, DecoderFailed.
    """
    if record.prediction is None or record.image is None:
        raise NotFound("No model has answered for this picture, so there is nothing to explain.")
    image, model = record.image, record.prediction.model
    version = version_of(services, record.project, model)
    seen = functools.partial(_as_seen, services, record, image)
    try:
        _, spec, found = services.classifier.explain(version, label or record.prediction.label, seen)
    except NotFound as error:
        raise NotFound(f"{error} The picture was classified by {model.name} {model.version}.") from None
    return _why(image, spec, found, model, [score.label for score in record.prediction.top])


def why_of_file(services: Services, data: bytes, version: Version | None, label: str | None) -> Why:
    """The same of a picture that nobody keeps, and of a version of a model; None is the one that came with the app.

    Raises what `why_of_record` raises.
    """
    image, spec, found = services.classifier.explain(version, label, lambda spec: services.renderer.pixels(data, spec))
    top = [score.label for score in found.prediction.top[:MOST_LABELS]]
    return _why(image, spec, found, found.prediction.model, top)


def version_of(services: Services, project: str | None, model: ModelRef) -> Version:
    """The version of a model that has classified a picture of this project, under the name by which it is kept: the
    live one, or the one that is called what the file says. Raises Unavailable."""
    live = services.stores.routes.read().of(project)
    if live is not None and live.live.sha256 == model.sha256:
        return Version(live.live.name, live.live.version, model.sha256)
    return Version(project or model.name, model.version, model.sha256)


def _as_seen(services: Services, record: Record, image: ImageInfo, spec: ImageSpec) -> tuple[ImageInfo, np.ndarray]:
    """The pixels that the model saw: the staged picture, or, where that is gone or was staged for another model since,
    the upload brought into the same form."""
    if record.staged is not None and record.staged.spec == spec:
        try:
            pixels, _ = open_staged(services.stores.staging.get(staged_name(record.name)).data or b"")
        except (NotFound, NotStaged):
            pixels = np.zeros((0, 0, 0), np.uint8)
        if pixels.shape == (spec.height, spec.width, spec.channels):
            return image, pixels
    upload = services.stores.uploads.get(record.name, services.options.max_bytes)
    if upload.data is None:
        limit = services.options.max_bytes
        raise PictureError(Reason.TOO_MANY_BYTES, f"{upload.size_bytes} bytes; the limit is {limit}.")
    return services.renderer.pixels(upload.data, spec)


def _why(image: ImageInfo, spec: ImageSpec, found: Explained, model: ModelRef, top: list[str]) -> Why:
    area = area_seen(*image.upright_size, spec)
    shares = np.array(found.shares)
    labels = list(dict.fromkeys([found.prediction.label, *top, found.label]))
    rounded = [[round(float(share), 4) for share in row] for row in shares]
    return Why(found.label, labels[: MOST_LABELS + 2], model, rounded, area, where(shares, area))


def where(shares: np.ndarray, area: Area) -> str:
    """Where in the picture lies what speaks for a label, in words: of shares float [rows, columns], which cover this
    area of the picture. It names the smallest block of the picture's ninths that holds most of it."""
    weights = np.maximum(shares, 0)
    if weights.sum() <= 0:
        return "Nothing in the picture speaks for it."
    ninths = _thirds(area.top, area.bottom, weights.shape[0]) @ weights
    ninths = ninths @ _thirds(area.left, area.right, weights.shape[1]).T
    ninths = ninths / ninths.sum()
    blocks = [
        (
            (bottom - top) * (right - left),
            -float(ninths[top:bottom, left:right].sum()),
            (top, left, bottom - 1, right - 1),
        )
        for top, bottom in combinations(range(4), 2)
        for left, right in combinations(range(4), 2)
    ]
    size, negative, (top, left, bottom, right) = min(one for one in blocks if -one[1] >= _MOST)
    said = f"{percent(-negative)} of what speaks for it lies there."
    if size == 1:
        return f"Mostly {_NINTHS[top][left]}: {said}"
    if size <= _LARGEST:
        return f"Mostly from {_NINTHS[top][left]} to {_NINTHS[bottom][right]}: {said}"
    row, column = np.unravel_index(int(ninths.argmax()), ninths.shape)
    return f"Spread over the picture; most of it, {percent(float(ninths.max()))}, lies {_NINTHS[row][column]}."


def _thirds(start: float, end: float, count: int) -> np.ndarray:
    """How much of each of `count` equal parts from `start` to `end` lies in each third of 0 to 1: float [3, count].
    What lies outside counts for the nearest third."""
    ends = np.clip(np.linspace(start, end, count + 1), 0, 1)
    size = (end - start) / count
    found = np.zeros((3, count))
    for third, (low, high) in enumerate(pairwise((0, 1 / 3, 2 / 3, 1))):
        found[third] = np.maximum(np.minimum(ends[1:], high) - np.maximum(ends[:-1], low), 0) / size
    outside = 1 - found.sum(axis=0)
    centres = np.linspace(start, end, count + 1)[:-1] + size / 2
    found[0] += np.where(centres < 0.5, outside, 0)
    found[2] += np.where(centres >= 0.5, outside, 0)
    return found
