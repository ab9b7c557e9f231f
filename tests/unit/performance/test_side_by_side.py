"""Two versions on the same pictures."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import f1_score

from imagestore.performance.answers import Answers
from imagestore.performance.learned import LearnedFrom
from imagestore.performance.side_by_side import MEASURES, SideBySide, side_by_side
from unit.performance.kept import answers, drawn

LABELS = ("cat", "dog", "fish")
NOTHING = LearnedFrom({})


def compared(first: Answers, second: Answers, *learned: LearnedFrom) -> SideBySide:
    both = (*learned, NOTHING, NOTHING)
    return side_by_side((first, second), (both[0], both[1]))


def two(count: int = 400) -> tuple[Answers, Answers]:
    probabilities, truth = drawn(1, count, LABELS)
    other = np.roll(probabilities, 1, axis=1) * 0.3 + probabilities * 0.7
    return answers(probabilities, truth, LABELS), answers(other, truth, LABELS)


def test_the_figures_are_those_of_the_same_pictures() -> None:
    first, second = two()
    found = {one.measure: one for one in compared(first, second).figures}
    assert tuple(found) == MEASURES
    for which, kept in (("first", first), ("second", second)):
        given = [kept.given(one, kept.thresholds) for one in kept.pictures]
        truth = [one.labels for one in kept.pictures]
        named = [[("none", *one)[-1] for one in each] for each in (truth, given)]
        expected = {
            "right": np.mean([set(a) == set(b) for a, b in zip(given, truth, strict=True)]),
            "macro_f1": f1_score(*named, labels=list(LABELS), average="macro"),
            "precision": np.mean([a == b for a, b in zip(given, truth, strict=True) if a]),
            "answered": np.mean([bool(a) for a, b in zip(given, truth, strict=True) if b]),
        }
        assert {name: getattr(found[name], which) for name in expected} == pytest.approx(expected)
    for one in found.values():
        assert one.difference == pytest.approx(one.first - one.second)
        assert one.low <= one.difference <= one.high


def test_the_interval_is_paired() -> None:
    """Its width is that of the standard error of paired differences, which McNemar's test has too."""
    first, second = two()
    found = next(one for one in compared(first, second).figures if one.measure == "right")
    signs = np.array(
        [
            int(set(first.given(a, first.thresholds)) == set(a.labels))
            - int(set(second.given(b, second.thresholds)) == set(b.labels))
            for a, b in zip(first.pictures, second.pictures, strict=True)
        ]
    )
    assert (found.high - found.low) / (2 * 1.96) == pytest.approx(signs.std() / np.sqrt(len(signs)), rel=0.1)


def test_a_version_beside_itself_differs_nowhere() -> None:
    first, _ = two(60)
    found = compared(first, first)
    assert found.differing == []
    assert {(one.difference, one.low, one.high) for one in found.figures} == {(0.0, 0.0, 0.0)}


def test_what_one_of_the_two_learned_or_was_not_tested_on_or_has_another_label_since_is_left_out() -> None:
    first, second = two(50)
    pictures = list(second.pictures[5:])
    pictures[0] = replace(pictures[0], labels=("another",))
    second = replace(second, pictures=pictures, count=45)
    learned = LearnedFrom({first.pictures[10].sha256: "cat", first.pictures[2].sha256: "cat", "f" * 64: "cat"})
    found = compared(first, second, NOTHING, learned)
    assert (found.tested, found.both_tested, found.learned, found.relabelled) == ((50, 45), 45, 1, 1)
    assert found.pictures == 43
    assert compared(first, second, learned).pictures == 43, "whichever of the two learned it"


def test_look_alikes_of_either_test_are_drawn_together() -> None:
    probabilities, truth = np.tile([[0.9, 0.1]], (6, 1)), [("cat",)] * 6
    first = answers(probabilities, truth, ("cat", "dog"), groups=[0, 0, 1, 2, 3, 4])
    second = answers(probabilities, truth, ("cat", "dog"), groups=[0, 1, 1, 2, 3, 3])
    assert compared(first, second).groups == 3


def test_where_they_differ_and_one_is_right_comes_first() -> None:
    truth = [("cat",), ("dog",), ("dog",), ("dog",)]
    first = answers(np.array([[0.9, 0.0], [0.8, 0.0], [0.0, 0.9], [0.6, 0.0]]), truth, ("cat", "dog"))
    second = answers(np.array([[0.9, 0.0], [0.3, 0.0], [0.9, 0.0], [0.7, 0.0]]), truth, ("cat", "dog"))
    found = compared(first, second)
    said = [(both.first.sha256[-1], both.first.given, both.second.given) for both in found.differing]
    assert said == [("2", ["dog"], ["cat"]), ("1", ["cat"], [])]
    assert found.unknown == (0, 1)


def test_labels_that_one_alone_knows_are_told_and_nothing_in_common_is_no_error() -> None:
    first = answers(np.array([[0.9, 0.1]]), [("cat",)], ("cat", "dog"))
    second = answers(np.array([[0.9, 0.1]]), [("cat",)], ("cat", "fish"))
    assert compared(first, second).only == (["dog"], ["fish"])
    none = compared(first, replace(second, pictures=[]))
    assert (none.pictures, none.groups, none.figures, none.differing) == (0, 0, [], [])
