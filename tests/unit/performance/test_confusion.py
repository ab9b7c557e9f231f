"""What is taken for what, and the pictures behind it."""

import numpy as np
import pytest
from sklearn.metrics import confusion_matrix

from imagestore.performance import confusion as module
from imagestore.performance.answers import Thresholds
from imagestore.performance.confusion import UNKNOWN, Wanted, confusion, errors_by_label, pictures_of
from unit.performance.kept import answers, drawn

LABELS = ("cat", "dog", "fish")


def test_the_table_is_that_of_scikit_learn_with_what_is_given_no_label() -> None:
    probabilities, truth = drawn(1, 300, LABELS)
    kept = answers(probabilities, truth, LABELS)
    found = confusion(kept, Thresholds(0.6))
    said = [LABELS[row.argmax()] if row.max() >= 0.6 else "-" for row in probabilities]
    names = [*LABELS, "-"]
    expected = confusion_matrix([one[0] if one else "-" for one in truth], said, labels=names)
    assert found.rows == found.columns == [*LABELS, None]
    counts = [[found.count(truth, said) for said in found.columns] for truth in found.rows]
    assert counts == expected.tolist()
    assert sum(one.count for one in found.cells) == 300


def test_of_many_labels_those_with_the_most_mistakes_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_LABELS", 2)
    probabilities = np.array([[0.9, 0, 0], [0, 0.9, 0], [0, 0.9, 0], [0, 0, 0.9]])
    kept = answers(probabilities, [("cat",), ("dog",), ("fish",), ("fish",)], LABELS)
    found = confusion(kept, kept.thresholds)
    assert (found.columns, found.rows, found.left_out) == (["dog", "fish", None], ["dog", "fish"], 1)
    assert found.count("cat", "cat") == 1, "the cells are all there"


def test_each_cell_leads_to_its_pictures() -> None:
    probabilities, truth = drawn(4, 120, LABELS)
    kept = answers(probabilities, truth, LABELS)
    for cell in confusion(kept, kept.thresholds).cells:
        wanted = Wanted(truth=cell.truth, said=cell.said or UNKNOWN, negative=cell.truth is None)
        found = pictures_of(kept, kept.thresholds, wanted)
        assert len(found) == cell.count
        assert all(one.labels == ([cell.truth] if cell.truth else []) for one in found)
        assert all(one.given == ([cell.said] if cell.said else []) for one in found)
        assert [one.confidence for one in found] == sorted((one.confidence for one in found), reverse=True)


def test_errors_by_label_lead_to_their_pictures_where_several_labels_hold() -> None:
    rng = np.random.default_rng(5)
    holds, probabilities = rng.random((80, 3)) < 0.5, rng.random((80, 3))
    truth = [tuple(label for label, has in zip(LABELS, row, strict=True) if has) for row in holds]
    kept = answers(probabilities, truth, LABELS, has_several=True)
    given = probabilities >= 0.5
    for i, one in enumerate(errors_by_label(kept, kept.thresholds)):
        expected = [(given & holds)[:, i], (holds & ~given)[:, i], (given & ~holds)[:, i]]
        assert [one.found, one.missed, one.wrong] == [column.sum() for column in expected]
        for wanted, column in zip(
            (
                Wanted(truth=one.label, said=one.label),
                Wanted(truth=one.label, not_said=one.label),
                Wanted(said=one.label, not_truth=one.label),
            ),
            expected,
            strict=True,
        ):
            shown = {found.sha256 for found in pictures_of(kept, kept.thresholds, wanted)}
            assert shown == {f"{n:064x}" for n in np.flatnonzero(column)}


def test_what_is_wrong_comes_first() -> None:
    kept = answers(np.array([[0.99, 0], [0.6, 0], [0.9, 0]]), [("cat",), ("dog",), ("dog",)], ("cat", "dog"))
    found = pictures_of(kept, kept.thresholds, Wanted(said="cat"))
    assert [(one.labels, one.confidence) for one in found] == [(["dog"], 0.9), (["dog"], 0.6), (["cat"], 0.99)]
