"""Which format a file is, by its content."""

import struct

import pytest

from preprocess import ImageSpec, Limits, PictureError, Reason, preprocess
from preprocess.formats import FORMATS, MARKUP, NOT_READ, recognise
from unit.gallery import ALL
from unit.pictures import encoded, photo

SPEC = ImageSpec(64, 64, 1, 1.0)
EXAMPLES = {
    "a TGA picture": b"\0\0\2\0\0\0\0\0\0\0\0\0\x40\0\x40\0\x18\x20" + bytes(99),
    "an icon": b"\0\0\1\0\1\0\x10\x10\0\0\1\0\x20\0",
    "a DICOM picture": bytes(128) + b"DICM",
    "a PDF document": b"%PDF-1.7",
    "an SVG drawing": b'<?xml version="1.0"?>\n<!-- by hand -->\n<svg xmlns="http://www.w3.org/2000/svg">',
    "an HTML page": b"<!-- saved --><!doctype html><html>",
    "a RAW photo (Canon CR2)": b"II*\0\x10\0\0\0CR\x02\0",
    "a RAW photo (Fujifilm)": b"FUJIFILMCCD-RAW 0201",
    "a video (MP4 or QuickTime)": b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41",
    "a video (Matroska or WebM)": b"\x1aE\xdf\xa3\x01",
    "a JPEG XL picture": b"\xff\x0a\x00",
    "a Photoshop document": b"8BPS\0\x01",
    "an archive or Office document": b"PK\x03\x04\x14",
}


def reason(data: bytes) -> Reason:
    with pytest.raises(PictureError) as caught:
        preprocess(data, SPEC, Limits())
    return caught.value.reason


def test_a_file_is_told_by_its_content_alone() -> None:
    assert preprocess(encoded(photo(), "WEBP", lossless=True), SPEC, Limits())[0].format == "WEBP"
    assert reason(b"") is Reason.EMPTY
    assert reason(b"just text, whatever its name says") is Reason.NOT_AN_IMAGE
    assert reason(b"%PDF-1.7 ...") is Reason.UNSUPPORTED_FORMAT
    assert reason(b'<svg xmlns="http://www.w3.org/2000/svg"/>') is Reason.UNSUPPORTED_FORMAT


def test_every_format_has_its_picture() -> None:
    assert {row.name for row in FORMATS} == {kind.split()[0] for kind in ALL}


@pytest.mark.parametrize("name", EXAMPLES)
def test_formats_that_are_known_but_not_read_are_named(name: str) -> None:
    assert name in dict(NOT_READ + MARKUP)
    with pytest.raises(PictureError) as caught:
        recognise(EXAMPLES[name])
    assert caught.value.reason is Reason.UNSUPPORTED_FORMAT
    assert name in caught.value.detail


@pytest.mark.parametrize(
    "text",
    [
        '<svg:svg xmlns:svg="http://www.w3.org/2000/svg">',
        '<?xml version="1.0" encoding="UTF-8"?>\n<!-- a --><!-- b -->\n<s:svg xmlns:s="http://www.w3.org/2000/svg">',
        '<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x"><svg>',
        '<my-ns:svg xmlns:my-ns="http://www.w3.org/2000/svg">',
        '<a.b:svg xmlns:a.b="http://www.w3.org/2000/svg">',
        '<é:svg xmlns:é="http://www.w3.org/2000/svg">',
        '<!DOCTYPE my-ns:svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "x">',
        '<?xml version="1.0"?><?xml-stylesheet href="a.css"?><!-- a -->\n<svg>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_an_svg_drawing_is_one_with_any_prefix(text: str, encoding: str) -> None:
    with pytest.raises(PictureError, match="an SVG drawing"):
        recognise(text.encode(encoding))


def test_an_svg_drawing_is_one_behind_a_long_licence() -> None:
    text = f"<?xml version='1.0'?>\n<!--{'Permission is hereby granted. ' * 100}-->\n<svg>"
    with pytest.raises(PictureError, match="an SVG drawing"):
        preprocess(text.encode(), SPEC, Limits())


def test_many_comments_take_no_time() -> None:
    with pytest.raises(PictureError, match="as no known picture does"):
        recognise(b"<!---->" * 2000 + b"<x")


@pytest.mark.parametrize("type", [1, 2, 3, 9, 10, 11])
@pytest.mark.parametrize("depth", [8, 16, 24, 32])
def test_a_tga_picture_is_no_icon(type: int, depth: int) -> None:
    is_mapped = type in (1, 9)
    table = struct.pack("<HHB", 0, 256, 24) if is_mapped else bytes(5)
    head = struct.pack("<BBB", 0, is_mapped, type) + table
    head += struct.pack("<HHHHBB", 0, 0, 64, 48, min(depth, 16) if is_mapped else depth, 0x20)
    with pytest.raises(PictureError, match="a TGA picture"):
        recognise(head + bytes(100))
