"""What can be learned from, and what is said of labels that contradict each other."""

import numpy as np
import pytest

from imagestore.errors import BadTrainingData
from model.training.labels import agreed, check, contradictions, one_spelling, without
from unit.model.labelled_pictures import examples_of, labelled, scene
from unit.pictures import encoded


def test_labels_that_differ_only_by_case_are_asked_about() -> None:
    sources = [labelled(label, str(n), b"") for n, label in enumerate(["Cat", "cat", "cat", "dog"])]
    asked: list[list[str]] = []

    def answering(said: bool | None) -> list[str]:
        def answer(labels: list[str]) -> bool | None:
            asked.append(labels)
            return said

        return [s.label for s in one_spelling(sources, answer)]

    assert answering(True) == ["cat", "cat", "cat", "dog"], "the commonest spelling"
    assert answering(False) == ["Cat", "cat", "cat", "dog"]
    assert asked == [["Cat", "cat"]] * 2
    with pytest.raises(BadTrainingData, match=r"'Cat' and 'cat' differ only by .* --same-case"):
        answering(None)


def test_a_content_has_the_labels_of_its_last_correction_or_all_that_it_was_given() -> None:
    one, other = encoded(scene(1)), encoded(scene(2))
    sources = [
        labelled("round", "round/1.png", one),
        labelled("red", "red/1.png", one),
        labelled("red", "red/2.png", other),
        labelled(("blue", "round"), "first", other, correction=True),
        labelled(("blue",), "second", other, correction=True),
    ]
    found = examples_of(sources)
    assert contradictions(found, has_several=True) == []
    assert [e.labels for e in agreed(found)] == [("red", "round"), ("red", "round"), ("blue",), ("blue",), ("blue",)]


def test_a_picture_with_a_label_and_without_one_is_a_contradiction_for_every_kind() -> None:
    found = examples_of([labelled(labels, "1.png", encoded(scene(1))) for labels in (("rose",), ())])
    expected = [(found[0].sha256, ["none of the labels", "rose"])]
    assert contradictions(found) == contradictions(found, has_several=True) == expected


def test_with_several_labels_each_needs_pictures_with_it_and_without_it() -> None:
    sources = [labelled(("a", "b") if s < 6 else ("a",), str(s), encoded(scene(s))) for s in range(10)]
    examples, groups = examples_of(sources), np.arange(10)
    with pytest.raises(BadTrainingData, match="0 are without 'a', 4 are without 'b'"):
        check(examples, groups, has_several=True)
    empty = examples_of([labelled((), str(s), encoded(scene(s))) for s in range(20, 25)])
    check([*examples, *empty], np.arange(15), has_several=True)
    with pytest.raises(BadTrainingData, match="'b' has 3"):
        check([*examples[3:], *empty], np.arange(12), has_several=True)


def test_a_label_that_is_left_out_takes_only_those_pictures_along_that_have_no_other() -> None:
    sources = [labelled(own, str(n), encoded(scene(n))) for n, own in enumerate([("a", "b"), ("b",), ()])]
    assert [e.labels for e in without(examples_of(sources), ["b"])] == [("a",), ()]


def test_a_few_pictures_of_none_of_the_labels_are_not_enough() -> None:
    sources = [labelled(f"l{s % 2}", str(s), encoded(scene(s))) for s in range(10)]
    examples = examples_of([*sources, *(labelled((), str(s), encoded(scene(s))) for s in range(20, 24))])
    with pytest.raises(BadTrainingData, match=r"at least 5 different ones; there are 4.*remove --negative"):
        check(examples, np.arange(14))
    check(examples[:10], np.arange(10))
