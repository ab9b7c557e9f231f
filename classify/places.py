"""Where in a picture a label comes from: what each place adds to the label, without any gradient.

The last step of our models is linear. A label's logit is a sum over the numbers that the head takes: weight × number.
Each of these numbers is the mean of a map over all places, or its square root, so each can be divided among the places:

- A mean: each place has its own part of it.
- A square root: each place has the same share of the root as of the mean below it.

What belongs to no place, the head's constant, is spread evenly. So all places together give the logit; where labels
exclude each other, the logit less the mean of all logits, since only differences between labels count there. What is
above zero speaks for the label, what is below against it. It is exact for the last step, and says nothing of why the
network sees what it sees at a place; and each place of a map has seen more of the picture than its own part.

The model file's outputs `map`, `taken`, `weights` and `logits` say all this (docs/model-file.md).
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classify.errors import ModelError
from classify.model import Model
from classify.session import open_session

if TYPE_CHECKING:
    import onnxruntime as ort

_NAMES = ("map", "taken", "weights", "logits")
_OTHER_NAMES = tuple(("head.relu6", taken, "fc.w", "logits") for taken in ("taken", "roots", "features"))
"""What the shipped model and versions trained by earlier releases call these, which they do not give as outputs."""
MIDDLE_MAP = "middle_map_"
MIDDLE_SIDES = "middle_sides"
_WITHIN = 1e-3


@dataclass(frozen=True)
class Places:
    """What each place of a picture adds to the logit of `label`: float32 [rows, columns], row by row from the top."""

    label: str
    shares: np.ndarray


class PlacesFinder:
    """Finds the places of a model's labels. It holds a session of its own, since not every file gives what it takes."""

    def __init__(self, data: bytes, model: Model) -> None:
        """`data` is the file of the loaded model. Raises ModelError if the file does not say enough."""
        self._model = model
        self._names, self._session = _opened(data, model)
        given = {output.name for output in self._session.get_outputs()}
        sides = json.loads(self._session.get_modelmeta().custom_metadata_map.get(MIDDLE_SIDES, "[]"))
        self._middle = [(f"{MIDDLE_MAP}{n}", int(side)) for n, side in enumerate(sides) if f"{MIDDLE_MAP}{n}" in given]
        self._label_weights: np.ndarray | None = None

    def find(self, pixels: np.ndarray, labels: list[str]) -> list[Places]:
        """The places of each of these labels or families in pixels uint8 [height, width, channels].

        Raises ModelError if the model has no such label, or its maps do not give what its head has taken.
        """
        names = [*self._names[:2], self._names[3], *(name for name, _ in self._middle)]
        if self._label_weights is None:
            names.append(self._names[2])
        outputs = self._session.run(names, {self._session.get_inputs()[0].name: self._model.batch(pixels)})
        if self._label_weights is None:
            self._label_weights = np.asarray(outputs.pop(), np.float32)
        whole, taken, logits, middle = outputs[0][0], outputs[1][0], outputs[2][0], [one[0] for one in outputs[3:]]
        weights = self._label_weights
        if weights.ndim != 2 or weights.shape != (len(logits), len(taken)) or len(logits) < len(self._model.labels):
            raise _says_too_little(self._model)
        parts = self._parts(whole, taken, middle)
        found = []
        for label in labels:
            share = self._share_of(label, logits)
            toward = share @ weights
            placed = sum((np.tensordot(toward[columns], part, 1) for columns, part in parts), np.zeros(whole.shape[1:]))
            total = float(share @ logits)
            found.append(Places(label, (placed + (total - placed.sum()) / placed.size).astype(np.float32)))
        return found

    def _parts(self, whole: np.ndarray, taken: np.ndarray, middle: list[np.ndarray]) -> list[tuple[slice, np.ndarray]]:
        """What each place of the map adds to the numbers that the head takes: pairs of columns and float [columns,
        rows, columns]. Raises ModelError if the places do not give these numbers."""
        rows, columns = whole.shape[1:]
        means = whole.mean(axis=(1, 2))
        own = taken[: len(whole)]
        if np.allclose(own, means, atol=_WITHIN):
            parts = [(slice(0, len(whole)), whole / (rows * columns))]
        elif np.allclose(own, np.sqrt(np.maximum(means, 0)), atol=_WITHIN):
            above = np.maximum(whole, 0)
            below = np.maximum(above.sum(axis=(1, 2)), np.finfo(np.float32).tiny)
            parts = [(slice(0, len(whole)), above * (own / below)[:, None, None])]
        else:
            raise _says_too_little(self._model)
        start = len(whole)
        for one, (_, side) in zip(middle, self._middle, strict=True):
            found, factor = _pooled(one, side, taken[start:])
            down, across = (_onto(size, to) for size, to in zip(one.shape[1:], (rows, columns), strict=True))
            parts.append((slice(start, start + found.shape[0]), factor * (down @ found @ across.T)))
            start += found.shape[0]
        return parts

    def _share_of(self, label: str, logits: np.ndarray) -> np.ndarray:
        """How much of each logit float [n] the label is: of a family, its classes by their probabilities; where labels
        exclude each other, less the mean of all."""
        share, model = np.zeros(len(logits)), self._model
        if label in model.labels:
            share[model.labels.index(label)] = 1
        elif (family := next((one for one in model.families if one.label == label), None)) is not None:
            inside = np.exp(logits[list(family.classes)] - logits[list(family.classes)].max())
            share[list(family.classes)] = inside / inside.sum()
        else:
            raise ModelError(f"the model {model.ref.name} {model.ref.version} has no label {label!r}")
        return share if model.has_several else share - 1 / len(share)


