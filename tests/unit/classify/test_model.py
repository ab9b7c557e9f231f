"""The model runner, and what it refuses."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

import classify.model
from classify import ModelError, load_model, predict, read_model
from imagestore.settings import ROOT
from preprocess import Fit, ImageSpec, Limits, preprocess
from unit.pictures import SAMPLES

DEFAULT = ROOT / "model" / "default" / "model.onnx"
META = {"name": "tiny", "version": "3", "labels": json.dumps(["dark", "light"]), "threshold": "0.6", "crop": "1"}


def tiny(
    path: Path,
    *,
    floats: bool = False,
    classes: int = 2,
    bias: tuple[float, ...] | None = None,
    endless: bool = False,
    huge: bool = False,
    nan_above: float | None = None,
    **meta: str | None,
) -> Path:
    """A model that says how light a picture is: logits (0, mean) + bias.

    An endless one never answers, a huge one wants 64 GB, and one with `nan_above` has no number for what is lighter.
    """
    shape: list[str | int | None] = ["batch", 3, 8, 8] if floats else ["batch", 8, 8, 1]
    nodes = [] if floats else [helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT)]
    nodes += [helper.make_node("Flatten", ["image" if floats else "x"], ["flat"])]
    nodes += [_endless_loop()] if endless else [helper.make_node("Identity", ["flat"], ["looped"])]
    nodes += [helper.make_node("Gemm", ["looped", "w", "b"], ["told"])]
    nodes += _troubles(huge, nan_above)
    size = 8 * 8 * (3 if floats else 1)
    weights = np.zeros((size, classes), np.float32)
    weights[:, 1] = (1.0 if floats else 1 / 128) / size
    constants = [
        numpy_helper.from_array(weights, "w"),
        numpy_helper.from_array(np.array(bias or (0,) * classes, np.float32), "b"),
    ]
    constants += [numpy_helper.from_array(np.array(True), "true")] if endless else []
    constants += [numpy_helper.from_array(np.array([2**34]), "size")] if huge else []
    constants += [numpy_helper.from_array(np.array([nan_above], np.float32), "limit")] if nan_above else []
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT if floats else TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", classes])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {k: v for k, v in {**META, "output": "logits", **meta}.items() if v is not None})
    onnx.save(model, path)
    return path


def _troubles(huge: bool, nan_above: float | None) -> list[onnx.NodeProto]:
    if huge:
        return [
            helper.make_node("ConstantOfShape", ["size"], ["zeros"]),
            helper.make_node("ReduceMax", ["zeros"], ["zero"], keepdims=1),
            helper.make_node("Add", ["told", "zero"], ["logits"]),
        ]
    if nan_above is not None:
        return [
            helper.make_node("ReduceMean", ["flat"], ["mean"], axes=[1], keepdims=1),
            helper.make_node("Sub", ["limit", "mean"], ["rest"]),
            helper.make_node("Sqrt", ["rest"], ["root"]),
            helper.make_node("Sub", ["root", "root"], ["nothing"]),
            helper.make_node("Add", ["told", "nothing"], ["logits"]),
        ]
    return [helper.make_node("Identity", ["told"], ["logits"])]


def _endless_loop() -> onnx.NodeProto:
    info = helper.make_tensor_value_info
    body = helper.make_graph(
        [helper.make_node("Identity", [name], [f"{name} after"]) for name in ("goes on", "value")],
        "body",
        [
            info("turn", TensorProto.INT64, []),
            info("goes on", TensorProto.BOOL, []),
            info("value", TensorProto.FLOAT, None),
        ],
        [info("goes on after", TensorProto.BOOL, []), info("value after", TensorProto.FLOAT, None)],
    )
    return helper.make_node("Loop", ["", "true", "flat"], ["looped"], body=body)


def test_the_default_model_knows_a_cat_and_a_cup_of_coffee() -> None:
    model = load_model(DEFAULT)
    assert len(model.labels) == 1000
    said = {}
    for name in ("cat", "coffee"):
        _, pixels = preprocess((SAMPLES / f"{name}.jpg").read_bytes(), model.spec, Limits())
        said[name] = predict(model, pixels, 5)
    assert (said["cat"].label, said["cat"].is_family, said["cat"].is_known) == ("cat", True, True)
    assert {score.label for score in said["cat"].top[:3]} == {"Egyptian cat", "tabby", "tiger cat"}
    assert (said["coffee"].label, said["coffee"].is_family, said["coffee"].is_known) == ("cup or mug", True, True)
    assert said["coffee"].top[0].label == "espresso"
    assert len(said["cat"].top) == 5
    probabilities = [score.probability for score in said["cat"].top]
    assert probabilities == sorted(probabilities, reverse=True)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("astronaut", None), ("bison", "cattle or bison"), ("cat", "cat"), ("coffee", "cup or mug"),
        ("hammer", "hand tool"), ("palace", "building"), ("parrot", "bird"),
    ],
)  # fmt: skip
def test_six_samples_show_what_the_default_model_knows_and_one_that_it_says_so_where_it_does_not(
    name: str, label: str | None
) -> None:
    model = load_model(DEFAULT)
    _, pixels = preprocess((SAMPLES / f"{name}.jpg").read_bytes(), model.spec, Limits())
    said = predict(model, pixels, 5)
    assert (said.label if said.is_known else None) == label


def test_a_model_of_the_users_own_is_used_by_its_metadata(tmp_path: Path) -> None:
    model = load_model(tiny(tmp_path / "m.onnx"))
    assert model.spec == ImageSpec(8, 8, 1, 1.0)
    light = predict(model, np.full((8, 8, 1), 255, np.uint8), 2)
    assert light.label == "light"
    assert light.confidence == pytest.approx(1 / (1 + np.exp(-255 / 128)), abs=1e-5)
    assert light.is_known
    assert not predict(model, np.full((8, 8, 1), 10, np.uint8), 2).is_known
    assert model.ref.sha256 == hashlib.sha256((tmp_path / "m.onnx").read_bytes()).hexdigest()


def test_a_float_model_gets_normalised_planes(tmp_path: Path) -> None:
    model = load_model(tiny(tmp_path / "m.onnx", floats=True, mean="127", std="128"))
    assert model.spec == ImageSpec(8, 8, 3, 1.0)
    light = predict(model, np.full((8, 8, 3), 255, np.uint8), 2)
    assert light.confidence == pytest.approx(1 / (1 + np.exp(-1)), abs=1e-5)


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"labels": None, "crop": None}, "lacks labels, crop"),
        ({"labels": "dark,light"}, "not a JSON list"),
        ({"labels": '["a", "a"]'}, "'a' more than once"),
        ({"labels": '["a", "unknown"]'}, "reserved"),
        ({"labels": '["a", "b", "c"]'}, r"shape \['batch', 2\]"),
        ({"threshold": "high"}, "threshold is 'high'"),
        ({"threshold": "nan"}, "threshold is 'nan'"),
        ({"threshold": "-5"}, "threshold is -5; it takes a confidence from 0 to 1"),
        ({"threshold": "1.01"}, "threshold is 1.01"),
        ({"thresholds": "0.5"}, "thresholds is not a JSON object"),
        ({"thresholds": '{"cat": 0.5}'}, "thresholds has 'cat', which is none of its labels"),
        ({"thresholds": '{"dark": 7}'}, "the threshold of 'dark' is 7"),
        ({"distance_limit": "0.4"}, "has a distance_limit, but it has no output called distance"),
        ({"bias": (float("nan"), 0)}, "values that are no finite numbers"),
        ({"bias": (0, float("inf")), "output": "probabilities"}, "values that are no finite numbers"),
        ({"bias": (7, 0), "output": "probabilities"}, "from 0 to 7 whose sum is 7"),
        ({"bias": (-6, 7), "output": "probabilities"}, "from -6 to 7 whose sum is 1"),
        ({"crop": "0"}, "crop is 0"),
        ({"floats": True}, "lacks mean"),
    ],
)
def test_an_unfit_model_is_refused_with_what_is_wrong(tmp_path: Path, meta: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        load_model(tiny(tmp_path / "m.onnx", **meta))


def test_a_model_that_never_answers_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify.model, "PROBE_SECONDS", 0.2)
    with pytest.raises(ModelError, match=r"did not answer a picture within 0\.2 s"):
        load_model(tiny(tmp_path / "m.onnx", endless=True))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(ModelError, match="not an ONNX file"):
        load_model(tmp_path / "text.onnx")


@pytest.mark.parametrize("shape", [(4097, 8), (8, 100_000)])
def test_a_model_that_wants_larger_pictures_than_can_be_staged_is_refused(shape: tuple[int, int]) -> None:
    image = helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", *shape, 1])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, ["batch", 2])
    nodes = [
        helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["x"], ["mean"], axes=[1, 2], keepdims=0),
        helper.make_node("Concat", ["mean", "mean"], ["out"], axis=1),
    ]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [image], [out]), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8
    helper.set_model_props(model, META | {"output": "logits"})
    with pytest.raises(ModelError, match="the limit is 4096 a side"):
        read_model(model.SerializeToString(), "large 1")


@pytest.mark.parametrize(
    ("meta", "spec"),
    [
        ({}, ImageSpec(8, 8, 1, 1.0)),
        ({"fit": "crop", "crop": "0.5"}, ImageSpec(8, 8, 1, 0.5)),
        ({"fit": "pad", "pad_value": "127"}, ImageSpec(8, 8, 1, 1.0, Fit.PAD, 127)),
        ({"fit": "stretch"}, ImageSpec(8, 8, 1, 1.0, Fit.STRETCH)),
        ({"fit": "pad", "pad_value": "9", "decoding": "plain"}, ImageSpec(8, 8, 1, 1.0, Fit.PAD, 9, plain=True)),
    ],
)
def test_a_model_says_how_pictures_fit(tmp_path: Path, meta: dict[str, Any], spec: ImageSpec) -> None:
    assert load_model(tiny(tmp_path / "m.onnx", **meta)).spec == spec


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"fit": "zoom"}, "fit is 'zoom'; it takes crop, pad, stretch"),
        ({"decoding": "fast"}, "decoding is 'fast'; it takes usual or plain"),
        ({"fit": "pad"}, "lacks pad_value, which fit=pad needs"),
        ({"fit": "pad", "pad_value": "256"}, "pad_value is 256; it takes a whole number from 0 to 255"),
        ({"fit": "pad", "pad_value": "1.5"}, "pad_value is 1.5; it takes a whole number"),
        ({"fit": "stretch", "crop": "0.875"}, "takes the whole picture .fit=stretch. has a crop of 1"),
    ],
)
def test_what_is_said_of_how_pictures_fit_must_be_clear(tmp_path: Path, meta: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        load_model(tiny(tmp_path / "m.onnx", **meta))


def test_with_several_labels_each_has_a_probability_of_its_own(tmp_path: Path) -> None:
    light = np.full((8, 8, 1), 255, np.uint8)
    model = load_model(tiny(tmp_path / "m.onnx", bias=(2.0, 0.0), labels_per_picture="several"))
    assert model.has_several
    probabilities, _ = model.run(light)
    assert probabilities == pytest.approx([0.881, 0.880], abs=1e-3), "a sigmoid each, which no sum binds"
    squashed = tiny(tmp_path / "p.onnx", bias=(0.9, -1.2), output="probabilities", labels_per_picture="several")
    with pytest.raises(ModelError, match=r"values from -1\.2 to 0\.9; probabilities lie between 0 and 1"):
        load_model(squashed)


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"labels_per_picture": "two"}, "labels_per_picture is 'two'; it takes one or several"),
        (
            {"labels_per_picture": "several", "families": "{}", "family_threshold": "0.5"},
            "it has families, which are for models with labels_per_picture=one",
        ),
    ],
)
def test_how_many_labels_a_picture_has_is_said_in_known_words(tmp_path: Path, meta: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        load_model(tiny(tmp_path / "m.onnx", **meta))


def test_a_model_may_leave_a_rest_for_none_of_the_labels(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"whose sum is 0; probabilities lie between 0 and 1 and sum to 1\."):
        load_model(tiny(tmp_path / "m.onnx", output="probabilities"))
    model = load_model(tiny(tmp_path / "m.onnx", output="probabilities", rest="none_of_the_labels"))
    assert model.has_rest
    assert model.run(np.full((8, 8, 1), 32, np.uint8))[0] == pytest.approx([0, 0.25])
    with pytest.raises(ModelError, match=r"whose sum is 1\.5; probabilities lie between 0 and 1 and sum to 1 at most"):
        load_model(tiny(tmp_path / "m.onnx", bias=(0.9, 0.6), output="probabilities", rest="none_of_the_labels"))


@pytest.mark.parametrize(
    ("meta", "said"),
    [
        ({"rest": "unknown"}, "rest is 'unknown'; it takes nothing or none_of_the_labels"),
        ({"rest": "none_of_the_labels"}, "it has a rest, which is for models with output=probabilities"),
        (
            {"rest": "none_of_the_labels", "output": "probabilities", "labels_per_picture": "several"},
            "it has a rest, which is for models with labels_per_picture=one",
        ),
    ],
)
def test_a_rest_is_for_probabilities_of_one_label_a_picture(tmp_path: Path, meta: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        load_model(tiny(tmp_path / "m.onnx", **meta))
