"""The child of `model/custom_vision/convert.py`: `python -m model.custom_vision.child JSON`.

Standard input is the file. On standard output it answers with the length of a line of JSON (8 bytes), that line, and
the model file that was made.
"""

import sys
from dataclasses import replace
from typing import BinaryIO

import msgspec

from classify import ModelError
from classify.model import MAX_MODEL_BYTES
from imagestore import bounded_child
from imagestore.decoding import decode
from model.custom_vision.archive import MAX_LABELS_BYTES, labels_of, read_archive
from model.custom_vision.convert import ZIP, Asked, Converted
from model.custom_vision.graph import model_file

_GRACE_S = 10.0


def main() -> None:
    """Convert one file."""
    asked = decode(sys.argv[1], Asked)
    answers = bounded_child.begin(asked.memory_bytes)
    bounded_child.end_in(asked.seconds + _GRACE_S)
    data = b""
    try:
        data = _converted(sys.stdin.buffer, asked)
        said = Converted()
    except ModelError as error:
        said = Converted(problem=str(error))
    except Exception as error:  # onnx raises errors of its own, which share no base
        why = str(error).strip()[:500]
        if isinstance(error, MemoryError) or "bad_alloc" in why:
            why = f"it needs more than {asked.memory_bytes // 2**20:,} MB of memory."
        said = Converted(problem=f"{asked.called} cannot be used: {why}")
    line = msgspec.json.encode(said)
    answers.write(len(line).to_bytes(8, "big") + line + data)
    answers.flush()


def _converted(file: BinaryIO, asked: Asked) -> bytes:
    wanted = replace(asked.wanted, labels=_labels(asked.labels)) if asked.labels is not None else asked.wanted
    is_zip = file.read(len(ZIP)) == ZIP
    file.seek(0)
    if is_zip:
        export = read_archive(file, asked.called)
        return model_file(export.model, wanted, asked.called, export.labels, is_detection=export.is_detection)
    return model_file(file.read(MAX_MODEL_BYTES + 1), wanted, asked.called)


def _labels(path: str) -> tuple[str, ...]:
    try:
        with open(path, "rb") as file:
            return labels_of(file.read(MAX_LABELS_BYTES + 1), path)
    except OSError as error:
        raise ModelError(f"'{path}' cannot be read: {error.strerror}.") from None


if __name__ == "__main__":
    main()
