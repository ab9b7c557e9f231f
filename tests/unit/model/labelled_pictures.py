"""Labelled pictures for tests, drawn here."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from model.training.examples import Example, Labelled, read
from model.training.groups import Groups
from model.training.near_duplicates import pairs
from preprocess import Limits
from unit.pictures import encoded


def quiet(name: str, steps: int) -> Callable[[], None]:
    """Progress that nobody hears of."""
    return lambda: None


def scene(seed: int, label: int = 0) -> Image.Image:
    """A picture of shapes that no other seed has, brighter on the left for label 1 and striped for label 2."""
    chance = np.random.default_rng(seed)
    low = chance.uniform(0, 255, (6, 8, 3)).astype(np.uint8)
    picture = Image.fromarray(low).resize((160, 120), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(4):
        for shape in (draw.ellipse, draw.polygon, draw.line):
            left, top = (int(at) for at in chance.integers(0, (150, 110)))
            right, bottom = left + int(chance.integers(8, 50)), top + int(chance.integers(8, 50))
            corners = [left, top, right, bottom] if shape == draw.ellipse else [left, top, right, top, left, bottom]
            shape(corners, fill=tuple(int(level) for level in chance.integers(0, 256, 3)))
    pixels, x = np.asarray(picture).astype(float), np.arange(160)
    if label == 1:
        pixels += np.where(x < 80, 60, -60)[None, :, None]
    if label == 2:
        pixels += np.where((x // 8) % 2, 30, -30)[None, :, None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def labelled(label: str | tuple[str, ...], name: str, data: bytes, *, correction: bool = False) -> Labelled:
    """A picture with this label, or with all of these."""
    return Labelled((label,) if isinstance(label, str) else label, name, lambda: data, correction)


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
        "a quarter turn": encoded(image.transpose(Image.Transpose.ROTATE_90), "JPEG", quality=85),
        "three quarter turns": encoded(image.transpose(Image.Transpose.ROTATE_270)),
    }


def moved(image: Image.Image) -> dict[str, bytes]:
    """The same picture as a burst or another crop has it."""
    width, height = image.size

    def cut(left: float, top: float, right: float, bottom: float) -> Image.Image:
        return image.crop((round(left * width), round(top * height), round(right * width), round(bottom * height)))

    turned = {by: image.rotate(by, Image.Resampling.BICUBIC, fillcolor=image.getpixel((0, 0))) for by in (3, -4)}
    return {
        "cropped by 4 %": encoded(cut(0.04, 0.04, 0.96, 0.96)),
        "shifted": encoded(cut(0, 0.03, 0.96, 0.99), "JPEG", quality=85),
        **{f"turned by {by}": encoded(picture) for by, picture in turned.items()},
        "lighter": encoded(ImageEnhance.Brightness(image).enhance(1.3)),
    }


def groups_of(examples: list[Example]) -> np.ndarray:
    thumbs = np.stack([e.thumb for e in examples])
    groups = Groups(len(examples))
    for i, j in pairs(thumbs, thumbs):
        groups.join(i, j)
    return groups.of
