"""A job as the API, its client and the command line show it."""

from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from imagestore.jobs.job import Counted, Job, JobState

State = Literal["queued", "running", "done", "refused", "failed", "cancelled", "stopped"]
WAITING = "Waiting for its turn"
NO_RUNNER = "Waiting: no runner has been heard of that does this. To start one: imagestore jobs run"
OPEN = ("queued", "running")


@dataclass(frozen=True)
class JobStatus:
    """A job's state and progress: `done` of `steps` of its stage. At its end `say` and `details` tell how it went; if
    the gate refused, `insist` and `drop` would let it pass.

    `name` and `version` are the model that it is about, or that a training has made; of an import, the project, and at
    its end `counts` are the counts on both sides. `per_second` is how many steps are done per second. `state` is
    `stopped` instead of `cancelled` where only one job is told of. Times are UTC; `started_at` is when it was put in,
    while it waits.
    """

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
    drop: list[str]
    name: str | None = None
    version: str | None = None
    by: str = ""
    created_at: str = ""
    ended_at: str | None = None
    attempts: int = 0
    per_second: float | None = None
    counts: list[Counted] = field(default_factory=list)

    @classmethod
    def of(cls, job: Job, has_runner: bool = True) -> "JobStatus":
        """This job. `has_runner` says whether one was heard of that takes up what waits."""
        result, arguments = job.result, job.arguments
        waits = WAITING if has_runner else NO_RUNNER
        return cls(
            id=int(job.id),
            kind=str(job.kind),
            state=_STATES[job.state],
            started_at=job.started_at or job.created_at,
            stage=waits if job.state is JobState.QUEUED else job.progress.stage,
            done=job.progress.done,
            steps=job.progress.steps,
            seconds_left=job.progress.seconds_left if job.state is JobState.RUNNING else None,
            say=result.say if result else "",
            details=result.details if result else [],
            insist=str(result.override) if result and result.override is not None else None,
            drop=result.drop if result else [],
            name=(result.name if result else None)
            or arguments.name
            or (arguments.importing.project if arguments.importing else None),
            version=(result.version if result else None) or arguments.version,
            by=job.by,
            created_at=job.created_at,
            ended_at=job.ended_at,
            attempts=job.attempts,
            per_second=_rate(job),
            counts=result.counts if result else [],
        )

    @property
    def is_open(self) -> bool:
        """Whether the job waits or runs."""
        return self.state in OPEN

    def as_one(self) -> "JobStatus":
        """The same for a program that knows of one job alone, and of none that waits or is cancelled by another."""
        state: State = "running" if self.state == "queued" else "stopped" if self.state == "cancelled" else self.state
        return replace(self, state=state)


def _rate(job: Job) -> float | None:
    at = job.progress
    return round(at.per_second, 1) if job.state is JobState.RUNNING and at.done and at.steps else None


_STATES: dict[JobState, State] = {JobState(state): state for state in get_args(State) if state != "stopped"}
