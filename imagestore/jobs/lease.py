"""How a runner holds a job: it takes one up, tells how far it is, and ends it or lets it go.

Every write is conditional on the ETag that was read, so of two runners that want a job one has it. A job is free when
it waits, or when its runner is there no more (presence.py).
"""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace

from imagestore.errors import Conflict, LeaseLost
from imagestore.jobs import presence
from imagestore.jobs.board import cancelled, ended
from imagestore.jobs.job import TYPE, Job, JobResult, JobState, Progress, job_of
from imagestore.record import utc
from imagestore.store import Item, Items

MOST_ATTEMPTS = 3
"""How often a job is begun before it counts as one that ends whoever runs it."""


class HeldJob:
    """A job that this runner has taken up. Its methods raise LeaseLost once another has it, and Unavailable."""

    def __init__(self, items: Items, job: Job, etag: str) -> None:
        self.job = job
        self._attempt = job.attempt
        self._items = items
        self._etag = etag

    def look(self) -> Job:
        """The job as it is now: somebody may have cancelled it."""
        item = self._items.read(self.job.id)
        found = job_of(item)
        if item is None or found is None:
            raise LeaseLost(f"Job {self.job.id} is gone.")
        self.job, self._etag = found, item.etag
        self._demand()
        return found

    def tell(self, progress: Progress) -> Job:
        """Tell how far it is."""
        return self._change(lambda job: replace(job, progress=progress))

    def end(self, result: JobResult) -> Job:
        """Say how it ended."""
        return self._change(lambda job: ended(job, result))

    def let_go(self) -> Job:
        """Let the next runner take it up at once; this attempt does not count."""

        def waiting(job: Job) -> Job:
            if job.is_cancelled:
                return cancelled(job)
            return replace(
                job, state=JobState.QUEUED, attempts=job.attempts - 1, attempt=None, runner=None, progress=Progress()
            )

        return self._change(waiting)

    def _change(self, change: Callable[[Job], Job]) -> Job:
        self._demand()
        while True:
            changed = change(self.job)
            try:
                self._etag = self._items.replace(changed.document(), self._etag).etag
            except Conflict:
                self.look()
                continue
            self.job = changed
            return changed

    def _demand(self) -> None:
        if self._attempt is None or self.job.attempt != self._attempt:
            raise LeaseLost(f"Job {self.job.id} was taken up by another runner, or has ended.")


def take(items: Items, runner: str, may_follow: bool = True) -> HeldJob | None:
    """Take up the oldest job that is free; None if there is none. Without `may_follow`, leave those of other runners.

    One that broke off too often is ended here, and so is one that was cancelled meanwhile. Ask while `runner` holds
    none. Raises Unavailable.
    """
    for item, job in _free(items, runner, may_follow):
        if job.is_cancelled:
            changed = cancelled(job)
        elif job.attempts >= MOST_ATTEMPTS:
            changed = ended(job, _broke_off(job))
        else:
            changed = replace(
                job,
                state=JobState.RUNNING,
                attempts=job.attempts + 1,
                attempt=uuid.uuid4().hex,
                runner=runner,
                started_at=job.started_at or utc(),
                progress=Progress(),
            )
        try:
            written = items.replace(changed.document(), item.etag)
        except Conflict:
            continue
        if changed.state is JobState.RUNNING:
            return HeldJob(items, changed, written.etag)
    return None


def _free(items: Items, runner: str, may_follow: bool) -> Iterator[tuple[Item, Job]]:
    """The jobs that wait or run for nobody. What names this runner is such a one: the answer to a write was lost."""
    found = [(item, job_of(item)) for item in items.find(TYPE, {"is_open": "yes"})]
    for item, job in reversed(found):
        if job is None:
            continue
        if job.runner in (None, runner) or (may_follow and not presence.is_there(items, str(job.runner))):
            yield item, job


def _broke_off(job: Job) -> JobResult:
    say = f"It broke off {job.attempts} times with the runner that did it, and is not begun again by itself."
    return JobResult(state=JobState.FAILED, say=say)
