"""Finds pictures of one burst by the moment at which a camera took them."""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

import numpy as np

from preprocess import ImageInfo

WITHIN_S = 2
"""Two pictures of one camera, one after the other, are of a burst if no more seconds lie between them."""


@dataclass(frozen=True)
class Taken:
    """The second at which a picture was taken, by the camera's clock, and a number that stands for the camera."""

    second: int
    camera: int


def packed(info: ImageInfo) -> np.ndarray:
    """When and by which camera a picture was taken, as int64 [3]; zeros if the file does not say.

    Only the camera's own entry counts (DateTimeOriginal): programs that edit pictures write the others.
    """
    try:
        said = str(info.metadata["DateTimeOriginal"])
        moment = datetime.strptime(said.strip("\0 "), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except (KeyError, ValueError):
        return np.zeros(3, np.int64)
    camera = f"{info.metadata.get('Make')} {info.metadata.get('Model')}"
    number = int(hashlib.sha256(camera.encode()).hexdigest()[:15], 16)
    return np.array([1, int(moment.timestamp()), number], np.int64)


def unpacked(found: np.ndarray) -> Taken | None:
    """What `packed` made."""
    return Taken(int(found[1]), int(found[2])) if found[0] else None


def pairs(taken: list[Taken | None]) -> list[tuple[int, int]]:
    """The pairs (i, j) of pictures that a camera took directly after each other, within WITHIN_S seconds."""
    known = sorted((one.camera, one.second, i) for i, one in enumerate(taken) if one is not None)
    return [
        (first[2], second[2])
        for first, second in pairwise(known)
        if first[0] == second[0] and second[1] - first[1] <= WITHIN_S
    ]
