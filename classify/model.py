"""A model file, ready to run. docs/model-file.md states what its metadata must hold."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort

from errors import ModelError
from record import ImageSpec, ModelRef

RESERVED_LABEL = "unknown"
MAX_MODEL_BYTES = 500_000_000
_REQUIRED = ("name", "version", "labels", "threshold", "crop")


@dataclass(frozen=True)
class Model:
    """A loaded model. `labels` has one entry per class; `mean` and `std` only where the graph takes floats."""

    ref: ModelRef
    spec: ImageSpec
    labels: tuple[str, ...]
    threshold: float
    session: ort.InferenceSession
    takes_uint8: bool
    mean: float
    std: float
    gives_logits: bool

    def run(self, pixels: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
        """From uint8 [height, width, channels] to probabilities float32 [classes] and, if any, features float32 [n]."""
        batch = pixels[None]
        if not self.takes_uint8:
            batch = ((batch.astype(np.float32) - self.mean) / self.std).transpose(0, 3, 1, 2)
        outputs = self.session.run(None, {self.session.get_inputs()[0].name: np.ascontiguousarray(batch)})
        first = outputs[0][0].astype(np.float32)
        return (_softmax(first) if self.gives_logits else first), (outputs[1][0] if len(outputs) > 1 else None)


def load_model(path: Path) -> Model:
    """Load an ONNX file and check that everything needed is in it; ModelError lists what is missing or wrong."""
    try:
        size = path.stat().st_size
        if size > MAX_MODEL_BYTES:
            raise ModelError(f"MODEL '{path}' has {size} bytes; the limit is {MAX_MODEL_BYTES}.")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"MODEL '{path}' cannot be read: {error.strerror}.") from None
    return read_model(data, f"MODEL '{path}'")


def read_model(data: bytes, called: str) -> Model:
    """As `load_model`, from the file's bytes; `called` is how an error names it."""
    if len(data) > MAX_MODEL_BYTES:
        raise ModelError(f"{called} has {len(data)} bytes; the limit is {MAX_MODEL_BYTES}.")
    session = _session(data, called)
    try:
        return _described(session, hashlib.sha256(data).hexdigest())
    except ModelError as error:
        raise ModelError(f"{called} cannot be used: {error}. See docs/model-file.md.") from None


def _session(data: bytes, called: str) -> ort.InferenceSession:
    """One thread: several processes with one thread each beat one process with several."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return ort.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime has a class for each of its status codes, and they share no base
        raise ModelError(f"{called} is not an ONNX file that onnxruntime can run: {error}") from None


def _described(session: ort.InferenceSession, sha256: str) -> Model:
    meta = session.get_modelmeta().custom_metadata_map
    missing = [key for key in _REQUIRED if key not in meta]
    if missing:
        raise ModelError(f"its metadata lacks {', '.join(missing)}")
    labels = _labels(meta["labels"])
    takes_uint8, height, width, channels = _input(session)
    classes = session.get_outputs()[0].shape
    if len(classes) != 2 or (isinstance(classes[1], int) and classes[1] != len(labels)):
        raise ModelError(f"its first output has shape {classes}; it takes [batch, {len(labels)}], one column per label")
    crop = _number(meta, "crop")
    if not 0 < crop <= 1:
        raise ModelError(f"crop is {crop}; it takes a number above 0 and up to 1")
    return Model(
        ref=ModelRef(meta["name"], meta["version"], sha256),
        spec=ImageSpec(width, height, channels, crop),
        labels=labels,
        threshold=_number(meta, "threshold"),
        session=session,
        takes_uint8=takes_uint8,
        mean=0.0 if takes_uint8 else _number(meta, "mean"),
        std=1.0 if takes_uint8 else _number(meta, "std"),
        gives_logits=meta.get("output", "probabilities") == "logits",
    )


def _labels(text: str) -> tuple[str, ...]:
    try:
        labels: Any = json.loads(text)
    except ValueError:
        labels = None
    if not isinstance(labels, list) or not labels or not all(isinstance(x, str) and x.strip() for x in labels):
        raise ModelError('labels is not a JSON list of names, such as ["cat", "dog"]')
    if twice := sorted({label for label in labels if labels.count(label) > 1}):
        raise ModelError(f"labels has {twice[0]!r} more than once")
    if RESERVED_LABEL in labels:
        raise ModelError(f"labels has {RESERVED_LABEL!r}, which is reserved for pictures under the threshold")
    return tuple(labels)


def _input(session: ort.InferenceSession) -> tuple[bool, int, int, int]:
    """(takes uint8, height, width, channels) of the only input: uint8 [n, h, w, c] or float [n, c, h, w]."""
    inputs = session.get_inputs()
    shape = inputs[0].shape
    kinds = {"tensor(uint8)": (1, 2, 3), "tensor(float)": (2, 3, 1)}
    if len(inputs) == 1 and inputs[0].type in kinds and len(shape) == 4:
        sizes = [shape[axis] for axis in kinds[inputs[0].type]]
        if all(isinstance(size, int) and size > 0 for size in sizes) and sizes[2] in (1, 3):
            return inputs[0].type == "tensor(uint8)", sizes[0], sizes[1], sizes[2]
    raise ModelError(
        f"its inputs are {[(i.type, i.shape) for i in inputs]}; it takes one, uint8 [batch, height, width, 1 or 3] "
        "or float [batch, 1 or 3, height, width] with fixed sizes"
    )


def _number(meta: dict[str, str], key: str) -> float:
    try:
        number = float(meta[key])
    except KeyError:
        raise ModelError(f"its metadata lacks {key}, which a float input needs") from None
    except ValueError:
        raise ModelError(f"{key} is {meta[key]!r}; it takes a number") from None
    if not np.isfinite(number):
        raise ModelError(f"{key} is {meta[key]!r}; it takes a number")
    return number


def _softmax(logits: np.ndarray) -> np.ndarray:
    exponents = np.exp(logits - logits.max())
    return np.asarray(exponents / exponents.sum(), np.float32)
