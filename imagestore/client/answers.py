"""What the API answers with, apart from records, jobs, versions of models and keys, which are the types of those rooms.

The web app has these types in imagestore/web/answers.py; a test holds the two together. Fields that a newer server adds
are ignored.
"""

from dataclasses import dataclass

from classify import ModelRef, Prediction
from imagestore.accounts.keys import Key
from imagestore.accounts.roles import Role
from imagestore.jobs.status import JobStatus
from imagestore.record import Record, Status
from preprocess import Area, ImageInfo


@dataclass(frozen=True)
class Pending:
    """An upload that has no final record yet. `Client.final` waits for it."""

    id: str
    name: str
    etag: str
    url: str
    status: str = "pending"


@dataclass(frozen=True)
class Classification:
    """What a model says of a picture that nobody kept. `top` in its prediction holds all labels, likeliest first."""

    status: Status
    label: str | None
    image: ImageInfo
    prediction: Prediction


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
class Deletion:
    """A deletion that was accepted. Until `until` (UTC) the token `undo` undoes it; both are None if it cannot be."""

    id: str
    undo: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class JobList:
    """One page of jobs, the `before` of the next page (None on the last), and whether a runner was heard of lately."""

    items: list[JobStatus]
    next: int | None
    has_runner: bool


@dataclass(frozen=True)
class Outdated:
    """How many pictures another model than the live one has classified."""

    pictures: int


@dataclass(frozen=True)
class Listing:
    """One page of records, and the `after` of the next page (None on the last)."""

    items: list[Record]
    next: str | None


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
    """One page of labelled pictures; `next` is the `after` of the next page, None on the last."""

    items: list[LabelledPicture]
    next: str | None


@dataclass(frozen=True)
class Me:
    """Who asks. `id` is what records and the audit log name; `means` is session, key, token or local."""

    id: str
    name: str
    email: str | None
    role: Role
    means: str


@dataclass(frozen=True)
class AccountInfo:
    """An account; `issuer` is where its owner signs in, None for who has a password with the web app."""

    id: str
    name: str
    email: str | None
    role: Role
    is_disabled: bool
    created_at: str
    issuer: str | None
    has_second_factor: bool = False


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
