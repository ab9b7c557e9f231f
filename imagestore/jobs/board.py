"""The jobs as whoever asks for them sees them: put one in, look at them, cancel one, try one again."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice

from imagestore.errors import Conflict, NotFound
from imagestore.jobs import presence
from imagestore.jobs.job import TYPE, Arguments, Job, JobKind, JobResult, JobState, job_of
from imagestore.record import utc
from imagestore.store import Item, Items

_CANCELLED: dict[JobKind, str] = {
    JobKind.TRAIN: "Cancelled. No version was made.",
    JobKind.PROMOTE: "Cancelled. The list of models says which one is live.",
    JobKind.ROLLBACK: "Cancelled. The list of models says which one is live.",
    JobKind.REPROCESS: "Cancelled. Begun again, it goes on from here.",
    JobKind.INSPECT: "Cancelled.",
    JobKind.IMPORT: "Cancelled. What came over is here; an import that is begun again goes on from there.",
    JobKind.THRESHOLD: "Cancelled. No version was made.",
}
PAGE = 50


class JobBoard:
    """The jobs in a container. Every method raises Unavailable."""

    def __init__(self, items: Items, microseconds: Callable[[], int] = lambda: time.time_ns() // 1000) -> None:
        self._items = items
        self._microseconds = microseconds

    def put(self, kind: JobKind, by: str, arguments: Arguments | None = None, *, sealed: str | None = None) -> Job:
        """Put a job in, with a sealed secret if the work needs one; a runner takes it up.

        Raises Conflict if the same one waits or runs already.
        """
        wanted = arguments or Arguments()
        self._demand_none(kind, wanted)
        while True:
            latest = next(self._items.find(TYPE, limit=1), None)
            number = max(self._microseconds(), int(latest.id) + 1 if latest else 0)
            job = Job(id=f"{number:016d}", kind=kind, by=by, created_at=utc(), arguments=wanted, sealed=sealed)
            try:
                created = self._items.create(job.document())
            except Conflict:  # another has this number
                continue
            try:
                self._demand_none(kind, wanted, job.id)
            except Conflict:  # another process put it in between the look and the write
                if self._has_taken_back(created):
                    raise
            return job

    def _has_taken_back(self, created: Item) -> bool:
        """Delete a job that was just put in. Returns False if a runner has it already."""
        try:
            return self._items.delete(created.id, created.etag)
        except Conflict:
            return False

    def _demand_none(self, kind: JobKind, wanted: Arguments, before: str | None = None) -> None:
        """Raises Conflict if the same job waits or runs; with `before`, an id, if an older one does."""
        for job in self.open():
            if (job.kind, job.arguments) == (kind, wanted) and (before is None or job.id < before):
                how = "runs" if job.state is JobState.RUNNING else "waits"
                raise Conflict(f"The same job {how} already ({kind}, job {job.id}). Wait for it, or cancel it.")

    def open(self) -> list[Job]:
        """The jobs that wait or run, the oldest first."""
        found = (job_of(item) for item in self._items.find(TYPE, {"is_open": "yes"}))
        return [job for job in found if job is not None][::-1]

    def list(self, most: int = PAGE, before: str | None = None) -> list[Job]:
        """The latest jobs, at most so many, the newest first; with `before`, an id, only older ones."""
        return list(islice(self._newest_first(most, before), most))

    def latest(self) -> Job | None:
        """The job that was put in last, None if there is none."""
        return next(iter(self.list(1)), None)

    def read(self, id: str) -> Job:
        """The job with this id. Raises NotFound."""
        return self._read(id)[0]

    def has_runner(self, kind: JobKind | None = None) -> bool:
        """Whether a runner was heard of lately which takes up what is put in; with `kind`, jobs of this kind."""
        return presence.is_any(self._items) if kind is None else kind in self.kinds()

    def kinds(self) -> frozenset[JobKind]:
        """The kinds of jobs that runners do which were heard of lately: one of an earlier version does not do all."""
        return frozenset[JobKind]().union(*(one.kinds for one in presence.heard(self._items)))

    def cancel(self, id: str) -> Job:
        """End a job. One that runs is ended by its runner, within seconds; what it has done stays.

        Raises NotFound, or Conflict if it has ended.
        """
        while True:
            job, etag = self._read(id)
            if not job.state.is_open:
                raise Conflict(f"Job {job.id} has ended already ({job.state}).")
            is_alone = job.runner is None or not presence.is_there(self._items, job.runner)
            changed = cancelled(job) if is_alone else replace(job, is_cancelled=True)
            try:
                self._items.replace(changed.document(), etag)
            except Conflict:
                continue
            return changed

    def retry(self, id: str, by: str) -> Job:
        """Put the same job in again. Raises NotFound, or Conflict if it, or the same, waits or runs, or needed a secret
        that went at its end."""
        job = self.read(id)
        if job.kind is JobKind.IMPORT:
            raise Conflict(
                f"The key of job {job.id} went at its end. Give the import again, with the key: it goes on from there."
            )
        return self.put(job.kind, by, job.arguments)

    def _newest_first(self, page: int, before: str | None) -> Iterator[Job]:
        """All jobs that this version can read, of which so many are asked for at a time."""
        while True:
            found = list(self._items.find(TYPE, before=before, limit=page))
            yield from (job for job in map(job_of, found) if job is not None)
            if len(found) < page:
                return
            before = found[-1].id

    def _read(self, id: str) -> tuple[Job, str]:
        item = self._items.read(id) if id.isdecimal() else None
        job = job_of(item)
        if item is None or job is None:
            raise NotFound(f"There is no job {id[:40]}: imagestore jobs list.")
        return job, item.etag


def ended(job: Job, result: JobResult) -> Job:
    """The job with its result, and without its secret."""
    told, at = result.shortened(), utc()
    return replace(job, state=result.state, result=told, ended_at=at, attempt=None, runner=None, sealed=None)


def cancelled(job: Job) -> Job:
    """The job, cancelled."""
    return ended(job, cancellation(job.kind))


def cancellation(kind: JobKind) -> JobResult:
    """How a cancelled job of this kind ended."""
    return JobResult(state=JobState.CANCELLED, say=_CANCELLED[kind])
