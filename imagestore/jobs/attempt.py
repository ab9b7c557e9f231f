"""What the process that does a job knows of it: what is wanted, and whether it is still the one to do it."""

from dataclasses import replace

from imagestore.errors import Conflict, LeaseLost
from imagestore.jobs.job import Job, job_of
from imagestore.store import Items


class Attempt:
    """One attempt at a job. Its methods raise LeaseLost once another is made or the job has ended, and Unavailable."""

    def __init__(self, items: Items, job: str, attempt: str) -> None:
        self._items = items
        self._id = job
        self._attempt = attempt

    def job(self) -> Job:
        """The job as it is now."""
        return self._read()[0]

    def demand(self) -> None:
        """Check, before something that cannot be undone, that the job still names this attempt."""
        self._read()

    def claim(self, version: str) -> None:
        """Note that this attempt makes this version of a model, so that the next one finds it if it is complete."""
        while True:
            job, etag = self._read()
            try:
                self._items.replace(replace(job, versions=(*job.versions, version)).document(), etag)
            except Conflict:  # the runner has told how far it is
                continue
            return

    def _read(self) -> tuple[Job, str]:
        item = self._items.read(self._id)
        job = job_of(item)
        if item is None or job is None or job.attempt != self._attempt:
            raise LeaseLost(f"Job {self._id} is no longer that of this process: another runner has it, or it ended.")
        return job, item.etag
