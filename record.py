"""The picture's record: the one document that the Cosmos item, the result blob and the API share.

Plain dataclasses; store/documents.py reads and writes them as JSON. Times are UTC, ISO 8601 with milliseconds; sizes
are bytes, durations milliseconds.
"""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from errors import PictureError, Reason

SCHEMA_VERSION = 1

Metadata = dict[str, Any]
"""Camera, exposure, dates and JFIF fields: JSON values without NaN or lone surrogates."""


class Status(StrEnum):
    """What became of an upload."""

    CLASSIFIED = "classified"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    FAILED = "failed"
    DELETED = "deleted"


@dataclass(frozen=True)
class ImageSpec:
    """What a model takes: width × height pixels, 1 (gray) or 3 (RGB) channels.

    `crop` is the share of the short side that the centred crop keeps (0 < crop ≤ 1).
    """

    width: int
    height: int
    channels: int
    crop: float


@dataclass(frozen=True)
class Upload:
    """The blob that was dropped. `sha256` is null where a size check stopped the download."""

    etag: str
    size_bytes: int
    content_type: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class ImageInfo:
    """What the file itself says. `width` and `height` are as stored, before `orientation` (EXIF, 1 to 8) is applied."""

    format: str
    width: int
    height: int
    mode: str
    frames: int = 1
    orientation: int = 1
    taken_at: str | None = None
    phash: str | None = None
    metadata: Metadata = field(default_factory=dict)


@dataclass(frozen=True)
class Staged:
    """The preprocessed picture in the staging container."""

    name: str
    size_bytes: int
    width: int
    height: int
    channels: int
    crop: float

    @property
    def spec(self) -> ImageSpec:
        """What it was made for."""
        return ImageSpec(self.width, self.height, self.channels, self.crop)


@dataclass(frozen=True)
class Score:
    """One class and its probability (0 to 1)."""

    label: str
    probability: float


@dataclass(frozen=True)
class ModelRef:
    """Which model said so."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Earlier:
    """What another model had said of the same picture."""

    label: str
    confidence: float
    model: ModelRef


@dataclass(frozen=True)
class Prediction:
    """The model's answer. `margin` is the lead over the second class; under `threshold` the status is unknown.

    `earlier` is the answer of the model before, where that was another label of those that this one knows.
    """

    label: str
    confidence: float
    margin: float
    threshold: float
    top: tuple[Score, ...]
    model: ModelRef
    earlier: Earlier | None = None

    @property
    def is_known(self) -> bool:
        """Whether the confidence reaches the threshold."""
        return self.confidence >= self.threshold


@dataclass(frozen=True)
class Correction:
    """What a person said instead, and what the model had said by then.

    `drawn`: the picture was drawn at random for review, not chosen for what it looks like or what was said of it.
    """

    label: str
    account: str
    at: str
    predicted: str | None = None
    model: ModelRef | None = None
    drawn: bool = False


@dataclass(frozen=True)
class Problem:
    """Why there is no prediction: a reason of `errors.Reason`, or the class of the error of a service."""

    step: str
    reason: str
    detail: str

    @property
    def is_the_pictures(self) -> bool:
        """Whether the picture itself is at fault, and trying again cannot help."""
        return self.reason in set(Reason)


@dataclass(frozen=True)
class Record:
    """One upload and everything known of it. `label` is what people search: the correction, else the prediction."""

    id: str
    name: str
    status: Status | None = None
    label: str | None = None
    upload: Upload | None = None
    image: ImageInfo | None = None
    staged: Staged | None = None
    prediction: Prediction | None = None
    correction: Correction | None = None
    problem: Problem | None = None
    timings_ms: dict[str, int] = field(default_factory=dict)
    uploaded_at: str | None = None
    staged_at: str | None = None
    finished_at: str | None = None
    trace_id: str | None = None
    schema_version: int = SCHEMA_VERSION

    def finished(self, at: str) -> "Record":
        """The final record: status and label follow from what was found, never from the caller."""
        label = None
        if self.problem is not None:
            status = Status.REJECTED if self.problem.is_the_pictures else Status.FAILED
        elif self.prediction is not None and self.prediction.is_known:
            status, label = Status.CLASSIFIED, self.prediction.label
        else:
            status = Status.UNKNOWN
        if self.correction is not None:
            label = self.correction.label
        return replace(self, status=status, label=label, finished_at=at)

    def says_the_same_as(self, other: "Record") -> bool:
        """Whether both speak of one version of the upload and came to one outcome, times and digits apart."""
        return self._outcome() == other._outcome()

    def _outcome(self) -> tuple[object, ...]:
        return (
            self.upload and self.upload.etag,
            self.status,
            self.label,
            self.correction,
            self.problem and (self.problem.reason, self.problem.detail),
            self.staged and self.staged.spec,
            self.prediction and (self.prediction.model, self.prediction.label, self.prediction.threshold),
        )


def record_id(name: str) -> str:
    """The id of an upload's record: the first 32 hex digits of the SHA-256 of its blob name."""
    return hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:32]


def tombstone(name: str, at: str) -> Record:
    """The record of an upload that is gone."""
    return Record(record_id(name), name, status=Status.DELETED, finished_at=at)


def rejection(step: str, error: PictureError) -> Problem:
    """The problem of a picture that cannot be used."""
    return Problem(step, str(error.reason), error.detail)


def utc(moment: datetime | None = None) -> str:
    """A moment (now, if none is given) in UTC as ISO 8601 with milliseconds, such as 2026-11-21T09:00:00.070Z."""
    moment = (moment or datetime.now(UTC)).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
