"""A picture for people to look at: upright, in colour, small."""

import numpy as np

from preprocess import metadata
from preprocess.decode import open_picture, read_pixels
from preprocess.limits import Limits
from preprocess.transform import shrink, upright


def rendition(data: bytes, side: int, limits: Limits) -> np.ndarray:
    """A picture's bytes as uint8 [height, width, 3] in sRGB, no side longer than `side` pixels. Raises PictureError."""
    opened = open_picture(data, limits)
    pixels = read_pixels(opened, 3, side)
    orientation = metadata.orientation(metadata.read_exif(opened.image))
    opened.image.close()  # frees what was decoded, before the picture is turned
    return shrink(upright(pixels, orientation), side)
