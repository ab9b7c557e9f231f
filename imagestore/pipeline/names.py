"""The names of the blobs that are made of an upload."""

from imagestore.record import LONGEST_NAME, record_id

RENDITIONS = {"thumbnail": 384, "preview": 1600}
"""Small pictures for people to look at, and their longest side in pixels."""
_STAGED = ".png"
_RESULT = ".json"
_RESULTS_OF_LONG_NAMES = "name_too_long/"
"""The result's name does not end with `.json` here, so that it cannot be that of another upload."""


def staged_name(name: str) -> str:
    """The name of the staged blob of an upload."""
    return name + _STAGED


def upload_name(staged: str) -> str:
    """The name of the upload that this staged blob was made of."""
    return staged.removesuffix(_STAGED)


def result_name(name: str) -> str:
    """The name of an upload's result blob. If that would be too long, it is made of the record's id."""
    return name + _RESULT if len(name) <= LONGEST_NAME else _RESULTS_OF_LONG_NAMES + record_id(name)


def former_result_name(name: str) -> str:
    """The name that version 0.1 gave the result blob. For a long name, another upload's could be the same."""
    return result_name(name) if len(name) <= LONGEST_NAME else record_id(name) + _RESULT


def upload_of_result(result: str) -> str | None:
    """The upload this result blob belongs to; None if the name does not tell."""
    return result.removesuffix(_RESULT) if result.endswith(_RESULT) else None


def rendition_name(id: str, kind: str) -> str:
    """The name of a rendition's blob in `thumbnails`; `kind` is one of RENDITIONS."""
    return f"{id}.{kind}.webp"
