"""A job of the web app and its progress."""

import time
from dataclasses import dataclass

from imagestore.pipeline.job import JobKind, JobResult


@dataclass(frozen=True, kw_only=True)
class Job(JobResult):
    """A job and its progress; the fields of JobResult tell how it ended.

    `of` is the name and version of the model to promote. `done` of `steps` of the current `stage` are done, which began
    at `stage_began` (seconds of this process's monotonic clock).
    """

    id: int
    kind: JobKind
    started_at: str
    of: tuple[str, str] | None = None
    stage: str = "Starting"
    done: int = 0
    steps: int = 0
    stage_began: float = 0.0

    @property
    def per_second(self) -> float:
        """How many steps of this stage are done per second."""
        return self.done / max(time.monotonic() - self.stage_began, 1e-3)

    @property
    def seconds_left(self) -> int | None:
        """About how many seconds this stage still takes; None before that can be estimated."""
        return round((self.steps - self.done) / self.per_second) if self.done and self.steps else None
