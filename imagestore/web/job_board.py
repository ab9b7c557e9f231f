"""What every instance of the web app knows of the one job there may be: a note in the container of models.

The instance that runs the job says every few seconds how far it is. A job of which nothing was heard for half a minute
has broken off with its instance, and the next one may begin. Every write is conditional on the ETag that was read.
"""

import logging
import threading
import time
import uuid
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import msgspec

from imagestore.errors import Conflict, NotFound, StoreError
from imagestore.pipeline.job import JobState
from imagestore.record import utc
from imagestore.store.models import Models
from imagestore.web.job import Job

log = logging.getLogger("imagestore.web.jobs")
NOTE = "job.json"
BEAT_S = 5.0
_SILENCE = timedelta(seconds=30)
_LOOK_S = 1.0
_BROKE_OFF = "It broke off with the instance of the web app that ran it. It can be begun again."


@dataclass(frozen=True)
class JobNote:
    """The latest job, which instance runs it, when that was last heard of (UTC), and whether it is asked to stop.

    In the note `stage_began` is how many seconds ago that was, since clocks differ.
    """

    instance: str
    at: str
    job: Job
    stop: bool = False

    def is_running(self, now: datetime) -> bool:
        """Whether the job is running, as far as can be known."""
        heard = datetime.fromisoformat(self.at)
        return self.job.state is JobState.RUNNING and now - heard < _SILENCE


class JobBoard:
    """The note as one instance reads and writes it."""

    def __init__(self, models: Models) -> None:
        self._models = models
        self._instance = uuid.uuid4().hex
        self._lock = threading.Lock()
        self._seen: Job | None = None
        self._looked_at = float("-inf")
        self._etag: str | None = None

    def claim(self, job: Job) -> Job:
        """Begin with this job, with a number of its own. Raises Conflict while another runs, or Unavailable."""
        found, etag = self._read()
        if found is not None:
            if found.is_running(datetime.now(UTC)):
                raise Conflict(f"A job is running already ({found.job.kind}), on another instance. Wait for it.")
            job = replace(job, id=max(job.id, found.job.id + 1))
        try:
            self._etag = self._write(JobNote(self._instance, utc(), job), etag)
        except Conflict:
            raise Conflict("Another job has just begun, on another instance. Wait for it.") from None
        return job

    def publish(self, job: Job) -> bool:
        """Say how far this instance's job is. Returns whether another instance asks it to stop."""
        asked = False
        try:
            self._etag = self._write(JobNote(self._instance, utc(), job), self._etag)
        except Conflict:
            found, etag = self._read()
            if found is not None and found.instance == self._instance and found.job.id == job.id:
                asked, self._etag = found.stop, etag
                if job.state is not JobState.RUNNING:
                    self._etag = self._write(JobNote(self._instance, utc(), job), self._etag)
            else:
                log.warning("job %d: another instance took it for broken off", job.id)
        return asked

    def latest(self) -> Job | None:
        """The latest job of any instance; None if there was none, or while storage cannot be read."""
        with self._lock:
            if time.monotonic() - self._looked_at > _LOOK_S:
                self._looked_at = time.monotonic()
                try:
                    self._seen = self._job(self._read()[0])
                except StoreError as error:
                    log.warning("%s", error)
            return self._seen

    def ask_to_stop(self) -> Job:
        """Ask the instance that runs a job to stop it, which takes some seconds. Raises NotFound if none is running."""
        found, etag = self._read()
        if found is None or not found.is_running(datetime.now(UTC)):
            raise NotFound("No job is running.")
        try:
            self._write(replace(found, stop=True), etag)
        except Conflict:  # it was just written by the instance that runs it
            return self.ask_to_stop()
        job = self._job(found)
        assert job is not None
        return job

    def _job(self, note: JobNote | None) -> Job | None:
        if note is None:
            return None
        job = replace(note.job, stage_began=time.monotonic() - note.job.stage_began)
        if job.state is JobState.RUNNING and not note.is_running(datetime.now(UTC)):
            return replace(job, state=JobState.FAILED, say=_BROKE_OFF)
        return job

    def _read(self) -> tuple[JobNote | None, str | None]:
        """The note, None if there is none that we wrote, and the ETag of what is there."""
        found = self._models.noted_version(NOTE)
        if found is None:
            return None, None
        try:
            return msgspec.json.decode(found[0], type=JobNote), found[1]
        except ValueError:  # msgspec's errors are of this class
            return None, found[1]

    def _write(self, note: JobNote, replacing: str | None) -> str:
        if note.instance == self._instance and not note.stop:
            ago = max(0.0, time.monotonic() - note.job.stage_began)
            note = replace(note, job=replace(note.job, stage_began=ago))
        return self._models.note_over(NOTE, msgspec.json.encode(note), replacing)
