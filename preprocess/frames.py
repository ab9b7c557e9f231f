"""How many frames a file holds, counted without decoding any of them.

GIF, PNG and TIFF are walked from header to header; the libraries of the other formats know the number from the file's
index. Walking stops at MOST_FRAMES or after MOST_STEPS headers, so that a file made to be slow costs milliseconds.
"""

import struct
from collections.abc import Iterator
from typing import Any

from PIL import Image

MOST_FRAMES = 100_000
"""The most frames that are counted; a file with more is recorded with this many."""
MOST_STEPS = 1_000_000
_PNG_HEADER, _GIF_HEADER = 8, 13


def count_frames(format: str, data: bytes, image: Image.Image) -> int:
    """Count the frames of an opened picture, 1 to MOST_FRAMES; in a damaged file, those before the damage."""
    walk = {"GIF": _gif, "PNG": _png, "TIFF": _tiff}.get(format)
    if walk is None:
        return _bounded(_indexed(image))
    count = 0
    for step, is_frame in enumerate(walk(data)):
        count += is_frame
        if count >= MOST_FRAMES or step >= MOST_STEPS:
            break
    return _bounded(count)


def _bounded(count: int) -> int:
    return max(1, min(count, MOST_FRAMES))


def _indexed(image: Image.Image) -> int:
    try:
        return int(getattr(image, "n_frames", 1))
    except MemoryError:
        raise
    except Exception:  # a damaged index; the library raises what it likes
        return 1


def _tiff(data: bytes) -> Iterator[bool]:
    """Count image file directory (TIFF 6.0, section 2; BigTIFF has wider fields)."""
    order = "<" if data[:2] == b"II" else ">"
    is_big = data[2:4] in (b"+\0", b"\0+")
    counter, pointer, entry_bytes = ("Q", "Q", 20) if is_big else ("H", "I", 12)
    seen: set[int] = set()
    (at,) = _read(order + pointer, data, 8 if is_big else 4)
    while at and at not in seen:
        (entries,) = _read(order + counter, data, at)
        if entries == 0:
            return
        yield True
        seen.add(at)
        (at,) = _read(order + pointer, data, at + struct.calcsize(order + counter) + entries * entry_bytes)


def _png(data: bytes) -> Iterator[bool]:
    """Count frame control chunks (PNG, third edition, section 11.3), one for a picture outside of them."""
    at, is_begun = _PNG_HEADER, False
    while at < len(data):
        length, kind = _read(">I4s", data, at)
        is_frame = kind == b"fcTL" or (kind == b"IDAT" and not is_begun)
        is_begun = is_begun or is_frame
        yield is_frame
        at += 12 + length


def _gif(data: bytes) -> Iterator[bool]:
    """Count image descriptors (GIF89a, section 20)."""
    at = _GIF_HEADER + _colour_table_bytes(data, 10)
    while at < len(data):
        kind = data[at]
        if kind == 0x2C:
            yield True
            at += 10 + _colour_table_bytes(data, at + 9) + 1
        elif kind == 0x21:
            at += 2
        else:
            return
        while at < len(data) and data[at]:
            at += 1 + data[at]
            yield False
        at += 1


def _colour_table_bytes(data: bytes, at: int) -> int:
    """The size of the table that the packed byte at this place announces."""
    packed = data[at] if at < len(data) else 0
    return 3 * 2 ** ((packed & 7) + 1) if packed & 0x80 else 0


def _read(layout: str, data: bytes, at: int) -> tuple[Any, ...]:
    """Read fields at the current place; they are zero beyond the end of the file."""
    size = struct.calcsize(layout)
    return struct.unpack(layout, data[at : at + size].ljust(size, b"\0"))
