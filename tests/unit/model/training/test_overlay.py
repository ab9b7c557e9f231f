"""Thumbnails of one photograph agree once they are laid over each other, and those of others do not."""

import io
from itertools import combinations

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from model.training import overlay
from model.training.examples import thumbnail
from model.training.overlay import AGREES_ABOVE, agreement
from unit.model.labelled_pictures import moved, scene

SEEDS = range(12)


def thumbs(pictures: list[Image.Image]) -> np.ndarray:
    return np.stack([thumbnail(picture) for picture in pictures])


def opened(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


@pytest.fixture(scope="module")
def scenes() -> list[Image.Image]:
    return [scene(seed) for seed in SEEDS]


def test_what_is_cropped_shifted_or_turned_a_little_agrees(scenes: list[Image.Image]) -> None:
    """Where thumbnails as they are correlate far less: a shift by 4 % is more than a pixel of them."""
    for what in ("cropped by 4 %", "shifted", "turned by 3", "turned by -4"):
        copies = [opened(moved(picture)[what]) for picture in scenes]
        assert agreement(thumbs(copies), thumbs(scenes)).min() >= AGREES_ABOVE, what


def test_brightness_and_contrast_do_not_count(scenes: list[Image.Image]) -> None:
    darker = [ImageEnhance.Contrast(ImageEnhance.Brightness(one).enhance(0.7)).enhance(0.8) for one in scenes]
    assert agreement(thumbs(darker), thumbs(scenes)).min() >= AGREES_ABOVE


def test_other_pictures_do_not_agree(scenes: list[Image.Image]) -> None:
    one, other = np.array(list(combinations(SEEDS, 2))).T
    found = thumbs(scenes)
    assert agreement(found[one], found[other]).max() < AGREES_ABOVE - 0.1


def test_it_is_the_same_whichever_comes_first_and_with_whatever_it_is_compared(
    scenes: list[Image.Image], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = thumbs(scenes)
    others = np.concatenate([thumbs([opened(moved(one)["shifted"]) for one in scenes[:6]]), found[:6]])
    there, back = agreement(found, others), agreement(others, found)
    np.testing.assert_array_equal(there, back)
    monkeypatch.setattr(overlay, "_AT_ONCE", 5)
    np.testing.assert_allclose(agreement(found, others), there, atol=1e-4)


def test_what_shows_nothing_agrees_with_nothing(scenes: list[Image.Image]) -> None:
    blank = np.stack([np.full((32, 32), level, np.uint8) for level in (0, 128, 255)])
    assert (agreement(blank, thumbs(scenes[:3])) < AGREES_ABOVE).all()
    assert (agreement(blank, blank[::-1]) < AGREES_ABOVE).all()
    assert agreement(blank[:0], blank[:0]).shape == (0,)
