"""Long work that a page or a program starts: promote a model, roll back, classify everything again. One job at a time.

The job runs in the child process `model/job_child.py`, since the gate needs the training libraries and runs model
files, and neither belongs in a process that answers requests. The child prints its progress, a line of JSON at a time.
What is deployed to Azure has no such child: a command does the same from elsewhere, and the answer names it.
Other instances learn of the job by a note (job_board.py); what it changes is in the stores, and a job that breaks off
can be started again.
"""

import itertools
import logging
import shlex
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import msgspec

from imagestore.errors import Conflict, GateOverride, NoJobsHere, NotFound, StoreError
from imagestore.pipeline.job import JobKind, JobLine, JobResult, JobState, WantedJob
from imagestore.record import utc
from imagestore.settings import ROOT
from imagestore.web.job import Job
from imagestore.web.job_board import BEAT_S, JobBoard

log = logging.getLogger("imagestore.web.jobs")
_END_S = 5.0
PROGRAM = ROOT / "model" / "job_child.py"
"""What a job's child runs."""


class Jobs:
    """Starts, watches and stops jobs, one at a time."""

    def __init__(self, environ: Mapping[str, str], board: JobBoard | None = None) -> None:
        """Without a board only this process knows of its jobs."""
        self._environ = dict(environ)
        self._board = board
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._job: Job | None = None
        self._ended = threading.Event()

    @property
    def latest(self) -> Job | None:
        """The running job, or the last one, of any instance; None if there was none."""
        own = self._job
        if self._board is None or (own is not None and own.state is JobState.RUNNING):
            return own
        other = self._board.latest()
        return other if own is None or (other is not None and other.id > own.id) else own

    @property
    def can_start(self) -> bool:
        """Whether the program that does the work is on this server."""
        return PROGRAM.is_file()

    def start(
        self,
        kind: JobKind,
        by: str,
        of: tuple[str, str] | None = None,
        override: GateOverride = GateOverride.NOTHING,
        drop: Sequence[str] = (),
    ) -> Job:
        """Start a job; one that cannot be started is returned as failed. A promotion may drop the labels in `drop`.

        Raises Conflict while another job runs, NoJobsHere if this server can start none, or Unavailable.
        """
        if not self.can_start:
            raise NoJobsHere(
                "This server has no libraries for it: give the command "
                f"`{command_of(kind, of, override, drop)}` on a machine of your own, with this environment's variables."
            )
        name, version = of or (None, None)
        wanted = WantedJob(kind, by, name, version, override, list(drop))
        command = [sys.executable, "-m", "model.job_child", msgspec.json.encode(wanted).decode()]
        with self._lock:
            if self._job is not None and self._job.state is JobState.RUNNING:
                raise Conflict(f"A job is running already ({self._job.kind}). Wait for it, or stop it.")
            job = Job(id=next(self._numbers), kind=kind, started_at=utc(), of=of, stage_began=time.monotonic())
            if self._board is not None:
                job = self._board.claim(job)
            self._ended.clear()
            try:
                self._start_child(command, job.id)
            except (OSError, RuntimeError, ValueError) as error:  # no memory, no process or no thread to be had
                log.error("job %d could not be started: %s", job.id, error)
                say = f"It could not be started ({error}). Nothing was changed; try again later."
                job = replace(job, state=JobState.FAILED, say=say)
                self._ended.set()
            self._job = job
        if self._board is not None:
            threading.Thread(target=self._tell, args=(self._board, job.id), name="job board", daemon=True).start()
        return job

    def _tell(self, board: JobBoard, id: int) -> None:
        """Tell the other instances every few seconds how far the job is, until it has ended."""
        while True:
            has_ended = self._ended.wait(BEAT_S)
            job = self._job
            if job is None or job.id != id:
                return
            try:
                if board.publish(job) and job.state is JobState.RUNNING:
                    self.stop()
            except (StoreError, NotFound) as error:
                log.warning("job %d: %s", id, error)
            if has_ended:
                return

    def _start_child(self, command: list[str], id: int) -> None:
        child = subprocess.Popen(command, cwd=ROOT, env=self._environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        thread = threading.Thread(target=self._watch, args=(child, id), name="job", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            child.kill()
            child.wait()
            for pipe in filter(None, (child.stdin, child.stdout)):
                pipe.close()
            raise
        self._child, self._thread = child, thread

    def stop(self) -> Job:
        """Stop the running job; one of another instance is asked to stop. Raises NotFound if none is running."""
        with self._lock:
            job, child = self._job, self._child
            if job is not None and child is not None and job.state is JobState.RUNNING:
                self._job = replace(job, state=JobState.STOPPED, say=_STOPPED[job.kind])
                self._ended.set()
                child.terminate()
                return self._job
        if self._board is None:
            raise NotFound("No job is running.")
        return self._board.ask_to_stop()

    def close(self) -> None:
        """Stop the running job and wait for its end."""
        if self._child is not None:
            self._child.terminate()
        if self._thread is not None:
            self._thread.join(timeout=_END_S)

    def _watch(self, child: subprocess.Popen[bytes], id: int) -> None:
        assert child.stdout is not None
        assert child.stdin is not None
        try:
            with child.stdout, child.stdin:
                for line in child.stdout:
                    try:
                        self._change(id, **_changes(msgspec.json.decode(line, type=JobLine)))
                    except msgspec.MsgspecError:  # a library printed this
                        log.info("job %d: %s", id, line.decode(errors="replace").rstrip())
            log.info("job %d ended with code %d", id, child.wait())
        finally:
            self._change(id, state=JobState.FAILED, say="It broke off; the log says more. It can be begun again.")

    def _change(self, id: int, **changes: Any) -> None:
        """Change the job with this id, if it is still running."""
        with self._lock:
            if self._job is not None and self._job.id == id and self._job.state is JobState.RUNNING:
                self._job = replace(self._job, **changes)
                if self._job.state is not JobState.RUNNING:
                    self._ended.set()


def command_of(
    kind: JobKind,
    of: tuple[str, str] | None = None,
    override: GateOverride = GateOverride.NOTHING,
    drop: Sequence[str] = (),
) -> str:
    """The command that does the same as this job."""
    words = ["imagestore", kind]
    if of is not None:
        name, version = of
        words += [version, "--name", name]
    words += _FLAGS[override]
    words += [word for label in drop for word in ("--drop", label)]
    return shlex.join(words)


def _changes(line: JobLine) -> dict[str, Any]:
    """The changes to the job that a line of the child means."""
    if line.result is not None:
        return {each.name: getattr(line.result, each.name) for each in fields(JobResult)}
    if line.stage is not None:
        return {"stage": line.stage, "steps": line.steps, "done": 0, "stage_began": time.monotonic()}
    return {} if line.done is None else {"done": line.done}


_FLAGS: dict[GateOverride, list[str]] = {
    GateOverride.NOTHING: [],
    GateOverride.ACCEPT_EQUAL: ["--accept-equal"],
    GateOverride.FORCE: ["--force"],
}
_STOPPED: dict[JobKind, str] = {
    "promote": "Stopped. Which model is live stands above.",
    "rollback": "Stopped. Which model is live stands above.",
    "reprocess": "Stopped. Begun again, it goes on from here.",
}
