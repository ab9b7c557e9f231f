"""The staged picture: a PNG whose pixels are what the model takes and which carries a note: the record so far.

Pixels and provenance are one file, so that writing it is one atomic step and reading it one call.
"""

import io

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

_KEYWORD = "imagestore"
_MAX_SIDE = 4096


class NotStaged(ValueError):
    """These bytes are not a staged picture of ours."""


def write_staged(pixels: np.ndarray, note: str) -> bytes:
    """A PNG of uint8 [height, width, 1 or 3] that carries `note`."""
    info = PngInfo()
    info.add_itxt(_KEYWORD, note, zip=True)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=1, pnginfo=info)
    return out.getvalue()


def open_staged(data: bytes) -> tuple[np.ndarray, str]:
    """The pixels (uint8 [height, width, 1 or 3]) and the note of a staged PNG; NotStaged where it is none."""
    try:
        image = Image.open(io.BytesIO(data), formats=("PNG",))
        if not isinstance(image, PngImageFile) or image.mode not in ("L", "RGB") or max(image.size) > _MAX_SIDE:
            raise NotStaged(f"a {image.mode} picture of {image.width} × {image.height}")
        image.load()
        note = str(image.text[_KEYWORD])
    except (OSError, SyntaxError, ValueError, KeyError) as error:
        raise NotStaged(str(error)) from error
    pixels = np.asarray(image, np.uint8)
    return pixels.reshape(image.height, image.width, -1), note
