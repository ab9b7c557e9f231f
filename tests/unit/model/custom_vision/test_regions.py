"""Regions become labelled pictures of their own, which stay together with the picture that they were cut out of."""

import io
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from imagestore.store import Stores
from imagestore.store.training import TrainingPictures
from model.custom_vision.origin import facts_of, what_is_here
from model.custom_vision.regions import Cutter, encoded, part_of
from model.custom_vision.service import RemoteImage, RemoteRegion, RemoteTag
from model.training.examples import Example, Labelled
from model.training.grouping import grouped
from model.training.training_set import open_set
from preprocess import Decoder, Limits
from unit.model.labelled_pictures import quiet
from unit.pictures import encoded as picture_of
from unit.web.memory import memory_stores

TAGS = {"1": RemoteTag("1", "rose", 1), "2": RemoteTag("2", "lily", 1)}
ORIGINAL = "a" * 64


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    made = Decoder()
    yield made
    made.close()


def halves() -> np.ndarray:
    """Red on the left, blue on the right: uint8 [40, 100, 3]."""
    pixels = np.zeros((40, 100, 3), np.uint8)
    pixels[:, :50, 0], pixels[:, 50:, 2] = 255, 255
    return pixels


def region(tag: str, left: float, width: float = 0.5, id: str | None = None) -> RemoteRegion:
    return RemoteRegion(tag, left, 0.0, width, 1.0, id)


def cut(
    stores: Stores, decoder: Decoder, *regions: RemoteRegion, tags: dict[str, RemoteTag] = TAGS, has_one: bool = True
) -> tuple[int, int]:
    pictures = TrainingPictures(stores.training, "garden")
    pictures.begin()
    known = what_is_here(pictures, quiet, {}).cut
    cutter = Cutter(pictures, tags, known, decoder, Limits(), has_one_label=has_one)
    image = RemoteImage("there", "http://elsewhere", regions=list(regions))
    done = cutter.cut(image, ORIGINAL, lambda: picture_of(Image.fromarray(halves())))
    return done.done, done.left_out


def test_each_region_is_a_picture_with_its_tag(decoder: Decoder) -> None:
    stores = memory_stores()
    assert cut(stores, decoder, region("1", 0.0, id="r1"), region("2", 0.5)) == (2, 0)
    found = {one.label: one for one in open_set(stores, "garden").labelled}
    assert set(found) == {"rose", "lily"}
    pixels = np.asarray(Image.open(io.BytesIO(found["rose"].read())))
    assert pixels.shape == (40, 50, 3)
    assert pixels[20, 25].tolist() == pytest.approx([254, 0, 0], abs=4)
    assert {one.group for one in found.values()} == {ORIGINAL}


def test_cut_again_nothing_is_there_twice(decoder: Decoder) -> None:
    stores = memory_stores()
    for done in (2, 0):
        assert cut(stores, decoder, region("1", 0.0), region("2", 0.5)) == (done, 0)
    assert len(open_set(stores, "garden").labelled) == 2


def test_what_was_cut_out_has_the_tag_that_its_region_has_now(decoder: Decoder) -> None:
    stores = memory_stores()
    cut(stores, decoder, region("1", 0.0, id="r1"), region("2", 0.5, id="r2"))
    renamed = TAGS | {"2": RemoteTag("2", "tulip", 1)}
    cut(stores, decoder, region("1", 0.0, id="r1"), region("2", 0.5, id="r2"), tags=renamed)
    assert labels_in(stores) == [("rose",), ("tulip",)]
    cut(stores, decoder, region("2", 0.0, id="r1"), region("2", 0.5, id="r2"), tags=renamed)
    assert labels_in(stores) == [("tulip",), ("tulip",)]


def test_what_was_labelled_otherwise_here_stays_so(decoder: Decoder) -> None:
    stores = memory_stores()
    cut(stores, decoder, region("1", 0.0, id="r1"))
    pictures = TrainingPictures(stores.training, "garden")
    pictures.change(next(pictures.list()).sha256, lambda facts: replace(facts, labels=("peony",)))
    cut(stores, decoder, region("2", 0.0, id="r1"))
    assert labels_in(stores) == [("peony",)]


def test_a_place_of_two_tags_has_no_label_where_they_exclude_each_other(decoder: Decoder) -> None:
    both = region("1", 0.0, id="r1"), region("2", 0.0, id="r2")
    for has_one, labels in ((True, ()), (False, ("rose", "lily"))):
        stores = memory_stores()
        for _ in range(2):
            cut(stores, decoder, *both, has_one=has_one)
            assert labels_in(stores) == [labels]
    stores = memory_stores()
    cut(stores, decoder, *both)
    cut(stores, decoder, both[0], region("1", 0.0, id="r2"))
    assert labels_in(stores) == [("rose",)], "once they are the same there"


def labels_in(stores: Stores) -> list[tuple[str, ...]]:
    pictures = TrainingPictures(stores.training, "garden")
    found = facts_of(pictures, [one.sha256 for one in pictures.list() if one.is_there])
    return sorted(facts.labels for facts in found)


def test_what_is_too_small_outside_or_of_no_tag_is_left_out(decoder: Decoder) -> None:
    regions = region("1", 0.0, 0.05), region("1", 1.5), region("3", 0.0), region("1", -0.5, 1.0)
    assert cut(memory_stores(), decoder, *regions) == (1, 3), "the last lies in it with its right half"


def test_parts_lie_within_the_picture() -> None:
    assert part_of(halves(), RemoteRegion("1", 0.5, 0.5, 9.0, 9.0)).shape == (20, 50, 3)
    assert encoded(halves()) == encoded(halves())


def test_parts_of_one_picture_are_one_group() -> None:
    """Else a model would be tested on pictures half of which it has learned from."""
    random = np.random.default_rng(1)

    def example(number: int, group: str | None) -> Example:
        thumb = random.integers(0, 255, (32, 32)).astype(np.uint8)
        return Example(Labelled(("rose",), f"{number}.jpg", bytes, group=group), f"{number:064d}", "", thumb)

    examples = [example(0, "a"), example(1, None), example(2, "a"), example(3, "b"), example(4, None)]
    groups = grouped(examples, None).groups.tolist()
    assert groups[0] == groups[2]
    assert len(set(groups)) == 4
    examples[3] = replace(examples[3], source=replace(examples[3].source, group="a"))
    assert len(set(grouped(examples, None).groups.tolist())) == 3
