"""Any real picture: every format and variant gives the same staged pixels."""

import io
import struct

import numpy as np
import pytest
from PIL import Image, ImageCms

from errors import PictureError, Reason
from preprocess import Limits, preprocess
from preprocess.formats import FORMATS, STRANGERS, recognise
from record import ImageSpec
from unit.gallery import ALL, ANIMATED, GRAY, GRAYS, HEIGHT, LOSSLESS, LOSSY, SOURCE, WIDTH
from unit.pictures import encoded, photo

SPEC = ImageSpec(64, 64, 1, 1.0)
SRGB, LAB = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
COLOUR = ImageSpec(64, 64, 3, 1.0)


def staged(data: bytes, spec: ImageSpec = SPEC) -> np.ndarray:
    return preprocess(data, spec, Limits())[1].astype(int)


def outcome(data: bytes) -> Reason | None:
    try:
        staged(data)
    except PictureError as error:
        return error.reason
    return None


@pytest.mark.parametrize("kind", LOSSLESS)
@pytest.mark.parametrize("spec", [SPEC, COLOUR], ids=["gray", "colour"])
def test_lossless_files_of_one_photo_give_the_same_pixels(kind: str, spec: ImageSpec) -> None:
    assert (staged(LOSSLESS[kind](), spec) == staged(encoded(SOURCE), spec)).all()


@pytest.mark.parametrize("kind", GRAYS)
def test_gray_files_of_any_depth_give_the_same_pixels(kind: str) -> None:
    assert np.abs(staged(GRAYS[kind]()) - staged(encoded(GRAY))).max() <= 1


@pytest.mark.parametrize("kind", LOSSY)
def test_lossy_files_look_the_same(kind: str) -> None:
    assert np.abs(staged(LOSSY[kind]()) - staged(encoded(SOURCE))).mean() < 4


@pytest.mark.parametrize("kind", ALL)
def test_what_is_recorded(kind: str) -> None:
    info, _ = preprocess(ALL[kind](), SPEC, Limits())
    assert info.format == kind.split()[0]
    assert (info.width, info.height) == (WIDTH, HEIGHT)
    assert info.frames == (3 if kind in ANIMATED else 1)


def test_every_format_has_its_picture() -> None:
    assert {row.name for row in FORMATS} == {kind.split()[0] for kind in ALL}


def test_transparency_of_every_kind_lies_over_white() -> None:
    palette = photo(32, 32).convert("P", palette=Image.Palette.ADAPTIVE)
    clear = Image.new("RGBA", (32, 32), (0, 0, 0, 0))
    files = {
        "palette": encoded(palette, "PNG", transparency=bytes(256)),
        "gray and alpha": encoded(Image.new("LA", (32, 32), (0, 0))),
        "one colour": encoded(Image.new("RGB", (32, 32), (1, 2, 3)), "PNG", transparency=(1, 2, 3)),
        "GIF": encoded(Image.new("P", (32, 32), 0), "GIF", transparency=0),
        "WEBP": encoded(clear, "WEBP", lossless=True),
        "TIFF": encoded(clear, "TIFF"),
        "JPEG2000": encoded(clear, "JPEG2000"),
        "AVIF": encoded(clear, "AVIF"),
    }
    assert {kind: int(staged(data).min()) for kind, data in files.items()} == dict.fromkeys(files, 255)


def test_floats_of_any_range_are_scaled_not_clipped() -> None:
    ramp = np.linspace(-3.0, 900.0, 64 * 64, dtype=np.float32).reshape(64, 64)
    pixels = staged(encoded(Image.fromarray(ramp), "TIFF"))
    assert (pixels.min(), pixels.max()) == (0, 255)
    assert abs(int(np.median(pixels)) - 127) <= 1
    ramp[0, 0], ramp[1, 1] = np.nan, np.inf
    staged(encoded(Image.fromarray(ramp), "TIFF"))


