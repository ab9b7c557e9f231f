"""The record of a picture: one document, which the Cosmos item, the result blob and the API share.

Plain dataclasses; store/documents.py reads and writes them as JSON. Times are UTC, ISO 8601 with milliseconds; sizes
are bytes, durations milliseconds.
"""

import hashlib
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal

from classify import ModelRef, Prediction, Vector
from preprocess import Fit, ImageInfo, ImageSpec, PictureError, Reason
from preprocess.metadata import LOCATION

SCHEMA_VERSION = 2
LONGEST_NAME = 1019
"""The most characters of an upload's name. Azure takes 1,024; the result's name is five longer than the upload's."""


class Status(StrEnum):
    """The outcome of an upload."""

    CLASSIFIED = "classified"
    UNKNOWN = "unknown"
    REJECTED = "rejected"
    FAILED = "failed"
    DELETED = "deleted"


@dataclass(frozen=True)
class Upload:
    """The uploaded blob. `sha256` is null if the file was too large to be read."""

    etag: str
    size_bytes: int
    content_type: str | None = None
    sha256: str | None = None


@dataclass(frozen=True)
class Staged:
    """The preprocessed picture in the staging container.

    `fit` says how it was brought to the model's proportions (records of version 0.1 have none: it was cropped), and
    `pad_value` is the level of what was added to a padded one. A `plain` one was decoded as most programs do.
    """

    name: str
    size_bytes: int
    width: int
    height: int
    channels: int
    crop: float
    fit: Fit = Fit.CROP
    pad_value: int = 0
    plain: bool = False

    @property
    def spec(self) -> ImageSpec:
        """The form that it was brought to."""
        return ImageSpec(self.width, self.height, self.channels, self.crop, self.fit, self.pad_value, self.plain)


@dataclass(frozen=True)
class Correction:
    """The label that a person gave a picture, and what the model had predicted until then.

    `random_sample` says that the picture was drawn at random for review, not chosen for its look or its prediction.
    `sha256` is that of the picture which the person saw (null in records of version 0.1): the correction holds for no
    other picture. Where several labels may hold, `labels` are all that do, of which `label` is the first, and
    `predicted_labels` those that the model had predicted.
    """

    label: str
    account: str
    at: str
    predicted: str | None = None
    model: ModelRef | None = None
    random_sample: bool = False
    sha256: str | None = None
    labels: tuple[str, ...] | None = None
    predicted_labels: tuple[str, ...] | None = None

    @property
    def confirms(self) -> bool:
        """Whether the model had predicted the same."""
        if self.labels is not None and self.predicted_labels is not None:
            return set(self.labels) == set(self.predicted_labels)
        return self.predicted == self.label


Said = Literal["correction", "wrong"]
"""The fields of a record that hold what people have said."""


@dataclass(frozen=True)
class WrongAnswer:
    """A person's word that what the model `predicted` is wrong, where nobody has said what is right.

    It holds for this answer, whichever model gives it, of the picture with this `sha256`, and as long as there is no
    correction. Where several labels may hold, `predicted_labels` are all that were predicted: not all of them hold.
    """

    account: str
    at: str
    predicted: str
    model: ModelRef
    sha256: str | None = None
    predicted_labels: tuple[str, ...] | None = None


@dataclass(frozen=True)
class Failure:
    """Why there is no prediction: one of `preprocess.Reason`, or the class of another error, such as Unavailable."""

    step: str
    reason: str
    detail: str

    @property
    def is_the_pictures(self) -> bool:
        """Whether the picture itself is at fault, so that trying again cannot help."""
        return self.reason in set(Reason)


