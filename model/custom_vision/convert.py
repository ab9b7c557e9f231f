"""Makes a model file of one that Custom Vision exported, in a child process with limits on time and memory."""

import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import msgspec

from classify import ModelError
from classify.model import MAX_MODEL_BYTES
from imagestore.decoding import decode
from imagestore.settings import ROOT
from model.custom_vision.archive import LABELS_FILE
from model.custom_vision.graph import Wanted

SECONDS = 120.0
MEMORY_BYTES = 2 * 2**30
"""How much memory the child may take besides six times the size of the file."""
MAX_FILE_BYTES = MAX_MODEL_BYTES + 100_000_000
"""Of a ZIP: the model, and what else an export holds."""


ZIP = b"PK"
"""What a ZIP begins with, and no ONNX file."""


class Asked(msgspec.Struct, frozen=True):
    """What the child is to make; `called` is the file's name in messages, `labels` where a file with labels is."""

    called: str
    wanted: Wanted
    labels: str | None
    memory_bytes: int
    seconds: float


class Converted(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the child says before the model file: why there is none, if there is none."""

    problem: str | None = None


def convert(path: Path, wanted: Wanted, labels: Path | None = None) -> bytes:
    """The model file of an export: a ZIP, or an ONNX file with its labels in `labels` or in labels.txt beside it.

    Raises ModelError, which says what is wrong.
    """
    called = path.name
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_FILE_BYTES:
                raise ModelError(f"{called} has {size} bytes; the limit is {MAX_FILE_BYTES}.")
            beside = path.with_name(LABELS_FILE)
            if labels is None and beside.is_file() and file.peek(len(ZIP))[: len(ZIP)] != ZIP:
                labels = beside
            names = None if labels is None else str(labels.resolve())
            return _made(file, Asked(called, wanted, names, MEMORY_BYTES + 6 * size, SECONDS))
    except OSError as error:
        raise ModelError(f"'{error.filename or path}' cannot be read: {error.strerror}.") from None


def _made(file: BinaryIO, asked: Asked) -> bytes:
    """The model file that a child makes of `file`. Raises ModelError."""
    command = [sys.executable, "-m", "model.custom_vision.child", msgspec.json.encode(asked).decode()]
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    os.lseek(file.fileno(), 0, os.SEEK_SET)
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, stdin=file, stdout=subprocess.PIPE, timeout=asked.seconds, check=False
        )
    except subprocess.TimeoutExpired:
        raise ModelError(f"{asked.called} cannot be used: it takes longer than {asked.seconds:g} s.") from None
    length = int.from_bytes(done.stdout[:8], "big")
    try:
        said = decode(done.stdout[8 : 8 + length], Converted)
    except msgspec.MsgspecError:
        raise ModelError(
            f"{asked.called} cannot be used: the process that read it ended ({done.returncode}). It may take "
            f"{asked.memory_bytes // 2**20:,} MB of memory."
        ) from None
    if said.problem is not None:
        raise ModelError(said.problem)
    return done.stdout[8 + length :]
