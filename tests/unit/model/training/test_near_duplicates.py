"""Copies of a picture are one group, whatever was done to them."""

from PIL import Image

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
