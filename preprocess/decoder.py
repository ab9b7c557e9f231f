"""Preprocessing in a process of its own, so that a picture cannot hurt its neighbours.

One long-lived child per worker decodes one picture at a time. One that hangs is killed (`decode_timeout`); one that
dies is replaced and the picture tried once more, since it may have been killed from outside; the second death is the
picture's (`decoder_crashed`). Whatever else the child says is a fault of ours.
"""

import contextlib
import os
import select
import signal
import struct
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import IO

import numpy as np

from errors import PictureError, Reason
from preprocess.limits import Limits
from preprocess.wire import ANSWER, HELLO, MAGIC, Answer, Wanted, read_answer, request
from record import ImageInfo, ImageSpec

_READ_BYTES = 2**20
_MAX_ANSWER_BYTES = 2**28
_DEATHS_ALLOWED = 1
_START_S = 60.0


class DecoderFailed(Exception):
    """The child had a fault that is not the picture's, such as running out of memory; trying again may help."""


class _Died(Exception):
    """The child is gone, or answers nonsense."""


class _TimedOut(Exception):
    """The child did not answer in time."""


@dataclass
class _Child:
    popen: subprocess.Popen[bytes]
    to: IO[bytes]
    answers: IO[bytes]

    @classmethod
    def start(cls) -> "_Child":
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        environment["PYTHONPATH"] = os.pathsep.join(filter(None, (root, environment.get("PYTHONPATH"))))
        command = [sys.executable, "-m", "preprocess.child"]
        popen = subprocess.Popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0)
        assert popen.stdin is not None
        assert popen.stdout is not None
        os.set_blocking(popen.stdin.fileno(), False)
        child = cls(popen, popen.stdin, popen.stdout)
        try:
            if child._read(len(HELLO), time.monotonic() + _START_S) == HELLO:
                return child
        except (_Died, _TimedOut):
            pass
        raise DecoderFailed(f"The decode child does not start ({child.end()}); its message is in the log.")

    def ask(self, data: bytes, wanted: Wanted, limits: Limits, deadline: float) -> Answer:
        for part in request(data, wanted, limits):
            self._write(part, deadline)
        magic, length = struct.unpack(ANSWER, self._read(struct.calcsize(ANSWER), deadline))
        if magic != MAGIC or length > _MAX_ANSWER_BYTES:
            raise _Died
        try:
            return read_answer(self._read(length, deadline))
        except (ValueError, KeyError, TypeError) as error:
            raise _Died from error

    def _write(self, data: bytes, deadline: float) -> None:
        rest = memoryview(data)
        while rest:
            _, ready, _ = select.select([], [self.to], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise _TimedOut
            try:
                rest = rest[os.write(self.to.fileno(), rest[:_READ_BYTES]) :]
            except BrokenPipeError as error:
                raise _Died from error

    def _read(self, count: int, deadline: float) -> bytes:
        parts, missing = [], count
        while missing:
            ready, _, _ = select.select([self.answers], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise _TimedOut
            part = os.read(self.answers.fileno(), min(missing, _READ_BYTES))
            if not part:
                raise _Died
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def end(self) -> str:
        """Kill it; how it had ended."""
        self.popen.kill()
        code = self.popen.wait()
        for pipe in (self.to, self.answers):
            with contextlib.suppress(OSError):
                pipe.close()
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"exit code {code}"


class Decoder:
    """Preprocesses pictures in a child process. Safe to use from several threads; they take turns."""

    def __init__(self) -> None:
        self._child: _Child | None = None
        self._lock = threading.Lock()

    def preprocess(self, data: bytes, spec: ImageSpec, limits: Limits) -> tuple[ImageInfo, np.ndarray]:
        """As `preprocess.preprocess`. Raises PictureError where the picture is at fault, else DecoderFailed."""
        answer = self._answer(data, spec, limits)
        assert answer.image is not None
        assert answer.pixels is not None
        return answer.image, answer.pixels

    def rendition(self, data: bytes, side: int, limits: Limits) -> np.ndarray:
        """As `preprocess.rendition`. Raises PictureError where the picture is at fault, else DecoderFailed."""
        answer = self._answer(data, side, limits)
        assert answer.pixels is not None
        return answer.pixels

    def _answer(self, data: bytes, wanted: Wanted, limits: Limits) -> Answer:
        with self._lock:
            for death in range(_DEATHS_ALLOWED + 1):
                try:
                    answer = self._ask(data, wanted, limits)
                    break
                except _Died:
                    how = self._end()
                    if death == _DEATHS_ALLOWED:
                        detail = f"The decoder died of this picture ({how}), twice."
                        raise PictureError(Reason.DECODER_CRASHED, detail) from None
                except _TimedOut:
                    self._end()
                    limit = f"{limits.decode_seconds:g} s (DECODE_SECONDS)"
                    raise PictureError(Reason.DECODE_TIMEOUT, f"Decoding took longer than {limit}.") from None
        if answer.problem is not None:
            raise answer.problem
        if answer.failure is not None:
            raise DecoderFailed(answer.failure)
        return answer

    @property
    def pid(self) -> int | None:
        """The child's process id, None before the first picture."""
        return self._child.popen.pid if self._child else None

    def close(self) -> None:
        """End the child."""
        with self._lock:
            if self._child is not None:
                self._end()

    def _ask(self, data: bytes, wanted: Wanted, limits: Limits) -> Answer:
        if self._child is not None and self._child.popen.poll() is not None:
            self._end()  # killed while it had nothing to do
        self._child = self._child or _Child.start()
        return self._child.ask(data, wanted, limits, time.monotonic() + limits.decode_seconds)

    def _end(self) -> str:
        assert self._child is not None
        child, self._child = self._child, None
        return child.end()
