"""The fields of EXIF and JFIF that a record keeps: an allowlist, as plain JSON values.

Serial numbers, owner, maker notes, comments and thumbnails are not on it; location is only if a setting asks for it.
"""

import json
import math
from datetime import datetime
from typing import Any

from PIL import ExifTags, Image

from preprocess.image import Metadata
from preprocess.limits import Limits

_CAMERA = ("Make", "Model", "Software", "DateTime", "Orientation", "XResolution", "YResolution", "ResolutionUnit")
_EXPOSURE = (
    "DateTimeOriginal", "DateTimeDigitized", "OffsetTimeOriginal", "ExposureTime", "FNumber", "ISOSpeedRatings",
    "ExposureProgram", "ExposureBiasValue", "MeteringMode", "Flash", "FocalLength", "FocalLengthIn35mmFilm",
    "WhiteBalance", "LensMake", "LensModel", "ColorSpace", "SceneCaptureType",
)  # fmt: skip
LOCATION = ("GPSLatitudeRef", "GPSLatitude", "GPSLongitudeRef", "GPSLongitude", "GPSAltitudeRef", "GPSAltitude")
"""Where the picture was taken."""
_JFIF = ("jfif_version", "jfif_density", "jfif_unit")
_TEXT_CHARACTERS = 256
_ITEMS = 8


def read_exif(image: Image.Image) -> dict[str, Any]:
    """Read the allowed EXIF fields by name, unconverted; empty if the block cannot be read."""
    try:
        exif = image.getexif()
        found = {ExifTags.TAGS.get(tag, ""): value for tag, value in exif.items()}
        found |= {ExifTags.TAGS.get(tag, ""): value for tag, value in exif.get_ifd(ExifTags.IFD.Exif).items()}
        found |= {ExifTags.GPSTAGS.get(tag, ""): value for tag, value in exif.get_ifd(ExifTags.IFD.GPSInfo).items()}
    except MemoryError:
        raise
    except Exception:  # a broken block does not make a broken picture, and its parser raises what it likes
        return {}
    return {name: found[name] for name in (*_CAMERA, *_EXPOSURE, *LOCATION) if name in found}


def orientation(exif: dict[str, Any]) -> int:
    """The EXIF orientation; 1 (upright) if it is missing or out of range."""
    value = exif.get("Orientation")
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def taken_at(exif: dict[str, Any]) -> str | None:
    """When the picture was taken by the camera's clock, ISO 8601 (with an offset if the file has one)."""
    for name in ("DateTimeOriginal", "DateTimeDigitized", "DateTime"):
        try:
            moment = datetime.strptime(str(exif[name]).strip("\0 "), "%Y:%m:%d %H:%M:%S")
        except (KeyError, ValueError):
            continue
        return moment.isoformat()
    return None


def kept(image: Image.Image, exif: dict[str, Any], limits: Limits) -> Metadata:
    """The allowed fields as JSON values, JFIF first, as many as fit into `limits.max_metadata_bytes`."""
    names = (*_CAMERA, *_EXPOSURE, *(LOCATION if limits.keep_location else ()))
    candidates = {name: image.info.get(name) for name in _JFIF} | {name: exif.get(name) for name in names}
    metadata: Metadata = {}
    size = 2
    for name, raw in candidates.items():
        value = _plain(raw)
        if value is None:
            continue
        size += len(json.dumps({name: value}))
        if size > limits.max_metadata_bytes:
            break
        metadata[name] = value
    return metadata


def _plain(value: Any) -> Any:
    """The value in a form that JSON can hold, or None: no NaN, no lone surrogates, no bytes, nothing too long."""
    if isinstance(value, bool | int):
        return int(value) if abs(int(value)) < 2**53 else None
    if isinstance(value, str):
        text = value.split("\0")[0].strip()[:_TEXT_CHARACTERS]
        return text.encode("utf-8", "replace").decode("utf-8") or None
    if isinstance(value, tuple | list):
        items = [_plain(item) for item in value[:_ITEMS]]
        return None if None in items else items
    try:  # IFDRational is a number to float() and to nothing else
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        return None
    return round(number, 9) if math.isfinite(number) else None
