"""How a worker and its decode child speak: a header that says how long what follows is, then JSON, then raw bytes."""

import json
import struct
from dataclasses import asdict, dataclass
from typing import IO

import numpy as np

from errors import PictureError, Reason
from preprocess.limits import Limits
from record import ImageInfo, ImageSpec

MAGIC = b"IMGS"
HELLO = b"READY"
"""The child's first word, once all libraries are loaded."""
REQUEST = "<4sIQ"
"""Magic, bytes of JSON, bytes of picture."""
ANSWER = "<4sQ"
"""Magic, bytes of what follows: 4 for the length of the JSON, the JSON, the pixels."""

Wanted = ImageSpec | int
"""What a model takes, or for a rendition its longest side in pixels."""


@dataclass(frozen=True)
class Answer:
    """What became of a picture: pixels, with its info for a model, or the picture's problem, or a failure of ours."""

    image: ImageInfo | None = None
    pixels: np.ndarray | None = None
    problem: PictureError | None = None
    failure: str | None = None


def request(data: bytes, wanted: Wanted, limits: Limits) -> tuple[bytes, bytes]:
    """What asks for a picture: to be written in turn."""
    asked = wanted if isinstance(wanted, int) else asdict(wanted)
    head = json.dumps({"wanted": asked, "limits": asdict(limits)}).encode()
    return struct.pack(REQUEST, MAGIC, len(head), len(data)) + head, data


def read_request(source: IO[bytes]) -> tuple[bytes, Wanted, Limits] | None:
    """The next picture asked for; None at the end."""
    header = source.read(struct.calcsize(REQUEST))
    if len(header) < struct.calcsize(REQUEST):
        return None
    _, head_bytes, data_bytes = struct.unpack(REQUEST, header)
    head = json.loads(source.read(head_bytes))
    asked = head["wanted"]
    return source.read(data_bytes), asked if isinstance(asked, int) else ImageSpec(**asked), Limits(**head["limits"])


def write_answer(to: IO[bytes], answer: Answer) -> None:
    """Say what became of it."""
    head = json.dumps(
        {
            "image": answer.image and asdict(answer.image),
            "shape": None if answer.pixels is None else answer.pixels.shape,
            "problem": answer.problem and [answer.problem.reason, answer.problem.detail],
            "failure": answer.failure,
        }
    ).encode()
    pixels = b"" if answer.pixels is None else answer.pixels.tobytes()
    to.write(struct.pack(ANSWER, MAGIC, 4 + len(head) + len(pixels)) + struct.pack("<I", len(head)) + head + pixels)
    to.flush()


def read_answer(body: bytes) -> Answer:
    """The answer in this body; ValueError, KeyError or TypeError where it is nonsense."""
    if len(body) < 4:
        raise ValueError("too short")
    (head_bytes,) = struct.unpack("<I", body[:4])
    head = json.loads(body[4 : 4 + head_bytes])
    if head["problem"] is not None:
        return Answer(problem=PictureError(Reason(head["problem"][0]), str(head["problem"][1])))
    if head["failure"] is not None:
        return Answer(failure=str(head["failure"]))
    pixels = np.frombuffer(body[4 + head_bytes :], np.uint8).reshape(head["shape"])
    return Answer(image=head["image"] and ImageInfo(**head["image"]), pixels=pixels)
