"""The staged PNG carries pixels and a note in one file."""

import io

import numpy as np
import pytest
from PIL import Image

from preprocess import NotStaged, open_staged, write_staged
from unit.pictures import encoded, photo


@pytest.mark.parametrize("channels", [1, 3])
def test_what_was_written_is_read(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 30, channels), np.uint8)
    note = '{"name": "Füße/猫 \\u0000.jpg"}'
    read, said = open_staged(write_staged(pixels, note))
    assert (read == pixels).all()
    assert said == note


def test_it_is_an_ordinary_png() -> None:
    image = Image.open(io.BytesIO(write_staged(np.zeros((4, 4, 1), np.uint8), "{}")))
    assert (image.format, image.mode, image.size) == ("PNG", "L", (4, 4))


@pytest.mark.parametrize("data", [b"", b"nonsense", encoded(photo()), encoded(photo(), "JPEG")])
def test_other_files_are_refused(data: bytes) -> None:
    with pytest.raises(NotStaged):
        open_staged(data)


def test_a_flat_picture_takes_hardly_any_room() -> None:
    assert len(write_staged(np.full((224, 224, 3), 255, np.uint8), "{}")) < 1000
