"""Any real picture: every format and variant gives the same staged pixels."""

import io
import struct
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageCms

from preprocess import Fit, ImageSpec, Limits, PictureError, Reason, preprocess
from preprocess.decode import open_picture, read_pixels
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
    image: Image.Image | None
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
    as_stored = replace(COLOUR, plain=True)
    assert (staged(encoded(image, icc_profile=linear_profile(srgb.tobytes())), as_stored) == plain).all()


def test_a_plain_jpeg_is_decoded_in_full() -> None:
    """As other programs do, pixel by pixel; else its decoder makes it smaller."""
    noise = np.random.default_rng(0).integers(0, 256, (640, 480, 3), np.uint8)
    data = encoded(Image.fromarray(noise), "JPEG")
    whole = np.asarray(Image.open(io.BytesIO(data)).resize((32, 32)))
    spec = ImageSpec(32, 32, 3, 1.0, Fit.STRETCH)
    assert (staged(data, replace(spec, plain=True)) == whole).all()
    assert not (staged(data, spec) == whole).all()


ALPHA = Image.linear_gradient("L").resize((64, 64)).point(lambda value: max(value, 1))


def with_alpha(image: Image.Image) -> Image.Image:
    image = image.copy()
    image.putalpha(ALPHA)
    return image


PROFILED = {
    "RGBA": lambda: with_alpha(photo(64, 64)),
    "P": lambda: photo(64, 64).quantize(64),
    "P with alpha": lambda: with_alpha(photo(64, 64)).quantize(64),
    "LA": lambda: with_alpha(photo(64, 64).convert("L")),
    "RGB": lambda: photo(64, 64),
    "L": lambda: photo(64, 64).convert("L"),
}


@pytest.mark.parametrize("mode", PROFILED)
def test_a_colour_profile_is_converted_whatever_the_mode(mode: str) -> None:
    """Against LittleCMS, asked for the colours alone, which are then laid over white."""
    image = PROFILED[mode]()
    srgb = linear_profile(ImageCms.ImageCmsProfile(SRGB).tobytes())
    data = gray_profile() if mode.startswith("L") else srgb
    colours = image.convert("L" if mode.startswith("L") else "RGBA").convert("L" if mode.startswith("L") else "RGB")
    converted = ImageCms.profileToProfile(colours, ImageCms.ImageCmsProfile(io.BytesIO(data)), SRGB, outputMode="RGB")
    assert converted is not None
    expected = Image.new("RGB", image.size, "white")
    alpha = image.convert("RGBA").getchannel("A")
    expected.paste(converted, mask=alpha)
    shown = staged(encoded(image, icc_profile=data), COLOUR)
    assert np.abs(shown - np.asarray(expected, int)).max() <= 2
    assert np.abs(shown - staged(encoded(image), COLOUR)).max() > 20, "without the profile it looks otherwise"


def gray_profile() -> bytes:
    """A gray profile with a linear tone curve, written by hand (ICC.1:2010, section 7)."""
    white = b"XYZ " + bytes(4) + struct.pack(">iii", 0xF6D6, 0x10000, 0xD32D)
    curve = b"curv" + bytes(8)
    text = b"linear gray\0"
    description = b"desc" + bytes(4) + struct.pack(">I", len(text)) + text + bytes(4 + 4 + 2 + 1 + 67)
    tags = {b"desc": description.ljust(-(-len(description) // 4) * 4, b"\0"), b"wtpt": white, b"kTRC": curve}
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, at + len(body), len(data))
        body += data
    head = bytearray(128)
    head[0:4] = struct.pack(">I", 128 + 4 + len(table) + len(body))
    head[8:12], head[12:16], head[16:20], head[20:24], head[36:40] = b"\2\x10\0\0", b"mntr", b"GRAY", b"XYZ ", b"acsp"
    head[68:80] = struct.pack(">iii", 0xF6D6, 0x10000, 0xD32D)
    return bytes(head) + struct.pack(">I", len(tags)) + table + body


MODES = (
    "1", "L", "I", "F", "P", "RGB", "RGBX", "RGBA", "CMYK", "YCbCr", "LAB", "HSV", "RGBa", "LA", "La", "PA",
    "I;16", "I;16L", "I;16B", "I;16N",
)  # fmt: skip


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("channels", [1, 3])
def test_every_mode_of_a_decoder_comes_out(mode: str, channels: int) -> None:
    """Whatever mode a file is decoded to, it becomes gray or RGB."""
    image = Image.new(mode, (64, 64))
    opened = open_picture(encoded(photo(64, 64)), Limits())
    pixels = read_pixels(replace(opened, image=image, mode=mode), channels, 64)
    assert pixels.mode == ("L" if channels == 1 else "RGB")
    assert pixels.size == (64, 64)


def test_every_mode_that_pillow_knows_is_tried() -> None:
    assert set(Image.MODES) <= set(MODES)


def test_gray_with_associated_alpha() -> None:
    """Samples are multiplied by alpha already (TIFF 6.0, ExtraSamples 1)."""
    gray, alpha = np.asarray(GRAY, np.uint8), np.full((HEIGHT, WIDTH), 128, np.uint8)
    alpha[:, : WIDTH // 2] = 255
    samples = np.stack([gray.astype(int) * alpha // 255, alpha], -1).astype(np.uint8)
    tags: dict[int, int | tuple[int, ...]] = {258: (8, 8), 259: 1, 262: 1, 277: 2, 338: 1}
    tags |= {256: WIDTH, 257: HEIGHT, 278: HEIGHT, 279: samples.nbytes}
    shown, plain = staged(tiff(tags, samples.tobytes())), staged(encoded(GRAY))
    assert np.abs(shown[:, :24] - plain[:, :24]).max() <= 2
    assert np.abs(shown[:, 40:] - (plain[:, 40:] * 128 / 255 + 127)).max() <= 4


def tiff(tags: dict[int, int | tuple[int, ...]], body: bytes) -> bytes:
    """A little-endian TIFF of one strip behind its directory; tag 273 (where the strip is) is filled in here."""
    strip = 8 + 2 + 12 * (len(tags) + 1) + 4
    entries = b""
    for tag, value in sorted((tags | {273: strip}).items()):
        values = value if isinstance(value, tuple) else (value,)
        kind, code = (3, "H") if len(values) > 1 else (4, "I")
        entries += struct.pack("<HHI", tag, kind, len(values))
        entries += struct.pack(f"<{len(values)}{code}", *values).ljust(4, b"\0")
    return b"II*\0" + struct.pack("<IH", 8, len(tags) + 1) + entries + bytes(4) + body


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
