"""Labelled pictures for tests, drawn here."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageEnhance

from model.training.examples import Example, Labelled, read
from model.training.near_duplicates import group
from preprocess import Limits
from unit.pictures import encoded


def quiet(name: str, steps: int) -> Callable[[], None]:
    """Progress that nobody hears of."""
    return lambda: None


def scene(seed: int, label: int = 0) -> Image.Image:
    """A picture with large and small shapes, brighter on the left for label 1 and striped for label 2."""
    chance = np.random.default_rng(seed)
    low = chance.uniform(0, 255, (6, 8, 3)).astype(np.uint8)
    pixels = np.asarray(Image.fromarray(low).resize((160, 120), Image.Resampling.BICUBIC)).astype(float)
    x = np.arange(160)
    if label == 1:
        pixels += np.where(x < 80, 110, -110)[None, :, None]
    if label == 2:
        pixels += np.where((x // 8) % 2, 120, -120)[None, :, None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def labelled(label: str, name: str, data: bytes, *, correction: bool = False) -> Labelled:
    return Labelled(label, name, lambda: data, correction)


def examples_of(sources: list[Labelled]) -> list[Example]:
    return read(sources, Limits(), lambda: None).good


def altered(image: Image.Image) -> dict[str, bytes]:
    """The same picture in other clothes."""
    mirrored = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    return {
        "re-encoded": encoded(image, "JPEG", quality=70),
        "smaller": encoded(image.resize((96, 72)), "JPEG", quality=85),
        "larger": encoded(image.resize((400, 300)), "WEBP", quality=80),
        "mirrored": encoded(mirrored, "JPEG", quality=85),
        "upside down": encoded(image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)),
        "mirrored and smaller": encoded(mirrored.resize((100, 75)), "JPEG", quality=75),
        "a little lighter": encoded(ImageEnhance.Brightness(image).enhance(1.05)),
    }


def groups_of(examples: list[Example]) -> np.ndarray:
    return group(np.stack([e.thumb for e in examples]), [e.sha256 for e in examples])
