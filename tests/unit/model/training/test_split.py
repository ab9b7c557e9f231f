"""The test part stays apart, for good."""

import random

import pytest

from imagestore.errors import BadSplit
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
        is_test, known = divide(examples, groups_of(examples), known)
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
    assert not known.train.keys() & known.test.keys()


def test_the_split_is_stratified_repeatable_and_survives_its_file() -> None:
    sources = [labelled(f"l{s % 3}", str(s), encoded(scene(s))) for s in range(60)]
    examples = examples_of(sources)
    is_test, split = divide(examples, groups_of(examples), Split())
    for label in ("l0", "l1", "l2"):
        assert sum(t for e, t in zip(examples, is_test, strict=True) if e.label == label) == 4
    again, _ = divide(examples[::-1], groups_of(examples[::-1]), Split())
    assert again[::-1].tolist() == is_test.tolist()
    read_back = Split.from_json(split.to_json())
    assert read_back.to_json() == split.to_json()
    assert divide(examples, groups_of(examples), read_back)[0].tolist() == is_test.tolist()
    for bad in (b"", b"[]", b'{"train": 1}', b'{"train": {}, "test": {"a": ["00", "!!"]}}'):
        with pytest.raises(BadSplit):
            Split.from_json(bad)


def test_corrections_never_test() -> None:
    sources = [labelled("a", str(s), encoded(scene(s)), correction=True) for s in range(30)]
    examples = examples_of(sources)
    assert not divide(examples, groups_of(examples), Split())[0].any()
