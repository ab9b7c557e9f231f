"""One supervised process: started, waited for until it answers, restarted when it dies, stopped."""

import contextlib
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from imagestore.errors import NotStarted

log = logging.getLogger("imagestore.local")
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 15.0
_POLL_S = 0.02
_SOON_S = 5.0
_SHORTEST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 10.0


@dataclass
class Process:
    """A command, its folder, environment and log file; `ready` tells whether it answers.

    Its standard input is a pipe that this process holds open, and it ends when the pipe closes, so it does not outlive
    its supervisor.
    """

    name: str
    command: Sequence[str]
    folder: Path
    log_file: Path
    environment: Mapping[str, str]
    ready: Callable[[], bool]
    _popen: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _started_at: float = field(default=0.0, init=False)
    _deaths: int = field(default=0, init=False)
    _is_counted: bool = field(default=False, init=False)
    _changing: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def pid(self) -> int | None:
        """The process id, None while it is not running."""
        return self._popen.pid if self._popen and self._popen.poll() is None else None

    def start(self) -> None:
        """Start the process and wait until it answers. Raises NotStarted."""
        self.spawn()
        assert self._popen is not None
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self.ready():
            if self._popen.poll() is not None:
                raise NotStarted(f"{self.name} ended while it started.\n{self.end_of_log()}")
            if time.monotonic() > deadline:
                self.stop()
                raise NotStarted(f"{self.name} did not answer in {_START_TIMEOUT_S:g} s.\n{self.end_of_log()}")
            time.sleep(_POLL_S)

    def spawn(self) -> None:
        """Start the process without waiting for an answer. Raises NotStarted."""
        descriptor = os.open(self.log_file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._popen = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env={**os.environ, **self.environment},
                stdin=subprocess.PIPE,
                stdout=descriptor,
                stderr=descriptor,
                start_new_session=True,
            )
        except OSError as error:
            raise NotStarted(f"{self.name} cannot be started: {error}.") from None
        finally:
            os.close(descriptor)
        self._started_at, self._is_counted = time.monotonic(), False

    def restart_if_dead(self) -> bool:
        """Start the process again if it has died, after growing pauses if it keeps dying at once.

        Returns whether it was started.
        """
        with self._changing:  # or one that is being stopped would be started again
            if self._popen is None or self._popen.poll() is None:
                return False
            since_start_s = time.monotonic() - self._started_at
            if not self._is_counted:
                self._deaths = self._deaths + 1 if since_start_s < _SOON_S else 0
                self._is_counted = True
            if self._deaths and since_start_s < min(_SHORTEST_PAUSE_S * 2**self._deaths, _LONGEST_PAUSE_S):
                return False
            log.warning("%s ended (%s); it is started again", self.name, self._popen.returncode)
            _close_input(self._popen)
            self.spawn()
            return True

    def stop(self) -> None:
        """Ask the process to end, and kill it with its children if it does not."""
        with self._changing:
            popen, self._popen = self._popen, None
        if popen is None:
            return
        with contextlib.suppress(ProcessLookupError):
            popen.send_signal(signal.SIGTERM)
        try:
            popen.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(popen.pid, signal.SIGKILL)
            popen.wait()
        _close_input(popen)

    def end_of_log(self, lines: int = 1) -> str:
        """The last lines of the log, and its path."""
        with contextlib.suppress(OSError):
            text = self.log_file.read_text("utf-8", "replace").strip().splitlines()
            return "\n".join(text[-lines:]) + f"\n(The whole log: {self.log_file})"
        return ""


def _close_input(popen: subprocess.Popen[bytes]) -> None:
    if popen.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            popen.stdin.close()
