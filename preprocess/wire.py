"""The messages between a worker and its decode child: a header with the lengths, then JSON, then raw bytes."""

import json
import struct
from dataclasses import asdict, dataclass
from typing import IO

import numpy as np

from preprocess.errors import PictureError, Reason
from preprocess.image import Fit, ImageInfo, ImageSpec
from preprocess.limits import Limits

MAGIC = b"IMGS"
HELLO = b"READY"
"""What the child writes first, once all libraries are loaded."""
REQUEST = "<4sIQ"
"""Magic, bytes of JSON, bytes of picture."""
ANSWER = "<4sQ"
"""Magic, bytes of what follows: 4 for the length of the JSON, the JSON, the pixels."""

Wanted = ImageSpec | int
"""The form of picture that a model takes, or for a rendition its longest side in pixels."""


@dataclass(frozen=True)
class DecodeAnswer:
    """The answer to a request: pixels, with what the file holds about itself, or the reason that there are none.

    A `problem` is the picture's fault, a `failure` is not.
    """

    image: ImageInfo | None = None
    pixels: np.ndarray | None = None
    problem: PictureError | None = None
    failure: str | None = None


def request(data: bytes, wanted: Wanted, limits: Limits) -> tuple[bytes, bytes]:
    """The parts of a request, to be written in this order."""
    asked = wanted if isinstance(wanted, int) else asdict(wanted)
    head = json.dumps({"wanted": asked, "limits": asdict(limits)}).encode()
    return struct.pack(REQUEST, MAGIC, len(head), len(data)) + head, data


def read_request(source: IO[bytes]) -> tuple[bytes, Wanted, Limits] | None:
    """Read the next request, None at the end."""
    header = source.read(struct.calcsize(REQUEST))
    if len(header) < struct.calcsize(REQUEST):
        return None
    _, head_bytes, data_bytes = struct.unpack(REQUEST, header)
    head = json.loads(source.read(head_bytes))
    asked = head["wanted"]
    wanted = asked if isinstance(asked, int) else ImageSpec(**{**asked, "fit": Fit(asked["fit"])})
    return source.read(data_bytes), wanted, Limits(**head["limits"])


def write_answer(to: IO[bytes], answer: DecodeAnswer) -> None:
    """Write the answer to a request."""
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


def read_answer(body: bytes) -> DecodeAnswer:
    """Read an answer. Raises ValueError, KeyError or TypeError if it cannot be read."""
    if len(body) < 4:
        raise ValueError("too short")
    (head_bytes,) = struct.unpack("<I", body[:4])
    head = json.loads(body[4 : 4 + head_bytes])
    if head["problem"] is not None:
        return DecodeAnswer(problem=PictureError(Reason(head["problem"][0]), str(head["problem"][1])))
    if head["failure"] is not None:
        return DecodeAnswer(failure=str(head["failure"]))
    pixels = np.frombuffer(body[4 + head_bytes :], np.uint8).reshape(head["shape"])
    return DecodeAnswer(image=head["image"] and ImageInfo(**head["image"]), pixels=pixels)
