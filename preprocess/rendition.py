"""A picture for people to look at: upright, in colour, small."""

import numpy as np

from preprocess.image import ImageInfo
from preprocess.limits import Limits
from preprocess.preprocess import read_upright
from preprocess.transform import shrink


def rendition(data: bytes, side: int, limits: Limits) -> np.ndarray:
    """A picture's bytes as uint8 [height, width, 3] in sRGB, no side longer than `side` pixels. Raises PictureError."""
    return described_rendition(data, side, limits)[1]


def described_rendition(data: bytes, side: int, limits: Limits) -> tuple[ImageInfo, np.ndarray]:
    """The same, with what the file holds about itself."""
    info, picture = read_upright(data, 3, side, limits)
    return info, shrink(picture, side)
