"""Index tags on uploads: which there are, how they share a blob with a user's own, and how a label becomes a tag value.

Ours are `imagestore_etag` (the upload's version that the others describe), `status` and `label`. If a user has a tag
named `status` or `label`, it stays, and ours is called `imagestore_status` or `imagestore_label`. Azure takes ten tags
per blob. A user's own are never dropped, so with eight or more of them some or all of ours are left out.

A tag value may hold letters, digits, space and + - . / : = _ only. Every other character, and "=" itself, becomes "="
and two hex digits for each byte of its UTF-8 form: "driver's licence" becomes "driver=27s licence".
"""

import re
from collections.abc import Mapping

from imagestore.record import Record

LONGEST_VALUE = 256
MOST_TAGS = 10
"""Azure's limit per blob."""
ETAG = "imagestore_etag"
FORMER_ETAG = "of"
"""The name in version 0.1. It is still understood, and replaced when the tags are next set."""
_PREFIX = "imagestore_"
_SHARED = ("status", "label")
_LOOKS_LIKE_AN_ETAG = re.compile(r"0x[0-9A-Fa-f]+")
_PLAIN = re.compile(r"[A-Za-z0-9 +\-./:_]")


def tags_of(record: Record) -> dict[str, str]:
    """The tags that describe this record."""
    return tags_for(record.upload.etag if record.upload else "", str(record.status), record.label)


def tags_for(etag: str, status: str, label: str | None) -> dict[str, str]:
    """The tags of an upload with this status and label, the most important first."""
    tags = {ETAG: etag, "status": status}
    return tags if label is None else {**tags, "label": to_tag(label)}


def etag_in(tags: Mapping[str, str]) -> str | None:
    """The upload's version that our tags describe; None if none of the tags are ours."""
    if ETAG in tags:
        return tags[ETAG]
    former = tags.get(FORMER_ETAG)
    return former if former and _LOOKS_LIKE_AN_ETAG.fullmatch(former) else None


def merged(present: Mapping[str, str], ours: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """The tags to set on a blob that has the tags `present`, and the keys of ours that do not fit beside the user's
    own."""
    theirs = users(present)
    # These say for ever that the plain ones are the user's, also while we have no value for them. So they come first,
    # and where they do not all fit there must be no tag of ours, by which the plain ones would be taken for ours.
    needed = {_PREFIX + key: "" for key in _SHARED if key in theirs}
    wanted = needed | {_key(key, theirs): value for key, value in ours.items()}
    room = MOST_TAGS - len(theirs)
    fitting = dict(list(wanted.items())[:room]) if len(needed) <= room else {}
    return {**theirs, **fitting}, [key for key in wanted if key not in fitting]


def users(present: Mapping[str, str]) -> dict[str, str]:
    """Of the tags on a blob a user's own."""
    return {key: value for key, value in present.items() if not _is_ours(key, present)}


def agree(present: Mapping[str, str], ours: Mapping[str, str]) -> bool:
    """Whether setting our tags would change nothing."""
    former = {
        ETAG if key == FORMER_ETAG and etag_in(present) == value else key: value for key, value in present.items()
    }
    return merged(former, ours)[0] == former


def to_tag(text: str) -> str:
    """The text encoded as a tag value. A text that would exceed 256 characters is cut, at a whole character."""
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
    """The text that `to_tag` encoded as this value."""
    parts = re.split(r"((?:=[0-9A-F]{2})+)", value)
    return "".join(
        bytes.fromhex(part.replace("=", "")).decode("utf-8", "replace") if index % 2 else part
        for index, part in enumerate(parts)
    )


def _is_ours(key: str, present: Mapping[str, str]) -> bool:
    if key in (ETAG, *(_PREFIX + shared for shared in _SHARED)):
        return True
    if key == FORMER_ETAG:
        return ETAG not in present and etag_in(present) is not None
    return key in _SHARED and etag_in(present) is not None and _PREFIX + key not in present


def _key(key: str, theirs: Mapping[str, str]) -> str:
    return _PREFIX + key if key in theirs else key
