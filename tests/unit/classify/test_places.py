"""Where a label comes from: what the places add is the label's logit, and it lies where the thing is."""

import functools
import itertools
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw

from bench.drawn import COLOURS, _background, _draw
from classify import Model, ModelError, read_model
from classify.places import PlacesFinder, with_outputs
from model.training import head as heads
from model.training.backbones import net_of, width_of_middle
from model.training.compose import compose
from model.training.features import Backbone
from model.training.recipe import Recipe
from preprocess import Fit
from preprocess.transform import fit
from unit.classify.test_model import DEFAULT, META, tiny
from unit.pictures import SAMPLES

SHOWN = {
    "bison": "bison", "cat": "cat", "coffee": "espresso", "hammer": "hammer", "palace": "building", "parrot": "parrot",
}  # fmt: skip
"""Samples with a class or family of the shipped model that each of them shows."""
SHAPES = ("circle", "star", "cross", "ring")


@pytest.fixture(scope="module")
def shipped() -> tuple[Model, PlacesFinder]:
    data = DEFAULT.read_bytes()
    model = read_model(data, "it")
    return model, PlacesFinder(data, model)


def quarters(shares: np.ndarray) -> np.ndarray:
    """How much of what speaks for the label lies in each quarter: float [2, 2], of odd numbers of places too."""
    fine = np.kron(np.maximum(shares, 0), np.ones((2, 2)))
    return np.asarray(fine.reshape(2, shares.shape[0], 2, shares.shape[1]).sum(axis=(1, 3)) / fine.sum())


def small(name: str) -> Image.Image:
    picture = Image.open(SAMPLES / f"{name}.jpg").convert("L")
    side = min(picture.size)
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    return picture.crop((left, top, left + side, top + side)).resize((112, 112))


def test_of_two_things_in_a_picture_the_shipped_models_map_points_at_the_one_asked_for(
    shipped: tuple[Model, PlacesFinder],
) -> None:
    """Measured: in all 60 pictures, with three quarters of the weight in the right quarter."""
    found = []
    for one, other in itertools.permutations(SHOWN, 2):
        for down in ((0, 1), (1, 0)):
            picture = Image.new("L", (224, 224), 128)
            picture.paste(small(one), (0, 112 * down[0]))
            picture.paste(small(other), (112, 112 * down[1]))
            (places,) = shipped[1].find(np.asarray(picture)[:, :, None], [SHOWN[one]])
            weight = quarters(places.shares)
            found.append((weight[down[0], 0], weight[down[1], 1]))
    right, wrong = np.array(found).T
    assert (right > wrong).mean() >= 0.95
    assert np.median(right) >= 0.7


def drawn(seed: int, *things: tuple[str, str, tuple[float, float], float]) -> Image.Image:
    """Shapes (shape, colour, middle, radius) on a background with noise."""
    chance = np.random.default_rng(seed)
    picture = _background(chance).resize((224, 224))
    for shape, colour, middle, radius in things:
        _draw(ImageDraw.Draw(picture), shape, middle, radius, float(chance.uniform(-0.5, 0.5)), COLOURS[colour])
    return Image.fromarray(np.clip(np.asarray(picture) + chance.normal(0, 9, (224, 224, 3)), 0, 255).astype(np.uint8))


