"""A vector keeps the proportions of a picture's features, a byte a number."""

import numpy as np
import pytest

from classify import Vector
from classify.vector import MOST_NUMBERS

BACKBONE = "b" * 64


def test_it_holds_the_square_roots_in_proportion() -> None:
    vector = Vector.of(np.array([4.0, 1.0, 0.0, -4.0], np.float32), BACKBONE)
    assert vector is not None
    assert vector.backbone == BACKBONE
    assert vector.numbers.tolist() == [127, 64, 0, -127]


def test_pictures_lie_to_each_other_as_their_features_do() -> None:
    features = np.random.default_rng(0).exponential(1, (40, 1280)).astype(np.float32)
    roots = np.sqrt(features)
    exact = roots @ roots[0] / np.linalg.norm(roots, axis=1) / np.linalg.norm(roots[0])
    kept = np.stack([vector.numbers for one in features if (vector := Vector.of(one, BACKBONE))]).astype(float)
    assert kept.shape == features.shape
    found = kept @ kept[0] / np.linalg.norm(kept, axis=1) / np.linalg.norm(kept[0])
    assert found == pytest.approx(exact, abs=0.001)


@pytest.mark.parametrize(
    "features",
    [np.zeros(8), np.array([1.0, np.nan]), np.array([]), np.ones((2, 3)), np.ones(MOST_NUMBERS + 1)],
    ids=["nothing but zeros", "not finite", "none", "a map", "too many"],
)
def test_what_is_no_list_of_features_has_no_vector(features: np.ndarray) -> None:
    assert Vector.of(features, BACKBONE) is None
