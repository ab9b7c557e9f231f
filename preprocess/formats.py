"""The formats that are read: a closed list. A file's format is recognised by its content, never by its name or content
type.

A new format is one row in FORMATS and one test picture in tests/unit/gallery.py. docs/formats.md is made from the rows.
"""

import re
from dataclasses import dataclass

from preprocess.errors import PictureError, Reason

HEAD_BYTES = 16_384
"""How much of a file `recognise` needs to see: a drawing may begin with a long licence."""


@dataclass(frozen=True)
class Format:
    """One format: its name in records and in Pillow, how its files begin, and what we read of them."""

    name: str
    signature: re.Pattern[bytes]
    variants: str


def _row(name: str, signature: bytes, variants: str) -> Format:
    return Format(name, re.compile(signature, re.DOTALL), variants)


_BRANDS = rb"....ftyp(?=.{0,64}"  # the major brand, and the compatible ones behind it

FORMATS = (
    _row("JPEG", rb"\xff\xd8\xff", "baseline, progressive, lossless; gray, RGB, CMYK, YCCK; multi-picture: the first"),
    _row("PNG", rb"\x89PNG\r\n\x1a\n", "1 to 16 bits, palette, alpha, interlaced; animated: the first frame"),
    _row("WEBP", rb"RIFF....WEBP", "lossy, lossless, alpha; animated: the first frame"),
    _row("AVIF", _BRANDS + rb"(avif|avis))", "8 to 12 bits, alpha; sequences: the first frame"),
    _row("HEIF", _BRANDS + rb"(hei[csmx]|hev[csmx]|mif1|msf1))", "HEIC of phones; several pictures: the main one"),
    _row("GIF", rb"GIF8[79]a", "palette, transparency; animated: the first frame"),
    _row(
        "TIFF",
        rb"II\*\0|MM\0\*|MM\*\0|II\0\*|MM\0\+|II\+\0",
        "strips, tiles; 1 to 32 bits, float; LZW, Deflate, PackBits, JPEG, CCITT, Zstandard; many pages: the first",
    ),
    _row("BMP", rb"BM", "1 to 32 bits, RLE"),
    _row("JPEG2000", rb"\0\0\0\x0cjP  \r\n\x87\n|\xff\x4f\xff\x51", "JP2 and code streams, 8 and 16 bits, alpha"),
)

NOT_READ = (
    ("a DICOM picture", rb".{128}DICM"),
    ("a PDF document", rb"%PDF-"),
    ("a PostScript document", rb"%!PS|\xc5\xd0\xd3\xc6"),
    ("a RAW photo (Canon CR2)", rb"(II\*\0|MM\0\*)....CR\x02"),
    ("a RAW photo (Canon CR3)", rb"....ftypcrx "),
    ("a RAW photo (Canon CRW)", rb"II\x1a\0\0\0HEAPCCDR"),
    ("a RAW photo (Fujifilm)", rb"FUJIFILMCCD-RAW"),
    ("a RAW photo (Olympus)", rb"IIR[OS]|MMOR"),
    ("a RAW photo (Panasonic)", rb"IIU\0"),
    ("a RAW photo (Sigma)", rb"FOVb"),
    ("a video (MP4 or QuickTime)", rb"....(ftyp|moov|mdat|wide|free)"),
    ("a video (Matroska or WebM)", rb"\x1aE\xdf\xa3"),
    ("a video (AVI)", rb"RIFF....AVI "),
    ("a video (MPEG)", rb"\0\0\x01[\xb3\xba]|G.{187}G"),
    ("a video (Windows Media)", rb"0&\xb2u\x8ef\xcf\x11"),
    ("a video (Flash)", rb"FLV\x01"),
    ("a sound", rb"RIFF....WAVE|ID3|OggS|fLaC"),
    ("a JPEG XL picture", rb"\xff\x0a|\0\0\0\x0cJXL \r\n\x87\n"),
    ("a JPEG XR picture", rb"II\xbc[\0\x01]"),
    ("a Photoshop document", rb"8BPS"),
    ("a GIMP document", rb"gimp xcf"),
    ("an icon", rb"\0\0[\x01\x02]\0(?!\0\0)|icns"),
    (
        "a TGA picture",
        rb".\0[\x02\x03\x0a\x0b]\0{5}.{8}[\x08\x0f\x10\x18\x20]|.\x01[\x01\x09].{4}[\x0f\x10\x18\x20].{8}[\x08\x10]",
    ),
    ("an OpenEXR picture", rb"v/1\x01"),
    ("a Radiance picture", rb"#\?RADIANCE|#\?RGBE"),
    ("a FITS picture", rb"SIMPLE  ="),
    ("a Netpbm picture", rb"P[1-7fF]\s"),
    ("a DDS texture", rb"DDS "),
    ("a QOI picture", rb"qoif"),
    ("a DjVu document", rb"AT&TFORM"),
    ("an archive or Office document", rb"PK\x03\x04|\x1f\x8b|7z\xbc\xaf|Rar!|\xd0\xcf\x11\xe0"),
)

MARKUP = (
    ("an SVG drawing", r"(<!DOCTYPE\s+|<)([\w.-]+:)?svg\b"),
    ("an HTML page", r"(<!DOCTYPE\s+|<)html\b"),
)
"""How text begins, behind what may stand before the first element."""

_NOT_READ = tuple((name, re.compile(pattern, re.DOTALL | re.IGNORECASE)) for name, pattern in NOT_READ)

_MARKUP = tuple((name, re.compile(pattern, re.IGNORECASE)) for name, pattern in MARKUP)


def recognise(head: bytes) -> Format:
    """The format of a file that begins with these bytes (HEAD_BYTES are enough).

    Raises PictureError: `empty`; `unsupported_format` for a format that we know but do not read; else `not_an_image`.
    """
    if not head:
        raise PictureError(Reason.EMPTY, "The file has 0 bytes.")
    found = next((row for row in FORMATS if row.signature.match(head)), None)
    if found is not None and not (found.name == "TIFF" and _is_raw_photo(head)):
        return found
    for name, pattern in _NOT_READ:
        if pattern.match(head):
            raise unsupported(name)
    text = _from_first_element(head)
    for markup, form in _MARKUP:
        if form.match(text):
            raise unsupported(markup)
    raise PictureError(
        Reason.NOT_AN_IMAGE, f"The file begins with {head[:8].hex(' ')}, as no known picture does. Read are: {names()}."
    )


def unsupported(name: str) -> PictureError:
    """The error for a format that we know but do not read."""
    return PictureError(Reason.UNSUPPORTED_FORMAT, f"This is {name}, which is not read. Read are: {names()}.")


def names() -> str:
    """The names of the formats that are read, for a message."""
    return ", ".join(row.name for row in FORMATS)


def table() -> str:
    """The formats as a Markdown table."""
    rows = [f"| {row.name} | {row.variants} |" for row in FORMATS]
    return "\n".join(["| Format | Variants |", "|---|---|", *rows]) + "\n"


def _from_first_element(head: bytes) -> str:
    """The text from its DOCTYPE or first element on: what may stand before it is left out, declaration and comments."""
    text = head.decode("utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace").lstrip()
    while text.startswith(("<?", "<!--")):
        text = text.partition("?>" if text.startswith("<?") else "-->")[2].lstrip()
    return text


def _is_raw_photo(head: bytes) -> bool:
    """Whether a TIFF header is that of a RAW photo; decode.py recognises the others by their tags."""
    return head[8:11] == b"CR\x02"
