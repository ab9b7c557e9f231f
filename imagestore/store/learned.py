"""The vectors of pictures that a version learned from: `<name>/<version>/learned.json`, which its training writes.

By them the learned pictures that look most like another are found. The file is bounded: it has MOST pictures at most,
1.8 kilobytes each of 1,280 numbers.
"""

from dataclasses import dataclass

import msgspec

from imagestore.decoding import decode
from imagestore.errors import NotFound
from imagestore.store.models import Models

LEARNED_FILE = "learned.json"
MOST = 3000


@dataclass(frozen=True)
class LearnedPicture:
    """A picture by the SHA-256 of its file, with the labels that it was learned with, and its vector's numbers."""

    sha256: str
    labels: tuple[str, ...]
    codes: bytes


@dataclass(frozen=True)
class Learned:
    """Pictures that were learned from, and the SHA-256 of the network of their vectors (classify/vector.py)."""

    backbone: str
    pictures: tuple[LearnedPicture, ...]

    def to_json(self) -> bytes:
        """All of it as JSON, with the bytes in base64."""
        return msgspec.json.encode(self)


def read_learned(models: Models, name: str, version: str) -> Learned | None:
    """What this version learned from; None if that was not kept, as by earlier versions. Raises Unavailable."""
    try:
        return decode(models.read(name, version, LEARNED_FILE), Learned)
    except NotFound:
        return None
