"""The child of `model/model_process.py`: `python -m model.model_child MEMORY_BYTES PICTURE_SECONDS CALLED`.

It reads the length of a model file (8 bytes) and the file, then pixels as the model takes them, picture after picture,
and answers each with a line of JSON, until standard input ends.
"""

import sys
import time
from typing import BinaryIO

import msgspec
import numpy as np

from classify import Model, ModelError, read_model
from classify.model import PROBE_SECONDS
from imagestore import bounded_child
from model.model_process import LOAD_SECONDS, ModelAnswer
from model.validate import validate

_GRACE_S = 10.0


def main() -> None:
    """Answer until the parent has ended."""
    memory, seconds, called = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    answers = bounded_child.begin(memory)
    bounded_child.end_in(LOAD_SECONDS + PROBE_SECONDS + _GRACE_S)
    try:
        model = _load(sys.stdin.buffer, called)
    except Exception as error:
        return _write(answers, ModelAnswer(problem=_sentence(error, called, memory)))
    _write(answers, ModelAnswer(model=model.description))
    shape = (model.spec.height, model.spec.width, model.spec.channels)
    size = int(np.prod(shape))
    bounded_child.end_in(0)
    while len(data := sys.stdin.buffer.read(size)) == size:
        bounded_child.end_in(seconds + _GRACE_S)
        try:
            answer = _answer(model, np.frombuffer(data, np.uint8).reshape(shape))
        except Exception as error:
            answer = ModelAnswer(problem=_sentence(error, called, memory))
        bounded_child.end_in(0)
        _write(answers, answer)


def _load(requests: BinaryIO, called: str) -> Model:
    data = requests.read(int.from_bytes(requests.read(8), "big"))
    validate(data, called)
    return read_model(data, called)


def _answer(model: Model, pixels: np.ndarray) -> ModelAnswer:
    started = time.perf_counter()
    answer = model.answer(pixels)
    took_ms = (time.perf_counter() - started) * 1e3
    return ModelAnswer(probabilities=answer.probabilities.tolist(), distance=answer.distance, inference_ms=took_ms)


def _sentence(error: Exception, called: str, memory: int) -> str:
    said = str(error)
    if isinstance(error, MemoryError) or "bad_alloc" in said or "allocat" in said:
        return f"{called} cannot be used: it needs more than {memory // 2**20:,} MB of memory."
    if isinstance(error, ModelError):
        return said if said.startswith(called) else f"{called} cannot be used: {said}."
    return f"{called} cannot be used: {said}"


def _write(answers: BinaryIO, answer: ModelAnswer) -> None:
    answers.write(msgspec.json.encode(answer) + b"\n")
    answers.flush()


if __name__ == "__main__":
    main()
