"""Long work that a page or program starts: another model live, everything again. One at a time, in a child process.

The child is `cli/job.py`: the gate needs the training libraries and runs model files, neither of which belongs into a
process that answers requests. What it prints is how far it is. A job is known to this process alone; what it changes is
in the stores, and can be begun again if it breaks off.
"""

import itertools
import logging
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import msgspec

from errors import Conflict, Missing
from record import utc
from settings import ROOT
from store import Insist

log = logging.getLogger("imagestore.web.jobs")
_END_S = 5.0


class State(StrEnum):
    """How a job stands. `refused`: the gate said no, `insist` says what would let it through."""

    RUNNING = "running"
    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True)
class Job:
    """`kind` is `promote`, `rollback` or `reprocess`, `of` the model it promotes; `done` of `steps` of a `stage`, and
    when the stage began (seconds of a clock of this process); `say` and `details` are for a person."""

    id: int
    kind: str
    started_at: str
    of: tuple[str, str] | None = None
    state: State = State.RUNNING
    stage: str = "Starting"
    done: int = 0
    steps: int = 0
    say: str = ""
    details: list[str] = field(default_factory=list)
    insist: Insist | None = None
    stage_began: float = 0.0

    @property
    def per_second(self) -> float:
        """Steps a second in this stage."""
        return self.done / max(time.monotonic() - self.stage_began, 1e-3)

    @property
    def seconds_left(self) -> int | None:
        """About how long this stage still takes; None while that cannot be known."""
        return round((self.steps - self.done) / self.per_second) if self.done and self.steps else None


class Jobs:
    """Starts, watches and stops the one job there may be."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = dict(environ)
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        self._child: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._job: Job | None = None

    @property
    def latest(self) -> Job | None:
        """The job that runs, or the last one; None if none was started."""
        return self._job

    def start(self, kind: str, by: str, of: tuple[str, str] | None = None, insist: Insist = Insist.NOTHING) -> Job:
        """Begin. Conflict while another runs."""
        command = [sys.executable, "-m", "cli.job", "--by", by, kind]
        if of is not None:
            command += [*of, "--insist", insist]
        with self._lock:
            if self._job is not None and self._job.state is State.RUNNING:
                raise Conflict(f"A job is running already ({self._job.kind}). Wait for it, or stop it.")
            job = self._job = Job(next(self._numbers), kind, utc(), of, stage_began=time.monotonic())
            self._child = subprocess.Popen(
                command, cwd=ROOT, env=self._environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE
            )
            self._thread = threading.Thread(target=self._watch, args=(self._child, job.id), name="job", daemon=True)
            self._thread.start()
        return job

    def stop(self) -> Job:
        """End the job that runs. Missing where none does."""
        with self._lock:
            job, child = self._job, self._child
            if job is None or child is None or job.state is not State.RUNNING:
                raise Missing("No job is running.")
            self._job = replace(job, state=State.STOPPED, say=_STOPPED[job.kind])
            child.terminate()
        return self._job

    def close(self) -> None:
        """End what runs, and wait for it."""
        if self._child is not None:
            self._child.terminate()
        if self._thread is not None:
            self._thread.join(timeout=_END_S)

    def _watch(self, child: subprocess.Popen[bytes], id: int) -> None:
        assert child.stdout is not None
        assert child.stdin is not None
        with child.stdout, child.stdin:
            for line in child.stdout:
                try:
                    self._change(id, **_meaning(msgspec.json.decode(line)))
                except msgspec.DecodeError:  # what a library prints
                    log.info("job %d: %s", id, line.decode(errors="replace").rstrip())
        log.info("job %d ended with code %d", id, child.wait())
        self._change(id, state=State.FAILED, say="It broke off; the log says more. It can be begun again.")

    def _change(self, id: int, **changes: Any) -> None:
        """Of the job with this id, if it still runs."""
        with self._lock:
            if self._job is not None and self._job.id == id and self._job.state is State.RUNNING:
                self._job = replace(self._job, **changes)


def _meaning(said: dict[str, Any]) -> dict[str, Any]:
    """What a line of the child says of the job."""
    if "end" in said:
        insist = Insist(said["insist"]) if said["insist"] else None
        return {"state": State(said["end"]), "say": said["say"], "details": said["details"], "insist": insist}
    if "stage" in said:
        return {"stage": said["stage"], "steps": said["steps"], "done": 0, "stage_began": time.monotonic()}
    return {"done": said["done"]}


_STOPPED = {
    "promote": "Stopped. Which model is live stands above.",
    "rollback": "Stopped. Which model is live stands above.",
    "reprocess": "Stopped. Begun again, it goes on from here.",
}
