"""From which confidence on a model answers, and what it costs."""

import numpy as np
import pytest

from model.training import thresholds
from model.training.thresholds import Answers, at_least, choose, lowest, needed, price, shown_from


def test_the_threshold_is_the_lowest_at_which_enough_are_right() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6, 0.5])
    assert lowest(confidence, np.array([1, 1, 1, 0, 1], bool), 0.8) == 0.5
    assert lowest(confidence, np.array([1, 1, 0, 0, 0], bool), 1.0) == 0.8
    assert lowest(confidence, np.zeros(5, bool)) == 0.9
    assert lowest(np.array([0.999, 0.998, 0.997]), np.ones(3, bool)) == 0.5, "clear pictures ask for no high one"


def test_a_claim_takes_evidence() -> None:
    assert (needed(0.95), needed(0.99)) == (59, 299)
    assert at_least(59, 59) >= 0.95 > at_least(58, 58)
    assert at_least(90, 100) == pytest.approx(0.836, abs=0.001), "as tables of Clopper and Pearson's bound have it"
    assert at_least(0, 10) == 0


def answers(sure: int, unsure: int, groups: np.ndarray | None = None, far: int = 0) -> Answers:
    """Answers `sure` that are all right, and `unsure` of which half are, in turn; of the first, some are far."""
    count = sure + unsure
    confidence = np.concatenate([np.linspace(0.99, 0.8, sure), np.linspace(0.6, 0.4, unsure)])
    predicted = np.arange(count) // 2 % 2
    truth = np.where((np.arange(count) >= sure) & (np.arange(count) % 2 == 0), 1 - predicted, predicted)
    near = np.arange(count) >= far
    return Answers(confidence, predicted, truth, np.arange(count) if groups is None else groups, near)


def test_the_higher_the_target_the_fewer_are_answered() -> None:
    prices = [price(answers(60, 60), target, ["a", "b"]) for target in (0.7, 0.95)]
    assert [one.threshold for one in prices] == sorted(one.threshold for one in prices)
    assert prices[0].answered > prices[1].answered
    assert all(one.right >= one.target for one in prices)
    assert prices[1].at_least < prices[1].right


def test_too_few_answers_are_said_to_be_too_few() -> None:
    few, many = price(answers(40, 40), 0.95, ["a", "b"]), price(answers(400, 40), 0.95, ["a", "b"])
    assert "needs at least 59 different answers without a mistake, and there are 4" in few.sentence()
    assert "95 % are shown from 0.4718 on" in many.sentence()
    assert many.shown_answered == pytest.approx(426 / 440)
    faultless = price(answers(80, 0), 0.95, ["a", "b"])
    assert faultless.sentence().endswith("Shown: with 95 % confidence at least 96.3 % are.")
    in_bursts = price(answers(400, 40, np.arange(440) // 10), 0.95, ["a", "b"])
    assert in_bursts.count < 59, "what looks alike counts once"
    assert "Not shown" in in_bursts.sentence()


def test_a_label_that_is_answered_often_enough_has_a_threshold_of_its_own() -> None:
    confidence = np.concatenate([np.linspace(0.3, 0.99, 100), np.linspace(0.3, 0.99, 20)])
    predicted = np.repeat([0, 1], [100, 20])
    truth = np.where((confidence < 0.8) & (predicted == 0), 1, predicted)
    found = choose(Answers(confidence, predicted, truth, np.arange(120), np.ones(120, bool)), 0.95)
    assert list(found.own) == [0]
    assert found.own[0] > 0.75
    assert found.common == 0.3, "the other label's answers are all right"
    assert found.of(np.array([0, 1])).tolist() == [found.own[0], found.common]


def test_what_is_far_from_what_was_learned_is_not_answered() -> None:
    one = answers(60, 0, far=15)
    assert one.given(choose(one, 0.95)).sum() == 45
    assert price(one, 0.95, ["a", "b"]).answered == 0.75


def test_a_target_is_shown_by_the_surest_answers_however_many_are_looked_at_at_a_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given = answers(300, 200, np.arange(500) // 2 * 2)
    found = [shown_from(given, target) for target in (0.8, 0.95, 0.99, 0.999)]
    assert found == [one_by_one(given, target) for target in (0.8, 0.95, 0.99, 0.999)]
    assert found[0] is not None
    assert found[-1] is None
    for at_once in (1, 7, 64):
        monkeypatch.setattr(thresholds, "_BOUNDS_AT_ONCE", at_once)
        assert [shown_from(given, target) for target in (0.8, 0.95, 0.99, 0.999)] == found


def one_by_one(given: Answers, target: float) -> float | None:
    """As its docstring says it."""
    order = np.argsort(-given.confidence, kind="stable")
    seen, right, found = set[int](), 0, None
    for count, number in enumerate(order.tolist(), 1):
        seen.add(int(given.groups[number]))
        right += int(given.is_right[number])
        if len(seen) >= needed(target):
            if at_least(int(right / count * len(seen) + 1e-9), len(seen)) < target:
                return found
            found = float(given.confidence[number])
    return found
