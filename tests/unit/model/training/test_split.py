"""The test part stays apart, for good."""

import random
from dataclasses import replace

import numpy as np
import pytest

from imagestore.store.training import Part
from model.training import look_alikes, split
from model.training.look_alikes import Similarity
from model.training.split import Split, divide
from unit.model.labelled_pictures import altered, examples_of, groups_of, labelled, scene
from unit.pictures import encoded


def test_nothing_leaks_over_three_rounds_of_new_data() -> None:
    """Each round brings altered copies of what is known, on either side, and new pictures; once a test, always one."""
    chance, known, sources = random.Random(3), Split(), []
    ever_tested: set[int] = set()
    ever_learned: set[int] = set()
    for round_number in range(3):
        new = range(round_number * 30, round_number * 30 + 30)
        sources += [labelled(f"label {seed % 2}", f"{seed} first", encoded(scene(seed))) for seed in new]
        for seed in chance.sample(range(round_number * 30 + 30), 20):
            what, data = chance.choice(sorted(altered(scene(seed)).items()))
            sources.append(labelled(f"label {seed % 2}", f"{seed} {round_number} {what}", data))
        if round_number == 2:  # originals may go; what they were is remembered, on both sides
            gone = {f"{seed} first" for seed in range(60)}
            sources = [source for source in sources if source.name not in gone]
        examples = examples_of(sources)
        division = divide(examples, groups_of(examples), known)
        is_test, known = division.is_test, division.split
        sides: dict[int, set[bool]] = {}
        for example, test in zip(examples, is_test, strict=True):
            sides.setdefault(int(example.source.name.split()[0]), set()).add(bool(test))
        assert all(len(found) == 1 for found in sides.values()), "a picture and its copy lie on both sides"
        tested = {seed for seed, found in sides.items() if found == {True}}
        assert not {s for s, found in sides.items() if found == {False}} & ever_tested, (
            "one that tested is learned from"
        )
        assert not tested & ever_learned, "one that was learned from tests"
        ever_tested |= tested
        ever_learned |= sides.keys() - tested
    assert 10 <= len(ever_tested) <= 30
    assert not known.of(Part.LEARN) & known.of(Part.TEST)


def test_the_split_is_stratified_and_repeatable() -> None:
    sources = [labelled(f"l{s % 3}", str(s), encoded(scene(s))) for s in range(60)]
    examples = examples_of(sources)
    division = divide(examples, groups_of(examples), Split())
    is_test, split = division.is_test, division.split
    for label in ("l0", "l1", "l2"):
        assert sum(t for e, t in zip(examples, is_test, strict=True) if e.label == label) == 4
    again = divide(examples[::-1], groups_of(examples[::-1]), Split()).is_test
    assert again[::-1].tolist() == is_test.tolist()
    assert divide(examples, groups_of(examples), split).is_test.tolist() == is_test.tolist()


def test_corrections_never_test() -> None:
    sources = [labelled("a", str(s), encoded(scene(s)), correction=True) for s in range(30)]
    examples = examples_of(sources)
    assert not divide(examples, groups_of(examples), Split()).is_test.any()


def test_what_new_grouping_joins_with_learned_pictures_is_retired_from_testing_for_good() -> None:
    """An earlier version did not see that some test pictures look like learned ones."""
    examples = examples_of([labelled("a", str(s), encoded(scene(s))) for s in range(30)])
    apart = np.arange(30)
    before = divide(examples, apart, Split())
    tested = np.flatnonzero(before.is_test)
    learned = np.flatnonzero(~before.is_test)
    joined = apart.copy()
    joined[tested[0]] = learned[0]
    after = divide(examples, joined, before.split)
    assert np.flatnonzero(after.is_retired).tolist() == [tested[0]]
    assert set(np.flatnonzero(after.is_test)) == set(tested[1:])
    assert after.split.of(Part.RETIRED) == {examples[tested[0]].sha256}
    assert after.split.of(Part.LEARN) == before.split.of(Part.LEARN), "it is not learned from either"
    again = divide(examples, apart, after.split)
    assert again.is_retired.tolist() == after.is_retired.tolist(), "not even where it is no longer joined"
    assert not (again.is_test & again.is_retired).any()
    assert again.split.parts == after.split.parts


@pytest.mark.parametrize("at_once", [1, 2**13])
def test_what_is_gone_is_recognised_by_its_look(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file was deleted; another crop of the picture must not be learned from all the same."""
    monkeypatch.setattr(split, "_RECALLED", at_once)
    chance = np.random.default_rng(0)
    looks = look_alikes.looks(chance.uniform(0, 1, (12, 1280)))
    first = [
        replace(e, look=x)
        for e, x in zip(examples_of([labelled("a", str(s), encoded(scene(s))) for s in range(10)]), looks, strict=False)
    ]
    similarity = Similarity(0.9, 1.0, looks.mean(axis=0))
    known = divide(first, np.arange(10), Split(), similarity).split
    tested = next(i for i, e in enumerate(first) if known.parts[e.sha256] is Part.TEST)
    new = examples_of([labelled("a", str(s), encoded(scene(s))) for s in (100, 101)])
    like_it, other = replace(new[0], look=looks[tested]), replace(new[1], look=looks[11])
    assert divide([like_it, other], np.arange(2), known, similarity).is_test.tolist() == [True, False]


def test_pictures_with_several_labels_are_divided_by_all_of_them_and_stay_divided() -> None:
    labels = [(), ("a",), ("a", "b"), ("b", "c")]
    sources = [labelled(labels[s % 4], str(s), encoded(scene(s))) for s in range(60)]
    examples = examples_of(sources[:40])
    division = divide(examples, groups_of(examples), Split(), has_several=True)
    for label, count in {"a": 20, "b": 20, "c": 10}.items():
        tests = sum(t for e, t in zip(examples, division.is_test, strict=True) if label in e.labels)
        assert tests == round(count * 0.2), label
    again = divide(examples[::-1], groups_of(examples[::-1]), Split(), has_several=True).is_test
    assert again[::-1].tolist() == division.is_test.tolist()
    more = examples_of(sources)
    later = divide(more, groups_of(more), division.split, has_several=True)
    before = {e.sha256: bool(test) for e, test in zip(examples, division.is_test, strict=True)}
    after = {e.sha256: bool(test) for e, test in zip(more, later.is_test, strict=True)}
    assert before.items() <= after.items()
    assert sum(after.values()) == 12
