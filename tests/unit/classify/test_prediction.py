"""When a model has answered, and how unsure it was."""

from dataclasses import replace

import pytest

from classify import Earlier, ModelRef, Prediction, Score

MODEL = ModelRef("m", "1", "f" * 64)


def prediction(confidence: float, margin: float, threshold: float = 0.35, earlier: Earlier | None = None) -> Prediction:
    return Prediction("cat", confidence, margin, threshold, (Score("cat", confidence),), MODEL, earlier)


@pytest.mark.parametrize(("confidence", "is_known"), [(0.34, False), (0.35, True), (0.36, True)])
def test_the_threshold_itself_is_enough(confidence: float, is_known: bool) -> None:
    assert prediction(confidence, 0.2).is_known is is_known


def test_what_is_close_to_another_class_or_to_the_threshold_is_uncertain() -> None:
    sure = prediction(0.95, 0.9)
    close_to_another_class = prediction(0.5, 0.02)
    close_to_the_threshold = prediction(0.36, 0.3)
    assert sure.uncertainty == pytest.approx(0.4)
    assert close_to_another_class.uncertainty == pytest.approx(0.98)
    assert close_to_the_threshold.uncertainty == pytest.approx(0.99)


def test_what_is_unlike_all_that_was_learned_is_not_known_however_sure_the_answer() -> None:
    near, far = (replace(prediction(0.95, 0.9), distance=by, distance_limit=0.4) for by in (0.4, 0.41))
    assert (near.is_known, far.is_known) == (True, False)
    assert far.uncertainty > near.uncertainty, "it teaches more"


def test_where_two_models_disagree_is_more_uncertain_than_anything_else() -> None:
    disagreement = prediction(0.99, 0.98, earlier=Earlier("dog", 0.9, MODEL))
    assert disagreement.uncertainty > prediction(0.35, 0.0).uncertainty
