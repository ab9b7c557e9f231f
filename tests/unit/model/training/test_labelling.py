"""What a training finds out about its labels, from features whose classes are known."""

import msgspec
import numpy as np

from imagestore.store.labelling import Labelling
from model.training import head as heads
from model.training import several
from model.training.corrected import CORRECTED
from model.training.examples import Example, Labelled
from model.training.kept_arrays import KeptArrays
from model.training.labelling import FoundOut, find_out
from model.training.recipe import Held
from model.training.split import Split
from model.training.train import TrainingOptions, prepare, train
from preprocess import Fit, Limits
from unit.model.labelled_pictures import labelled, quiet, scene
from unit.pictures import encoded

COUNT, CLASSES, WIDTH = 240, 4, 16


def features(seed: int = 7) -> tuple[np.ndarray, np.ndarray]:
    """Features float [n, 1, width] of pictures that show one of four things, and which, int [n]."""
    chance = np.random.default_rng(seed)
    shown = np.arange(COUNT) % CLASSES
    middles = chance.normal(0, 1.2, (CLASSES, WIDTH))
    return np.square(middles[shown] + chance.normal(0, 1, (COUNT, WIDTH)) + 3)[:, None].astype(np.float32), shown


def examples(labels: list[tuple[str, ...]], corrected: int = -1) -> list[Example]:
    thumb = np.zeros((32, 32), np.uint8)
    return [
        Example(Labelled(own, f"{CORRECTED * (i == corrected)}{i}.jpg", bytes, i == corrected), f"{i:064x}", "", thumb)
        for i, own in enumerate(labels)
    ]


def found_out(labels: list[tuple[str, ...]], corrected: int = -1) -> FoundOut:
    taken, _ = features()
    groups, learning = np.arange(COUNT), examples(labels, corrected)
    head = heads.fit(taken, [own[0] for own in labels], groups, 1, lambda: None)
    return find_out(head, taken, learning, groups, 1, quiet)


def swapped(share: float) -> tuple[list[tuple[str, ...]], set[int], np.ndarray]:
    """Labels of which this share was swapped, which these are, and what the pictures show."""
    _, shown = features()
    chance = np.random.default_rng(11)
    wrong = chance.permutation(COUNT)[: round(share * COUNT)]
    given = shown.copy()
    given[wrong] = (shown[wrong] + chance.integers(1, CLASSES, len(wrong))) % CLASSES
    return [(f"l{label}",) for label in given], set(wrong.tolist()), shown


def test_labels_that_were_swapped_are_found_each_with_the_one_that_it_should_have() -> None:
    labels, wrong, shown = swapped(0.05)
    doubts = found_out(labels, corrected=min(wrong)).labelling.doubts
    numbers = [int(one.sha256, 16) for one in doubts]
    assert len(set(numbers[: len(wrong)]) & wrong) >= 0.9 * len(wrong)
    right = [one.perhaps == (f"l{shown[int(one.sha256, 16)]}",) for one in doubts if int(one.sha256, 16) in wrong]
    assert np.mean(right) >= 0.9
    assert all(one.labels == labels[number] for one, number in zip(doubts, numbers, strict=True))
    assert [one.upload for one in doubts if one.upload] == [f"{min(wrong)}.jpg"], "a correction is known as one"


def test_what_is_kept_says_what_was_said_out_of_fold_and_repeats_to_the_byte() -> None:
    labels, _, _ = swapped(0.05)
    first, second = (msgspec.json.encode(found_out(labels)) for _ in range(2))
    assert first == second
    kept = msgspec.json.decode(first, type=FoundOut)
    assert len(kept.out_of_fold.pictures) == kept.labelling.pictures == COUNT
    assert all(abs(sum(one.probabilities.values()) - 1) < 1e-3 for one in kept.out_of_fold.pictures)
    sentences = kept.labelling.sentences()
    assert sentences[0].startswith("From 96 to 192 pictures accuracy ")
    assert "look mislabelled" in sentences[1]


def test_the_curve_ends_at_the_accuracy_that_the_head_is_known_to_have() -> None:
    labels, _, _ = swapped(0.0)
    taken, _ = features()
    head = heads.fit(taken, [own[0] for own in labels], np.arange(COUNT), 1, lambda: None)
    curve = find_out(head, taken, examples(labels), np.arange(COUNT), 1, quiet).labelling.curve
    assert curve is not None
    assert curve.points[-1].accuracy.value == head.accuracy
    assert [one.label for one in curve.labels] == list(head.labels)


def test_pictures_of_none_of_the_labels_are_learned_from_and_can_be_doubted() -> None:
    labels, _, shown = swapped(0.0)
    none = [() if label == 3 else own for own, label in zip(labels, shown, strict=True)]
    none[3] = ("l0",)
    taken, _ = features()
    learning = examples(none)
    head = heads.fit(taken, [one.label for one in learning], np.arange(COUNT), 1, lambda: None)
    found: Labelling = find_out(head, taken, learning, np.arange(COUNT), 1, quiet).labelling
    assert (3, ()) in [(int(one.sha256, 16), one.perhaps) for one in found.doubts]
    assert found.curve is not None


def test_of_several_labels_one_that_is_missing_is_found() -> None:
    taken, shown = features()
    labels: list[tuple[str, ...]] = [("odd", f"l{label}") if label % 2 else (f"l{label}",) for label in shown]
    labels[1] = ("l1",)
    head = several.fit(taken, labels, np.arange(COUNT), 1, lambda: None)
    found = find_out(head, taken, examples(labels), np.arange(COUNT), 1, quiet).labelling
    assert (1, ("l1", "odd")) in [(int(one.sha256, 16), one.perhaps) for one in found.doubts]
    assert found.curve is not None
    assert found.curve.has_several


def test_of_drawn_pictures_those_that_were_given_another_label_are_found() -> None:
    """Six of 90 have the wrong one of three labels: all but one at most are found, and few others are doubted."""
    wrong = {7: 0, 22: 2, 41: 0, 56: 1, 71: 1, 80: 0}
    sources = [labelled(f"l{wrong.get(s, s % 3)}", str(s), encoded(scene(s, s % 3))) for s in range(90)]
    prepared = prepare(sources, Split(), Limits(), quiet, KeptArrays())
    held = Held(colour=False, fit=Fit.CROP, level=False, middle=False, backbone="lite0", views=0)
    found = train(prepared, TrainingOptions(held=held), Limits(), quiet).found_out.labelling
    learned = {int(example.source.name) for example in prepared.part(test=False)} & wrong.keys()
    doubted = {int(one.source): one.perhaps for one in found.doubts}
    hits = learned & doubted.keys()
    assert len(hits) >= len(learned) - 1
    assert len(hits) >= len(doubted) / 2
    assert all(doubted[number] == (f"l{number % 3}",) for number in hits)
