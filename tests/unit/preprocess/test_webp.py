"""The size of a WebP picture is known from its first bytes."""

import io

import pytest
from PIL import Image

from preprocess.webp import canvas_size

FRAMES = [Image.new("RGB", (300, 17), colour) for colour in ("red", "blue")]


def written(mode: str = "RGB", **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, (300, 17)).save(out, "WEBP", **options)
    return out.getvalue()


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        (b"VP8 ", written()),
        (b"VP8L", written(lossless=True)),
        (b"VP8X", written(exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")),
        (b"VP8X", written(save_all=True, append_images=FRAMES[1:])),
    ],
    ids=["lossy", "lossless", "with metadata", "animated"],
)
def test_each_kind_of_header_tells_width_and_height(kind: bytes, data: bytes) -> None:
    assert data[12:16] == kind
    assert canvas_size(data) == (300, 17)


@pytest.mark.parametrize(
    "data", [b"", written()[:20], written(lossless=True)[:22], written()[:12] + b"ALPH" + bytes(20)]
)
def test_a_header_that_is_not_understood_is_left_to_the_decoder(data: bytes) -> None:
    assert canvas_size(data) is None
