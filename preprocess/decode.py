"""Decodes pictures: opens one safely, reads its first frame only, and turns its colours into gray or sRGB."""

import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pi_heif
from PIL import AvifImagePlugin, Image, ImageCms, UnidentifiedImageError
from PIL.TiffImagePlugin import TiffImageFile

from preprocess import metadata
from preprocess.errors import PictureError, Reason
from preprocess.formats import HEAD_BYTES, Format, recognise, unsupported
from preprocess.frames import count_frames
from preprocess.limits import Limits
from preprocess.webp import canvas_size

THREADS = 2
"""Of one decoder. Each takes memory of its own, so their number must not follow from the machine's cores."""
pi_heif.register_heif_opener(thumbnails=False, decode_threads=THREADS)
AvifImagePlugin.DEFAULT_MAX_THREADS = THREADS
Image.MAX_IMAGE_PIXELS = None  # our own check comes before any pixel is decoded, and names the setting
WHITE = 255
SRGB = ImageCms.createProfile("sRGB")
_PROFILE_SPACES = {"CMYK": "CMYK", **dict.fromkeys(("RGB", "RGBX", "RGBA", "RGBa", "P", "PA"), "RGB ")}
"""The colour space that an ICC profile must have, by the picture's mode; for all other modes it is gray."""
_COLOURS_OF_THEIR_OWN = {"LAB", "YCbCr", "HSV"}
_UNMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_TIFF_SUBFILE, _TIFF_SUB_IFDS, _TIFF_DNG_VERSION = 254, 330, 50706
_STRIP_PIXELS = 2**22
_OBJECT = re.compile(r"<[^<>]* at 0x[0-9a-f]+>")
_FIRST_SIDEWAYS = 5
"""EXIF orientations from here on swap width and height."""


@dataclass(frozen=True)
class Opened:
    """A picture whose header was read and accepted; no pixel is decoded yet.

    `width` and `height` are as stored. `turned` is the EXIF orientation (1 to 8) that the decoder itself applies: 1 for
    all formats but TIFF, whose decoder also removes it from the EXIF fields.
    """

    format: Format
    data: bytes
    image: Image.Image
    width: int
    height: int
    mode: str
    frames: int
    turned: int

    def anew(self) -> Image.Image:
        """Open the same picture again: a decoder that failed cannot start over."""
        return Image.open(io.BytesIO(self.data), formats=(self.format.name,))


def open_picture(data: bytes, limits: Limits) -> Opened:
    """Read the header and check it against the limits. Raises PictureError, which says what is wrong."""
    row = recognise(data[:HEAD_BYTES])
    if row.name == "WEBP" and (size := canvas_size(data)):
        _check_size(row, *size, limits)  # its decoder sets memory for the whole canvas aside as soon as it is opened
    with decoder(row):
        image = Image.open(io.BytesIO(data), formats=(row.name,))
    width, height = image.size
    _check_size(row, width, height, limits)
    if _is_raw_photo(image):
        raise unsupported("a RAW photo (TIFF-based)")
    turned = metadata.orientation(metadata.read_exif(image)) if isinstance(image, TiffImageFile) else 1
    if turned >= _FIRST_SIDEWAYS:
        width, height = height, width
    return Opened(row, data, image, width, height, image.mode, count_frames(row.name, data, image), turned)


def read_pixels(opened: Opened, channels: int, at_least: int, *, plain: bool = False) -> Image.Image:
    """Decode the first frame to mode L (1 channel) or RGB (3), as stored, in sRGB, alpha over white.

    A JPEG may come back smaller by 2, 4 or 8, but with no side under `at_least`: its decoder scales almost for free. A
    `plain` one has its colours as they are stored, whatever its colour profile.
    """
    image = opened.image
    profile = None if plain else _foreign_profile(image)
    drafted = image.draft("L" if channels == 1 and profile is None and image.mode == "RGB" else None, (at_least,) * 2)
    try:
        with decoder(opened.format):
            image.load()
    except PictureError as error:
        if drafted is None or error.reason is not Reason.CORRUPT:
            raise
        with decoder(opened.format):  # a lossless JPEG, which comes in its own colours and size only
            image = opened.anew()
            image.load()
    if image.width * image.height > opened.width * opened.height:
        raise PictureError(Reason.CORRUPT, f"The header says {opened.width} × {opened.height}; the picture is larger.")
    scale = _full_scale(image)
    mode = "L" if channels == 1 else "RGB"
    strips = list(_strips(image))
    if len(strips) == 1:
        return _flat(image, scale, profile).convert(mode)
    result = Image.new(mode, image.size)
    for strip in strips:
        result.paste(_flat(image.crop(strip), scale, profile).convert(mode), strip[:2])
    return result


@contextlib.contextmanager
def decoder(row: Format) -> Iterator[None]:
    """A `with` block that turns what a decoder raises into a PictureError.

    Running out of memory and a missing library are not the picture's fault, and pass unchanged.
    """
    try:
        yield
    except (MemoryError, ImportError):
        raise
    except Exception as error:
        reason = Reason.TRUNCATED if _means_truncated(error) else Reason.CORRUPT
        raise PictureError(reason, f"The {row.name} decoder says: {_message(error)}.") from error


