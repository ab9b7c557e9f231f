"""What is kept of an evaluation, so that figures at any threshold can be told."""

from dataclasses import replace

import msgspec
import numpy as np
import pytest
from PIL import Image

from imagestore.store import held_out as stored
from imagestore.store.held_out import HeldOut
from model.evaluation import held_out
from model.evaluation.evaluate import Evaluation
from model.evaluation.several import average_precision
from unit.model.evaluations import described
from unit.model.labelled_pictures import examples_of, labelled
from unit.pictures import encoded


def evaluated(labels: list[str | tuple[str, ...]], probabilities: np.ndarray) -> Evaluation:
    sources = [labelled(one, str(n), encoded(Image.new("L", (16, 16), n))) for n, one in enumerate(labels)]
    return Evaluation(described(("a", "b")), examples_of(sources), probabilities, np.ones(len(labels)))


def kept(evaluation: Evaluation) -> HeldOut:
    return msgspec.json.decode(held_out.to_keep(evaluation), type=HeldOut)


def test_precision_and_recall_follow_at_any_threshold() -> None:
    rng = np.random.default_rng(1)
    probabilities = rng.random((200, 2)).round(3)
    labels: list[str | tuple[str, ...]] = ["ab"[n % 2] if n % 5 else () for n in range(200)]
    evaluation = evaluated(labels, probabilities)
    found = kept(evaluation)
    for number, one in enumerate(found.labels):
        has = evaluation.holds[:, number]
        assert one.count == has.sum()
        assert one.average_precision == pytest.approx(average_precision(probabilities[:, number], has), abs=1e-6)
        for threshold in (0, 0.07, 0.29, 0.5, 0.57, 0.9, 1):
            said = probabilities[:, number] >= threshold
            assert one.at(threshold) == ((said & has).sum(), said.sum()), threshold


def test_what_is_kept_of_pictures_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held_out, "MOST_PICTURES", 3)
    monkeypatch.setattr(held_out, "MOST_LABELS", 1)
    evaluation = evaluated(["a", "b", (), "a", ("a", "b")], np.array([[0.9, 0.1]] * 4 + [[0.2, 0.6]]))
    found = kept(evaluation)
    shown = [evaluation.examples[i] for i in (0, 2, 4)]
    assert [(one.sha256, one.labels) for one in found.pictures] == [(one.sha256, one.labels) for one in shown]
    assert [one.probabilities for one in found.pictures] == [{"a": 0.9}, {"a": 0.9}, {"b": 0.6}]
    assert sum(found.labels[0].right) == 3, "the counts are of all pictures"
    assert max(len(one.right) for one in found.labels) == stored.STEPS + 1


def test_so_are_the_counts_of_a_label_that_no_picture_has() -> None:
    found = kept(evaluated(["a"], np.array([[1.0, 0.0]])))
    assert (found.labels[1].count, found.labels[1].average_precision) == (0, 0.0)
    assert found.labels[0].at(1.0) == (1, 1)


def test_what_the_slider_needs_is_kept_and_no_name_of_a_file() -> None:
    """A picture that is forgotten leaves its SHA-256 alone."""
    evaluation = evaluated(["a", "b", "a"], np.array([[0.9, 0.1], [0.2, 0.8], [0.7, 0.3]]))
    model = replace(evaluation.model, thresholds={"b": 0.6}, distance_limit=0.5)
    evaluation = replace(evaluation, model=model, groups=np.array([4, 7, 4]), distances=np.array([0.1, 0.9, 0.2]))
    found = kept(evaluation)
    assert (found.threshold, found.thresholds, found.has_several, found.count) == (0.5, {"b": 0.6}, False, 3)
    assert [(one.group, one.is_near) for one in found.pictures] == [(4, True), (7, False), (4, True)]
    assert b"source" not in held_out.to_keep(evaluation)


def test_average_precision_has_an_interval_where_there_are_enough_pictures() -> None:
    rng = np.random.default_rng(3)
    labels: list[str | tuple[str, ...]] = ["ab"[n % 2] for n in range(60)]
    probabilities = np.array([[0.7, 0.3] if one == "a" else [0.3, 0.7] for one in labels]) + rng.normal(0, 0.3, (60, 2))
    for one in kept(evaluated(labels, probabilities.clip(0, 1))).labels:
        assert one.low is not None
        assert one.high is not None
        assert 0 < one.low < one.average_precision < one.high <= 1
    few = kept(evaluated(["a", "b"], np.array([[0.9, 0.1], [0.2, 0.8]]))).labels[0]
    assert (few.low, few.high) == (None, None)
