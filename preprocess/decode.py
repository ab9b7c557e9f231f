"""From bytes to pixels: opens a picture safely, first frame only, and turns its colours into gray or sRGB."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pi_heif
from PIL import Image, ImageCms
from PIL.TiffImagePlugin import TiffImageFile

from errors import PictureError, Reason
from preprocess.formats import HEAD_BYTES, Format, recognise, unsupported
from preprocess.limits import Limits
from preprocess.webp import canvas_size

pi_heif.register_heif_opener(thumbnails=False)
Image.MAX_IMAGE_PIXELS = None  # our own check comes before any pixel is decoded, and names the setting
WHITE = 255
SRGB = ImageCms.createProfile("sRGB")
_PROFILE_SPACES = {"CMYK": "CMYK", "RGB": "RGB ", "L": "GRAY"}
_PLAIN_MODES = {"1", "L", "RGB"}
_TIFF_SUBFILE, _TIFF_SUB_IFDS, _TIFF_DNG_VERSION = 254, 330, 50706
_STRIP_PIXELS = 2**22


@dataclass(frozen=True)
class Opened:
    """A picture whose header was read and found acceptable; no pixel is decoded yet."""

    format: Format
    image: Image.Image
    width: int
    height: int
    mode: str
    frames: int


def open_picture(data: bytes, limits: Limits) -> Opened:
    """Read the header and check it against the limits. PictureError says what is wrong with the picture."""
    row = recognise(data[:HEAD_BYTES])
    if row.name == "WEBP" and (size := canvas_size(data)):
        _check_size(*size, limits)  # its decoder sets memory for the whole canvas aside as soon as it is opened
    with decoder(row):
        image = Image.open(io.BytesIO(data), formats=(row.name,))
    width, height = image.size
    _check_size(width, height, limits)
    if _is_raw_photo(image):
        raise unsupported("a RAW photo (TIFF-based)")
    mode, frames = image.mode, _count_frames(image)
    if frames is None:  # later frames are broken: the first may not be, and counting has moved the decoder
        with decoder(row):
            image = Image.open(io.BytesIO(data), formats=(row.name,))
    return Opened(row, image, width, height, mode, frames or 1)


def read_pixels(opened: Opened, channels: int, at_least: int) -> Image.Image:
    """Decode the first frame to mode L (1 channel) or RGB (3), as stored, in sRGB, alpha over white.

    A JPEG may come back smaller by 2, 4 or 8, but with no side under `at_least`: its decoder scales almost for free.
    """
    image = opened.image
    profile = _foreign_profile(image)
    with decoder(opened.format):
        if hasattr(image, "draft"):
            gray_at_once = channels == 1 and profile is None and image.mode == "RGB"
            image.draft("L" if gray_at_once else None, (at_least, at_least))
        image.load()
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
    """What the decoder raises in here is the picture's fault; running out of memory or of a library is ours."""
    try:
        yield
    except (MemoryError, ImportError):
        raise
    except Exception as error:
        reason = Reason.TRUNCATED if _means_truncated(error) else Reason.CORRUPT
        said = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        raise PictureError(reason, f"The {row.name} decoder says: {said}.") from error


def _check_size(width: int, height: int, limits: Limits) -> None:
    if width * height > limits.max_pixels:
        raise PictureError(
            Reason.TOO_MANY_PIXELS,
            f"{width} × {height} = {_mega(width * height)} MP; "
            f"the limit is {_mega(limits.max_pixels)} MP (MAX_PIXELS).",
        )
    if min(width, height) < limits.min_side:
        raise PictureError(
            Reason.TOO_SMALL, f"{width} × {height}: the shorter side must have {limits.min_side} pixels (MIN_SIDE)."
        )


def _count_frames(image: Image.Image) -> int | None:
    """How many frames there are; None where the decoder stumbles over a later one."""
    try:
        frames = int(getattr(image, "n_frames", 1))
        if image.tell() != 0:
            image.seek(0)
    except MemoryError:
        raise
    except Exception:  # the decoder raises what it likes
        return None
    return frames


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
    """Eight bits a sample, no alpha, in sRGB, of a mode that every other can be made of."""
    flat = _over_white(image if scale is None else _eight_bit(image, *scale))
    if profile is not None:
        flat = _to_srgb(flat, profile)
    return flat if flat.mode in _PLAIN_MODES else flat.convert("RGB")  # LAB has no other way to gray


def _full_scale(image: Image.Image) -> tuple[float, float] | None:
    """What becomes black and what white, where samples have more than 8 bits: their usual range, else their own."""
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
    """Samples between low and high, scaled to 8 bits instead of clipped; what is no number is black."""
    samples = np.nan_to_num(_samples(image), nan=low, posinf=high, neginf=low)
    scaled = (np.clip(samples, low, high) - low) * (WHITE / ((high - low) or 1.0))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _samples(image: Image.Image) -> np.ndarray:
    samples: np.ndarray = np.asarray(image).astype(np.float64)
    return samples


def _range(samples: np.ndarray) -> tuple[float, float]:
    finite = samples[np.isfinite(samples)]
    return (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)


def _over_white(image: Image.Image) -> Image.Image:
    """Lay transparent pixels over white. Palettes become colours."""
    if image.mode in ("LA", "PA", "La", "RGBa", "RGBA") or "transparency" in image.info:
        try:
            alpha = image.convert("RGBA")
        except (ValueError, TypeError, IndexError):  # a transparency that does not fit the picture: shown without
            image.info.pop("transparency", None)
            return image.convert("RGB")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), alpha).convert("RGB")
    return image.convert("RGB") if image.mode == "P" else image


def _foreign_profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The embedded colour profile, unless it is missing, broken, for other colours, or sRGB anyway."""
    data = image.info.get("icc_profile")
    if not data or image.mode not in _PROFILE_SPACES:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        name = ImageCms.getProfileDescription(profile)
        space = profile.profile.xcolor_space
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError, AttributeError):
        return None
    return None if "srgb" in name.lower() or space != _PROFILE_SPACES[image.mode] else profile


def _to_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    try:
        converted = ImageCms.profileToProfile(image, profile, SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, ValueError):  # a profile that LittleCMS cannot use
        return image
    return converted if converted is not None else image
