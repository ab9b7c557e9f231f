"""A job as it is kept in the container `jobs`: what is wanted, by whom, how far it is, and how it ended."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, Literal

import msgspec

from imagestore.decoding import convert
from imagestore.errors import GateOverride
from imagestore.store import Item
from preprocess import Fit

TYPE = "job"
KEPT_S = 90 * 86_400
"""How long a job is kept after its end."""
STARTING = "Starting"
MOST_CHARACTERS = 1000
MOST_LINES = 100
MOST_DROPPED = 500
MOST_COUNTED = 600
"""How long a text of a result may be, and how many lines, dropped labels and counts there may be: Cosmos DB takes
documents of 2 MB, and a job whose result it does not take would never end."""


class JobKind(StrEnum):
    """What a job does. A promotion is what the gate decides."""

    TRAIN = "train"
    PROMOTE = "promote"
    ROLLBACK = "rollback"
    REPROCESS = "reprocess"
    INSPECT = "inspect"
    IMPORT = "import"
    THRESHOLD = "threshold"


class JobState(StrEnum):
    """The state of a job. `refused`: the gate does not let the model through, or the model file cannot be used."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_open(self) -> bool:
        """Whether the job waits or runs."""
        return self in (JobState.QUEUED, JobState.RUNNING)


@dataclass(frozen=True)
class HowToTrain:
    """What a training is held to, as the options of `imagestore train`; null where training chooses.

    `same_case` says whether labels that differ by upper and lower case alone are one.
    """

    colour: bool | None = None
    fit: Fit | None = None
    level: bool | None = None
    middle: bool | None = None
    backbone: Literal["lite0", "lite2"] | None = None
    views: int | None = None
    right: float = 0.95
    balance: str | None = None
    flip: bool = False
    seed: int = 1
    same_case: bool | None = None


@dataclass(frozen=True)
class Importing:
    """What is to be brought over from Custom Vision, as the options of `imagestore import custom-vision`: a project
    there, by its name or id. The key for it is in no argument, but sealed in the job (sealed.py)."""

    endpoint: str
    project: str
    crop_regions: bool = False
    train: bool = True
    insecure_http: bool = False

    @property
    def bound(self) -> str:
        """What the key is sealed for: it is of no use for another endpoint."""
        return f"Custom Vision\n{self.endpoint}"


@dataclass(frozen=True)
class NewThreshold:
    """The confidence from which on a new version answers that has the weights of another: with all labels, none of
    which then has a threshold of its own, or with `label`, while the others keep theirs."""

    threshold: float
    label: str | None = None


@dataclass(frozen=True)
class Arguments:
    """What to do it to.

    `name` is the model's, `version` is the one to promote, to inspect, or whose weights get another threshold; a
    promotion may drop the labels in `drop`.
    `live` is the SHA-256 of the model that was live when somebody asked to go back from it.
    """

    name: str | None = None
    version: str | None = None
    override: GateOverride = GateOverride.NOTHING
    drop: tuple[str, ...] = ()
    live: str | None = None
    training: HowToTrain | None = None
    importing: Importing | None = None
    threshold: NewThreshold | None = None


@dataclass(frozen=True)
class Counted:
    """How many of something there are there and here, after an import."""

    what: str
    there: int
    here: int


@dataclass(frozen=True, kw_only=True)
class JobResult:
    """How a job ended. `say` and `details` are for a person; `version` is the one that a training made, and `name` the
    project that an import brought over, with the counts on both sides.

    If a promotion was refused, `override` and `drop` would let it pass.
    """

    state: JobState
    say: str = ""
    details: list[str] = field(default_factory=list)
    override: GateOverride | None = None
    drop: list[str] = field(default_factory=list)
    version: str | None = None
    name: str | None = None
    counts: list[Counted] = field(default_factory=list)

    def shortened(self) -> "JobResult":
        """The same, as much of it as a job keeps."""
        more = len(self.details) - MOST_LINES
        lines = [_cut(line) for line in self.details[:MOST_LINES]]
        if more > 0:
            lines.append(f"… and {more:,} lines more.")
        counts = [replace(one, what=_cut(one.what)) for one in self.counts[:MOST_COUNTED]]
        return replace(self, say=_cut(self.say), details=lines, drop=self.drop[:MOST_DROPPED], counts=counts)


@dataclass(frozen=True)
class Progress:
    """How far a job is: `done` of `steps` (0: not known) of a stage that began `seconds` ago."""

    stage: str = STARTING
    done: int = 0
    steps: int = 0
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """How many steps of this stage are done per second."""
        return self.done / max(self.seconds, 1e-3)

    @property
    def seconds_left(self) -> int | None:
        """About how many seconds this stage still takes; None before that can be estimated."""
        return round((self.steps - self.done) / self.per_second) if self.done and self.steps else None


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job. Its id is a number of 16 digits; a later job has a greater one.

    `by` is the account that asked. `attempts` counts how often it was begun, and `attempt` marks the one under way, of
    the runner `runner`; both are None while nobody works on it. `is_cancelled`: somebody asks for its end. `versions`
    are those of a model that attempts have claimed. `sealed` is a secret that the work needs, which only its runner can
    open; it goes at the job's end. Times are UTC, by the clock of whoever wrote them.
    """

    id: str
    kind: JobKind
    by: str
    created_at: str
    arguments: Arguments = Arguments()
    state: JobState = JobState.QUEUED
    is_cancelled: bool = False
    attempts: int = 0
    attempt: str | None = None
    runner: str | None = None
    started_at: str | None = None
    ended_at: str | None = None
    progress: Progress = Progress()
    result: JobResult | None = None
    versions: tuple[str, ...] = ()
    sealed: str | None = field(default=None, repr=False)

    def document(self) -> dict[str, Any]:
        """The job as it is stored. One that has ended expires."""
        written: dict[str, Any] = msgspec.to_builtins(self)
        is_open = self.state.is_open
        return written | {"type": TYPE, "is_open": "yes" if is_open else "no"} | ({} if is_open else {"ttl": KEPT_S})


def job_of(item: Item | None) -> Job | None:
    """The job in this document; None if there is none, or if a newer version wrote it as this one cannot read it.

    An argument that this version does not know would be left out of the work, so such a job is the newer version's.
    """
    if item is None:
        return None
    try:
        job = convert(item.document, Job)
    except msgspec.ValidationError:
        return None
    return job if _knows(msgspec.to_builtins(job.arguments), item.document.get("arguments", {})) else None


def _knows(read: Mapping[str, Any], written: Mapping[str, Any]) -> bool:
    """Whether all that was written was read, but for what is null."""
    return all(
        value is None or (name in read and (not isinstance(value, dict) or _knows(read[name], value)))
        for name, value in written.items()
    )


def _cut(text: str) -> str:
    return text if len(text) <= MOST_CHARACTERS else text[: MOST_CHARACTERS - 1] + "…"
