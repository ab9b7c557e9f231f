"""Figures from held-out answers, compared with scikit-learn's, SciPy's and with draws."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score, precision_recall_fscore_support

from imagestore.performance.answers import Thresholds
from imagestore.performance.figures import at, at_every, by_label, f1_of, share_of
from unit.performance.kept import answers, drawn

LABELS = ("cat", "dog", "fish")


def test_figures_by_label_are_those_of_scikit_learn_with_scipys_wilson_intervals() -> None:
    probabilities, truth = drawn(1, 300, LABELS)
    kept = answers(probabilities, truth, LABELS, own={"dog": 0.7})
    said = [
        LABELS[row.argmax()] if row.max() >= kept.thresholds.of(LABELS[row.argmax()]) else "none"
        for row in probabilities
    ]
    known = [one[0] if one else "none" for one in truth]
    expected = precision_recall_fscore_support(known, said, labels=list(LABELS))
    for i, found in enumerate(by_label(kept)):
        assert found.label == LABELS[i]
        assert found.threshold == (0.7 if found.label == "dog" else 0.5)
        assert (found.precision.share, found.recall.share) == pytest.approx([expected[0][i], expected[1][i]])
        assert found.f1.value == pytest.approx(expected[2][i])
        assert found.count == expected[3][i]
        for share in (found.precision, found.recall):
            interval = binomtest(share.right, share.of).proportion_ci(method="wilson")
            assert (share.low, share.high) == pytest.approx([interval.low, interval.high], abs=1e-6)
        assert (found.average_precision.low, found.average_precision.high) == (0.4, 0.6)


def test_figures_of_several_labels_are_those_of_scikit_learn() -> None:
    rng = np.random.default_rng(2)
    holds = rng.random((250, 3)) < 0.4
    probabilities = np.clip(0.35 * holds + 0.6 * rng.random((250, 3)), 0, 1).round(4)
    truth = [tuple(label for label, has in zip(LABELS, row, strict=True) if has) for row in holds]
    kept = answers(probabilities, truth, LABELS, has_several=True)
    for threshold in (0.3, 0.5, 0.8):
        given, found = probabilities >= threshold, at(kept, kept.thresholds.with_all(threshold))
        expected = precision_recall_fscore_support(holds, given, average="micro")
        assert [found.precision.share, found.recall.share, found.f1.value] == pytest.approx(expected[:3])
        assert found.unknown == (~given.any(axis=1)).sum()
        assert (found.negatives, found.answered.right) == (
            (~holds.any(axis=1)).sum(),
            given[holds.any(axis=1)].any(axis=1).sum(),
        )
        for i, one in enumerate(by_label(kept, Thresholds(threshold))):
            assert one.f1.value == pytest.approx(f1_score(holds[:, i], given[:, i]))


def test_each_step_of_the_slider_is_what_that_threshold_gives() -> None:
    probabilities, truth = drawn(3, 200, LABELS)
    kept = answers(probabilities, truth, LABELS, own={"cat": 0.4, "dog": 0.8}, far=frozenset({4, 9}))
    every = at_every(kept)
    assert [one.threshold for one in every] == [step / 100 for step in range(101)]
    assert every[29] == at(kept, Thresholds(0.29))
    assert every[0].unknown == 2, "what is unlike all that was learned from is never answered"
    assert [one.unknown for one in every] == sorted(one.unknown for one in every)
    assert every[100].pictures == 200
    for label in LABELS:
        assert at_every(kept, label)[57] == at(kept, kept.thresholds.with_one(label, 0.57), label)
    of_cat = at_every(kept, "cat")
    assert of_cat[100].unknown < 200, "the other labels keep their thresholds"
    assert of_cat[100].precision.of == 0


def test_pictures_of_none_of_the_labels_that_are_answered_are_wrong_answers() -> None:
    kept = answers(np.array([[0.9, 0.1], [0.8, 0.2], [0.3, 0.4]]), [("cat",), (), ()], ("cat", "dog"))
    found = at(kept, kept.thresholds)
    assert (found.precision.right, found.precision.of) == (1, 2)
    assert (found.recall.right, found.recall.of) == (1, 1)
    assert (found.negatives, found.negatives_answered, found.unknown) == (2, 1, 1)


def test_look_alikes_count_once_in_an_interval() -> None:
    probabilities, truth = np.tile([[0.9, 0.1]], (40, 1)), [("cat",)] * 40
    alone = at(answers(probabilities, truth, ("cat", "dog"), groups=list(range(40))), Thresholds(0.5))
    alike = at(answers(probabilities, truth, ("cat", "dog"), groups=[n // 10 for n in range(40)]), Thresholds(0.5))
    assert alone.precision.right == alike.precision.right == 40
    assert alike.precision == share_of(40, 40, 4)
    assert alone.precision.low is not None
    assert alike.precision.low is not None
    assert alike.precision.low < alone.precision.low


def test_no_interval_is_told_where_there_is_nothing() -> None:
    found = at(answers(np.zeros((0, 2)), [], ("cat", "dog")), Thresholds(0.5))
    assert (found.precision.low, found.f1.low, found.f1.value) == (None, None, 0.0)
    assert by_label(answers(np.array([[0.9, 0.1]]), [("cat",)], ("cat", "dog")))[0].label == "cat"


@pytest.mark.parametrize(("count", "recall", "precision"), [(40, 0.8, 0.7), (200, 0.95, 0.9), (15, 0.5, 0.5)])
def test_the_interval_of_f1_holds_it_about_as_often_as_it_says(count: int, recall: float, precision: float) -> None:
    """A label holds for `count` pictures; each is found with probability `recall`, and as many others are given it as
    make the precision."""
    rng, held, tries = np.random.default_rng(7), 0, 2000
    wrong = count * recall * (1 - precision) / precision
    true = 2 * count * recall / (count + count * recall + wrong)
    for _ in range(tries):
        right, given_wrongly = rng.binomial(count, recall), rng.poisson(wrong)
        found = f1_of(int(right), int(count + given_wrongly), int(count + given_wrongly))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= true <= found.high
    assert 0.93 <= held / tries <= 0.99
