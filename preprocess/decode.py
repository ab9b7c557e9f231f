"""From bytes to pixels: opens a picture safely, first frame only, and turns its colours into gray or sRGB."""

import contextlib
import io
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageCms

from errors import PictureError, Reason
from preprocess.formats import HEAD_BYTES, Format, recognise
from preprocess.limits import Limits

Image.MAX_IMAGE_PIXELS = None  # our own check comes before any pixel is decoded, and names the setting
WHITE = 255
SRGB = ImageCms.createProfile("sRGB")


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
    with decoder(row):
        image = Image.open(io.BytesIO(data), formats=(row.plugin,))
        width, height = image.size
        mode = image.mode
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
    with decoder(row):
        frames = int(getattr(image, "n_frames", 1))
        if frames > 1:
            image.seek(0)
    return Opened(row, image, width, height, mode, frames)


def read_pixels(opened: Opened, channels: int, at_least: int) -> Image.Image:
    """Decode the first frame to mode L (1 channel) or RGB (3), as stored, in sRGB, alpha over white.

    A JPEG may come back smaller by 2, 4 or 8, but with no side under `at_least`: its decoder scales almost for free.
    """
    image = opened.image
    profile = _foreign_profile(image)
    with decoder(opened.format):
        if hasattr(image, "draft"):
            image.draft(
                "L" if channels == 1 and profile is None and image.mode == "RGB" else None, (at_least, at_least)
            )
        image.load()
    flat = _over_white(_eight_bit(image))
    if profile is not None:
        flat = _to_srgb(flat, profile)
    return flat.convert("L" if channels == 1 else "RGB")


@contextlib.contextmanager
def decoder(row: Format) -> Iterator[None]:
    """What the decoder raises in here is the picture's fault; running out of memory or of a library is ours."""
    try:
        yield
    except (MemoryError, ImportError):
        raise
    except Exception as error:
        reason = Reason.TRUNCATED if _means_truncated(error) else Reason.CORRUPT
        raise PictureError(reason, f"The {row.name} decoder says: {str(error) or type(error).__name__}.") from error


def _means_truncated(error: Exception) -> bool:
    return isinstance(error, EOFError) or "truncated" in str(error).lower()


def _mega(pixels: int) -> str:
    return f"{pixels / 1e6:.4g}"


def _eight_bit(image: Image.Image) -> Image.Image:
    """Scale 16-bit, 32-bit and float samples to 8 bits instead of clipping them."""
    if not image.mode.startswith(("I", "F")):
        return image
    samples = np.nan_to_num(np.asarray(image, np.float64), posinf=0, neginf=0)
    low, high = float(samples.min()), float(samples.max())
    if image.mode.startswith("I") and low >= 0 and high <= 65_535:
        low, high = 0.0, 65_535.0
    elif image.mode == "F" and low >= 0 and high <= 1:
        low, high = 0.0, 1.0
    elif low >= 0 and high <= WHITE:
        low, high = 0.0, float(WHITE)
    scaled = (samples - low) * (WHITE / ((high - low) or 1.0))
    return Image.fromarray(np.rint(scaled).astype(np.uint8))


def _over_white(image: Image.Image) -> Image.Image:
    """Lay transparent pixels over white. Palettes become colours."""
    if image.mode in ("LA", "PA", "La", "RGBa", "RGBA") or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image.convert("RGB") if image.mode == "P" else image


def _foreign_profile(image: Image.Image) -> ImageCms.ImageCmsProfile | None:
    """The embedded colour profile, unless there is none, it is broken, or it is sRGB anyway."""
    data = image.info.get("icc_profile")
    if not data:
        return None
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(data))
        name = ImageCms.getProfileDescription(profile)
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
        return None
    return None if "srgb" in name.lower() else profile


def _to_srgb(image: Image.Image, profile: ImageCms.ImageCmsProfile) -> Image.Image:
    try:
        converted = ImageCms.profileToProfile(image, profile, SRGB, outputMode="RGB")
    except (ImageCms.PyCMSError, ValueError):  # a profile for another mode than the picture's
        return image
    return converted if converted is not None else image