@dataclass(frozen=True)
class Record:
    """Everything known about one upload. `label` is what people search: the correction, else the prediction, unless
    somebody has said that it is `wrong`.

    Where several labels may hold, `labels` are all that do, the surest first, of which `label` is the first; null of a
    model whose classes exclude each other. `project` is the one whose model classifies the upload; null for the model
    that came with the app, and in records of version 1. A record with status `failed` may keep a correction: until the
    upload can be read, nobody knows whether it is the picture that the person saw.
    """

    id: str
    name: str
    status: Status | None = None
    label: str | None = None
    upload: Upload | None = None
    image: ImageInfo | None = None
    staged: Staged | None = None
    prediction: Prediction | None = None
    correction: Correction | None = None
    problem: Failure | None = None
    timings_ms: dict[str, int] = field(default_factory=dict)
    uploaded_at: str | None = None
    staged_at: str | None = None
    finished_at: str | None = None
    trace_id: str | None = None
    project: str | None = None
    labels: tuple[str, ...] | None = None
    schema_version: int = SCHEMA_VERSION
    wrong: WrongAnswer | None = None

    @property
    def work_ms(self) -> int | None:
        """How long our code worked on the picture, in milliseconds; None if that is not known."""
        return sum(self.timings_ms.values()) if self.timings_ms else None

    def finished(self, at: str) -> "Record":
        """The final record: its status and label follow from prediction, problem and correction."""
        label = None
        if self.problem is not None:
            status = Status.REJECTED if self.problem.is_the_pictures else Status.FAILED
        elif self.prediction is not None and self.prediction.is_known:
            status, label = Status.CLASSIFIED, self.prediction.label
        else:
            status = Status.UNKNOWN
        labels = self.predicted_labels
        if self.correction is not None and self._is_of_the_picture(self.correction.sha256):
            label = self.correction.label
            labels = self.correction.labels or (None if labels is None else (label,))
        elif self.is_wrong:
            label, labels = None, None if labels is None else ()
        return replace(self, status=status, label=label, labels=labels, finished_at=at)

    def with_vector(self, vector: Vector | None) -> "Record":
        """The same record with this vector, or with None without any, as the API and the lists have it."""
        values = {one.name: getattr(self, one.name) for one in fields(Record)}
        return Record(**values) if vector is None else RecordWithVector(**values, vector=vector)

    def says_the_same_as(self, other: "Record") -> bool:
        """Whether both are of the same version of the upload and have the same outcome; times and digits may differ."""
        return self._outcome() == other._outcome()

    @property
    def predicted_labels(self) -> tuple[str, ...] | None:
        """All labels that the model answers with, where several may hold; None for a model of one label."""
        if self.prediction is None or self.prediction.labels is None:
            return None
        return tuple(score.label for score in self.prediction.labels) if self.prediction.is_known else ()

    @property
    def is_wrong(self) -> bool:
        """Whether somebody has said that the model's answer is wrong, and nobody what is right."""
        if self.wrong is None or self.correction is not None or self.prediction is None or not self.prediction.is_known:
            return False
        answer = (self.prediction.label, set(self.predicted_labels or ()))
        said = (self.wrong.predicted, set(self.wrong.predicted_labels or ()))
        return answer == said and self._is_of_the_picture(self.wrong.sha256)

    def _is_of_the_picture(self, sha256: str | None) -> bool:
        return sha256 is None or sha256 == (self.upload.sha256 if self.upload else None)

    def _outcome(self) -> tuple[object, ...]:
        return (
            self.upload and self.upload.etag,
            self.status,
            self.label,
            self.labels,
            self.project,
            self.correction,
            self.wrong,
            self.problem and (self.problem.reason, self.problem.detail),
            self.staged and self.staged.spec,
            self.prediction and (self.prediction.model, self.prediction.label, self.prediction.threshold),
        )


@dataclass(frozen=True)
class RecordWithVector(Record):
    """A record as the stores keep it: with the picture's vector, by which look-alikes are found.

    Records of version 0.1, and those of models without features, have none.
    """

    vector: Vector | None = None

    def _outcome(self) -> tuple[object, ...]:
        """Two machines may compute vectors that differ in a digit; what counts is of which network they are."""
        return (*super()._outcome(), self.vector and self.vector.backbone)


FORMER_REASONS = {"Unavailable": ("Away",), "NotFound": ("Missing",)}
"""The names of a service's errors in version 0.1; its records still have them."""


def reasons_like(reason: str) -> tuple[str, ...]:
    """This reason, and its names in earlier versions."""
    return (reason, *FORMER_REASONS.get(reason, ()))


def stored_name(name: str) -> str:
    """The name under which Azure Storage keeps the blob: with a slash for every backslash.

    Events, commands and pages may still name the blob with backslashes; its record has one id.
    """
    return name.replace("\\", "/")


LONGEST_BLOB_NAME = 1024
"""In characters, as Azure counts them."""


def is_utf8(name: str) -> bool:
    """Whether a blob can have this name. A file name that is not UTF-8 holds surrogates in Python."""
    try:
        name.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def can_be_stored(name: str) -> bool:
    """Whether Azure Storage can keep a blob that is called so.

    In an address a part that is '.' or '..' means a folder: such a name would lead out of its container.
    """
    is_within = not {".", ".."} & set(stored_name(name).split("/"))
    return is_within and 0 < len(name) <= LONGEST_BLOB_NAME and is_utf8(name)


RANDOM_BELOW = "1999999a"
"""Ids are hex digits of a hash: a tenth of them is smaller, which is the random sample that review asks about."""


def record_id(name: str) -> str:
    """The id of an upload's record: the first 32 hex digits of the SHA-256 of the name that Azure Storage keeps."""
    return hashlib.sha256(stored_name(name).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def tombstone(name: str, at: str) -> Record:
    """The record of an upload that no longer exists."""
    return Record(record_id(name), name, status=Status.DELETED, finished_at=at)


def without_location(record: Record) -> Record:
    """The record as it is shown to whoever may not know where the picture was taken."""
    if record.image is None or not record.image.metadata.keys() & LOCATION:
        return record
    metadata = {name: value for name, value in record.image.metadata.items() if name not in LOCATION}
    return replace(record, image=replace(record.image, metadata=metadata))


def rejection(step: str, error: PictureError) -> Failure:
    """The reason for a rejection, as the record holds it."""
    return Failure(step, str(error.reason), error.detail)


def utc(moment: datetime | None = None) -> str:
    """A moment (now, if none is given) in UTC as ISO 8601 with milliseconds, such as 2026-11-21T09:00:00.070Z."""
    moment = (moment or datetime.now(UTC)).astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
