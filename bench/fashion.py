"""Fashion-MNIST (Xiao, Rasul, Vollgraf 2017; MIT licence), Debian package dataset-fashion-mnist."""

import gzip
import io
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from model.training.examples import Labelled

FOLDER = Path("/usr/share/datasets/fashion-mnist")
LABELS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
Pictures = tuple[np.ndarray, np.ndarray]
"""Pictures uint8 [n, 28, 28] and their class numbers uint8 [n]."""


def load(part: str) -> Pictures:
    """(pictures uint8 [n, 28, 28], class numbers uint8 [n]) of `train` or `t10k`."""

    def values(name: str, offset: int) -> np.ndarray:
        return np.frombuffer(gzip.decompress((FOLDER / name).read_bytes()), np.uint8, offset=offset)

    pictures = values(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    return pictures, values(f"{part}-labels-idx1-ubyte.gz", 8)


def labelled(pictures: np.ndarray, classes: np.ndarray) -> list[Labelled]:
    """As a user would have them: PNG files with labels."""
    return [
        Labelled((LABELS[label],), f"{LABELS[label]}/{number}.png", partial(_png, picture))
        for number, (picture, label) in enumerate(zip(pictures, classes, strict=True))
    ]


def _png(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()
