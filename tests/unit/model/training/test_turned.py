"""Pictures that are turned by quarters and cropped besides are recognised."""

import numpy as np
import pytest
from PIL import Image

from bench.drawn import drawn
from model.training import near_duplicates, turned
from model.training.examples import thumbnail

TURNS = [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270]


def thumbs(pictures: list[Image.Image]) -> np.ndarray:
    return np.stack([thumbnail(picture) for picture in pictures])


def cropped(picture: Image.Image) -> Image.Image:
    """Without 4 % of each side."""
    across, down = round(0.04 * picture.width), round(0.04 * picture.height)
    return picture.crop((across, down, picture.width - across, picture.height - down))


@pytest.fixture(scope="module")
def pictures() -> list[Image.Image]:
    return [drawn(seed)[0] for seed in range(60)]


def found(these: np.ndarray, those: np.ndarray) -> set[tuple[int, int]]:
    return {pair for i, j in turned.pairs(these, those) for pair in zip(i.tolist(), j.tolist(), strict=True)}


@pytest.mark.parametrize("turn", TURNS)
def test_what_is_turned_and_cropped_is_found_and_nothing_else(
    pictures: list[Image.Image], turn: Image.Transpose
) -> None:
    copies, originals = thumbs([cropped(one).transpose(turn) for one in pictures[:20]]), thumbs(pictures)
    pairs = found(copies, originals)
    assert len([i for i, j in pairs if i == j]) >= 17
    assert all(i == j for i, j in pairs)
    assert sum(len(i) for i, _ in near_duplicates.pairs(copies, originals)) < 3, "thumbnails as they are say nothing"


def test_within_one_set_each_pair_is_found_once(pictures: list[Image.Image]) -> None:
    both = thumbs([*pictures, cropped(pictures[3]).transpose(Image.Transpose.ROTATE_90)])
    assert found(both, both) in ({(3, 60)}, {(60, 3)})
    assert not found(thumbs(pictures), thumbs(pictures[30:])) - {(30 + n, n) for n in range(30)}


def test_a_ball_is_no_look_alike_of_another(pictures: list[Image.Image]) -> None:
    """Turned, it looks as before: what it looks like is left to those that do not turn."""
    down, across = np.mgrid[:32, :32] - 15.5
    balls = [(np.hypot(down, across) < radius) * 200 for radius in (11.0, 11.6, 12.2)]
    assert not found(np.array(balls, np.uint8), np.array(balls, np.uint8))


def test_what_does_not_matter_is_not_compared(pictures: list[Image.Image]) -> None:
    both = thumbs([*pictures, cropped(pictures[3]).transpose(Image.Transpose.ROTATE_90)])
    assert not list(turned.pairs(both, both, lambda i, j: np.zeros(len(i), bool)))


def test_blank_pictures_and_single_ones_are_like_nothing() -> None:
    blank = np.full((5, 32, 32), 90, np.uint8)
    assert not found(blank, blank)
    assert not found(blank[:1], blank[:1])
    assert turned.steps(1025) == 2
