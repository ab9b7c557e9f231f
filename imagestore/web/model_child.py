"""The child of `imagestore/web/classifier.py`: `python -m imagestore.web.model_child MEMORY_BYTES SECONDS`.

It reads requests from standard input, each of a letter, the SHA-256 of a model file (32 bytes), the length of what
follows (8 bytes), and that: `L` a model file to load, `C` pixels as that model takes them, `D` nothing, to let go of
it. It answers each with a line of JSON, until standard input ends.
"""

import sys
from typing import BinaryIO

import msgspec
import numpy as np

from classify import Model, ModelDescription, ModelError, Prediction, predict, read_model
from classify.model import PROBE_SECONDS
from imagestore import bounded_child

LOAD, CLASSIFY, DROP = b"L", b"C", b"D"
KEY_BYTES, LENGTH_BYTES = 32, 8
_GRACE_S = 10.0


class ChildAnswer(msgspec.Struct, frozen=True, omit_defaults=True):
    """A line that the child prints: what a loaded model says of itself, a prediction with all labels in `top`, or why
    there is neither."""

    model: ModelDescription | None = None
    prediction: Prediction | None = None
    problem: str | None = None


def main() -> None:
    """Answer until the parent has ended."""
    memory, seconds = int(sys.argv[1]), float(sys.argv[2])
    answers = bounded_child.begin(memory)
    models: dict[bytes, Model] = {}
    requests = sys.stdin.buffer
    while what := requests.read(1):
        bounded_child.end_in(seconds + 2 * PROBE_SECONDS + _GRACE_S)
        answers.write(msgspec.json.encode(_answer(models, what, requests)) + b"\n")
        answers.flush()
        bounded_child.end_in(0)


def _answer(models: dict[bytes, Model], what: bytes, requests: BinaryIO) -> ChildAnswer:
    key = requests.read(KEY_BYTES)
    data = requests.read(int.from_bytes(requests.read(LENGTH_BYTES), "big"))
    try:
        if what == DROP:
            models.pop(key, None)
            return ChildAnswer()
        if what == LOAD:
            models[key] = read_model(data, "The model")
            return ChildAnswer(models[key].description)
        model = models[key]
        pixels = np.frombuffer(data, np.uint8).reshape(model.spec.height, model.spec.width, model.spec.channels)
        return ChildAnswer(prediction=predict(model, pixels, len(model.labels)))
    except MemoryError:
        return ChildAnswer(problem="It needs more memory than there is for it.")
    except ModelError as error:
        return ChildAnswer(problem=str(error))
    except Exception as error:
        return ChildAnswer(problem=f"It cannot answer: {error}")


if __name__ == "__main__":
    main()
