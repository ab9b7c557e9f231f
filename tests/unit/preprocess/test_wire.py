"""What a worker and its decode child write is what the other reads, and nonsense is told from an answer."""

import io
import struct

import numpy as np
import pytest

from preprocess import ImageInfo, ImageSpec, Limits, PictureError, Reason
from preprocess.wire import ANSWER, MAGIC, DecodeAnswer, Wanted, read_answer, read_request, request, write_answer


@pytest.mark.parametrize("wanted", [ImageSpec(224, 160, 3, 0.875), 384], ids=["for a model", "a rendition"])
def test_a_request_is_read_as_it_was_written(wanted: Wanted) -> None:
    limits = Limits(max_pixels=7, max_pixels_by_format={"BMP": 5}, keep_location=True)
    stream = io.BytesIO(b"".join(request(b"picture", wanted, limits)) * 2)
    for _ in range(2):
        assert read_request(stream) == (b"picture", wanted, limits)
    assert read_request(stream) is None


def written(answer: DecodeAnswer) -> bytes:
    """The body of an answer, as the worker reads it behind the header."""
    stream = io.BytesIO()
    write_answer(stream, answer)
    head, body = stream.getvalue()[: struct.calcsize(ANSWER)], stream.getvalue()[struct.calcsize(ANSWER) :]
    magic, size = struct.unpack(ANSWER, head)
    assert (magic, size) == (MAGIC, len(body))
    return body


def test_pixels_come_with_what_the_file_holds_about_itself() -> None:
    pixels = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    image = ImageInfo("PNG", 4, 2, "RGB", 1, 6, "2026-04-20T17:26:06", "c3" * 8, {"Make": "Canon", "ISO": [1, 2]})
    read = read_answer(written(DecodeAnswer(image, pixels)))
    assert read.image == image
    assert read.pixels is not None
    assert np.array_equal(read.pixels, pixels)
    assert (read.problem, read.failure) == (None, None)


def test_a_rendition_has_pixels_alone() -> None:
    read = read_answer(written(DecodeAnswer(pixels=np.zeros((1, 1, 3), np.uint8))))
    assert read.image is None
    assert read.pixels is not None


def test_the_pictures_fault_and_ours_are_told_apart() -> None:
    theirs = read_answer(written(DecodeAnswer(problem=PictureError(Reason.CORRUPT, "half of it is missing"))))
    assert theirs.problem is not None
    assert (theirs.problem.reason, theirs.problem.detail) == (Reason.CORRUPT, "half of it is missing")
    assert read_answer(written(DecodeAnswer(failure="MemoryError: "))).failure == "MemoryError: "


@pytest.mark.parametrize("body", [b"", b"\0", b"\2\0\0\0{}", b"\2\0\0\0[]", b"\xff\xff\xff\xff{}", b"\4\0\0\0null"])
def test_nonsense_is_no_answer(body: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        read_answer(body)
