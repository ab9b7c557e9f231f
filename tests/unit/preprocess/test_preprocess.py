"""From bytes to what a model takes."""

import io
import re

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from preprocess import ImageSpec, Limits, PictureError, Reason, preprocess, rendition
from unit.gallery import ALL
from unit.pictures import SAMPLES, encoded, photo

GRAY = ImageSpec(224, 224, 1, 0.875)
COLOUR = ImageSpec(96, 64, 3, 1.0)


def reason(data: bytes, limits: Limits | None = None) -> Reason:
    with pytest.raises(PictureError) as caught:
        preprocess(data, GRAY, limits or Limits())
    return caught.value.reason


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
def test_a_tiff_is_turned_once_and_says_how(orientation: int) -> None:
    """Pillow turns a TIFF while it decodes it."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    info, pixels = preprocess(encoded(photo(96, 64), "TIFF", exif=exif), COLOUR, Limits())
    as_png, expected = preprocess(encoded(photo(96, 64), exif=exif), COLOUR, Limits())
    assert (pixels == expected).all()
    assert (info.orientation, info.width, info.height) == (orientation, 96, 64)
    assert (as_png.orientation, as_png.width, as_png.height) == (orientation, 96, 64)


def test_a_heif_is_its_main_picture() -> None:
    """The first is a thumbnail of another size and content; what is checked, recorded and shown is the second."""
    file = pillow_heif.from_pillow(Image.new("RGB", (512, 512), "black"))
    main = photo(160, 96)
    file.add_from_pillow(main)
    out = io.BytesIO()
    file.save(out, quality=95, save_all=True, primary_index=1)
    data = out.getvalue()
    info, pixels = preprocess(data, COLOUR, Limits(max_pixels=160 * 96))
    assert (info.width, info.height, info.frames) == (160, 96, 2)
    expected = preprocess(encoded(main), COLOUR, Limits())[1]
    assert np.abs(pixels.astype(int) - expected).mean() < 4
    assert rendition(data, 160, Limits(max_pixels=160 * 96)).shape == (96, 160, 3)
    with pytest.raises(PictureError, match="160 × 96"):
        preprocess(data, COLOUR, Limits(max_pixels=160 * 96 - 1))


@pytest.mark.parametrize("kind", sorted(ALL))
def test_what_is_said_of_a_broken_file_is_for_people_and_always_the_same(kind: str) -> None:
    data = ALL[kind]()
    for broken in (data[:20], data[:60], data[: len(data) // 2], data[:40] + bytes(200)):
        said = set()
        for _ in range(2):
            try:
                preprocess(broken, COLOUR, Limits())
            except PictureError as error:
                said.add(error.detail)
        assert len(said) <= 1
        assert not re.search(r"0x[0-9a-f]{6,}|object at|<_io", "".join(said))


def test_transparent_pixels_lie_over_white() -> None:
    clear = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    _, pixels = preprocess(encoded(clear), GRAY, Limits())
    assert pixels.min() == 255


def test_half_a_file_is_truncated_and_a_mangled_one_corrupt() -> None:
    whole = (SAMPLES / "cat.jpg").read_bytes()
    assert reason(whole[: len(whole) // 2]) is Reason.TRUNCATED
    png = bytearray(encoded(photo()))
    png[20:24] = b"\xff\xff\xff\xff"
    assert reason(bytes(png)) is Reason.CORRUPT
    assert reason(encoded(photo())[:50] + b"\0" * 3000) in (Reason.CORRUPT, Reason.TRUNCATED)


def test_running_out_of_memory_is_not_the_pictures_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    def hungry(self: Image.Image) -> None:
        raise MemoryError

    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", hungry)
    with pytest.raises(MemoryError):
        preprocess(encoded(photo(), "WEBP"), GRAY, Limits())
