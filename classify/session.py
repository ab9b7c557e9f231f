"""Sets up ONNX Runtime, in one place for everything that runs a model."""

import os
import threading
from typing import TYPE_CHECKING

from classify.errors import ModelError

if TYPE_CHECKING:
    import onnxruntime as ort

RUNS_AT_ONCE = threading.BoundedSemaphore(os.cpu_count() or 1)
"""Held while a session runs: more runs than there are cores are no faster, and each takes memory, 6 MB with the shipped
model."""


def open_session(data: bytes, called: str) -> "ort.InferenceSession":
    """A session for the model file `data`, on one thread: several processes with one thread each are faster than one
    with several.

    Raises ModelError if onnxruntime does not accept the file; `called` is the file's name in messages.
    """
    import onnxruntime as ort

    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4  # what it would print of a bad model, the exception says too
    try:
        session = ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
        session._model_bytes = None  # it would hold the file, 18 MB of the shipped model, to make itself anew
        return session
    except Exception as error:  # onnxruntime has a class for each of its status codes, and they share no base
        raise ModelError(f"{called} is not an ONNX file that onnxruntime can run: {error}") from None


def run_options() -> "ort.RunOptions":
    """Options for one run of a session; setting `terminate` on them ends it."""
    import onnxruntime as ort

    return ort.RunOptions()
