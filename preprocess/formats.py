"""The pictures that are read: a closed list, told by content alone, never by name or content type.

A new format is one row in FORMATS and one test picture. docs/formats.md is made from these rows.
"""

import re
from dataclasses import dataclass

from errors import PictureError, Reason

HEAD_BYTES = 64
"""How much of a file `recognise` needs to see."""


@dataclass(frozen=True)
class Format:
    """One row: its name in records, the Pillow plugin that decodes it, and how its files begin."""

    name: str
    plugin: str
    signature: re.Pattern[bytes]
    variants: str


def _row(name: str, signature: bytes, variants: str) -> Format:
    return Format(name, name, re.compile(signature, re.DOTALL), variants)


FORMATS = (
    _row("JPEG", rb"\xff\xd8\xff", "baseline, progressive, gray, RGB, CMYK, YCCK"),
    _row("PNG", rb"\x89PNG\r\n\x1a\n", "1 to 16 bits, palette, alpha, interlaced; animated: the first frame"),
    _row("WEBP", rb"RIFF....WEBP", "lossy, lossless, alpha; animated: the first frame"),
)

STRANGERS = (
    ("a PDF document", rb"%PDF-"),
    ("a PostScript document", rb"%!PS"),
    ("an SVG drawing", rb"(\xef\xbb\xbf)?\s*(<\?xml[^>]*>\s*)?(<!--.*?-->\s*)*(<!DOCTYPE svg|<svg)"),
    ("an HTML page", rb"\s*(<!DOCTYPE html|<html)"),
    ("a video (MP4 or QuickTime)", rb"....(ftyp(isom|iso\d|mp4|avc1|qt  |M4V|3gp)|moov|mdat)"),
    ("a video (Matroska or WebM)", rb"\x1aE\xdf\xa3"),
    ("a video (AVI)", rb"RIFF....AVI "),
    ("a RAW photo (Canon CR3)", rb"....ftypcrx "),
    ("a ZIP archive or Office document", rb"PK\x03\x04"),
)

_STRANGERS = tuple((name, re.compile(pattern, re.DOTALL | re.IGNORECASE)) for name, pattern in STRANGERS)


def recognise(head: bytes) -> Format:
    """The format of a file that begins with these bytes (HEAD_BYTES are enough).

    Raises PictureError: `empty`, `unsupported_format` for a known stranger, else `not_an_image`.
    """
    if not head:
        raise PictureError(Reason.EMPTY, "The file has 0 bytes.")
    for row in FORMATS:
        if row.signature.match(head):
            return row
    for name, pattern in _STRANGERS:
        if pattern.match(head):
            raise PictureError(Reason.UNSUPPORTED_FORMAT, f"This is {name}, which is not read. Read are: {names()}.")
    raise PictureError(
        Reason.NOT_AN_IMAGE, f"The file begins with {head[:8].hex(' ')}, as no known picture does. Read are: {names()}."
    )


def names() -> str:
    """The formats that are read, for a message."""
    return ", ".join(row.name for row in FORMATS)


def table() -> str:
    """The formats as a Markdown table."""
    rows = [f"| {row.name} | {row.variants} |" for row in FORMATS]
    return "\n".join(["| Format | Variants |", "|---|---|", *rows]) + "\n"
