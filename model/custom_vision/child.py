"""The child of `model/custom_vision/convert.py`: `python -m model.custom_vision.child JSON`.

Standard input is the file. On standard output it answers with the length of a line of JSON (8 bytes), that line, and
the model file that was made.
"""

import os
import resource
import signal
import sys
from typing import BinaryIO

import msgspec

from classify import ModelError
from classify.model import MAX_MODEL_BYTES
from model.custom_vision.archive import read_archive
from model.custom_vision.convert import ZIP, Asked, Converted
from model.custom_vision.graph import model_file

_GRACE_S = 10.0


def main() -> None:
    """Convert one file."""
    asked = msgspec.json.decode(sys.argv[1], type=Asked)
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints is no answer
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to hear
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    memory = asked.memory_bytes if hard == resource.RLIM_INFINITY else min(asked.memory_bytes, hard)
    resource.setrlimit(resource.RLIMIT_AS, (memory, hard))
    signal.setitimer(signal.ITIMER_REAL, asked.seconds + _GRACE_S)  # should the parent be dead itself
    data = b""
    try:
        data = _converted(sys.stdin.buffer, asked)
        said = Converted()
    except ModelError as error:
        said = Converted(problem=str(error))
    except MemoryError:
        said = Converted(problem=f"{asked.called} cannot be used: it needs more than {memory // 2**20:,} MB of memory.")
    except Exception as error:  # onnx raises errors of its own, which share no base
        said = Converted(problem=f"{asked.called} cannot be used: {str(error).strip()[:500]}")
    line = msgspec.json.encode(said)
    answers.write(len(line).to_bytes(8, "big") + line + data)
    answers.flush()


def _converted(file: BinaryIO, asked: Asked) -> bytes:
    is_zip = file.read(len(ZIP)) == ZIP
    file.seek(0)
    if is_zip:
        export = read_archive(file, asked.called)
        return model_file(export.model, asked.wanted, asked.called, export.labels, is_detection=export.is_detection)
    data = file.read(MAX_MODEL_BYTES + 1)
    return model_file(data, asked.wanted, asked.called)


if __name__ == "__main__":
    main()
