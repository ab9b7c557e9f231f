"""From bytes to what a model takes."""

import io

import numpy as np
import pytest
from PIL import Image

from errors import PictureError, Reason
from preprocess import Limits, preprocess
from record import ImageSpec
from unit.pictures import SAMPLES, encoded, photo

GRAY = ImageSpec(224, 224, 1, 0.875)
COLOUR = ImageSpec(96, 64, 3, 1.0)


def reason(data: bytes, limits: Limits | None = None) -> Reason:
    with pytest.raises(PictureError) as caught:
        preprocess(data, GRAY, limits or Limits())
    return caught.value.reason


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


def test_a_colour_model_of_another_shape_goes_the_same_way() -> None:
    _, pixels = preprocess(encoded(photo(300, 300)), COLOUR, Limits())
    assert pixels.shape == (64, 96, 3)
    assert len({pixels[:, :, channel].tobytes() for channel in range(3)}) == 3


def test_a_large_jpeg_that_is_scaled_while_decoding_looks_the_same() -> None:
    data = encoded(photo(2400, 1800), "JPEG", quality=95)
    square = Image.open(io.BytesIO(data)).convert("L").crop((300, 0, 2100, 1800))
    plain = np.asarray(square.resize((224, 224), Image.Resampling.BICUBIC), int)
    _, pixels = preprocess(data, ImageSpec(224, 224, 1, 1.0), Limits())
    assert np.abs(pixels[:, :, 0] - plain).mean() < 2


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


def test_transparent_pixels_lie_over_white() -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    _, pixels = preprocess(encoded(clear), GRAY, Limits())
    assert pixels.min() == 255


def test_a_file_is_told_by_its_content_alone() -> None:
    assert preprocess(encoded(photo(), "WEBP", lossless=True), GRAY, Limits())[0].format == "WEBP"
    assert reason(b"") is Reason.EMPTY
    assert reason(b"just text, whatever its name says") is Reason.NOT_AN_IMAGE
    assert reason(b"%PDF-1.7 ...") is Reason.UNSUPPORTED_FORMAT
    assert reason(b'<svg xmlns="http://www.w3.org/2000/svg"/>') is Reason.UNSUPPORTED_FORMAT


def test_half_a_file_is_truncated_and_a_mangled_one_corrupt() -> None:
    whole = (SAMPLES / "cat.jpg").read_bytes()
    assert reason(whole[: len(whole) // 2]) is Reason.TRUNCATED
    png = bytearray(encoded(photo()))
    png[20:24] = b"\xff\xff\xff\xff"
    assert reason(bytes(png)) is Reason.CORRUPT
    assert reason(encoded(photo())[:50] + b"\0" * 3000) in (Reason.CORRUPT, Reason.TRUNCATED)


def test_limits_name_the_value_the_limit_and_the_setting() -> None:
    with pytest.raises(PictureError, match=r"320 × 240 = 0\.0768 MP; the limit is 0\.05 MP \(MAX_PIXELS\)") as caught:
        preprocess(encoded(photo(320, 240)), GRAY, Limits(max_pixels=50_000))
    assert caught.value.reason is Reason.TOO_MANY_PIXELS
    assert reason(encoded(photo(7, 400)), Limits(min_side=8)) is Reason.TOO_SMALL


def test_a_bomb_is_rejected_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(self: Image.Image) -> None:
        raise AssertionError("decoded")

    bomb = encoded(Image.new("1", (20_000, 20_000)))
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", explode)
    assert reason(bomb) is Reason.TOO_MANY_PIXELS


def test_running_out_of_memory_is_not_the_pictures_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def hungry(self: Image.Image) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", hungry)
    with pytest.raises(MemoryError):
        preprocess(encoded(photo(), "WEBP"), GRAY, Limits())


def camera_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon\0", "EOS R5"
    exif[0x013B] = "Owner Name"
    ifd = exif.get_ifd(0x8769)
    ifd[0x9003] = "2026:04:20 17:26:06"
    ifd[0x829A] = 0.004
    ifd[0xA431] = "SERIAL-123"
    ifd[0x927C] = b"MAKERNOTE-SECRET"
    gps = exif.get_ifd(0x8825)
    gps[1], gps[2] = "N", (52.0, 31.0, 12.0)
    return exif


def test_metadata_is_an_allowlist() -> None:
    data = encoded(photo(), "JPEG", exif=camera_exif(), comment=b"COMMENT-SECRET")
    info, _ = preprocess(data, GRAY, Limits())
    assert info.metadata["Make"] == "Canon"
    assert info.metadata["ExposureTime"] == pytest.approx(0.004)
    assert info.metadata["jfif_version"] == [1, 1]
    assert info.taken_at == "2026-04-20T17:26:06"
    kept = str(info)
    for secret in ("SERIAL", "MAKERNOTE", "Owner", "COMMENT", "GPS", "52.0"):
        assert secret not in kept


def test_location_is_kept_where_a_setting_asks_for_it() -> None:
    data = encoded(photo(), "JPEG", exif=camera_exif())
    info, _ = preprocess(data, GRAY, Limits(keep_location=True))
    assert info.metadata["GPSLatitude"] == [52.0, 31.0, 12.0]


def test_metadata_stops_at_its_limit() -> None:
    data = encoded(photo(), "JPEG", exif=camera_exif())
    info, _ = preprocess(data, GRAY, Limits(max_metadata_bytes=60))
    assert 0 < len(info.metadata) < 5


def test_pictures_that_look_alike_have_near_hashes() -> None:
    def bits(data: bytes) -> int:
        return int(preprocess(data, GRAY, Limits())[0].phash or "", 16)

    original = Image.open(SAMPLES / "cat.jpg")
    same = encoded(original.resize((200, 133)), "JPEG", quality=60)
    other = (SAMPLES / "coffee.jpg").read_bytes()
    first = bits((SAMPLES / "cat.jpg").read_bytes())
    assert (first ^ bits(same)).bit_count() <= 4
    assert (first ^ bits(other)).bit_count() >= 16
