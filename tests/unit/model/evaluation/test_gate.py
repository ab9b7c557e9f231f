"""The gate says what the numbers say."""

import numpy as np
import pytest

from model.evaluation.evaluate import Evaluation
from model.evaluation.gate import AgainstChance, Comparison, Outcome, against_chance, compare, together
from unit.model.evaluations import answering, eighty


def compared(candidate: Evaluation, live: Evaluation, groups: np.ndarray) -> Comparison:
    found = compare(candidate, live, groups)
    assert found is not None
    return found


def beside_chance(candidate: Evaluation, groups: np.ndarray) -> AgainstChance:
    found = against_chance(candidate, groups)
    assert found is not None
    return found


def test_a_candidate_is_better_worse_or_too_close_to_call() -> None:
    tests = eighty()
    truth = [e.label for e in tests]
    wrong = [("b" if label == "a" and n % 3 == 0 else label) for n, label in enumerate(truth)]
    one_off = ["b", *truth[1:]]
    good, bad, same = (answering(tests, ("a", "b"), answers) for answers in (truth, wrong, one_off))
    groups = np.arange(80)
    assert compared(good, bad, groups).outcome is Outcome.BETTER
    worse = compared(bad, good, groups)
    assert worse.outcome is Outcome.WORSE
    assert [(label, before) for label, before, _ in worse.fell] == [("a", 1.0)]
    assert worse.sentence().startswith("Worse: macro-F1 0.")
    assert compared(good, same, groups).outcome is Outcome.CANNOT_TELL
    assert compared(good, bad, np.zeros(80, int)).low == compared(good, bad, np.zeros(80, int)).high, (
        "one group, no spread"
    )


def test_the_gate_compares_what_both_know() -> None:
    tests = eighty()
    truth = [e.label for e in tests]
    wider = answering(tests, ("a", "b", "c"), truth)
    found = compared(wider, answering(tests, ("a", "b", "z"), truth), np.arange(80))
    assert (found.only_candidate, found.only_live) == (["c"], ["z"])
    assert compare(wider, answering(tests, ("x", "y"), ["x"] * 80), np.arange(80)) is None


def test_a_candidate_is_compared_with_guessing() -> None:
    tests, groups = eighty(), np.arange(80)
    truth = [e.label for e in tests]
    good = beside_chance(answering(tests, ("a", "b"), truth), groups)
    assert (good.outcome, good.recall, good.chance, good.pictures) == (Outcome.BETTER, 1.0, 0.5, 80)
    assert good.sentence().startswith("Better than guessing: mean recall 1.000 (0.9")
    shuffled = beside_chance(answering(tests, ("a", "b"), ["ba"["ab".index(label)] for label in truth]), groups)
    assert shuffled.outcome is Outcome.WORSE
    for says in (["a"] * 80, ["aabb"[n % 4] for n in range(80)]):
        assert beside_chance(answering(tests, ("a", "b"), says), groups).outcome is Outcome.CANNOT_TELL


def test_copies_of_one_picture_prove_no_more_than_it_does() -> None:
    tests = eighty()
    right = answering(tests, ("a", "b"), [e.label for e in tests])
    assert beside_chance(right, np.arange(80) % 2).outcome is Outcome.CANNOT_TELL


def test_labels_that_the_candidate_does_not_know_are_not_held_against_it() -> None:
    tests = eighty()
    assert beside_chance(answering(tests, ("b", "c"), ["b"] * 80), np.arange(80)).labels == 1
    assert against_chance(answering(tests, ("c", "d"), ["c"] * 80), np.arange(80)) is None


def test_what_so_few_pictures_cannot_show_is_said() -> None:
    """Twice that difference is found in nearly every test part, a quarter of it in few."""
    tests, groups, chance = eighty(), np.arange(80), np.random.default_rng(5)
    truth = np.array([example.label for example in tests])

    def wrong(share: float) -> Evaluation:
        flipped = np.where(truth == "a", "b", "a")
        return answering(tests, ("a", "b"), np.where(chance.random(80) < share, flipped, truth).tolist())

    found = compared(wrong(0.2), wrong(0.2), groups)
    assert 0.1 < found.unseen < 0.3
    assert found.details()[0].startswith(
        f"With 80 test pictures a difference of less than {100 * found.unseen:.0f} points"
    )
    assert f"about {found.needed:,} would show one of 5." in found.details()[0]

    def seen(loss: float) -> float:
        return float(np.mean([compared(wrong(0.2 + loss), wrong(0.2), groups).high < 0 for _ in range(12)]))

    assert seen(2 * found.unseen) >= 0.75
    assert seen(found.unseen / 4) <= 0.3


def test_models_that_answer_alike_are_not_compared_without_error() -> None:
    tests = eighty()
    same = answering(tests, ("a", "b"), [e.label for e in tests])
    found = compared(same, same, np.arange(80))
    assert found.unseen > 0.03
    assert "of which 10 differ clearly," in compared(same, same, np.arange(80) // 8).details()[0]


def test_two_comparisons_know_more_together_than_each() -> None:
    examples = eighty()
    truth = [example.label for example in examples]
    worse = ["a" if n % 10 == 1 else label for n, label in enumerate(truth)]
    one = compare(answering(examples, ("a", "b"), worse), answering(examples, ("a", "b"), truth), np.arange(80))
    assert one is not None
    both = together(one, one)
    assert both.difference == pytest.approx(one.difference)
    assert both.high - both.low < one.high - one.low
    assert both.outcome is Outcome.WORSE
