"""Preprocesses in a process of its own, so that a picture cannot hurt other pictures.

One long-lived child per worker decodes one picture at a time. One that hangs is killed (`decode_timeout`). One that
dies is replaced, and the picture is tried once more, since the child may have been killed from outside; if it dies
again, the picture is rejected (`decoder_crashed`). Any other failure of the child is not the picture's fault.
"""

import contextlib
import os
import queue
import selectors
import signal
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

import numpy as np

from preprocess.errors import DecoderFailed, PictureError, Reason
from preprocess.image import ImageInfo, ImageSpec
from preprocess.limits import Limits
from preprocess.wire import ANSWER, HELLO, MAGIC, DecodeAnswer, Wanted, read_answer, request

_READ_BYTES = 2**20
_MAX_ANSWER_BYTES = 2**28
_DEATHS_ALLOWED = 1
_START_S = 60.0


class _Died(Exception):
    """The child has ended, or its answer cannot be read."""


class _TimedOut(Exception):
    """The child did not answer in time."""


@dataclass
class _Child:
    popen: subprocess.Popen[bytes]
    to: IO[bytes]
    answers: IO[bytes]

    @classmethod
    def start(cls) -> "_Child":
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": _import_path()}
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

    def ask(self, data: bytes, wanted: Wanted, limits: Limits, deadline: float) -> DecodeAnswer:
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
            _wait_until_ready(self.to, selectors.EVENT_WRITE, deadline)
            try:
                rest = rest[os.write(self.to.fileno(), rest[:_READ_BYTES]) :]
            except BrokenPipeError as error:
                raise _Died from error

    def _read(self, count: int, deadline: float) -> bytes:
        parts, missing = [], count
        while missing:
            _wait_until_ready(self.answers, selectors.EVENT_READ, deadline)
            part = os.read(self.answers.fileno(), min(missing, _READ_BYTES))
            if not part:
                raise _Died
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)

    def end(self) -> str:
        """Kill the child. Returns how it ended, such as SIGSEGV or exit code 1."""
        self.popen.kill()
        code = self.popen.wait()
        for pipe in (self.to, self.answers):
            with contextlib.suppress(OSError):
                pipe.close()
        with contextlib.suppress(ValueError):
            return signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return f"exit code {code}"


def _import_path() -> str:
    """The folders from which this process imports, as PYTHONPATH has them.

    Azure Functions puts an app's packages on `sys.path` alone, in no variable that a child would inherit.
    """
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    places = [root, *os.environ.get("PYTHONPATH", "").split(os.pathsep), *sys.path]
    return os.pathsep.join(dict.fromkeys(os.path.abspath(place) for place in places))


def _wait_until_ready(pipe: IO[bytes], event: int, deadline: float) -> None:
    """Wait until the pipe can be read or written. Raises _TimedOut if it cannot be by the deadline."""
    with selectors.PollSelector() as selector:
        selector.register(pipe, event)
        if not selector.select(max(0.0, deadline - time.monotonic())):
            raise _TimedOut


class _Seat:
    """A place for one child, which is started when a picture comes and replaced when it has died."""

    def __init__(self) -> None:
        self.child: _Child | None = None

    def ask(self, data: bytes, wanted: Wanted, limits: Limits) -> DecodeAnswer:
        if self.child is not None and self.child.popen.poll() is not None:
            self.end()  # killed while it had nothing to do
        self.child = self.child or _Child.start()
        return self.child.ask(data, wanted, limits, time.monotonic() + limits.decode_seconds)

    def end(self) -> str:
        assert self.child is not None
        child, self.child = self.child, None
        return child.end()


class Decoder:
    """Preprocesses pictures in `children` child processes. Safe to use from several threads; they take turns."""

    def __init__(self, children: int = 1, on_death: Callable[[str], object] = lambda how: None) -> None:
        """`on_death` is told of each child that died of a picture, or was ended because that took too long: how it
        ended, such as SIGSEGV or timeout.
        """
        self._on_death = on_death
        self._seats = tuple(_Seat() for _ in range(children))
        self._free: queue.LifoQueue[_Seat] = queue.LifoQueue()  # the last used first: a child is not started in vain
        for seat in reversed(self._seats):
            self._free.put(seat)
        self._closing = threading.Lock()

    def preprocess(self, data: bytes, spec: ImageSpec, limits: Limits) -> tuple[ImageInfo, np.ndarray]:
        """The same as `preprocess.preprocess`. Raises PictureError if the picture is at fault, else DecoderFailed."""
        answer = self._answer(data, spec, limits)
        assert answer.image is not None
        assert answer.pixels is not None
        return answer.image, answer.pixels

    def rendition(self, data: bytes, side: int, limits: Limits) -> np.ndarray:
        """The same as `preprocess.rendition`. Raises PictureError if the picture is at fault, else DecoderFailed."""
        return self.described_rendition(data, side, limits)[1]

    def described_rendition(self, data: bytes, side: int, limits: Limits) -> tuple[ImageInfo, np.ndarray]:
        """The same, with what the file holds about itself."""
        answer = self._answer(data, side, limits)
        assert answer.image is not None
        assert answer.pixels is not None
        return answer.image, answer.pixels

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the children that were started."""
        return tuple(child.popen.pid for seat in self._seats if (child := seat.child) is not None)

    @property
    def pid(self) -> int | None:
        """The only child's process id, None before the first picture."""
        return next(iter(self.pids), None)

    def close(self) -> None:
        """End the children, each once it has answered."""
        with self._closing:
            seats = [self._free.get() for _ in self._seats]
            for seat in seats:
                if seat.child is not None:
                    seat.end()
                self._free.put(seat)

    def _answer(self, data: bytes, wanted: Wanted, limits: Limits) -> DecodeAnswer:
        seat = self._free.get()
        try:
            answer = _answered(seat, data, wanted, limits, self._on_death)
        finally:
            self._free.put(seat)
        if answer.problem is not None:
            raise answer.problem
        if answer.failure is not None:
            raise DecoderFailed(answer.failure)
        return answer


def _answered(
    seat: _Seat, data: bytes, wanted: Wanted, limits: Limits, on_death: Callable[[str], object]
) -> DecodeAnswer:
    """The child's answer. Raises PictureError where it takes too long, or dies twice, else DecoderFailed."""
    deaths = 0
    while True:
        try:
            return seat.ask(data, wanted, limits)
        except _Died:
            how = seat.end()
            on_death(how)
            deaths += 1
            if deaths > _DEATHS_ALLOWED:
                detail = f"The decoder died of this picture ({how}), twice."
                raise PictureError(Reason.DECODER_CRASHED, detail) from None
        except _TimedOut:
            seat.end()
            on_death("timeout")
            limit = f"{limits.decode_seconds:g} s (DECODE_SECONDS)"
            raise PictureError(Reason.DECODE_TIMEOUT, f"Decoding took longer than {limit}.") from None
