"""What the API answers with, apart from records (record.py) and versions of models (store/models.py)."""

from dataclasses import dataclass
from typing import Any

from classify import ModelRef, Prediction
from imagestore.accounts.audit import Entry
from imagestore.accounts.callers import Means
from imagestore.accounts.keys import Key
from imagestore.accounts.roles import Role
from imagestore.accounts.sessions import Session
from imagestore.jobs.status import JobStatus
from imagestore.record import Record, Status
from preprocess import Area, ImageInfo


@dataclass(frozen=True)
class Pending:
    """An upload that has no final record yet: ask `url` again, or follow the events."""

    id: str
    name: str
    etag: str
    url: str
    status: str = "pending"


@dataclass(frozen=True)
class Classification:
    """What a model says of a picture. `top` in its prediction holds all labels, the likeliest first."""

    status: Status
    label: str | None
    image: ImageInfo
    prediction: Prediction


@dataclass(frozen=True)
class Deletion:
    """A deletion that was accepted.

    Until `until` (UTC) it can be undone with the token `undo`; both are null if it cannot.
    """

    id: str
    undo: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class JobList:
    """One page of jobs, the `before` of the next page (null on the last), and whether a runner was heard of lately."""

    items: list[JobStatus]
    next: int | None
    has_runner: bool


@dataclass(frozen=True)
class Outdated:
    """How many pictures another model than the live one has classified."""

    pictures: int


@dataclass(frozen=True)
class Health:
    """What is wrong with each part; null if nothing is."""

    status: str
    checks: dict[str, str | None]


@dataclass(frozen=True)
class Listing:
    """One page of records, and the `after` of the next page (null on the last)."""

    items: list[Record]
    next: str | None


@dataclass(frozen=True)
class Counts:
    """How many pictures there are: in all, and by status, label and reason, the most frequent first.

    With `is_capped` there are more: only the first 10,000 that pass the filter were counted, of those that have a word
    that is searched for the newest.
    """

    total: int
    statuses: dict[str, int]
    labels: dict[str, int]
    reasons: dict[str, int]
    is_capped: bool = False


@dataclass(frozen=True)
class Alike:
    """A picture that is like another: `similarity` is the cosine between their vectors, 1 for the same."""

    record: Record
    similarity: float


@dataclass(frozen=True)
class Similar:
    """The pictures most like one, the most alike first, and among how many they were looked for (`compared`). Not
    compared were the oldest, `left_out`, where there are too many, and `others` that another network has classified, or
    none that gives features.
    """

    items: list[Alike]
    compared: int
    left_out: int
    others: int


@dataclass(frozen=True)
class LearnedAlike:
    """A picture that a model learned from, by the SHA-256 of its file, with the labels that it was learned with (none:
    it shows none of them). `similarity` is the cosine between the two vectors, 1 for the same."""

    sha256: str
    labels: list[str]
    similarity: float


@dataclass(frozen=True)
class Nearest:
    """The pictures most like one, the most alike first, among `compared` of those that this version of the project's
    model learned from; if none can be told, `problem` says why."""

    project: str
    model: ModelRef
    items: list[LearnedAlike]
    compared: int
    problem: str | None = None


@dataclass(frozen=True)
class Why:
    """Where in a picture the label comes from, by this model: `shares` are rows of columns of numbers, which cover the
    `area` of the picture from its upper left corner. What is above zero speaks for the label, what is below against it.
    `where` says the same in a sentence. `labels` are some that can be asked for.
    """

    label: str
    labels: list[str]
    model: ModelRef
    shares: list[list[float]]
    area: Area
    where: str


@dataclass(frozen=True)
class Duplicates:
    """Pictures with the same bytes (`exact`), and pictures that look alike (`near`, the nearest first)."""

    exact: list[Record]
    near: list[Record]


@dataclass(frozen=True)
class Label:
    """A label, and how many pictures have it."""

    label: str
    count: int


@dataclass(frozen=True)
class LabelledPicture:
    """A picture that a project learns from: the name of the file that it came from, what it shows, and its part."""

    sha256: str
    name: str
    labels: list[str]
    negative: bool
    part: str | None


@dataclass(frozen=True)
class LabelledList:
    """One page of labelled pictures; `next` is the `after` of the next page, null on the last."""

    items: list[LabelledPicture]
    next: str | None


@dataclass(frozen=True)
class Hour:
    """How many pictures came in one hour (UTC, such as 2026-11-21T09), by status."""

    hour: str
    statuses: dict[str, int]


@dataclass(frozen=True)
class Cause:
    """How many pictures have no prediction because of this reason."""

    status: Status
    reason: str
    count: int


@dataclass(frozen=True)
class Overview:
    """The dashboard's figures.

    `hours` are the last 24, oldest first, with the empty ones. `confidence` is how many pictures lie in each twentieth
    from 0 to 1. `causes` begins with the most frequent. `queues` is about how many messages each holds, null if it does
    not answer.
    """

    hours: list[Hour]
    confidence: list[int]
    causes: list[Cause]
    queues: dict[str, int | None]


@dataclass(frozen=True)
class Me:
    """Who asks. `id` is what records and the audit log name; a key that has no owner has an id of its own."""

    id: str
    name: str
    email: str | None
    role: Role
    means: Means


@dataclass(frozen=True)
class SessionInfo:
    """Where somebody is signed in; `is_this` marks the session that asks."""

    id: str
    created_at: str
    seen_at: str
    expires_at: str
    address: str
    agent: str
    is_this: bool


@dataclass(frozen=True)
class PersonalData:
    """All that is kept of a person."""

    account: dict[str, Any]
    sessions: list[Session]
    keys: list[Key]
    audit: list[Entry]


@dataclass(frozen=True)
class AccountInfo:
    """An account; `issuer` is where its owner signs in, null for who has a password here."""

    id: str
    name: str
    email: str | None
    role: Role
    is_disabled: bool
    created_at: str
    issuer: str | None
    has_second_factor: bool


@dataclass(frozen=True)
class Invitation:
    """An invitation that nobody has accepted yet. `by` is the account that made it."""

    id: str
    email: str | None
    role: Role
    by: str
    created_at: str
    expires_at: str


@dataclass(frozen=True)
class OneTimeLink:
    """A link that works once. Its address is shown this one time."""

    id: str
    url: str
    expires_at: str


@dataclass(frozen=True)
class NewKey:
    """A key that was made. `secret` is the key itself, shown this one time."""

    secret: str
    key: Key


@dataclass(frozen=True)
class AuditPage:
    """Entries of the audit log, the newest first; `next` is the `after` of the next page, null on the last."""

    items: list[Entry]
    next: str | None


@dataclass(frozen=True)
class AccessToken:
    """A token for the header Authorization, good for `expires_in` seconds. `scope` is the role it has."""

    access_token: str
    expires_in: int
    scope: Role
    token_type: str = "Bearer"
