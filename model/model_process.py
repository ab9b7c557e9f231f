"""Runs a model file in a child process with limits on time and memory, so that a harmful file can do no damage.

The child is `model/model_child.py`. It answers in lines of JSON; if it cannot do something, it says so in a sentence.
One that takes too long is killed, and the operating system limits its memory. So an endless loop, or a model that wants
the whole machine's memory, is refused like any other model that cannot be used.
"""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from types import TracebackType

import msgspec
import numpy as np

from classify import ModelDescription, ModelError
from imagestore.decoding import decode
from imagestore.settings import ROOT

LOAD_SECONDS = 120.0
"""The time limit for reading the file, validating it and answering two pictures."""
PICTURE_SECONDS = 30.0
MEMORY_BYTES = 2 * 2**30
"""How much memory a model may take besides four times the size of its file.

An instance of the function app has 2,048 MB.
"""
_MOST_LINE_BYTES = 2**26


class ModelAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line that the child prints: the model that it loaded, the probabilities of a picture (with its distance from
    those that were learned from, if the model tells it), or why it has neither."""

    model: ModelDescription | None = None
    probabilities: list[float] = []
    distance: float | None = None
    inference_ms: float = 0.0
    problem: str | None = None


class ModelProcess:
    """One child with the model loaded. Use it from one thread at a time, and close it."""

    def __init__(self, data: bytes, called: str) -> None:
        """Raises ModelError if the file `data` cannot be used; `called` is its name in the message."""
        self._called = called
        memory = MEMORY_BYTES + 4 * len(data)
        self._allowed = f"{memory // 2**20:,} MB of memory"
        command = [sys.executable, "-m", "model.model_child", str(memory), str(PICTURE_SECONDS), called]
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._child = subprocess.Popen(
            command, cwd=ROOT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        try:
            model = self._ask(len(data).to_bytes(8, "big") + data, LOAD_SECONDS).model
            if model is None:
                raise ModelError(f"{called} was not loaded.")
        except BaseException:
            self.close()
            raise
        self.model = model

    def run(self, pixels: np.ndarray) -> ModelAnswer:
        """The answer for pixels uint8 [height, width, channels].

        Raises ModelError if the model cannot answer, or its answer holds no probabilities.
        """
        answer = self._ask(np.ascontiguousarray(pixels, np.uint8).tobytes(), PICTURE_SECONDS)
        if len(answer.probabilities) != len(self.model.labels):
            raise ModelError(f"{self._called} answered {len(answer.probabilities)} of {len(self.model.labels)} values.")
        return answer

    def close(self) -> None:
        """End the child."""
        self._child.kill()
        self._child.wait()
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        for pipe in (self._child.stdin, self._child.stdout):
            with contextlib.suppress(OSError):
                pipe.close()

    def _ask(self, request: bytes, seconds: float) -> ModelAnswer:
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        is_late = threading.Event()

        def end() -> None:
            is_late.set()
            self._child.kill()

        timer = threading.Timer(seconds, end)
        timer.daemon = True
        timer.start()
        try:
            self._child.stdin.write(request)
            self._child.stdin.flush()
            line = self._child.stdout.readline(_MOST_LINE_BYTES)
            answer = decode(line, ModelAnswer)
        except (OSError, msgspec.MsgspecError):
            if is_late.is_set():
                raise ModelError(f"{self._called} cannot be used: it takes longer than {seconds:g} s.") from None
            how = _how_it_ended(self._child)
            raise ModelError(
                f"{self._called} cannot be used: the process that ran it ended ({how}). It may take {self._allowed}."
            ) from None
        finally:
            timer.cancel()
        if answer.problem is not None:
            raise ModelError(answer.problem)
        return answer


class ModelPool:
    """Up to `most` children with the same model, for several threads; a second one starts when the first is busy."""

    def __init__(self, data: bytes, called: str, most: int = 1) -> None:
        """Raises ModelError if the file cannot be used."""
        self._file = (data, called)
        self._lock = threading.Lock()
        self._left = most - 1
        self._processes = [ModelProcess(data, called)]
        self._free: queue.SimpleQueue[ModelProcess] = queue.SimpleQueue()
        self._free.put(self._processes[0])
        self.model = self._processes[0].model

    def run(self, pixels: np.ndarray) -> ModelAnswer:
        """The same as `ModelProcess.run`, in a child that is free."""
        process = self._take()
        try:
            return process.run(pixels)
        finally:
            self._free.put(process)

    def _take(self) -> ModelProcess:
        with contextlib.suppress(queue.Empty):
            return self._free.get_nowait()
        with self._lock:
            may_start, self._left = self._left > 0, max(0, self._left - 1)
        if not may_start:
            return self._free.get()
        process = ModelProcess(*self._file)
        self._processes.append(process)
        return process

    def __enter__(self) -> "ModelPool":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for process in self._processes:
            process.close()


def _how_it_ended(child: subprocess.Popen[bytes]) -> str:
    child.kill()  # one that answers nonsense has not ended by itself
    code = child.wait()
    with contextlib.suppress(ValueError):
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    return f"exit code {code}"


def describe(data: bytes, called: str) -> ModelDescription:
    """The description of the model file `data`, after it has answered two pictures. Raises ModelError."""
    process = ModelProcess(data, called)
    process.close()
    return process.model
