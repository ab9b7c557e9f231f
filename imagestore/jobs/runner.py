"""Takes up jobs, one at a time, has each done by a process of its own, and tells how far it is.

Everything happens in turns of one thread, of which each also says that the runner is there. So one that hangs, or is
paused, is heard of no more, and another takes its job up; when it goes on, it finds that out and ends its process.
"""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from imagestore import telemetry
from imagestore.errors import LeaseLost, StoreError
from imagestore.jobs.board import cancellation
from imagestore.jobs.child import Child
from imagestore.jobs.job import Job, JobResult, JobState, Progress
from imagestore.jobs.lease import HeldJob, take
from imagestore.jobs.presence import Presence
from imagestore.store import Items
from imagestore.telemetry import signals

log = logging.getLogger("imagestore.jobs")


@dataclass(frozen=True)
class Timing:
    """For how long a runner counts as there that is not heard of, and how often it says so, looks for a job, and looks
    after the one it has."""

    lease_s: int = 30
    beat_s: float = 5.0
    idle_s: float = 2.0
    busy_s: float = 1.0

    @classmethod
    def of(cls, lease_s: int) -> "Timing":
        """For a lease of so many seconds, which leaves room for several beats."""
        return cls(lease_s, min(5.0, lease_s / 6), min(2.0, lease_s / 6), min(1.0, lease_s / 6))


class Runner:
    """Does jobs with `start`, which begins one and may raise OSError or RuntimeError. `clock` tells seconds,
    `lacks` which libraries are not installed here.

    While the database is away no runner is heard of, so one that could not reach it leaves the jobs of others alone for
    the length of a lease: meanwhile those that have them are heard of again.
    """

    def __init__(
        self,
        items: Items,
        start: Callable[[Job], Child],
        timing: Timing | None = None,
        clock: Callable[[], float] = time.monotonic,
        lacks: Sequence[str] = (),
    ) -> None:
        self._items = items
        self._start = start
        self._timing = timing or Timing()
        self._clock = clock
        self._follows_from = float("-inf")
        self._presence = Presence(items, self._timing.lease_s, lacks)
        self._beat_at = float("-inf")
        self._held: HeldJob | None = None
        self._child: Child | None = None
        self._result: JobResult | None = None
        self._told = Progress()
        self._span = ExitStack()
        self.turned_at = clock()
        """When the last turn ended, by this process's own clock."""

    @property
    def job(self) -> Job | None:
        """The job that is being done."""
        return None if self._held is None else self._held.job

    def run(self, stop: threading.Event) -> None:
        """Do jobs until `stop` is set, and let go of the one that is being done then."""
        failures = 0
        while not stop.is_set():
            try:
                self.turn()
                failures = 0
            except StoreError as error:
                failures += 1
                log.warning("%s", error)
            self.turned_at = self._clock()
            pause = self._timing.idle_s if self._held is None else self._timing.busy_s
            stop.wait(min(pause * 2**failures, self._timing.beat_s) if failures else pause)
        self.close()

    def turn(self) -> None:
        """Say that the runner is there; take up a job if it has none, else look after it. Raises StoreError."""
        try:
            self._turn(self._clock())
        except StoreError:
            self._follows_from = self._clock() + self._timing.lease_s
            raise

    def _turn(self, now: float) -> None:
        if now - self._beat_at >= self._timing.beat_s:
            self._presence.refresh()
            self._beat_at = now
        if self._held is None:
            self._held = take(self._items, self._presence.runner, now >= self._follows_from)
            if self._held is not None:
                self._begin(self._held.job)
        else:
            self._look_after(self._held)

    def close(self) -> None:
        """Let go of the job, so that the next runner takes it up at once, and be gone."""
        if self._result is None and self._child is not None:
            self._result = self._child.result
        self._end_child()
        try:
            if self._held is not None:
                self._held.let_go() if self._result is None else self._held.end(self._result)
            self._presence.end()
        except (LeaseLost, StoreError) as error:
            log.warning("%s", error)
        self._held = None
        self._span.close()

    def _begin(self, job: Job) -> None:
        self._span.enter_context(telemetry.span("job", job_id=job.id, kind=str(job.kind), attempt=job.attempts))
        log.info("job %s (%s): attempt %d", job.id, job.kind, job.attempts)
        self._result, self._told = None, Progress()
        try:
            self._child = self._start(job)
        except (OSError, RuntimeError) as error:  # no memory, no process or no thread to be had
            say = f"It could not be started ({error}). Nothing was changed; try again later."
            self._result = JobResult(state=JobState.FAILED, say=say)

    def _look_after(self, held: HeldJob) -> None:
        try:
            if self._result is None and self._child is not None:
                self._result = self._child.result
            if self._result is None:
                self._result = self._follow(held)
            if self._result is not None:
                self._end_child()
                self._drop(held.end(self._result), self._result.state)
        except LeaseLost as error:
            self._end_child()
            log.warning("%s", error)
            self._drop(held.job, "lost")

    def _follow(self, held: HeldJob) -> JobResult | None:
        """Tell how far the job is. Returns a result if somebody has cancelled it."""
        progress = self._child.progress if self._child is not None else Progress()
        is_news = (progress.stage, progress.done) != (self._told.stage, self._told.done)
        job = held.tell(progress) if is_news else held.look()
        self._told = progress
        return cancellation(job.kind) if job.is_cancelled else None

    def _drop(self, job: Job, how: str) -> None:
        log.info("job %s (%s): %s", job.id, job.kind, how)
        telemetry.measure(signals.JOBS, kind=str(job.kind), state=str(how))
        self._held = None
        self._span.close()

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None
