"""Everything that can go wrong, as one tree.

    ImageStoreError
    ├── PictureError      the picture's own fault: never retried, becomes a record with status "rejected"
    ├── ModelError        a model file that cannot be used
    ├── SettingsError     a setting that is missing or wrong
    └── StoreError
        ├── Missing       the blob, item, container or database is not there
        ├── Conflict      somebody else wrote first (409, 412): read again and start over
        └── Away          the service did not answer, or answered that it cannot: retried later

Any other exception that leaves a step is a fault of ours, and is retried like `Away`.
"""

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


class ImageStoreError(Exception):
    """The root of the tree."""


class PictureError(ImageStoreError):
    """The picture cannot be used. `detail` is a sentence for a person: the value, the limit, the setting."""

    def __init__(self, reason: Reason, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason = reason
        self.detail = detail


class ModelError(ImageStoreError):
    """The model file cannot be used; the message says what is missing or wrong."""


class SettingsError(ImageStoreError):
    """A setting is missing or wrong; the message names it, its value and what is allowed."""


class StoreError(ImageStoreError):
    """A store did not do what it was asked."""


class Missing(StoreError):
    """The blob, item, container or database is not there."""


class Conflict(StoreError):
    """The thing was changed by somebody else since it was read."""


class Away(StoreError):
    """The service did not answer, or answered that it cannot now."""
