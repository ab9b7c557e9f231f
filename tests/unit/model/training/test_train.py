"""From labelled pictures to a model file."""

import numpy as np
import pytest

from bench.drawn import drawn
from classify import predict, read_model
from imagestore.errors import BadTrainingData
from model.evaluation.evaluate import evaluate
from model.training.examples import NONE
from model.training.features import Backbone
from model.training.imbalance import Balance
from model.training.kept_arrays import KeptArrays
from model.training.provenance import Provenance
from model.training.recipe import Held
from model.training.split import Split
from model.training.train import TrainingOptions, prepare, summary, train
from model.validate import validate
from preprocess import Fit, Limits
from unit.model.labelled_pictures import labelled, quiet, scene
from unit.pictures import encoded

COLOUR = Held(colour=True, fit=Fit.PAD, level=False, middle=False, backbone="lite0", views=0)
PLAIN = Held(colour=False, fit=Fit.CROP, level=False, middle=False, backbone="lite0", views=0)


KEPT = KeptArrays()
"""What one test has computed the next need not."""


def test_a_corrected_copy_of_a_test_picture_is_neither_learned_from_nor_tested() -> None:
    sources = [labelled(f"l{s % 2}", str(s), encoded(scene(s))) for s in range(30)]
    first = prepare(sources, Split(), Limits(), quiet, KEPT)
    tested = first.part(test=True)[0]
    copy = labelled(tested.label, "corrected", encoded(scene(int(tested.source.name)), "JPEG"), correction=True)
    second = prepare([*sources, copy], first.division.split, Limits(), quiet, KEPT)
    assert tested.source.name in {e.source.name for e in second.part(test=True)}
    assert "corrected" not in {e.source.name for part in (True, False) for e in second.part(test=part)}


def test_a_single_correction_to_a_new_label_keeps_nobody_from_training() -> None:
    sources = [labelled(f"l{s % 2}", str(s), encoded(scene(s))) for s in range(20)]
    new = [labelled("new", f"new {s}", encoded(scene(s)), correction=True) for s in range(100, 105)]
    first = prepare([*sources, *new[:1]], Split(), Limits(), quiet, KEPT)
    assert first.rare == {"new": 1}
    assert {e.label for e in first.examples.good} == {"l0", "l1"}
    assert len(first.grouping.groups) == len(first.division.is_test) == 20
    second = prepare([*sources, *new], first.division.split, Limits(), quiet, KEPT)
    assert second.rare == {}
    assert sum(e.label == "new" for e in second.part(test=False)) == 5
    with pytest.raises(BadTrainingData, match="'l2' has 1"):
        prepare([*sources, labelled("l2", "x", encoded(scene(200))), *new[:1]], Split(), Limits(), quiet, KEPT)


def test_corrections_alone_are_refused_since_nothing_would_test_what_they_teach() -> None:
    corrected = [labelled(f"l{s % 2}", str(s), encoded(scene(s)), correction=True) for s in range(20)]
    with pytest.raises(BadTrainingData, match="move some of each label to training"):
        prepare(corrected, Split(), Limits(), quiet, KEPT)
    moved = [*corrected[:18], *(labelled(f"l{s % 2}", str(s), encoded(scene(s))) for s in (18, 19))]
    assert {e.source.name for e in prepare(moved, Split(), Limits(), quiet, KEPT).part(test=True)} == {"18", "19"}


