"""What the process that does a job knows of it: what is wanted, and whether it is still the one to do it."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from imagestore.errors import Conflict, LeaseLost
from imagestore.jobs.job import Job, job_of
from imagestore.store import Items
from imagestore.store.patience import patiently


class Attempt:
    """One attempt at a job. Its methods raise LeaseLost once another is made or the job has ended.

    They wait for a database that is away, with `wait`, since hours of work are worth it, and raise Unavailable if that
    takes too long.
    """

    def __init__(self, items: Items, job: str, attempt: str, wait: Callable[[float], None] = time.sleep) -> None:
        self._items = items
        self._id = job
        self._attempt = attempt
        self._wait = wait

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
            claimed = replace(job, versions=(*job.versions, version)).document()
            try:
                patiently(partial(self._items.replace, claimed, etag), self._wait)
            except Conflict:  # the runner has told how far it is
                continue
            return

    def _read(self) -> tuple[Job, str]:
        item = patiently(partial(self._items.read, self._id), self._wait)
        job = job_of(item)
        if item is None or job is None or job.attempt != self._attempt:
            raise LeaseLost(f"Job {self._id} is no longer that of this process: another runner has it, or it ended.")
        return job, item.etag
