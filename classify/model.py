"""Loads a model file and makes it ready to run. docs/model-file.md states what its metadata must hold."""

import hashlib
import json
import math
import re
import threading
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classify.errors import ModelError
from classify.families import Family, families_in
from classify.metadata import has_rest, has_several, labels_in
from classify.prediction import ModelRef
from classify.session import RUNS_AT_ONCE, open_session, run_options
from preprocess.image import MAX_SIDE, Fit, ImageSpec

if TYPE_CHECKING:
    import onnxruntime as ort

MAX_MODEL_BYTES = 500_000_000
PROBE_SECONDS = 30.0
"""How long a model may take to answer a picture when it is loaded."""
_SUM_WITHIN = 0.01
_DISTANCE = "distance"
_REQUIRED = ("name", "version", "labels", "threshold", "crop")


@dataclass(frozen=True)
class Answer:
    """What a model gives for a picture: probabilities float32 [classes], features float32 [n] if any, and, if it tells,
    how far the picture lies from those that it learned from."""

    probabilities: np.ndarray
    features: np.ndarray | None = None
    distance: float | None = None


@dataclass(frozen=True)
class ModelDescription:
    """A model file's description of itself: what it takes, one label per class, and when it answers.

    `threshold` is the confidence from which on it answers, but for labels that have one of their own in `thresholds`.
    What lies farther than `distance_limit` from the pictures that it learned from it does not answer.
    `families` are labels for several classes each, the most specific first. With `has_several` each label has a
    probability of its own, so that several may hold for a picture, or none. With `has_rest`, what the probabilities
    lack to 1 is the probability that the picture shows none of the labels. `mean` and `std` are used only if the graph
    takes floats. `licence` is empty if it is not stated. `backbone` is the SHA-256 of the network that gives the
    features; of a file that does not say, of the file: models of one network have the same features.
    """

    ref: ModelRef
    spec: ImageSpec
    labels: tuple[str, ...]
    threshold: float
    thresholds: dict[str, float] = field(default_factory=dict)
    distance_limit: float | None = None
    families: tuple[Family, ...] = ()
    has_several: bool = False
    has_rest: bool = False
    takes_uint8: bool = True
    mean: float = 0.0
    std: float = 1.0
    gives_logits: bool = False
    licence: str = ""
    backbone: str = ""

    def threshold_of(self, label: str) -> float:
        """The confidence from which on it answers with this label."""
        return self.thresholds.get(label, self.threshold)

    @property
    def answers(self) -> tuple[str, ...]:
        """All that it may answer: its labels, and the names of its families."""
        return self.labels + tuple(family.label for family in self.families)


@dataclass(frozen=True, kw_only=True)
class Model(ModelDescription):
    """A loaded model."""

    session: "ort.InferenceSession"

    @property
    def description(self) -> ModelDescription:
        """Its description without the session, as it can be told to another process."""
        return ModelDescription(**{field.name: getattr(self, field.name) for field in fields(ModelDescription)})

    def run(self, pixels: np.ndarray, options: "ort.RunOptions | None" = None) -> tuple[np.ndarray, np.ndarray | None]:
        """The probabilities and features of `answer`."""
        found = self.answer(pixels, options)
        return found.probabilities, found.features

    def answer(self, pixels: np.ndarray, options: "ort.RunOptions | None" = None) -> Answer:
        """The answer for pixels uint8 [height, width, channels].

        Raises ModelError if it holds no probability distribution over the labels, or with `has_several` no probability
        of each, or no distance where one is due.
        """
        names = [output.name for output in self.session.get_outputs()]
        features = names[1] if len(names) > 1 and names[1] != _DISTANCE else None
        wanted = [
            names[0],
            *([features] if features else []),
            *([_DISTANCE] if self.distance_limit is not None else []),
        ]
        inputs = {self.session.get_inputs()[0].name: self.batch(pixels)}
        with RUNS_AT_ONCE:
            outputs = dict(zip(wanted, self.session.run(wanted, inputs, options), strict=True))
        first = outputs[names[0]][0].astype(np.float32)
        squash = sigmoid if self.has_several else softmax
        probabilities = squash(first) if self.gives_logits else first
        self._check(probabilities)
        distance = None
        if self.distance_limit is not None:
            distance = float(outputs[_DISTANCE].reshape(-1)[0])
            if not np.isfinite(distance):
                raise ModelError(f"the model {self.ref.name} {self.ref.version} answered with a distance of {distance}")
        return Answer(probabilities, outputs[features][0] if features else None, distance)

    def batch(self, pixels: np.ndarray) -> np.ndarray:
        """What the session takes, of pixels uint8 [height, width, channels]."""
        batch = pixels[None]
        if not self.takes_uint8:
            batch = ((batch.astype(np.float32) - self.mean) / self.std).transpose(0, 3, 1, 2)
        return np.ascontiguousarray(batch)

    def _check(self, probabilities: np.ndarray) -> None:
        called = f"the model {self.ref.name} {self.ref.version}"
        if probabilities.shape != (len(self.labels),):
            shape = list(probabilities.shape)
            raise ModelError(f"{called} answered with shape {shape}; it has {len(self.labels)} labels")
        if not np.isfinite(probabilities).all():
            raise ModelError(f"{called} answered with values that are no finite numbers")
        low, high, total = (float(value) for value in (probabilities.min(), probabilities.max(), probabilities.sum()))
        if self.has_several:
            if low < 0 or high > 1:
                raise ModelError(
                    f"{called} answered with values from {low:.3g} to {high:.3g}; probabilities lie between 0 and 1. "
                    "If they are logits, its metadata must say output=logits"
                )
            return
        is_too_little = total < 1 - _SUM_WITHIN and not self.has_rest
        if low < -_SUM_WITHIN or high > 1 + _SUM_WITHIN or total > 1 + _SUM_WITHIN or is_too_little:
            raise ModelError(
                f"{called} answered with values from {low:.3g} to {high:.3g} whose sum is {total:.3g}; probabilities "
                f"lie between 0 and 1 and sum to 1{' at most' if self.has_rest else ''}. If they are logits, its "
                "metadata must say output=logits"
            )


