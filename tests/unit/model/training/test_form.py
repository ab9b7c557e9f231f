"""What a head takes of a picture's numbers."""

import numpy as np
import pytest

from model.training.form import Form, form_of


def test_roots_of_the_features_and_middle_layers_as_they_are() -> None:
    features = np.array([[4.0, 9.0, -1.0, 2.0], [0.0, 1.0, 3.0, -5.0]])
    form = form_of(features, 2)
    assert form == Form(True, 2)
    taken = form.taken(features)
    assert taken.tolist() == [[2.0, 3.0, -1.0, 2.0], [0.0, 1.0, 3.0, -5.0]]
    assert form.without_middle(taken).tolist() == [[2.0, 3.0], [0.0, 1.0]]
    assert form.taken(features[:, None]).shape == (2, 1, 4), "views stay"


def test_negative_features_of_a_network_are_taken_as_they_are() -> None:
    features = np.array([[4.0, -9.0], [0.0, 1.0]])
    form = form_of(features)
    assert form == Form(False)
    assert form.taken(features) is features
    assert form.without_middle(features).tolist() == features.tolist()


def test_a_picture_seen_later_may_lie_below_zero_by_rounding() -> None:
    assert Form(True).taken(np.array([-1e-7, 4.0])) == pytest.approx([0.0, 2.0])
