"""The staged picture: a PNG that holds the pixels for the model and, as a note, the record so far.

Pixels and record are one file, so one atomic write stores both and one call reads both.
"""

import io
import struct
import zlib

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from preprocess.errors import NotStaged
from preprocess.image import MAX_SIDE

_KEYWORD = "imagestore"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHUNK_BYTES = 12
"""Of a chunk: its length, its kind and its checksum."""
_PIXELS = {b"IHDR", b"IDAT", b"IEND"}
_COLOUR_TYPES = {1: 0, 3: 2}
_UP = 2


def write_staged(pixels: np.ndarray, note: str) -> bytes:
    """A PNG of pixels uint8 [height, width, 1 or 3] that carries `note`.

    Raises ValueError if a side is longer than MAX_SIDE, which `open_staged` would not take for one of ours.
    """
    if max(pixels.shape[:2]) > MAX_SIDE:
        raise ValueError(
            f"{pixels.shape[1]} × {pixels.shape[0]} pixels cannot be staged: the limit is {MAX_SIDE} a side"
        )
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    text = _KEYWORD.encode("latin-1") + b"\0\0\0\0\0" + note.encode()
    chunks = ((b"IHDR", header), (b"iTXt", text), (b"IDAT", _packed(pixels)), (b"IEND", b""))
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks)


def _packed(pixels: np.ndarray) -> bytes:
    """The compressed rows, each as its differences from the row above ("Up").

    Pillow tries five filters for each row and looks for repetitions, which photographs hardly have: for pictures of the
    same size it takes three times as long. Runs of one byte are looked for: that costs a photograph little, and what is
    flat is thirty times smaller with it (docs/speed.md).
    """
    height = len(pixels)
    rows = pixels.reshape(height, -1)
    filtered = np.empty((height, 1 + rows.shape[1]), np.uint8)
    filtered[:, 0] = _UP
    filtered[0, 1:] = rows[0]
    np.subtract(rows[1:], rows[:-1], out=filtered[1:, 1:])
    packing = zlib.compressobj(1, strategy=zlib.Z_RLE)
    return packing.compress(filtered.data) + packing.flush()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def without_note(data: bytes) -> bytes:
    """The staged PNG with nothing but its pixels. Raises NotStaged if the data are no PNG."""
    if not data.startswith(_SIGNATURE):
        raise NotStaged("no PNG")
    kept, at = [_SIGNATURE], len(_SIGNATURE)
    while at < len(data):
        end = at + int.from_bytes(data[at : at + 4], "big") + _CHUNK_BYTES
        if data[at + 4 : at + 8] in _PIXELS:
            kept.append(data[at:end])
        at = end
    return b"".join(kept)


def open_staged(data: bytes) -> tuple[np.ndarray, str]:
    """The pixels (uint8 [height, width, 1 or 3]) and the note of a staged PNG. Raises NotStaged if it is not one."""
    try:
        image = Image.open(io.BytesIO(data), formats=("PNG",))
        if not isinstance(image, PngImageFile) or image.mode not in ("L", "RGB") or max(image.size) > MAX_SIDE:
            raise NotStaged(f"a {image.mode} picture of {image.width} × {image.height}")
        image.load()
        note = str(image.text[_KEYWORD])
    except (OSError, SyntaxError, ValueError, KeyError) as error:
        raise NotStaged(str(error)) from error
    pixels = np.asarray(image, np.uint8)
    return pixels.reshape(image.height, image.width, -1), note