def _message(error: Exception) -> str:
    """The decoder's message without the memory addresses of objects, so that it is the same each time."""
    if isinstance(error, UnidentifiedImageError):
        return "the header cannot be read"
    text = _OBJECT.sub("the file", str(error)).strip().rstrip(".") or type(error).__name__
    return text.splitlines()[0][:200]


def _check_size(row: Format, width: int, height: int, limits: Limits) -> None:
    most, setting = limits.pixels_of(row.name)
    if width * height > most:
        of_format = f" for {row.name}" if most != limits.max_pixels else ""
        raise PictureError(
            Reason.TOO_MANY_PIXELS,
            f"{width} × {height} = {_mega(width * height)} MP; the limit{of_format} is {_mega(most)} MP ({setting}).",
        )
    if min(width, height) < limits.min_side:
        raise PictureError(
            Reason.TOO_SMALL,
            f"{width} × {height}: the shorter side must have {limits.min_side} pixels (MIN_SIDE_PIXELS).",
        )


def _is_raw_photo(image: Image.Image) -> bool:
    """Whether a TIFF is a camera's RAW file, whose first page is only a thumbnail."""
    if not isinstance(image, TiffImageFile):
        return False
    tags = image.tag_v2
    is_thumbnail = tags.get(_TIFF_SUBFILE) == 1 and _TIFF_SUB_IFDS in tags
    return _TIFF_DNG_VERSION in tags or is_thumbnail


def _means_truncated(error: Exception) -> bool:
    return isinstance(error, EOFError) or "truncated" in str(error).lower()


def _mega(pixels: int) -> str:
    return f"{pixels / 1e6:.4g}"


def _strips(image: Image.Image) -> Iterator[tuple[int, int, int, int]]:
    """The picture in horizontal strips, so that work on a large one needs memory for a small part at a time."""
    rows = max(1, _STRIP_PIXELS // image.width)
    for top in range(0, image.height, rows):
        yield 0, top, image.width, min(top + rows, image.height)


def _flat(
    image: Image.Image, scale: tuple[float, float] | None, profile: ImageCms.ImageCmsProfile | None
) -> Image.Image:
    """Convert a strip to mode L or RGB: 8 bits a sample, sRGB, transparent parts over white."""
    colours, alpha = _separated(image if scale is None else _eight_bit(image, *scale))
    if profile is not None:
        colours = _to_srgb(colours, profile)
    if colours.mode not in ("L", "RGB"):
        colours = colours.convert("L" if colours.mode == "1" else "RGB")
    if alpha is None:
        return colours
    seen = colours.convert("RGB")
    seen.putalpha(alpha)
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), seen).convert("RGB")


def _separated(image: Image.Image) -> tuple[Image.Image, Image.Image | None]:
    """Split a picture of any mode into its colours, without palette, and its opacity (mode L; None: opaque)."""
    if image.mode in _UNMULTIPLIED:
        image = image.convert(_UNMULTIPLIED[image.mode])
    if image.mode == "LA":
        return image.getchannel("L"), image.getchannel("A")
    if image.mode in ("RGBA", "PA"):
        colours = image.convert("RGBA")
        return colours.convert("RGB"), colours.getchannel("A")
    if "transparency" in image.info:
        try:
            colours = image.convert("RGBA")
        except (ValueError, TypeError, IndexError):  # one that does not fit the picture: shown without
            image.info.pop("transparency", None)
        else:
            return (image if image.mode == "L" else colours.convert("RGB")), colours.getchannel("A")
    return (image.convert("RGB") if image.mode == "P" else image), None


def _full_scale(image: Image.Image) -> tuple[float, float] | None:
    """The samples that become black and white in a picture with more than 8 bits: the mode's usual range if it holds
    all samples, else the picture's lowest and highest."""
    if not image.mode.startswith(("I", "F")):
        return None
    ranges = [_range(_samples(image.crop(strip))) for strip in _strips(image)]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if image.mode.startswith("I") and low >= 0 and high <= 65_535:
        return 0.0, 65_535.0
    if image.mode == "F" and low >= 0 and high <= 1:
        return 0.0, 1.0
    return (0.0, float(WHITE)) if low >= 0 and high <= WHITE else (low, high)


def _eight_bit(image: Image.Image, low: float, high: float) -> Image.Image:
    """Scale samples from low..high to 0..255. NaN becomes black."""
    samples = np.nan_to_num(_samples(image), nan=low, posinf=high, neginf=low)
    scaled = (np.clip(samples, low, high) - low) * (WHITE / ((high - low) or 1.0))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _samples(image: Image.Image) -> np.ndarray:
    samples: np.ndarray = np.asarray(image).astype(np.float64)
    return samples


def _range(samples: np.ndarray) -> tuple[float, float]:
    finite = samples[np.isfinite(samples)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _foreign_profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The embedded colour profile, unless it is missing, broken, for other colours, or sRGB anyway."""
    data = image.info.get("icc_profile")
    if not data or image.mode in _COLOURS_OF_THEIR_OWN:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        name = ImageCms.getProfileDescription(profile)
        space = profile.profile.xcolor_space
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError):
        return None
    return None if "srgb" in name.lower() or space != _PROFILE_SPACES.get(image.mode, "GRAY") else profile


def _to_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    try:
        converted = ImageCms.profileToProfile(image, profile, SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, ValueError):  # a profile that LittleCMS cannot use
        return image
    return converted if converted is not None else image
