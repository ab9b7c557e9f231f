"""One supervised process: started, waited for until it answers, started again when it dies, stopped."""

import contextlib
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

log = logging.getLogger("imagestore.local")
_START_TIMEOUT_S = 60.0
_STOP_TIMEOUT_S = 15.0
_POLL_S = 0.02
_SOON_S = 5.0


class NotStarted(Exception):
    """A process ended or did not answer while it started; the message holds the end of its log."""


@dataclass
class Process:
    """`ready` is asked until it says yes. Standard input is a leash: the process ends when its writer is gone."""

    name: str
    command: Sequence[str]
    folder: Path
    log_file: Path
    environment: Mapping[str, str]
    ready: Callable[[], bool]
    _popen: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _started_at: float = field(default=0.0, init=False)
    _deaths: int = field(default=0, init=False)

    @property
    def pid(self) -> int | None:
        """Its process id, None while it does not run."""
        return self._popen.pid if self._popen and self._popen.poll() is None else None

    def start(self) -> None:
        """Start it and wait until it answers. NotStarted."""
        self.spawn()
        assert self._popen is not None
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not self.ready():
            if self._popen.poll() is not None:
                raise NotStarted(f"{self.name} ended while it started.\n{self.last_words()}")
            if time.monotonic() > deadline:
                self.stop()
                raise NotStarted(f"{self.name} did not answer in {_START_TIMEOUT_S:g} s.\n{self.last_words()}")
            time.sleep(_POLL_S)

    def spawn(self) -> None:
        """Start it without waiting."""
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
        self._started_at = time.monotonic()

    def restart_if_dead(self) -> bool:
        """Start it again if it has died; one that keeps dying at once is given longer and longer pauses."""
        if self._popen is None or self._popen.poll() is None:
            return False
        lived_s = time.monotonic() - self._started_at
        self._deaths = self._deaths + 1 if lived_s < _SOON_S else 0
        pause_s = min(0.25 * 2**self._deaths, 10.0) if self._deaths else 0.0
        if lived_s < pause_s:
            return False
        log.warning("%s ended (%s); it is started again", self.name, self._popen.returncode)
        _let_go(self._popen)
        self.spawn()
        return True

    def stop(self) -> None:
        """Ask it to end, and end it if it does not."""
        if self._popen is None:
            return
        popen, self._popen = self._popen, None
        with contextlib.suppress(ProcessLookupError):
            popen.send_signal(signal.SIGTERM)
        try:
            popen.wait(_STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(popen.pid, signal.SIGKILL)
            popen.wait()
        _let_go(popen)

    def last_words(self, lines: int = 1) -> str:
        """The end of its log, and where the rest is."""
        with contextlib.suppress(OSError):
            text = self.log_file.read_text("utf-8", "replace").strip().splitlines()
            return "\n".join(text[-lines:]) + f"\n(The whole log: {self.log_file})"
        return ""


def _let_go(popen: subprocess.Popen[bytes]) -> None:
    if popen.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            popen.stdin.close()
