"""The child of classifier.py: `python -m imagestore.web.models.model_child MEMORY_BYTES SECONDS`.

It reads requests from standard input, each of a letter, the SHA-256 of a model file (32 bytes), the length of what
follows (8 bytes), and that: `L` a model file to load, `C` pixels as that model takes them, `W` such pixels and a label
(nothing is the one answered) of which to say where it comes from, `D` nothing, to let go of it. It answers each with a
line of JSON, until standard input ends.
"""

import sys
from dataclasses import dataclass
from typing import BinaryIO

import msgspec
import numpy as np

from classify import Model, ModelDescription, ModelError, Prediction, Vector, predict_with_vector, read_model
from classify.model import PROBE_SECONDS
from classify.places import PlacesFinder
from imagestore import bounded_child

LOAD, CLASSIFY, WHY, DROP = b"L", b"C", b"W", b"D"
KEY_BYTES, LENGTH_BYTES = 32, 8
_GRACE_S = 10.0


class ChildAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line that the child prints: what a loaded model says of itself, a prediction with all labels in `top`, or why
    there is neither. With a prediction comes the picture's vector, and with `places` of a label what each of them adds
    to it."""

    model: ModelDescription | None = None
    prediction: Prediction | None = None
    vector: Vector | None = None
    places: list[list[float]] | None = None
    problem: str | None = None


@dataclass
class _Loaded:
    """A model with its file, and what finds the places of its labels, made when it is first needed."""

    model: Model
    data: bytes
    finder: PlacesFinder | None = None


def main() -> None:
    """Answer until the parent has ended."""
    memory, seconds = int(sys.argv[1]), float(sys.argv[2])
    answers = bounded_child.begin(memory)
    models: dict[bytes, _Loaded] = {}
    requests = sys.stdin.buffer
    while what := requests.read(1):
        bounded_child.end_in(seconds + 2 * PROBE_SECONDS + _GRACE_S)
        answers.write(msgspec.json.encode(_answer(models, what, requests)) + b"\n")
        answers.flush()
        bounded_child.end_in(0)


def _answer(models: dict[bytes, _Loaded], what: bytes, requests: BinaryIO) -> ChildAnswer:
    key = requests.read(KEY_BYTES)
    data = requests.read(int.from_bytes(requests.read(LENGTH_BYTES), "big"))
    try:
        if what == DROP:
            models.pop(key, None)
            return ChildAnswer()
        if what == LOAD:
            models[key] = _Loaded(read_model(data, "The model"), data)
            return ChildAnswer(models[key].model.description)
        loaded, model = models[key], models[key].model
        shape = (model.spec.height, model.spec.width, model.spec.channels)
        pixels = np.frombuffer(data, np.uint8, int(np.prod(shape))).reshape(shape)
        prediction, vector = predict_with_vector(model, pixels, len(model.labels))
        if what == CLASSIFY:
            return ChildAnswer(prediction=prediction, vector=vector)
        loaded.finder = loaded.finder or PlacesFinder(loaded.data, model)
        label = data[pixels.size :].decode() or prediction.label
        (found,) = loaded.finder.find(pixels, [label])
        return ChildAnswer(prediction=prediction, vector=vector, places=found.shares.tolist())
    except MemoryError:
        return ChildAnswer(problem="It needs more memory than there is for it.")
    except ModelError as error:
        return ChildAnswer(problem=str(error))
    except Exception as error:
        return ChildAnswer(problem=f"It cannot answer: {error}")


if __name__ == "__main__":
    main()
