"""Pure picture arithmetic: orientation, centred crop, resize, perceptual hash."""

import math

import numpy as np
from PIL import Image

from record import ImageSpec

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
_HASH_SOURCE = 32


def upright(image: Image.Image, orientation: int) -> Image.Image:
    """The picture as it was seen, by its EXIF orientation (1 to 8)."""
    method = _TRANSPOSE.get(orientation)
    return image if method is None else image.transpose(method)


def smallest_useful_side(spec: ImageSpec) -> int:
    """The short side in pixels under which a picture has less detail than the model takes."""
    return math.ceil(max(spec.width, spec.height) / spec.crop)


def fit(image: Image.Image, spec: ImageSpec) -> np.ndarray:
    """Crop the centre to the model's proportions, resize it: uint8 [height, width, channels].

    The crop keeps `spec.crop` of the largest centred area of these proportions; bicubic, as EfficientNet-Lite was
    trained (https://github.com/tensorflow/tpu, models/official/efficientnet/preprocessing.py).
    """
    scale = min(image.width / spec.width, image.height / spec.height) * spec.crop
    half_width, half_height = spec.width * scale / 2, spec.height * scale / 2
    x, y = image.width / 2, image.height / 2
    left, top = max(0.0, x - half_width), max(0.0, y - half_height)  # rounding can put them a hair outside
    box = (left, top, min(x + half_width, image.width), min(y + half_height, image.height))
    resized = image.resize((spec.width, spec.height), Image.Resampling.BICUBIC, box=box)
    return np.asarray(resized, np.uint8).reshape(spec.height, spec.width, spec.channels)


def shrink(image: Image.Image, side: int) -> np.ndarray:
    """Scale a picture down until no side is longer than `side` pixels, and never up: uint8 [height, width, 3]."""
    image.thumbnail((side, side), Image.Resampling.BICUBIC, reducing_gap=3.0)
    return np.asarray(image, np.uint8).reshape(image.height, image.width, 3)


def perceptual_hash(image: Image.Image) -> str:
    """A 64-bit hash as 16 hex digits; pictures that look alike differ in few bits.

    The signs of the 8 × 8 lowest frequencies of a cosine transform against their median (Zauner 2010, "pHash").
    """
    small = image.convert("L").resize((_HASH_SOURCE, _HASH_SOURCE), Image.Resampling.BOX)
    low = _COSINES @ np.asarray(small, np.float64) @ _COSINES.T
    bits = (low > np.median(low.ravel()[1:])).ravel()
    return f"{int(''.join('1' if bit else '0' for bit in bits), 2):016x}"


def _cosines() -> np.ndarray:
    steps = (2 * np.arange(_HASH_SOURCE) + 1) * np.pi / (2 * _HASH_SOURCE)
    return np.cos(np.arange(_HASH_SIDE)[:, None] * steps)


_COSINES = _cosines()
