"""The model runner, and what it refuses."""

import hashlib
import json
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from classify import load_model, predict
from errors import ModelError
from preprocess import Limits, preprocess
from record import ImageSpec
from settings import ROOT
from unit.pictures import SAMPLES

DEFAULT = ROOT / "model" / "default.onnx"
META = {"name": "tiny", "version": "3", "labels": json.dumps(["dark", "light"]), "threshold": "0.6", "crop": "1"}


def tiny(path: Path, *, floats: bool = False, classes: int = 2, **meta: str | None) -> Path:
    """A model that says how light a picture is: logits (0, mean)."""
    shape = ["batch", 3, 8, 8] if floats else ["batch", 8, 8, 1]
    nodes = [] if floats else [helper.make_node("Cast", ["image"], ["x"], to=TensorProto.FLOAT)]
    nodes += [
        helper.make_node("Flatten", ["image" if floats else "x"], ["flat"]),
        helper.make_node("Gemm", ["flat", "w", "b"], ["logits"]),
    ]
    size = 8 * 8 * (3 if floats else 1)
    weights = np.zeros((size, classes), np.float32)
    weights[:, 1] = (1.0 if floats else 1 / 128) / size
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT if floats else TensorProto.UINT8, shape)],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["batch", classes])],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(np.zeros(classes, np.float32), "b")],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    helper.set_model_props(model, {k: v for k, v in {**META, "output": "logits", **meta}.items() if v is not None})
    onnx.save(model, path)
    return path


def test_the_default_model_knows_a_cat_and_a_cup_of_coffee() -> None:
    model = load_model(DEFAULT)
    assert len(model.labels) == 1000
    said = {}
    for name in ("cat", "coffee"):
        _, pixels = preprocess((SAMPLES / f"{name}.jpg").read_bytes(), model.spec, Limits())
        said[name] = predict(model, pixels, 5)
    assert said["cat"].label in ("Egyptian cat", "tabby", "tiger cat")
    assert said["coffee"].label == "espresso"
    assert said["coffee"].is_known
    assert len(said["cat"].top) == 5
    probabilities = [score.probability for score in said["cat"].top]
    assert probabilities == sorted(probabilities, reverse=True)
    assert said["cat"].margin == pytest.approx(probabilities[0] - probabilities[1], abs=1e-6)


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
        ({"crop": "0"}, "crop is 0"),
        ({"floats": True}, "lacks mean"),
    ],
)
def test_an_unfit_model_is_refused_with_what_is_wrong(tmp_path: Path, meta: dict, said: str) -> None:
    with pytest.raises(ModelError, match=said):
        load_model(tiny(tmp_path / "m.onnx", **meta))


def test_a_file_that_is_no_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_model(tmp_path / "none.onnx")
    (tmp_path / "text.onnx").write_text("no model")
    with pytest.raises(ModelError, match="not an ONNX file"):
        load_model(tmp_path / "text.onnx")


def test_pixels_of_another_shape_are_a_fault_of_ours(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the model takes"):
        predict(load_model(tiny(tmp_path / "m.onnx")), np.zeros((8, 8, 3), np.uint8), 2)
