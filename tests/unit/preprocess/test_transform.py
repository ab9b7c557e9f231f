"""Crop, resize, orientation and perceptual hash, against Pillow's own steps."""

import numpy as np
import pytest
from PIL import Image

from preprocess import Decoder, Fit, ImageSpec, Limits, preprocess
from preprocess.transform import area_seen, fit
from unit.pictures import SAMPLES, encoded, photo

GRAY = ImageSpec(224, 224, 1, 0.875)


def test_pixels_are_an_independent_crop_resize_and_gray() -> None:
    """Against Pillow's own steps, done plainly: crop the square, resize, then gray."""
    image = photo(320, 240)
    side = 240 * 0.875
    box = ((320 - side) / 2, (240 - side) / 2, (320 + side) / 2, (240 + side) / 2)
    plain = np.asarray(image.resize((224, 224), Image.Resampling.BICUBIC, box=box).convert("L"), int)
    info, pixels = preprocess(encoded(image), GRAY, Limits())
    assert pixels.shape == (224, 224, 1)
    assert pixels.dtype == np.uint8
    assert np.abs(pixels[:, :, 0] - plain).max() <= 2  # gray before or after resizing differs by rounding alone
    assert (info.format, info.width, info.height, info.mode) == ("PNG", 320, 240, "RGB")


@pytest.mark.parametrize(("width", "height"), [(320, 240), (240, 320), (1000, 8), (9, 12), (64, 64)])
@pytest.mark.parametrize("channels", [1, 3])
def test_a_padded_picture_is_whole_and_in_the_middle(width: int, height: int, channels: int) -> None:
    image = Image.new("RGB", (width, height), (200, 200, 200))
    spec = ImageSpec(64, 48, channels, 1.0, Fit.PAD, 127)
    _, pixels = preprocess(encoded(image), spec, Limits())
    assert pixels.shape == (48, 64, channels)
    scale = min(64 / width, 48 / height)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    left, top = (64 - wide) // 2, (48 - high) // 2
    expected = np.full((48, 64, channels), 127, np.uint8)
    expected[top : top + high, left : left + wide] = 200
    assert (pixels == expected).all()


def test_a_stretched_picture_is_whole() -> None:
    image = photo(320, 240)
    _, pixels = preprocess(encoded(image), ImageSpec(64, 64, 3, 1.0, Fit.STRETCH), Limits())
    assert (pixels == np.asarray(image.resize((64, 64), Image.Resampling.BICUBIC))).all()


def test_the_decode_child_fits_as_this_process_does() -> None:
    data, spec = encoded(photo(320, 200)), ImageSpec(64, 64, 3, 1.0, Fit.PAD, 9)
    decoder = Decoder()
    try:
        _, pixels = decoder.preprocess(data, spec, Limits())
    finally:
        decoder.close()
    assert (pixels == preprocess(data, spec, Limits())[1]).all()


@pytest.mark.parametrize("orientation", range(1, 9))
def test_all_orientations_give_one_picture(orientation: int) -> None:
    turn = {
        2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }  # fmt: skip
    seen = photo(320, 240)
    stored = seen.transpose(turn[orientation]) if orientation in turn else seen
    exif = Image.Exif()
    exif[0x0112] = orientation
    info, pixels = preprocess(encoded(stored, exif=exif), GRAY, Limits())
    _, expected = preprocess(encoded(seen), GRAY, Limits())
    assert info.orientation == orientation
    assert (pixels == expected).all()


def test_pictures_that_look_alike_have_near_hashes() -> None:
    def bits(data: bytes) -> int:
        return int(preprocess(data, GRAY, Limits())[0].phash or "", 16)

    original = Image.open(SAMPLES / "cat.jpg")
    same = encoded(original.resize((200, 133)), "JPEG", quality=60)
    other = (SAMPLES / "coffee.jpg").read_bytes()
    first = bits((SAMPLES / "cat.jpg").read_bytes())
    assert (first ^ bits(same)).bit_count() <= 4
    assert (first ^ bits(other)).bit_count() >= 16


@pytest.mark.parametrize(("width", "height"), [(320, 240), (90, 400), (101, 64)])
@pytest.mark.parametrize(
    "spec", [ImageSpec(64, 64, 1, 0.875), ImageSpec(64, 48, 1, 1.0, Fit.PAD, 0), ImageSpec(64, 48, 1, 1.0, Fit.STRETCH)]
)
def test_the_area_that_a_model_sees_is_where_its_pixels_are(width: int, height: int, spec: ImageSpec) -> None:
    """Shades from left to right and from top to bottom are found at the place in the picture that the area says."""
    area = area_seen(width, height, spec)
    for axis, size, side, (low, high) in (
        (1, width, spec.width, (area.left, area.right)),
        (0, height, spec.height, (area.top, area.bottom)),
    ):
        shade = np.linspace(20, 220, size, dtype=np.uint8)
        image = Image.fromarray(np.broadcast_to(shade if axis else shade[:, None], (height, width)).copy())
        seen = fit(image, spec)[:, :, 0].astype(float)
        line = seen[spec.height // 2] if axis else seen[:, spec.width // 2]
        places = low + (np.arange(side) + 0.5) / side * (high - low)
        inside = (places > 0.03) & (places < 0.97)
        assert np.abs(line - (20 + 200 * places))[inside].max() < 6
        assert (line[(places < -0.03) | (places > 1.03)] == spec.pad_value).all()
