"""Index tags on uploads: which there are, and how a label of any characters becomes a tag value and back.

A tag value may hold letters, digits, space and + - . / : = _ only. Every other character, and "=" itself, becomes
"=" and two hex digits for each byte of its UTF-8 form: "driver's licence" becomes "driver=27s licence".
"""

import re

from record import Record

LONGEST_VALUE = 256
_PLAIN = re.compile(r"[A-Za-z0-9 +\-./:_]")


def tags_of(record: Record) -> dict[str, str]:
    """status, label and `of`, the ETag of the upload that the other two speak of."""
    tags = {"status": str(record.status), "of": record.upload.etag if record.upload else ""}
    return tags if record.label is None else {**tags, "label": to_tag(record.label)}


def to_tag(text: str) -> str:
    """The text as a tag value; one longer than 256 characters is cut at a whole character."""
    value = ""
    for character in text:
        escaped = character
        if not _PLAIN.fullmatch(character):
            escaped = "".join(f"={byte:02X}" for byte in character.encode("utf-8", "replace"))
        if len(value) + len(escaped) > LONGEST_VALUE:
            break
        value += escaped
    return value


def from_tag(value: str) -> str:
    """The text that `to_tag` made this value of."""
    parts = re.split(r"((?:=[0-9A-F]{2})+)", value)
    return "".join(
        bytes.fromhex(part.replace("=", "")).decode("utf-8", "replace") if index % 2 else part
        for index, part in enumerate(parts)
    )