def load_model(path: Path) -> Model:
    """Load an ONNX file, and check its content and its answers.

    Raises ModelError, which says what is missing or wrong.
    """
    try:
        size = path.stat().st_size
        if size > MAX_MODEL_BYTES:
            raise ModelError(f"MODEL '{path}' has {size} bytes; the limit is {MAX_MODEL_BYTES}.")
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(f"MODEL '{path}' cannot be read: {error.strerror}.") from None
    return read_model(data, f"MODEL '{path}'")


def read_model(data: bytes, called: str) -> Model:
    """The same as `load_model`, from the file's bytes; `called` is the file's name in messages. Raises ModelError."""
    if len(data) > MAX_MODEL_BYTES:
        raise ModelError(f"{called} has {len(data)} bytes; the limit is {MAX_MODEL_BYTES}.")
    session = open_session(data, called)
    try:
        model = _described(session, hashlib.sha256(data).hexdigest())
        _probe(model)
        return model
    except ModelError as error:
        raise ModelError(f"{called} cannot be used: {error}. See docs/model-file.md.") from None


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities of the same shape and type as logits float [..., classes]; the sum over the classes is 1."""
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(exponents / exponents.sum(axis=-1, keepdims=True))


def sigmoid(logits: np.ndarray) -> np.ndarray:
    """Probabilities of the same shape and type as logits float, each for itself."""
    return np.asarray(0.5 * (1 + np.tanh(0.5 * logits)))


def _probe(model: Model) -> None:
    """Run the model on a black picture and on one of all levels, so that one that cannot answer is refused before it is
    used."""
    shape = (model.spec.height, model.spec.width, model.spec.channels)
    scattered = np.arange(math.prod(shape)) * 167 % 256  # numpy.random would take 20 ms to load
    for pixels in (np.zeros(shape, np.uint8), scattered.astype(np.uint8).reshape(shape)):
        options = run_options()
        timer = threading.Timer(PROBE_SECONDS, setattr, (options, "terminate", True))
        timer.daemon = True
        timer.start()
        try:
            model.run(pixels, options)
        except ModelError:
            raise
        except Exception as error:  # as in `open_session`
            if options.terminate:
                raise ModelError(f"it did not answer a picture within {PROBE_SECONDS:g} s") from None
            raise ModelError(f"it cannot answer a picture: {error}") from None
        finally:
            timer.cancel()


def _described(session: "ort.InferenceSession", sha256: str) -> Model:
    meta = session.get_modelmeta().custom_metadata_map
    missing = [key for key in _REQUIRED if key not in meta]
    if missing:
        raise ModelError(f"its metadata lacks {', '.join(missing)}")
    labels = labels_in(meta["labels"])
    takes_uint8, height, width, channels = _input(session)
    classes = session.get_outputs()[0].shape
    if len(classes) != 2 or (isinstance(classes[1], int) and classes[1] != len(labels)):
        raise ModelError(f"its first output has shape {classes}; it takes [batch, {len(labels)}], one column per label")
    threshold = _number(meta, "threshold")
    if not 0 <= threshold <= 1:
        raise ModelError(f"threshold is {threshold:g}; it takes a confidence from 0 to 1")
    limit = _number(meta, "distance_limit") if "distance_limit" in meta else None
    if limit is not None and _DISTANCE not in {output.name for output in session.get_outputs()}:
        raise ModelError(f"its metadata has a distance_limit, but it has no output called {_DISTANCE}")
    return Model(
        ref=ModelRef(meta["name"], meta["version"], sha256),
        spec=_spec(meta, width, height, channels),
        labels=labels,
        threshold=threshold,
        thresholds=_thresholds(meta, labels),
        distance_limit=limit,
        families=families_in(meta, labels),
        has_several=has_several(meta),
        has_rest=has_rest(meta),
        session=session,
        takes_uint8=takes_uint8,
        mean=0.0 if takes_uint8 else _number(meta, "mean"),
        std=1.0 if takes_uint8 else _number(meta, "std"),
        gives_logits=meta.get("output", "probabilities") == "logits",
        licence=meta.get("licence", ""),
        backbone=_backbone(meta, sha256),
    )


def _backbone(meta: dict[str, str], sha256: str) -> str:
    """The SHA-256 of the network that gives the features. Raises ModelError."""
    said = meta.get("backbone_sha256", sha256)
    if not re.fullmatch("[0-9a-f]{64}", said):
        raise ModelError(f"backbone_sha256 is {said[:80]!r}; it takes the 64 hex digits of a SHA-256")
    return said


def _thresholds(meta: dict[str, str], labels: tuple[str, ...]) -> dict[str, float]:
    """The thresholds of labels that have one of their own. Raises ModelError."""
    try:
        found = json.loads(meta.get("thresholds", "{}"))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict) or not all(type(value) in (int, float) for value in found.values()):
        raise ModelError('thresholds is not a JSON object of labels and numbers, such as {"cat": 0.8}')
    for label, value in found.items():
        if label not in labels:
            raise ModelError(f"thresholds has {label!r}, which is none of its labels")
        if not 0 <= value <= 1:
            raise ModelError(f"the threshold of {label!r} is {value:g}; it takes a confidence from 0 to 1")
    return {label: float(value) for label, value in found.items()}


def _spec(meta: dict[str, str], width: int, height: int, channels: int) -> ImageSpec:
    """The form of picture that a model takes, by its metadata. Raises ModelError."""
    crop = _number(meta, "crop")
    if not 0 < crop <= 1:
        raise ModelError(f"crop is {crop}; it takes a number above 0 and up to 1")
    try:
        fit = Fit(meta.get("fit", Fit.CROP))
    except ValueError:
        raise ModelError(f"fit is {meta['fit']!r}; it takes {', '.join(Fit)}") from None
    if fit is not Fit.CROP and crop != 1:
        raise ModelError(f"crop is {crop}; a model that takes the whole picture (fit={fit}) has a crop of 1")
    decoding = meta.get("decoding", "usual")
    if decoding not in ("usual", "plain"):
        raise ModelError(f"decoding is {decoding[:40]!r}; it takes usual or plain")
    spec = ImageSpec(width, height, channels, crop, fit, plain=decoding == "plain")
    if fit is not Fit.PAD:
        return spec
    if "pad_value" not in meta:
        raise ModelError("its metadata lacks pad_value, which fit=pad needs")
    level = _number(meta, "pad_value")
    if level not in range(256):
        raise ModelError(f"pad_value is {level:g}; it takes a whole number from 0 to 255")
    return replace(spec, pad_value=int(level))


def _input(session: "ort.InferenceSession") -> tuple[bool, int, int, int]:
    """(takes uint8, height, width, channels) of the only input: uint8 [n, h, w, c] or float [n, c, h, w]."""
    inputs = session.get_inputs()
    shape = inputs[0].shape
    kinds = {"tensor(uint8)": (1, 2, 3), "tensor(float)": (2, 3, 1)}
    if len(inputs) == 1 and inputs[0].type in kinds and len(shape) == 4:
        sizes = [shape[axis] for axis in kinds[inputs[0].type]]
        if all(isinstance(size, int) and size > 0 for size in sizes) and sizes[2] in (1, 3):
            if max(sizes[:2]) > MAX_SIDE:
                raise ModelError(f"it takes pictures of {sizes[1]} × {sizes[0]} pixels; the limit is {MAX_SIDE} a side")
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
