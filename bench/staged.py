"""Bytes and processor time of a staged picture, by how zlib packs it: `python -m bench.staged`.

A photograph, a drawing and one colour, as the shipped model sees them (224 × 224) and one colour at the largest; the
ways take turns, and what is printed is the median. Which of them is used stands in preprocess/staged.py.
"""

import argparse
import statistics
import time
import zlib
from unittest.mock import patch

import numpy as np
from PIL import Image, ImageDraw

from imagestore.settings import ROOT
from preprocess import open_staged, write_staged
from preprocess.image import MAX_SIDE

_SIDE = 224
_WAYS = {"Huffman only": zlib.Z_HUFFMAN_ONLY, "runs": zlib.Z_RLE, "repetitions": zlib.Z_DEFAULT_STRATEGY}
_compressobj = zlib.compressobj


def _photograph() -> np.ndarray:
    with Image.open(ROOT / "samples" / "palace.jpg") as photo:
        return np.asarray(photo.convert("RGB").resize((_SIDE, _SIDE), Image.Resampling.BICUBIC))


def _drawing() -> np.ndarray:
    paper = Image.new("RGB", (4 * _SIDE, 4 * _SIDE), "white")
    pen = ImageDraw.Draw(paper)
    for i, colour in enumerate(("red", None, None, "blue", None, None, "green", None, None)):
        pen.ellipse((60 * i, 60 * i, 60 * i + 300, 60 * i + 200), outline="black", width=4, fill=colour)
    return np.asarray(paper.resize((_SIDE, _SIDE), Image.Resampling.BICUBIC))


def _measured(pixels: np.ndarray, strategy: int) -> tuple[int, float, float]:
    """Bytes, and milliseconds for writing and reading."""
    with patch("zlib.compressobj", lambda level, **_: _compressobj(level, strategy=strategy)):
        started = time.thread_time()
        data = write_staged(pixels, "{}")
        written = time.thread_time()
    open_staged(data)
    return len(data), (written - started) * 1e3, (time.thread_time() - written) * 1e3


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(prog="python -m bench.staged", description=__doc__)
    parser.add_argument("--rounds", type=int, default=50)
    rounds = parser.parse_args().rounds
    photograph, drawing = _photograph(), _drawing()
    flat, largest = (np.full((side, side, 3), 255, np.uint8) for side in (_SIDE, MAX_SIDE))
    pictures = {
        "photograph": (photograph, rounds),
        "photograph, grey": (photograph[:, :, 1:2], rounds),
        "drawing": (drawing, rounds),
        "drawing, grey": (drawing[:, :, 1:2], rounds),
        "white": (flat, rounds),
        f"white, {MAX_SIDE} a side": (largest, 3),
    }
    for name, (pixels, times) in pictures.items():
        print(name)
        found: dict[str, list[tuple[int, float, float]]] = {way: [] for way in _WAYS}
        for _ in range(times):
            for way, strategy in _WAYS.items():
                found[way].append(_measured(pixels, strategy))
        for way, rows in found.items():
            writing, reading = (statistics.median(row[i] for row in rows) for i in (1, 2))
            print(f"  {way:14}{rows[0][0]:>10,} bytes, written in {writing:6.2f} ms, read in {reading:6.2f} ms")


if __name__ == "__main__":
    main()