@pytest.mark.parametrize("mode", ["1", "LAB", "YCbCr", "CMYK", "RGBX", "I;16B"])
def test_every_colour_model_that_a_tiff_can_hold_is_shown(mode: str) -> None:
    source = photo(64, 64)
    if mode == "I;16B":
        deep = (np.asarray(source.convert("L"), np.uint16) * 257).astype(">u2")
        image = Image.frombytes("I;16B", (64, 64), deep.tobytes())
    else:
        image = (
            ImageCms.profileToProfile(source, SRGB, LAB, outputMode="LAB") if mode == "LAB" else source.convert(mode)
        )
    assert image is not None
    shown, plain = staged(encoded(image, "TIFF")), staged(encoded(source))
    if mode == "1":  # dithered: right on average
        shown, plain = shown.mean(axis=(0, 1)), plain.mean(axis=(0, 1))
    assert np.abs(shown - plain).mean() < 4


def test_a_colour_profile_is_converted() -> None:
    """Red of a linear profile is another red in sRGB."""
    image = photo(64, 64)
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ"))
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    plain = staged(encoded(image), COLOUR)
    assert (staged(encoded(image, icc_profile=srgb.tobytes()), COLOUR) == plain).all()
    for other in (lab, profile):  # profiles for other colour spaces than the picture's are left alone
        assert (staged(encoded(image, icc_profile=other.tobytes()), COLOUR) == plain).all()
    assert (staged(encoded(image, icc_profile=b"broken"), COLOUR) == plain).all()
    linear = staged(encoded(image, icc_profile=linear_profile(srgb.tobytes())), COLOUR)
    assert linear.mean() > plain.mean() + 20


def linear_profile(srgb: bytes) -> bytes:
    """The sRGB profile with its tone curves made linear, under another name."""
    profile = bytearray(srgb)
    count = struct.unpack(">I", profile[128:132])[0]
    for entry in range(count):
        tag, offset, size = struct.unpack(">4sII", profile[132 + 12 * entry : 144 + 12 * entry])
        if tag in (b"rTRC", b"gTRC", b"bTRC"):
            profile[offset : offset + size] = (b"curv" + bytes(8)).ljust(size, b"\0")
        if tag == b"desc":
            profile[offset + 8 : offset + size] = profile[offset + 8 : offset + size].replace(b"s\0R", b"X\0R")
            profile[offset + 8 : offset + size] = profile[offset + 8 : offset + size].replace(b"sRGB", b"XRGB")
    return bytes(profile)


EXAMPLES = {
    "a DICOM picture": bytes(128) + b"DICM",
    "a PDF document": b"%PDF-1.7",
    "an SVG drawing": b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg xmlns="http://www.w3.org/2000/svg">',
    "a RAW photo (Canon CR2)": b"II*\0\x10\0\0\0CR\x02\0",
    "a RAW photo (Fujifilm)": b"FUJIFILMCCD-RAW 0201",
    "a video (MP4 or QuickTime)": b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41",
    "a video (Matroska or WebM)": b"\x1aE\xdf\xa3\x01",
    "a JPEG XL picture": b"\xff\x0a\x00",
    "a Photoshop document": b"8BPS\0\x01",
    "an archive or Office document": b"PK\x03\x04\x14",
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_known_strangers_are_named(name: str) -> None:
    assert name in dict(STRANGERS)
    with pytest.raises(PictureError) as caught:
        recognise(EXAMPLES[name])
    assert caught.value.reason is Reason.UNSUPPORTED_FORMAT
    assert name in caught.value.detail


def test_a_raw_photo_is_not_taken_for_its_thumbnail() -> None:
    out = io.BytesIO()
    photo(64, 64).save(out, "TIFF", tiffinfo={50706: b"\x01\x04\0\0"})
    with pytest.raises(PictureError) as caught:
        staged(out.getvalue())
    assert caught.value.reason is Reason.UNSUPPORTED_FORMAT


@pytest.mark.parametrize("kind", sorted(ALL))
def test_half_a_file_is_a_named_reason(kind: str) -> None:
    data = ALL[kind]()
    assert outcome(data[: len(data) // 2]) in (
        {Reason.TRUNCATED, Reason.CORRUPT, None}  # the first frame may be whole
        if kind in ANIMATED
        else {Reason.TRUNCATED, Reason.CORRUPT}
    )


def test_a_bomb_of_any_format_costs_nothing() -> None:
    """One whose header promises too many pixels is rejected by its header."""
    limits = Limits(max_pixels=WIDTH * HEIGHT - 1)
    for kind, make in ALL.items():
        with pytest.raises(PictureError) as caught:
            preprocess(make(), SPEC, limits)
        assert caught.value.reason is Reason.TOO_MANY_PIXELS, kind
