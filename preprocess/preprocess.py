"""The whole of preprocessing, as one function."""

import numpy as np

from preprocess import metadata
from preprocess.decode import open_picture, read_pixels
from preprocess.limits import Limits
from preprocess.transform import fit, perceptual_hash, smallest_useful_side, upright
from record import ImageInfo, ImageSpec


def preprocess(data: bytes, spec: ImageSpec, limits: Limits) -> tuple[ImageInfo, np.ndarray]:
    """Turn a picture's bytes into uint8 [spec.height, spec.width, spec.channels] and what the file says of itself.

    Raises PictureError where the picture is at fault, and nothing else that is.
    """
    opened = open_picture(data, limits)
    pixels = read_pixels(opened, spec.channels, smallest_useful_side(spec))
    exif = metadata.read_exif(opened.image)
    orientation = metadata.orientation(exif)
    seen = upright(pixels, orientation)
    info = ImageInfo(
        format=opened.format.name,
        width=opened.width,
        height=opened.height,
        mode=opened.mode,
        frames=opened.frames,
        orientation=orientation,
        taken_at=metadata.taken_at(exif),
        phash=perceptual_hash(seen),
        metadata=metadata.kept(opened.image, exif, limits),
    )
    return info, fit(seen, spec)
