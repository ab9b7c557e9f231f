"""Arithmetic on pictures: orientation, centred crop, resize, perceptual hash."""

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image

from preprocess.image import Fit, ImageSpec

_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_HASH_SIDE = 8
_WHOLE = 16
HASH_SOURCE = 32


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """Turn the picture the way it was taken, by its EXIF orientation (1 to 8)."""
    method = _TRANSPOSE.get(orientation)
    return image if method is None else image.transpose(method)


def smallest_useful_side(spec: ImageSpec) -> int:
    """The short side in pixels below which a picture may have less detail than the model takes.

    A plain picture needs more: one that the JPEG decoder has made smaller moved the probabilities of models from
    elsewhere by up to 0.05, and by 0.002 if it kept this much (docs/custom-vision-models.md).
    """
    if spec.plain:
        return _WHOLE * max(spec.width, spec.height)
    return math.ceil(max(spec.width, spec.height) / spec.crop)


def fit(image: Image.Image, spec: ImageSpec) -> np.ndarray:
    """Bring a picture to the model's proportions and size: uint8 [height, width, channels].

    `spec.fit` says how. A crop keeps `spec.crop` of the largest centred area of these proportions; bicubic, as
    EfficientNet-Lite was trained (https://github.com/tensorflow/tpu, models/official/efficientnet/preprocessing.py).
    """
    if spec.fit is Fit.PAD:
        return _padded(image, spec)
    if spec.fit is Fit.STRETCH:
        return _pixels(image.resize((spec.width, spec.height), Image.Resampling.BICUBIC), spec)
    box = _cropped(image.width, image.height, spec)
    return _pixels(image.resize((spec.width, spec.height), Image.Resampling.BICUBIC, box=box), spec)


@dataclass(frozen=True)
class Area:
    """A rectangle as shares of a picture's width and height, from its upper left corner. What was padded lies outside
    the picture: below 0 or above 1."""

    left: float
    top: float
    right: float
    bottom: float


def area_seen(width: int, height: int, spec: ImageSpec) -> Area:
    """The part of an upright picture of this size that `fit` brings to the model."""
    if spec.fit is Fit.PAD:
        left, top, inner_width, inner_height = _placed(width, height, spec)
        return Area(
            -left / inner_width,
            -top / inner_height,
            (spec.width - left) / inner_width,
            (spec.height - top) / inner_height,
        )
    if spec.fit is Fit.STRETCH:
        return Area(0.0, 0.0, 1.0, 1.0)
    left_px, top_px, right_px, bottom_px = _cropped(width, height, spec)
    return Area(left_px / width, top_px / height, right_px / width, bottom_px / height)


def _cropped(width: int, height: int, spec: ImageSpec) -> tuple[float, float, float, float]:
    """The area in pixels that a crop keeps: left, top, right, bottom."""
    scale = min(width / spec.width, height / spec.height) * spec.crop
    half_width, half_height = spec.width * scale / 2, spec.height * scale / 2
    x, y = width / 2, height / 2
    left, top = max(0.0, x - half_width), max(0.0, y - half_height)  # rounding can put them a hair outside
    return left, top, min(x + half_width, width), min(y + half_height, height)


def _placed(width: int, height: int, spec: ImageSpec) -> tuple[int, int, int, int]:
    """Where the whole picture lies in a padded one, in pixels: left, top, and its width and height there."""
    scale = min(spec.width / width, spec.height / height)
    inner_width = min(spec.width, max(1, round(width * scale)))
    inner_height = min(spec.height, max(1, round(height * scale)))
    return (spec.width - inner_width) // 2, (spec.height - inner_height) // 2, inner_width, inner_height


def _padded(image: Image.Image, spec: ImageSpec) -> np.ndarray:
    """The whole picture in the middle of an area of one level."""
    left, top, width, height = _placed(image.width, image.height, spec)
    result = np.full((spec.height, spec.width, spec.channels), spec.pad_value, np.uint8)
    resized = np.asarray(image.resize((width, height), Image.Resampling.BICUBIC), np.uint8)
    result[top : top + height, left : left + width] = resized.reshape(height, width, spec.channels)
    return result


def _pixels(image: Image.Image, spec: ImageSpec) -> np.ndarray:
    return np.asarray(image, np.uint8).reshape(spec.height, spec.width, spec.channels)


def shrink(image: Image.Image, side: int) -> np.ndarray:
    """Scale a picture down until no side is longer than `side` pixels, and never up: uint8 [height, width, 3]."""
    image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(image, np.uint8).reshape(image.height, image.width, 3)


def perceptual_hash(image: Image.Image) -> str:
    """The hash of a picture as 16 hex digits; pictures that look alike differ in few bits."""
    gray = image if image.mode == "L" else image.convert("L")
    small = gray.resize((HASH_SOURCE, HASH_SOURCE), Image.Resampling.BOX)
    return f"{perceptual_hashes(np.asarray(small)[None])[0]:016x}"


def perceptual_hashes(thumbnails: np.ndarray) -> np.ndarray:
    """Hashes uint64 [n] of gray thumbnails uint8 [n, HASH_SOURCE, HASH_SOURCE].

    The signs of the 8 × 8 lowest frequencies of a cosine transform against their median (Zauner 2010, "pHash").
    """
    low = (_COSINES @ thumbnails.astype(np.float64) @ _COSINES.T).reshape(len(thumbnails), -1)
    bits = low > np.median(low[:, 1:], axis=1, keepdims=True)
    return np.packbits(bits, axis=1).view(">u8").ravel().astype(np.uint64)


def _cosines() -> np.ndarray:
    steps = (2 * np.arange(HASH_SOURCE) + 1) * np.pi / (2 * HASH_SOURCE)
    return np.cos(np.arange(_HASH_SIDE)[:, None] * steps)


_COSINES = _cosines()
