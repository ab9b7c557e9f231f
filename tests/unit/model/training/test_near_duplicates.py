"""Copies of a picture are one group, whatever was done to them."""

import numpy as np
import pytest
from PIL import Image

from model.training import near_duplicates
from model.training.groups import Groups
from model.training.near_duplicates import pairs
from unit.model.labelled_pictures import altered, examples_of, groups_of, labelled, scene
from unit.pictures import encoded


def test_copies_in_other_clothes_are_one_group_and_other_pictures_are_not() -> None:
    sources = []
    for seed in range(8):
        image = scene(seed)
        sources.append(labelled("a", f"{seed}", encoded(image)))
        sources += [labelled("a", f"{seed} {what}", data) for what, data in altered(image).items()]
    examples = examples_of(sources)
    found = groups_of(examples)
    by_name = {e.source.name: g for e, g in zip(examples, found, strict=True)}
    for name, number in by_name.items():
        assert number == by_name[name.split()[0]], name
    assert len(set(found.tolist())) == 8


def test_blank_pictures_are_no_group_of_their_own() -> None:
    blanks = [labelled("a", str(n), encoded(Image.new("L", (64, 64), n))) for n in range(8)]
    assert len(set(groups_of(examples_of(blanks)).tolist())) == 8


def test_pictures_of_other_tiles_are_found_as_those_of_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    sources = []
    for seed in range(6):
        image = scene(seed)
        sources.append(labelled("a", f"{seed}", encoded(image)))
        sources += [labelled("a", f"{seed} {what}", data) for what, data in list(altered(image).items())[::3]]
    sources.insert(5, labelled("a", "blank", encoded(Image.new("L", (64, 64), 7))))
    examples = examples_of(sources)
    whole = groups_of(examples)
    for name in ("_TILE", "_ROWS", "_CANDIDATES"):
        monkeypatch.setattr(near_duplicates, name, 5)
    assert groups_of(examples).tolist() == whole.tolist()
    assert len(set(whole.tolist())) == 7


def test_pairs_that_do_not_matter_are_not_compared() -> None:
    thumbs = np.stack([example.thumb for example in examples_of([labelled("a", "1", encoded(scene(1)))] * 40)])
    groups, found = Groups(40), 0
    for i, j in pairs(thumbs, thumbs, groups.are_apart):
        groups.join(i, j)
        found += len(i)
    assert set(groups.of.tolist()) == {0}
    assert found < 40 * 40, "copies of copies are known by then"
