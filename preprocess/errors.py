"""The errors of a picture, and of the process that decodes it."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a picture was rejected. The list is closed; docs/formats.md explains each."""

    EMPTY = "empty"
    NOT_AN_IMAGE = "not_an_image"
    UNSUPPORTED_FORMAT = "unsupported_format"
    CORRUPT = "corrupt"
    TRUNCATED = "truncated"
    TOO_MANY_BYTES = "too_many_bytes"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_SMALL = "too_small"
    NAME_TOO_LONG = "name_too_long"
    DECODE_TIMEOUT = "decode_timeout"
    DECODER_CRASHED = "decoder_crashed"


class PictureError(Exception):
    """The picture cannot be used. `detail` is a sentence for a person: the value, the limit, the setting."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class DecoderFailed(Exception):
    """The decode child failed through no fault of the picture, such as by running out of memory; trying again may
    help."""


class NotStaged(ValueError):
    """These bytes are not a staged picture that we wrote."""
