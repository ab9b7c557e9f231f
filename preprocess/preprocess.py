"""Preprocesses a picture: all of it in one function."""

import numpy as np
from PIL import Image

from preprocess import metadata
from preprocess.image import ImageInfo, ImageSpec
from preprocess.limits import Limits
from preprocess.transform import fit, perceptual_hash, smallest_useful_side, upright


def preprocess(data: bytes, spec: ImageSpec, limits: Limits) -> tuple[ImageInfo, np.ndarray]:
    """Turn a picture's bytes into pixels uint8 [spec.height, spec.width, spec.channels] and what the file holds about
    itself.

    Raises PictureError if the picture is at fault.
    """
    info, picture = read_upright(data, spec.channels, smallest_useful_side(spec), limits, plain=spec.plain)
    return info, fit(picture, spec)


def read_upright(
    data: bytes, channels: int, side: int, limits: Limits, *, plain: bool = False
) -> tuple[ImageInfo, Image.Image]:
    """What the file holds about itself, and the picture, upright, in mode L (1 channel) or RGB (3).

    A JPEG may come back smaller, but with no side under `side` pixels. A `plain` picture has its colours as stored.
    Raises PictureError if the picture is at fault.
    """
    from preprocess.decode import open_picture, read_pixels  # the formats' libraries: only who decodes loads them

    opened = open_picture(data, limits)
    pixels = read_pixels(opened, channels, side, plain=plain)
    exif = metadata.read_exif(opened.image)
    orientation = metadata.orientation(exif)
    recorded = metadata.kept(opened.image, exif, limits)
    opened.image.close()  # frees what was decoded, before the picture is turned
    pixels = upright(pixels, orientation)
    info = ImageInfo(
        format=opened.format.name,
        width=opened.width,
        height=opened.height,
        mode=opened.mode,
        frames=opened.frames,
        orientation=max(orientation, opened.turned),
        taken_at=metadata.taken_at(exif),
        phash=perceptual_hash(pixels),
        metadata=recorded,
    )
    return info, pixels
