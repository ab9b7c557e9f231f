"""Pictures drawn by code: shapes in colours on a background of clouds and lines, each with the labels that it shows.

The same seed gives the same picture everywhere. A picture of a red circle and a blue star has the labels blue, circle,
red and star.
"""

from collections.abc import Sequence
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw

COLOURS = {"red": (205, 45, 40), "green": (45, 150, 60), "blue": (45, 75, 200), "yellow": (235, 200, 50)}
SHAPES = ("circle", "square", "triangle", "star", "cross", "ring")
OTHER_SHAPES = ("crescent", "arrow", "hexagon", "bolt")
"""Shapes that no label is for."""
SIZE = (160, 120)
_SIDES = (26, 46)
_NOISE = 9.0


def drawn(
    seed: int,
    shapes: Sequence[str] = SHAPES,
    colours: Sequence[str] = tuple(COLOURS),
    *,
    fewest: int = 1,
    most: int = 2,
) -> tuple[Image.Image, tuple[str, ...]]:
    """A picture of `fewest` to `most` shapes, side by side, and the names of its shapes and colours in order."""
    chance = np.random.default_rng(seed)
    picture = _background(chance)
    count = int(chance.integers(fewest, most + 1))
    labels: set[str] = set()
    for number in range(count):
        shape, colour = str(chance.choice(list(shapes))), str(chance.choice(list(colours)))
        side = int(chance.integers(*_SIDES))
        column = SIZE[0] / count
        x = column * number + chance.uniform(side / 2, max(side / 2 + 1, column - side / 2))
        y = chance.uniform(side / 2, SIZE[1] - side / 2)
        fill = tuple(int(np.clip(level + chance.normal(0, 14), 0, 255)) for level in COLOURS[colour])
        _draw(ImageDraw.Draw(picture), shape, (x, y), side / 2, float(chance.uniform(-0.5, 0.5)), fill)
        labels |= {shape, colour}
    noisy = np.asarray(picture, float) + chance.normal(0, _NOISE, (SIZE[1], SIZE[0], 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8)), tuple(sorted(labels))


def _background(chance: np.random.Generator) -> Image.Image:
    """Clouds of weak colour with some gray lines across."""
    low = chance.uniform(70, 210, (4, 5, 1)) + chance.normal(0, 22, (4, 5, 3))
    picture = Image.fromarray(np.clip(low, 0, 255).astype(np.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(picture)
    for _ in range(int(chance.integers(2, 6))):
        ends = [float(chance.uniform(0, side)) for side in (*SIZE, *SIZE)]
        level = int(chance.integers(60, 200))
        draw.line(ends, fill=(level, level, level), width=int(chance.integers(1, 4)))
    return picture


def _draw(
    draw: ImageDraw.ImageDraw,
    shape: str,
    middle: tuple[float, float],
    radius: float,
    turn: float,
    fill: tuple[int, ...],
) -> None:
    x, y = middle
    box = (x - radius, y - radius, x + radius, y + radius)
    if shape == "circle":
        draw.ellipse(box, fill=fill)
    elif shape == "ring":
        draw.ellipse(box, outline=fill, width=max(4, round(radius / 3)))
    elif shape == "crescent":
        draw.chord(box, 40 + turn * 57, 320 + turn * 57, fill=fill)
    else:
        corners = _CORNERS[shape]
        draw.polygon([_turned(x, y, radius, turn, *corner) for corner in corners], fill=fill)


def _turned(x: float, y: float, radius: float, turn: float, across: float, down: float) -> tuple[float, float]:
    return (
        x + radius * (across * cos(turn) - down * sin(turn)),
        y + radius * (across * sin(turn) + down * cos(turn)),
    )


def _around(corners: int, inner: float = 0.0) -> list[tuple[float, float]]:
    """The corners of a regular figure, with as many at the radius `inner` between them if that is not 0."""
    steps = corners * (2 if inner else 1)
    radii = [inner if inner and i % 2 else 1.0 for i in range(steps)]
    return [(r * sin(2 * pi * i / steps), -r * cos(2 * pi * i / steps)) for i, r in enumerate(radii)]


_T = 0.33
_CORNERS = {
    "square": [(-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)],
    "triangle": _around(3),
    "star": _around(5, 0.42),
    "hexagon": _around(6),
    "cross": [(-_T, -1), (_T, -1), (_T, -_T), (1, -_T), (1, _T), (_T, _T), (_T, 1), (-_T, 1), (-_T, _T), (-1, _T),
              (-1, -_T), (-_T, -_T)],
    "arrow": [(-1, -_T), (0.1, -_T), (0.1, -0.9), (1, 0), (0.1, 0.9), (0.1, _T), (-1, _T)],
    "bolt": [(0.2, -1), (-0.7, 0.2), (-0.1, 0.2), (-0.3, 1), (0.7, -0.25), (0.1, -0.25)],
}  # fmt: skip
