"""The process that does one job: model/job_child.py, which needs the training libraries and runs model files.

It leads a process group of its own, so that what it has started ends with it.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

import msgspec

from imagestore.decoding import decode
from imagestore.jobs.job import Job, JobResult, JobState, Progress
from imagestore.jobs.lines import Asked, JobLine

log = logging.getLogger("imagestore.jobs")


class Child(Protocol):
    """What does a job."""

    @property
    def progress(self) -> Progress:
        """How far it is."""

    @property
    def result(self) -> JobResult | None:
        """How the job ended; None while it runs."""

    def end(self) -> None:
        """End it, with all that it has started, and wait until that is so."""


@dataclass
class JobProcess:
    """A job's process. Its standard input is a pipe that it ends with, so it does not outlive its runner."""

    _popen: subprocess.Popen[bytes]

    def __post_init__(self) -> None:
        self._progress = Progress()
        self._began = time.monotonic()
        self._told: JobResult | None = None
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._read, name="job", daemon=True)
        self._thread.start()

    @property
    def progress(self) -> Progress:
        """See Child."""
        return replace(self._progress, seconds=time.monotonic() - self._began)

    @property
    def result(self) -> JobResult | None:
        """See Child."""
        if not self._is_over.is_set():
            return None
        if self._told is not None:
            return self._told
        how = _how_it_ended(self._popen.wait())
        return JobResult(
            state=JobState.FAILED, say=f"The process that did it ended ({how}); the runner's log says more. Try again."
        )

    def end(self) -> None:
        """See Child."""
        _kill(self._popen)
        self._thread.join()

    def _read(self) -> None:
        assert self._popen.stdout is not None
        assert self._popen.stdin is not None
        with self._popen.stdout, self._popen.stdin:
            for line in self._popen.stdout:
                try:
                    self._take(decode(line, JobLine))
                except msgspec.MsgspecError:  # a library printed this
                    log.info("%s", line.decode(errors="replace").rstrip())
            os.waitid(os.P_PID, self._popen.pid, os.WEXITED | os.WNOWAIT)
            _kill(self._popen)  # whatever it has left behind
            self._popen.wait()
        self._is_over.set()

    def _take(self, line: JobLine) -> None:
        if line.result is not None:
            self._told = line.result
        elif line.stage is not None:
            self._began = time.monotonic()
            self._progress = Progress(line.stage, 0, line.steps)
        elif line.done is not None:
            self._progress = replace(self._progress, done=line.done)


def start(job: Job, environ: Mapping[str, str], folder: Path) -> JobProcess:
    """Start the process of a job that was taken up, in the folder of the code. Raises OSError, RuntimeError."""
    asked = Asked(job.id, job.attempt or "")
    command = [sys.executable, "-m", "model.job_child", msgspec.json.encode(asked).decode()]
    popen = subprocess.Popen(
        command, cwd=folder, env=dict(environ), stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    )
    try:
        return JobProcess(popen)
    except RuntimeError:  # there is no thread to be had
        _kill(popen)
        popen.communicate()
        raise


def _kill(popen: subprocess.Popen[bytes]) -> None:
    """Kill the process group; its number is the leader's, and nobody else's before that is waited for."""
    try:
        if popen.returncode is None:
            os.killpg(popen.pid, signal.SIGKILL)
    except (ProcessLookupError, PermissionError):  # macOS says so of a group of dead processes
        return


def _how_it_ended(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
