"""No picture, and no look-alike of it, is both learned from and tested on."""

from collections import defaultdict
from dataclasses import replace
from importlib import resources

import numpy as np
import pytest
from PIL import ExifTags, Image

from model.training.examples import Example, Labelled
from model.training.grouping import grouped, of_folder, with_looks
from model.training.kept_arrays import KeptArrays
from model.training.look_alikes import Similarity
from model.training.split import Split, divide
from preprocess import Limits
from unit.model.labelled_pictures import altered, examples_of, labelled, moved, quiet, scene
from unit.pictures import encoded

PHOTOGRAPHS = (
    "astronaut.png", "camera.png", "chelsea.png", "coffee.png", "coins.png", "hubble_deep_field.jpg", "moon.png",
    "motorcycle_left.png", "retina.jpg", "rocket.jpg",
)  # fmt: skip
Known = tuple[list[Example], Similarity | None]


def photograph(name: str) -> Image.Image:
    """A real picture, since features say little of drawn ones."""
    with resources.as_file(resources.files("skimage") / "data" / name) as path, Image.open(path) as opened:
        picture = opened.convert("RGB")
    picture.thumbnail((300, 300))
    return picture


@pytest.fixture(scope="module")
def known() -> Known:
    """Photographs of two labels, each of them also in ways in which people, and bursts, repeat it."""
    sources = []
    for number, name in enumerate(PHOTOGRAPHS):
        image = photograph(name)
        turned = altered(image)["a quarter turn"]
        repeated = {"first": encoded(image), **moved(image), "a quarter turn": turned}
        sources += [labelled("ab"[number % 2], f"{name} {what}", data) for what, data in repeated.items()]
    return with_looks(examples_of(sources), Limits(), quiet, KeptArrays())


def test_what_shows_one_picture_is_one_group(known: Known) -> None:
    examples, similarity = known
    groups = grouped(examples, similarity).groups
    of_pictures: dict[str, set[int]] = defaultdict(set)
    for example, group in zip(examples, groups, strict=True):
        of_pictures[example.source.name.split()[0]].add(int(group))
    assert {name: len(found) for name, found in of_pictures.items() if len(found) > 1} == {}
    assert len(set(groups.tolist())) == 10, "and other pictures are no part of it"


def test_no_look_alike_of_a_test_picture_is_learned_from(known: Known) -> None:
    examples, similarity = known
    division = divide(examples, grouped(examples, similarity).groups, Split(), similarity)
    sides: dict[str, set[bool]] = defaultdict(set)
    for example, is_test in zip(examples, division.is_test, strict=True):
        sides[example.source.name.split()[0]].add(bool(is_test))
    assert all(len(found) == 1 for found in sides.values())
    assert sum(found == {True} for found in sides.values()) == 2


def test_what_is_turned_by_a_quarter_and_cropped_is_one_group_too() -> None:
    sources = []
    for number, name in enumerate(PHOTOGRAPHS):
        image = photograph(name)
        across, down = round(0.04 * image.width), round(0.04 * image.height)
        cut = image.crop((across, down, image.width - across, image.height - down))
        copies = {"first": image, "turned": cut.transpose(Image.Transpose.ROTATE_90)}
        sources += [labelled("ab"[number % 2], f"{name} {what}", encoded(copy)) for what, copy in copies.items()]
    examples, similarity = with_looks(examples_of(sources), Limits(), quiet, KeptArrays())
    groups = grouped(examples, similarity).groups
    assert groups.reshape(-1, 2).T.tolist() == [list(range(10)), list(range(10))]
    assert similarity is not None
    assert "turned by quarters" in similarity.sentence()


def test_look_alikes_of_two_labels_are_named() -> None:
    sources = [labelled("ab"[seed % 2], f"{seed}", encoded(scene(seed))) for seed in range(10)]
    sources.append(labelled("b", "wrong", moved(scene(0))["lighter"]))
    examples, similarity = with_looks(examples_of(sources), Limits(), quiet, KeptArrays())
    found = grouped(examples, similarity).of_two_labels
    assert [(examples[i].source.name, examples[j].source.name) for i, j in found] == [("0", "wrong")]


def test_a_folder_below_a_label_is_a_group_where_the_user_says_so() -> None:
    names = ["a/monday/1", "a/monday/2", "a/tuesday/1", "a/1", "a/2", "b/monday/1"]
    examples = examples_of([labelled(name[0], name, encoded(scene(n))) for n, name in enumerate(names)])
    sources = [of_folder(example.source) for example in examples]
    in_folders = [replace(one, source=source) for one, source in zip(examples, sources, strict=True)]
    together = grouped(in_folders, None).groups
    assert together[0] == together[1]
    assert len(set(together.tolist())) == 5
    assert len(set(grouped(examples, None).groups.tolist())) == 6


def test_blank_pictures_are_compared_by_nothing() -> None:
    sources = [labelled("a", str(n), encoded(Image.new("L", (64, 64), n))) for n in range(4)]
    sources += [labelled("a", f"scene {n}", encoded(scene(n))) for n in range(10)]
    examples, similarity = with_looks(examples_of(sources), Limits(), quiet, KeptArrays())
    assert similarity is not None
    groups = grouped(examples, similarity).groups
    assert len(np.unique(groups)) == 14


def shot(second: int, number: int, camera: str = "C") -> Labelled:
    """A picture of label a or b that a camera took in this second of a minute."""
    exif = Image.Exif()
    exif[ExifTags.Base.Model] = camera
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.DateTimeOriginal] = f"2026:04:20 17:26:{second:02}"
    return labelled("ab"[number % 2], str(number), encoded(scene(number), "JPEG", exif=exif))


def test_pictures_that_a_camera_takes_in_one_go_are_a_group() -> None:
    apart = [shot(4 * number, number) for number in range(12)]
    in_burst = [*apart, shot(1, 20), shot(3, 22), shot(41, 24, "D"), labelled("a", "without", encoded(scene(26)))]
    found = grouped(examples_of(in_burst), None)
    assert found.by_time
    assert len(set(found.groups.tolist())) == 13
    assert found.groups[0] == found.groups[12] == found.groups[13] == found.groups[1], "of both labels"
    assert grouped(examples_of(apart), None).by_time is None


def test_a_camera_that_takes_a_picture_each_second_says_nothing_by_its_clock() -> None:
    found = grouped(examples_of([shot(number, number) for number in range(20)]), None)
    assert (found.by_time, len(set(found.groups.tolist()))) == (False, 20)
