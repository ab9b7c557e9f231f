"""Pictures that tests make themselves."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

SAMPLES = Path(__file__).resolve().parents[2] / "samples"


def photo(width: int = 320, height: int = 240, mode: str = "RGB", seed: int = 0) -> Image.Image:
    """A smooth picture without symmetry, so that every turn and flip of it differs."""
    y, x = np.mgrid[0:height, 0:width].astype(float)
    waves = [np.sin(x / (9 + 3 * c + seed)) * 60 + np.cos(y / (5 + 2 * c)) * 40 + x / width * 60 + 90 for c in range(3)]
    return Image.fromarray(np.clip(np.stack(waves, -1), 0, 255).astype(np.uint8)).convert(mode)


def encoded(image: Image.Image, format: str = "PNG", **options: object) -> bytes:
    """The picture as a file."""
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()
