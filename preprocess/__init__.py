"""Turns a picture's bytes into what a model takes.

A library: it needs Pillow, pi-heif and NumPy, and does not know Azure.
"""

from preprocess.decoder import Decoder
from preprocess.errors import DecoderFailed, NotStaged, PictureError, Reason
from preprocess.image import Fit, ImageInfo, ImageSpec, Metadata
from preprocess.limits import Limits
from preprocess.preprocess import preprocess
from preprocess.rendition import rendition
from preprocess.staged import open_staged, write_staged
from preprocess.transform import Area, area_seen

__all__ = [
    "Area",
    "Decoder",
    "DecoderFailed",
    "Fit",
    "ImageInfo",
    "ImageSpec",
    "Limits",
    "Metadata",
    "NotStaged",
    "PictureError",
    "Reason",
    "area_seen",
    "open_staged",
    "preprocess",
    "rendition",
    "write_staged",
]