@functools.cache
def trained(recipe: Recipe, by_colour: bool, count: int = 96) -> tuple[bytes, Model, PlacesFinder]:
    """A model that learned to name one shape, or its colour, wherever it lies."""
    net, chance, colours = net_of(recipe), np.random.default_rng(5), tuple(COLOURS)
    backbone, mode = Backbone(net.graph, net.spec), "RGB" if recipe.colour else "L"
    features, labels = [], []
    for seed in range(count):
        shape, colour, radius = SHAPES[seed % 4], colours[seed // 4 % 4], float(chance.uniform(18, 34))
        middle = (float(chance.uniform(radius, 224 - radius)), float(chance.uniform(radius, 224 - radius)))
        picture = drawn(seed, (shape, colour, middle, radius)).convert(mode)
        features.append(backbone.features(fit(picture, net.spec)[None])[0])
        labels.append(colour if by_colour else shape)
    head = heads.fit(
        np.stack(features)[:, None], labels, np.arange(count), 1, lambda: None, middle=width_of_middle(recipe)
    )
    data = compose(net.graph, head, {"name": "m", "version": "1", "crop": "1.0", "fit": "pad", "pad_value": "127"})
    model = read_model(data, "it")
    return data, model, PlacesFinder(data, model)


@pytest.mark.parametrize(
    ("recipe", "by_colour"),
    [
        (Recipe(fit=Fit.PAD), False),
        (Recipe(colour=True, fit=Fit.PAD), True),
        (Recipe(colour=True, fit=Fit.PAD, middle=True), False),
    ],
    ids=["shapes in gray", "colours", "shapes, with middle layers"],
)
def test_of_two_drawn_things_the_map_points_at_the_one_asked_for(recipe: Recipe, by_colour: bool) -> None:
    """Measured: 40, 39 and 40 of 40 pictures. Each model learned from single things; here are two in each picture."""
    _, model, finder = trained(recipe, by_colour)
    colours, mode, right = tuple(COLOURS), "RGB" if recipe.colour else "L", 0
    for seed in range(40):
        chance = np.random.default_rng(1000 + seed)
        shapes, hues, corners = (chance.permutation(4)[:2] for _ in range(3))
        things = [
            (
                SHAPES[s],
                colours[h],
                tuple(56 + 112 * at + float(chance.uniform(-15, 15)) for at in (c % 2, c // 2)),
                30.0,
            )
            for s, h, c in zip(shapes, hues, corners, strict=True)
        ]
        pixels = fit(drawn(5000 + seed, *things).convert(mode), model.spec)
        (places,) = finder.find(pixels, [things[0][1] if by_colour else things[0][0]])
        weight = quarters(places.shares).ravel()
        right += weight[corners[0]] > weight[corners[1]]
    assert right >= 36


@pytest.mark.parametrize("middle", [False, True])
def test_all_places_together_are_the_logit_less_the_mean_of_all(middle: bool) -> None:
    _, model, finder = trained(Recipe(middle=middle, fit=Fit.PAD), False, 40)
    pixels = fit(drawn(1, ("star", "red", (70.0, 70.0), 30.0)).convert("L"), model.spec)
    logits = np.log(model.answer(pixels).probabilities.astype(float))
    for number, places in enumerate(finder.find(pixels, list(model.labels))):
        assert places.shares.shape == (7, 7)
        assert places.shares.sum() == pytest.approx(logits[number] - logits.mean(), abs=1e-3)


def test_what_is_in_the_middle_layers_lies_where_they_saw_it() -> None:
    """Moved into another corner, a thing's weight moves along, though the head also reads means over thirds."""
    _, model, finder = trained(Recipe(middle=True, fit=Fit.PAD), False)
    assert [name for name, _ in finder._middle] == ["middle_map_0", "middle_map_1", "middle_map_2"]
    for corner, middle in enumerate(itertools.product((56.0, 168.0), repeat=2)):
        pixels = fit(drawn(9, ("ring", "blue", (middle[1], middle[0]), 30.0)).convert("L"), model.spec)
        assert quarters(finder.find(pixels, ["ring"])[0].shares).ravel().argmax() == corner


def test_a_familys_places_are_those_of_its_classes_by_their_probabilities(shipped: tuple[Model, PlacesFinder]) -> None:
    model, finder = shipped
    pixels = fit(Image.open(SAMPLES / "cat.jpg").convert("L"), model.spec)
    family = next(one for one in model.families if one.label == "cat")
    inside = model.answer(pixels).probabilities[list(family.classes)]
    cat, *classes = (one.shares for one in finder.find(pixels, ["cat", *(model.labels[i] for i in family.classes)]))
    assert cat == pytest.approx(np.tensordot(inside / inside.sum(), np.stack(classes), 1), abs=1e-4)


def test_a_file_of_an_earlier_version_gives_no_map_and_can_be_asked_all_the_same() -> None:
    data, model, finder = trained(Recipe(fit=Fit.PAD), False, 40)
    before = as_before(data)
    pixels = fit(drawn(1, ("star", "red", (70.0, 70.0), 30.0)).convert("L"), model.spec)
    (places,) = PlacesFinder(before, read_model(before, "it")).find(pixels, ["star"])
    assert places.shares == pytest.approx(finder.find(pixels, ["star"])[0].shares, abs=1e-4)


def as_before(data: bytes) -> bytes:
    """The same model as version 0.1 wrote it: with other names inside, and three outputs."""
    model, old = onnx.load_from_string(data), {"map": "head.relu6", "taken": "roots", "weights": "fc.w", "bias": "fc.b"}
    for node in model.graph.node:
        for names in (node.input, node.output):
            for number, name in enumerate(names):
                names[number] = old.get(name, name)
    for constant in model.graph.initializer:
        constant.name = old.get(constant.name, constant.name)
    kept = [output for output in model.graph.output if output.name in ("probabilities", "features", "distance")]
    del model.graph.output[:]
    model.graph.output.extend(kept)
    before: bytes = model.SerializeToString()
    return before


def by_hand(*, factor: float = 1.0, root: bool = True, **meta: str) -> bytes:
    """A model of two labels that reads the mean brightness of 2 × 2 places, or its root: logits 3 × taken − 1 and 0."""
    float_value = TensorProto.FLOAT
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=float_value),
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("AveragePool", ["planes"], ["map"], kernel_shape=[4, 4], strides=[4, 4]),
        helper.make_node("GlobalAveragePool", ["map"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["features"]),
        helper.make_node("Sqrt" if root else "Identity", ["features"], ["read"]),
        helper.make_node("Mul", ["read", "factor"], ["taken"]),
        helper.make_node("Gemm", ["taken", "weights", "bias"], ["logits"], transB=1),
    ]
    constants = {"factor": np.float32(factor), "weights": np.array([[3], [0]]), "bias": np.array([-1, 0])}
    outputs: dict[str, list[str | int | None]] = {
        "logits": ["n", 2], "features": ["n", 1], "map": ["n", 1, 2, 2], "taken": ["n", 1], "weights": [2, 1],
    }  # fmt: skip
    graph = helper.make_graph(
        nodes,
        "by hand",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["n", 8, 8, 1])],
        [helper.make_tensor_value_info(name, float_value, shape) for name, shape in outputs.items()],
        [numpy_helper.from_array(np.asarray(value, np.float32), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {**META, "labels": json.dumps(["light", "dark"]), "output": "logits", **meta})
    data: bytes = model.SerializeToString()
    return data


def found_by_hand(data: bytes, label: str) -> np.ndarray:
    """The shares in a picture of which the upper left is three times as bright as the lower right, the rest black."""
    pixels = np.zeros((8, 8, 1), np.uint8)
    pixels[:4, :4], pixels[4:, 4:] = 12, 4
    return PlacesFinder(data, read_model(data, "it")).find(pixels, [label])[0].shares


def test_each_place_has_the_share_of_the_root_that_it_has_of_the_mean() -> None:
    """The mean is 4 and its root 2, so the logit is 5, and relative to the mean of both logits 2.5. Each place has its
    share of half of 3 × 2, and a quarter of what is left."""
    assert found_by_hand(by_hand(), "light") == pytest.approx(np.array([[2.125, -0.125], [-0.125, 0.625]]))
    assert found_by_hand(by_hand(), "dark") == pytest.approx(-np.array([[2.125, -0.125], [-0.125, 0.625]]))


def test_where_several_labels_may_hold_each_counts_for_itself() -> None:
    found = found_by_hand(by_hand(labels_per_picture="several"), "light")
    assert found == pytest.approx(np.array([[4.25, -0.25], [-0.25, 1.25]]))


def test_a_head_that_takes_no_roots_has_each_places_part_of_the_mean() -> None:
    assert found_by_hand(by_hand(root=False), "light").sum() == pytest.approx((3 * 4 - 1) / 2)


def test_a_model_that_does_not_say_enough_says_so(tmp_path: Path) -> None:
    data = tiny(tmp_path / "model.onnx").read_bytes()
    with pytest.raises(ModelError, match="does not say where in a picture its answer comes from"):
        PlacesFinder(data, read_model(data, "it"))
    with pytest.raises(ModelError, match="does not say where in a picture its answer comes from"):
        found_by_hand(by_hand(factor=1.5), "light")
    with pytest.raises(ModelError, match="has no label 'cat'"):
        found_by_hand(by_hand(), "cat")


def test_more_outputs_are_appended_to_a_file_and_nothing_else_changes(tmp_path: Path) -> None:
    data = tiny(tmp_path / "model.onnx").read_bytes()
    more = onnx.load_from_string(with_outputs(data, ["flat", "x" * 200]))
    assert [output.name for output in more.graph.output] == ["logits", "flat", "x" * 200]
    del more.graph.output[1:]
    assert more == onnx.load_from_string(data)
