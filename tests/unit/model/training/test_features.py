"""Features are of the picture as production sees it, and of altered views that depend on nothing but the picture."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from model.decoder_pool import DecoderPool
from model.training.examples import Example
from model.training.features import Views, extract
from model.training.kept_arrays import KeptArrays
from preprocess import Decoder, ImageSpec, Limits, preprocess
from unit.model.labelled_pictures import examples_of, labelled, scene
from unit.pictures import encoded


class FirstPixels:
    """Stands for a backbone: the features of a picture are its first pixels."""

    def __init__(self, channels: int) -> None:
        self.spec = ImageSpec(64, 64, channels, 1.0)
        self.sha256 = "f" * 64

    def features(self, pixels: np.ndarray) -> np.ndarray:
        return pixels.reshape(len(pixels), -1)[:, :1280].astype(np.float32)


@pytest.fixture(scope="module")
def examples() -> list[Example]:
    return examples_of([labelled("rose", f"{n}.png", encoded(scene(n))) for n in range(3)])


def features(examples: list[Example], views: Views, seed: int = 7, channels: int = 1) -> np.ndarray:
    backbone: Any = FirstPixels(channels)
    return extract(backbone, examples, views, Limits(), seed, lambda: None)


@pytest.mark.parametrize("channels", [1, 3])
def test_the_first_view_is_the_picture_as_production_preprocesses_it(examples: list[Example], channels: int) -> None:
    found = features(examples, Views(2), channels=channels)
    assert found.shape == (3, 3, 1280)
    backbone = FirstPixels(channels)
    for example, views in zip(examples, found, strict=True):
        _, pixels = preprocess(example.source.read(), backbone.spec, Limits())
        assert np.array_equal(views[0], backbone.features(pixels[None])[0])
        assert not np.array_equal(views[1], views[0])
        assert not np.array_equal(views[1], views[2])


def test_altered_views_depend_on_picture_and_seed_not_on_the_order(examples: list[Example]) -> None:
    found = features(examples, Views(1, flip=True))
    assert np.array_equal(found, features(examples[::-1], Views(1, flip=True))[::-1])
    assert not np.array_equal(found[:, 1], features(examples, Views(1, flip=True), seed=8)[:, 1])


def test_without_altered_views_there_is_one_a_picture(examples: list[Example]) -> None:
    assert features(examples, Views()).shape == (3, 1, 1280)


def test_what_is_kept_is_neither_read_nor_computed_again(examples: list[Example]) -> None:
    kept, views = KeptArrays(), Views(1)
    backbone: Any = FirstPixels(1)
    first = extract(backbone, examples[:2], views, Limits(), 7, lambda: None, kept)
    whole = features(examples, views)
    read: list[str] = []

    def noted(example: Example) -> Example:
        def reads() -> bytes:
            read.append(example.source.name)
            return example.source.read()

        return replace(example, source=replace(example.source, read=reads))

    again = extract(backbone, [noted(example) for example in examples], views, Limits(), 7, lambda: None, kept)
    assert read == ["2.png"]
    assert np.array_equal(again, whole)
    assert np.array_equal(first, whole[:2])
    other: Any = FirstPixels(3)
    assert np.array_equal(
        extract(other, examples, views, Limits(), 7, lambda: None, kept), features(examples, views, channels=3)
    )


def test_no_more_pictures_are_begun_than_a_few_ahead() -> None:
    begun: list[int] = []

    def noted(_: Decoder, number: int) -> int:
        begun.append(number)
        return number

    with DecoderPool() as decoders:
        results = decoders.map(noted, range(1000))
        assert [next(results) for _ in range(3)] == [0, 1, 2]
        assert len(begun) < 300
        assert list(results) == list(range(3, 1000))


def test_what_lies_in_several_parts_comes_to_its_picture(examples: list[Example]) -> None:
    kept, views = KeptArrays(), Views(1)
    backbone: Any = FirstPixels(1)
    whole = features([*examples, *examples[::-1]], views)
    for example in examples[:2]:
        extract(backbone, [example], views, Limits(), 7, lambda: None, kept)
    steps: list[int] = []
    twice = [*examples, *examples[::-1]]
    found = extract(backbone, twice, views, Limits(), 7, lambda: steps.append(1), kept)
    assert np.array_equal(found, whole)
    assert len(steps) == len(twice)