def test_a_model_is_trained_runs_in_production_code_and_is_the_same_every_time(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = [labelled(f"l{s % 3}", str(s), encoded(scene(s, s % 3))) for s in range(30)]
    prepared = prepare(sources, Split(), Limits(), quiet, KEPT)
    kept = KeptArrays()
    first = train(prepared, TrainingOptions(version="7", held=PLAIN), Limits(), quiet, kept)
    with monkeypatch.context() as patched:
        patched.setattr(Backbone, "features", None)
        second = train(prepared, TrainingOptions(version="7", held=PLAIN), Limits(), quiet, kept)
    assert first.data == second.data, "the second time nothing is computed anew"
    assert first.found_out == second.found_out
    assert first.provenance.pictures == len(prepared.part(test=False))
    assert first.provenance.fingerprint == second.provenance.fingerprint
    validate(first.data, "it")
    model = read_model(first.data, "it")
    assert (model.ref.name, model.ref.version, model.labels) == ("mine", "7", ("l0", "l1", "l2"))
    assert model.threshold == first.head.thresholds.common
    assert model.distance_limit == first.head.distance_limit
    tests = prepared.part(test=True)
    evaluation = evaluate(first.data, "it", tests, Limits(), lambda: None)
    figures = evaluation.metrics()
    assert figures.accuracy.share >= 0.8, "stripes and halves are easy to tell"
    assert evaluation.probabilities.sum(axis=1) == pytest.approx(1, abs=1e-4)
    _, features = model.run(np.zeros((224, 224, 1), np.uint8))
    assert features is not None
    expected = first.head.probabilities(features[None])[0]
    answer = model.answer(np.zeros((224, 224, 1), np.uint8))
    assert answer.probabilities == pytest.approx(expected, abs=1e-4)
    far = first.head.distances(features[None])
    assert answer.distance == pytest.approx(float(far[0]), abs=1e-3)
    assert evaluation.distances is not None
    assert evaluation.distances.max() < answer.distance, "a black picture is like none of them"
    assert set(first.provenance.learned.values()) == {"l0", "l1", "l2"}


def test_a_model_of_several_labels_is_trained_and_runs_in_production_code() -> None:
    sources = []
    for seed in range(90):
        picture, labels = drawn(seed, ("circle", "cross"), ("red", "blue"), fewest=0)
        sources.append(labelled(labels, str(seed), encoded(picture)))
    prepared = prepare(sources, Split(), Limits(), quiet, KEPT, has_several=True)
    trained = train(prepared, TrainingOptions(held=COLOUR), Limits(), quiet, KEPT)
    assert trained.data == train(prepared, TrainingOptions(held=COLOUR), Limits(), quiet, KEPT).data
    validate(trained.data, "it")
    model = read_model(trained.data, "it")
    assert model.has_several
    assert model.labels == ("blue", "circle", "cross", "red")
    assert model.thresholds.keys() == set(model.labels)
    assert set(map(tuple, trained.provenance.learned.values())) >= {(), ("blue", "circle"), ("cross", "red")}
    evaluation = evaluate(trained.data, "it", prepared.part(test=True), Limits(), lambda: None)
    assert evaluation.several_metrics().mean_average_precision.value > 0.7, "guessing has less than a half"
    pixels = np.zeros((model.spec.height, model.spec.width, 3), np.uint8)
    _, features = model.run(pixels)
    assert features is not None
    answer = model.answer(pixels)
    assert answer.probabilities == pytest.approx(trained.head.probabilities(features[None])[0], abs=1e-4)
    assert predict(model, pixels, 5).labels is not None
    with pytest.raises(BadTrainingData, match="--balance is 'sqrt'"):
        train(prepared, TrainingOptions(held=COLOUR, balance=Balance.SQUARE_ROOT), Limits(), quiet, KEPT)


def test_pictures_of_none_of_the_labels_make_a_model_that_says_so() -> None:
    sources = [labelled(f"l{s % 2}", str(s), encoded(scene(s, s % 2))) for s in range(40)]
    none = [labelled((), f"none/{s}", encoded(drawn(s)[0])) for s in range(100, 130)]
    prepared = prepare([*sources, *none], Split(), Limits(), quiet, KEPT)
    assert list(summary(prepared)) == ["l0", "l1", NONE]
    learning, testing = summary(prepared)[NONE]
    assert testing in (5, 6), "a fifth of those that differ"
    trained = train(prepared, TrainingOptions(held=PLAIN), Limits(), quiet, KEPT)
    validate(trained.data, "it")
    model = read_model(trained.data, "it")
    assert (model.labels, model.has_rest) == (("l0", "l1"), True)
    assert f"{learning} of which show none of the labels" in trained.provenance.sentence()
    evaluation = evaluate(trained.data, "it", prepared.part(test=True), Limits(), lambda: None)
    assert evaluation.rejected().of == testing
    assert evaluation.rejected().right >= testing - 1
    assert evaluation.metrics().count == 8, "they are no pictures of a label"
    assert evaluation.probabilities[evaluation.is_negative].sum(axis=1).max() < 0.9
    pixels = np.zeros((224, 224, 1), np.uint8)
    _, features = model.run(pixels)
    assert features is not None
    assert model.answer(pixels).probabilities == pytest.approx(trained.head.probabilities(features[None])[0], abs=1e-4)
    assert list(Provenance.from_json(trained.provenance.to_json()).labels.values()).count(()) == learning
