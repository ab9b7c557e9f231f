"""Frames are counted without decoding them, however many there are or are said to be."""

import struct

import numpy as np
import pytest
from PIL import Image

from preprocess import ImageSpec, Limits, preprocess
from preprocess.frames import MOST_FRAMES
from unit.gallery import chunk
from unit.pictures import encoded, photo

SPEC = ImageSpec(64, 64, 1, 1.0)


def frames(data: bytes) -> int:
    return preprocess(data, SPEC, Limits())[0].frames


def pages(count: int, *, is_big: bool = False, loops: bool = False) -> bytes:
    """A TIFF of so many pages that share one strip of gray pixels."""
    tags = {256: 16, 257: 16, 258: 8, 259: 1, 262: 1, 273: 0, 277: 1, 278: 16, 279: 256}
    head, entry = (16, "<HHQQ") if is_big else (8, "<HHII")
    counter, pointer = ("<Q", "<Q") if is_big else ("<H", "<I")
    size = struct.calcsize(counter) + len(tags) * struct.calcsize(entry) + struct.calcsize(pointer)
    strip = head + count * size
    entries = b"".join(struct.pack(entry, tag, 4, 1, strip if tag == 273 else value) for tag, value in tags.items())
    body = []
    for number in range(count):
        after = head + (number + 1) * size if number + 1 < count else head if loops else 0
        body.append(struct.pack(counter, len(tags)) + entries + struct.pack(pointer, after))
    first = b"II+\0\x08\0\0\0" + struct.pack("<Q", head) if is_big else b"II*\0" + struct.pack("<I", head)
    return first + b"".join(body) + bytes(range(256))


@pytest.mark.parametrize("is_big", [False, True])
def test_a_tiff_of_very_many_pages_is_read_at_once(is_big: bool) -> None:
    assert frames(pages(5, is_big=is_big)) == 5
    assert frames(pages(50_000, is_big=is_big)) == 50_000


def test_pages_in_a_circle_are_counted_once() -> None:
    assert frames(pages(7, loops=True)) == 7


def test_more_pages_than_the_bound_are_the_bound() -> None:
    assert frames(pages(MOST_FRAMES + 5)) == MOST_FRAMES


def test_a_false_number_of_frames_is_not_believed() -> None:
    plain = encoded(photo(64, 64))
    after_header = 8 + 25
    animation = chunk(b"acTL", struct.pack(">II", 2**31, 0))
    assert frames(plain[:after_header] + animation + plain[after_header:]) == 1


def test_a_default_picture_outside_of_an_animation_is_a_frame_too() -> None:
    moving = [photo(64, 64, seed=seed) for seed in range(3)]
    assert frames(encoded(moving[0], save_all=True, append_images=moving[1:], default_image=True)) == 3
    assert frames(encoded(moving[0], save_all=True, append_images=moving[1:])) == 3


def test_a_gif_of_very_many_frames() -> None:
    one = encoded(photo(16, 16).convert("L"), "GIF")
    begins = one.index(b"\x2c\0\0\0\0\x10\0\x10\0")
    head, frame = one[:begins], one[begins:-1]
    assert frames(head + frame * 3 + b"\x3b") == 3
    assert frames(head + frame * (MOST_FRAMES + 10) + b"\x3b") == MOST_FRAMES
    assert frames(head + frame + b"\x21\xfe" + b"\x01x" * 5_000_000 + b"\0" + frame + b"\x3b") == 1


def test_gif_pillow_and_we_agree() -> None:
    for count in (1, 2, 9):
        images = [Image.fromarray(np.full((64, 64), 20 * n, np.uint8)) for n in range(count)]
        assert frames(encoded(images[0], "GIF", save_all=True, append_images=images[1:])) == count
