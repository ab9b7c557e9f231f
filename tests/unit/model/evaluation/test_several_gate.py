"""The gate says what the numbers say of models that know several labels a picture."""

from dataclasses import replace

import numpy as np
import pytest

from model.evaluation.evaluate import Evaluation
from model.evaluation.gate import Comparison, Outcome
from model.evaluation.several_gate import SeveralAgainstChance, against_chance, compare
from model.training.examples import Example
from unit.model.evaluations import described
from unit.model.labelled_pictures import labelled

LABELS = ("a", "b", "c")
GROUPS = np.arange(90)
HOLDS = np.random.default_rng(3).random((90, 3)) < np.array([0.5, 0.4, 0.2])


def pictures() -> list[Example]:
    thumb = np.zeros((32, 32), np.uint8)
    labels = [tuple(label for label, own in zip(LABELS, row, strict=True) if own) for row in HOLDS]
    return [Example(labelled(own, str(n), b""), str(n), str(n), thumb) for n, own in enumerate(labels)]


def saying(given: np.ndarray, labels: tuple[str, ...] = LABELS) -> Evaluation:
    model = replace(described(labels), has_several=True)
    return Evaluation(model, pictures(), np.where(given, 0.9, 0.1), np.ones(len(given)))


def compared(candidate: Evaluation, live: Evaluation) -> Comparison:
    found = compare(candidate, live, GROUPS)
    assert found is not None
    return found


def beside_chance(candidate: Evaluation) -> SeveralAgainstChance:
    found = against_chance(candidate, GROUPS)
    assert found is not None
    return found


def with_errors(share: float, seed: int = 1) -> np.ndarray:
    return HOLDS ^ (np.random.default_rng(seed).random(HOLDS.shape) < share)


def test_a_candidate_is_better_worse_or_too_close_to_call() -> None:
    good, bad = saying(with_errors(0.05)), saying(with_errors(0.3))
    better = compared(good, bad)
    assert better.outcome is Outcome.BETTER
    assert better.candidate_f1 > better.live_f1
    worse = compared(bad, good)
    assert worse.outcome is Outcome.WORSE
    assert {label for label, _, _ in worse.fell} <= set(LABELS)
    assert worse.low == pytest.approx(-better.high)
    assert compared(good, saying(with_errors(0.05, seed=2))).outcome is Outcome.CANNOT_TELL


def test_only_what_both_know_is_compared() -> None:
    wider = saying(np.column_stack([HOLDS, HOLDS[:, :1]]), (*LABELS, "new"))
    found = compared(wider, saying(HOLDS))
    assert (found.common, found.only_candidate, found.only_live) == (list(LABELS), ["new"], [])
    assert compare(saying(HOLDS, ("x", "y", "z")), saying(HOLDS), GROUPS) is None


def test_who_answers_without_looking_is_not_better_than_guessing() -> None:
    assert beside_chance(saying(HOLDS)).outcome is Outcome.BETTER
    everything, nothing = beside_chance(saying(np.ones_like(HOLDS))), beside_chance(saying(np.zeros_like(HOLDS)))
    assert (everything.outcome, nothing.outcome) == (Outcome.CANNOT_TELL, Outcome.CANNOT_TELL)
    assert everything.f1 == everything.chance, "always the same answer is what chance has"
    shuffled = np.random.default_rng(5).permutation(HOLDS)
    assert beside_chance(saying(shuffled)).outcome is Outcome.CANNOT_TELL
    assert beside_chance(saying(~HOLDS)).outcome is Outcome.WORSE
    assert against_chance(saying(HOLDS, ("x", "y", "z")), GROUPS) is None


def test_a_cautious_model_that_misses_much_is_better_than_guessing() -> None:
    cautious = HOLDS & (np.random.default_rng(6).random(HOLDS.shape) < 0.4)
    found = beside_chance(saying(cautious))
    assert found.outcome is Outcome.BETTER
    assert "where the same answers dealt at random have 0." in found.sentence()
