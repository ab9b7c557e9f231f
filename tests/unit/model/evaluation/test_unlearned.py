"""A model of another project is tested on nothing that it learned from, and on no look-alike of that."""

import numpy as np

from imagestore.store.training import Part
from model.evaluation.unlearned import unlearned
from model.training.examples import Example
from model.training.split import Split, member_of
from model.training.training_set import Chosen
from unit.model.labelled_pictures import altered, examples_of, labelled, scene
from unit.pictures import encoded


def pictures() -> tuple[list[Example], Split, Split]:
    """Six test pictures, what another project remembers of one that is a copy of the third, and what is known here."""
    tests = examples_of([labelled("a", str(seed), encoded(scene(seed))) for seed in range(6)])
    copy = examples_of([labelled("b", "copy", altered(scene(2))["mirrored"])])[0]
    there = Split({copy.sha256: Part.LEARN}, recall=lambda wanted: {copy.sha256: member_of(copy)} if wanted else {})
    return tests, there, Split()


def names(part: Chosen) -> list[str]:
    return [example.source.name for example in part.examples]


def test_a_copy_of_what_was_learned_elsewhere_goes_with_its_whole_group() -> None:
    tests, there, here = pictures()
    found = unlearned(Chosen(tests, np.array([0, 1, 2, 2, 3, 4])), set(there.parts), there, here)
    assert names(found) == ["0", "1", "4", "5"]
    assert found.groups.tolist() == [0, 1, 3, 4]


def test_the_same_file_goes_though_nothing_is_remembered_of_it() -> None:
    tests, _, here = pictures()
    found = unlearned(Chosen(tests, np.arange(6)), {tests[5].sha256}, Split(), here)
    assert names(found) == ["0", "1", "2", "3", "4"]


def test_where_nothing_was_learned_elsewhere_all_test() -> None:
    tests, there, here = pictures()
    assert names(unlearned(Chosen(tests, np.arange(6)), (), there, here)) == list("012345")
    assert names(unlearned(Chosen([], np.zeros(0, int)), set(there.parts), there, here)) == []
