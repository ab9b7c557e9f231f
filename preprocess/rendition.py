"""A picture for people to look at: upright, in colour, small."""

import numpy as np

from preprocess import metadata
from preprocess.decode import open_picture, read_pixels
from preprocess.limits import Limits
from preprocess.transform import shrink, upright


def rendition(data: bytes, side: int, limits: Limits) -> np.ndarray:
    """A picture's bytes as uint8 [height, width, 3] in sRGB, no side longer than `side` pixels. PictureError."""
    opened = open_picture(data, limits)
    pixels = read_pixels(opened, 3, side)
    return shrink(upright(pixels, metadata.orientation(metadata.read_exif(opened.image))), side)