def _opened(data: bytes, model: Model) -> tuple[tuple[str, ...], "ort.InferenceSession"]:
    """The names of the outputs that say how a label comes about, and a session that gives them. Raises ModelError."""
    given = {output.name for output in model.session.get_outputs()}
    if given.issuperset(_NAMES):
        return _NAMES, model.session
    for names in _OTHER_NAMES:
        try:
            return names, open_session(with_outputs(data, [name for name in names if name not in given]), "it")
        except ModelError:
            continue
    raise _says_too_little(model)


def with_outputs(data: bytes, names: list[str]) -> bytes:
    """The model file `data` with more of what it computes as outputs.

    Two messages of Protocol Buffers in one file are read as one, with the lists of both. So what is appended is a
    ModelProto with nothing but a graph (field 7) of outputs (field 12) that have a name (field 1).
    """
    outputs = b"".join(_field(12, _field(1, name.encode())) for name in names)
    return data + _field(7, outputs)


def _field(number: int, content: bytes) -> bytes:
    """A field of Protocol Buffers that holds bytes."""
    length, size = bytearray(), len(content)
    while size > 127:
        length.append(size & 127 | 128)
        size >>= 7
    return bytes([number << 3 | 2, *length, size]) + content


def _pooled(one: np.ndarray, side: int, taken: np.ndarray) -> tuple[np.ndarray, float]:
    """What each place of a map float [n, rows, columns] adds to its means over squares of `side` places, float [n ×
    squares, rows, columns], in the order of `taken`; and the factor by which the head has taken the means, of which
    `taken` begins with those of this map."""
    n, rows, columns = one.shape
    squares = [
        (slice(top, top + side), slice(left, left + side))
        for top in range(0, rows, side)
        for left in range(0, columns, side)
    ]
    found = np.zeros((n, len(squares), rows, columns), np.float32)
    for number, (down, across) in enumerate(squares):
        inside = one[:, down, across]
        found[:, number, down, across] = inside / inside[0].size
    parts = found.reshape(n * len(squares), rows, columns)
    means = parts.sum(axis=(1, 2))
    factor = float(taken[: len(means)] @ means / max(float(means @ means), np.finfo(np.float32).tiny))
    return parts, factor


def _onto(size: int, to: int) -> np.ndarray:
    """How much of each of `size` equal parts of a line lies in each of `to` equal parts: float [to, size]."""
    ends, ends_to = np.arange(size + 1) / size, np.arange(to + 1) / to
    low = np.maximum(ends[:-1], ends_to[:-1, None])
    high = np.minimum(ends[1:], ends_to[1:, None])
    return np.asarray(np.maximum(high - low, 0) * size)


def _says_too_little(model: Model) -> ModelError:
    return ModelError(
        f"The model {model.ref.name} {model.ref.version} does not say where in a picture its answer comes from: its "
        "file does not give the map that its features are the mean of"
    )
