"""Pictures that look mislabelled, from what was said of them out of fold."""

import numpy as np

from model.training import doubts


def test_a_label_that_was_swapped_is_found_with_the_one_that_it_should_have() -> None:
    chance = np.random.default_rng(5)
    shown = np.repeat([0, 1, 2], 40)
    probabilities = chance.dirichlet([1, 1, 1], 120) * 0.3
    probabilities[np.arange(120), shown] += 0.7
    truth = shown.copy()
    swapped = [3, 17, 50, 62, 100, 110]
    truth[swapped] = (shown[swapped] + 1) % 3
    found = doubts.of_one_label(probabilities, truth)
    assert set(found.numbers.tolist()) <= set(swapped), "no other is doubted"
    assert len(found.numbers) >= 3, "their number is estimated from those that are clear"
    assert found.perhaps.argmax(axis=1).tolist() == shown[found.numbers].tolist()
    assert (np.diff(found.probability - found.instead) >= 0).all(), "the most doubtful first"


def test_a_label_that_the_head_is_bad_at_is_not_doubted_for_that() -> None:
    """Half of the pictures of label 1 are taken for label 0, though never as surely as those of label 0 are."""
    truth = np.repeat([0, 1], 20)
    probabilities = np.array([[0.9, 0.1]] * 20 + [[0.6, 0.4], [0.4, 0.6]] * 10)
    assert doubts.of_one_label(probabilities, truth).numbers.tolist() == []


def test_a_class_without_pictures_is_no_answer() -> None:
    probabilities = np.array([[0.1, 0.2, 0.7], [0.3, 0.6, 0.1], [0.7, 0.2, 0.1], [0.1, 0.8, 0.1]])
    assert doubts.of_one_label(probabilities, np.array([0, 1, 0, 1])).numbers.tolist() == []


def test_of_several_labels_each_is_doubted_for_itself() -> None:
    holds = np.array([[True, False]] * 10 + [[True, True]] * 10 + [[False, True]] * 10)
    probabilities = np.where(holds, 0.9, 0.1)
    probabilities[0] = [0.05, 0.1]  # has a label that it does not show
    probabilities[1] = [0.9, 0.97]  # shows a label that it does not have
    found = doubts.of_several(probabilities, holds)
    assert found.numbers.tolist() == [1, 0]
    assert found.perhaps.tolist() == [[True, True], [False, False]]
    assert np.allclose(found.probability, [0.03, 0.05])
