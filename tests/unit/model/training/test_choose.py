"""How pictures are shown to a model is chosen by measurement, and the simplest way wins ties."""

import numpy as np
import pytest
from PIL import Image

from classify import ModelError
from model.training import choose as module
from model.training.choose import Choice, choose
from model.training.examples import Example
from model.training.kept_arrays import KeptArrays
from model.training.recipe import Held, Recipe
from preprocess import Fit, Limits
from unit.model.labelled_pictures import examples_of, labelled, quiet, scene
from unit.pictures import encoded

ONLY_COLOUR = Held(fit=Fit.CROP, level=False, middle=False, backbone="lite0", views=0)


KEPT = KeptArrays()
"""What one test has computed the next need not."""


def chosen(examples: list[Example], held: Held) -> Choice:
    return choose(examples, np.arange(len(examples)), held, 1, False, Limits(), quiet, KEPT)


def tinted(seed: int) -> bytes:
    """Of two classes that differ in nothing but their hue, at the same brightness."""
    gray = np.asarray(scene(seed).convert("L")).astype(float) * 0.5 + 60
    tint = (40, -20, 0) if seed % 2 else (-40, 20, 0)  # 0.299 · 40 = 0.587 · 20: the same to the eye in gray
    return encoded(Image.fromarray(np.clip(gray[..., None] + tint, 0, 255).astype(np.uint8)))


@pytest.fixture(scope="module")
def hues() -> list[Example]:
    return examples_of([labelled(f"l{seed % 2}", str(seed), tinted(seed)) for seed in range(40)])


def test_colour_is_chosen_where_it_helps_and_what_was_tried_is_told(hues: list[Example]) -> None:
    found = chosen(hues, ONLY_COLOUR)
    assert found.recipe == Recipe(colour=True)
    gray, colour = (next(t for t in found.tried if t.recipe.colour is is_colour) for is_colour in (False, True))
    assert (colour.above, colour.low, colour.high) == (0, 0, 0)
    assert gray.low > 0
    assert colour.accuracy >= 0.9 > 0.8 > gray.accuracy
    assert found.sentence() == "Chosen of 2 ways, in cross-validation on 40 pictures: colour, cropped, Lite0."
    assert gray.sentence().startswith("gray, cropped, Lite0: loss ")


def test_what_it_is_chosen_on_has_one_of_each_group_before_a_second_one(
    hues: list[Example], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST", 12)
    groups = np.array([seed // 16 * 2 + seed % 2 if seed < 32 else seed for seed in range(40)])  # four bursts of eight
    found = module._sample(hues, groups)
    assert len(set(groups[found].tolist())) == 12
    assert [hues[i].label for i in found].count("l0") == 6


def test_of_ways_that_are_as_good_the_simplest_is_chosen() -> None:
    """Light and dark are as easily told in gray."""
    pictures = [
        np.clip(np.asarray(scene(seed)) * 0.4 + 130 * (seed % 2), 0, 255).astype(np.uint8) for seed in range(30)
    ]
    examples = examples_of([labelled(f"l{s % 2}", str(s), encoded(Image.fromarray(p))) for s, p in enumerate(pictures)])
    found = chosen(examples, ONLY_COLOUR)
    assert len(found.tried) == 2
    assert found.recipe == Recipe()


def test_where_a_thing_lies_is_told_by_middle_layers() -> None:
    """The mean over a picture, which the features are, says little of the corner that the mark is in."""
    random = np.random.default_rng(3)
    pictures = []
    for number in range(60):
        pixels = random.integers(90, 160, (48, 48), np.uint8)
        top, left = random.integers(2, 10, 2) + 26 * np.array(divmod(number % 4, 2))
        pixels[top : top + 10, left : left + 10] = 255
        pictures.append(labelled(f"l{number % 4}", str(number), encoded(Image.fromarray(pixels))))
    held = Held(colour=False, fit=Fit.PAD, level=False, backbone="lite0", views=0)
    found = chosen(examples_of(pictures), held)
    assert found.recipe == Recipe(middle=True, fit=Fit.PAD)
    with_middle, without = found.tried
    assert with_middle.accuracy > without.accuracy
    assert found.sentence().endswith("gray, padded, Lite0, with middle layers.")


def test_what_is_held_is_not_chosen(hues: list[Example]) -> None:
    held = Held(colour=False, fit=Fit.PAD, level=True, middle=False, backbone="lite0", views=2)
    found = chosen(hues, held)
    assert (found.recipe, found.tried) == (Recipe(views=2, level=True, fit=Fit.PAD), [])
    assert found.sentence() == "As it was told: gray, padded, levelled, Lite0, 2 altered views."


def test_all_ways_are_tried_in_turn(hues: list[Example], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "is_there", lambda name: True)
    assert module._ways(Held(), 100, has_colour=True) == {
        "backbone": ["lite0", "lite2"], "views": [0, 3], "middle": [False, True], "level": [False, True],
        "colour": [False, True], "fit": [Fit.CROP, Fit.PAD],
    }  # fmt: skip
    without = module._ways(Held(), 5000, has_colour=False)
    assert (without["views"], without["colour"]) == ([0], [False]), "many pictures, all gray"
    monkeypatch.setattr(module, "is_there", lambda name: False)
    assert module._ways(Held(), 100, has_colour=True)["backbone"] == ["lite0"]


def test_pictures_of_a_group_count_as_one(hues: list[Example]) -> None:
    apart = chosen(hues, ONLY_COLOUR)
    together = choose(hues + hues, np.tile(np.arange(40), 2), ONLY_COLOUR, 1, False, Limits(), quiet, KEPT)
    width = [max(t.high - t.low for t in found.tried) for found in (apart, together)]
    assert width[1] > 0.6 * width[0], "twice the same pictures prove no more"


def test_a_backbone_that_is_not_there_is_said(hues: list[Example]) -> None:
    with pytest.raises(ModelError, match=r"'missing\.onnx' cannot be read.*lite0 and lite2"):
        chosen(hues, Held(backbone="missing.onnx"))
