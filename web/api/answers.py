"""What the API answers, beside records."""

from dataclasses import dataclass

from record import Record, Status
from store import Entry
from web.jobs import State
from web.versions import Version


@dataclass(frozen=True)
class Pending:
    """An upload without a final record yet: look at `url` again, or watch the events."""

    id: str
    name: str
    etag: str
    url: str
    status: str = "pending"


@dataclass(frozen=True)
class Listing:
    """Records, and the value of `after` for the next page (null at the end)."""

    items: list[Record]
    next: str | None


@dataclass(frozen=True)
class Deletion:
    """A deletion that was taken on. Until `until` (UTC) it can be undone with `undo`; both are null where it cannot."""

    id: str
    undo: str | None = None
    until: str | None = None


@dataclass(frozen=True)
class Label:
    """A label, and how many pictures have it."""

    label: str
    count: int


@dataclass(frozen=True)
class Hour:
    """How many pictures came in one hour (UTC), by status."""

    hour: str
    statuses: dict[str, int]


@dataclass(frozen=True)
class Cause:
    """How many pictures have no prediction for this reason."""

    status: Status
    reason: str
    count: int


@dataclass(frozen=True)
class Overview:
    """`confidence`: how many pictures lie in each twentieth from 0 to 1; `queues`: messages that wait, by queue."""

    hours: list[Hour]
    confidence: list[int]
    causes: list[Cause]
    queues: dict[str, int | None]


@dataclass(frozen=True)
class ModelList:
    """Versions, newest first; `live` is null while the default model is, and was never replaced."""

    versions: list[Version]
    live: Entry | None
    previous: list[Entry]


@dataclass(frozen=True)
class JobStatus:
    """`done` of `steps` of a stage; at its end `say` and `details` tell a person how it went, and where the gate
    refused, `insist` says what would let it through."""

    id: int
    kind: str
    state: State
    started_at: str
    stage: str
    done: int
    steps: int
    seconds_left: int | None
    say: str
    details: list[str]
    insist: str | None


@dataclass(frozen=True)
class Health:
    """Of each part what is wrong with it; null where nothing is."""

    status: str
    checks: dict[str, str | None]
