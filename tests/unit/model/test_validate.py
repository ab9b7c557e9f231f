"""What a model file must not hold."""

import io

import numpy as np
import onnx
import pytest

from classify import ModelError
from model.validate import validate


def test_hostile_model_files_are_refused() -> None:
    def saved(*nodes: onnx.NodeProto, outside: bool = False) -> bytes:
        helper = onnx.helper
        weight = onnx.numpy_helper.from_array(np.zeros(4, np.float32), "w")
        if outside:
            weight.ClearField("raw_data")
            weight.data_location = onnx.TensorProto.EXTERNAL
            weight.external_data.add(key="location", value="/etc/passwd")
        value = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [4])
        model = helper.make_model(helper.make_graph(list(nodes), "g", [value], [value], [weight]))
        out = io.BytesIO(model.SerializeToString())
        return out.getvalue()

    strange = onnx.helper.make_node("Evil", ["x"], ["y"], domain="com.evil")
    inner = onnx.helper.make_graph([strange], "inner", [], [])
    hidden = onnx.helper.make_node("If", ["x"], ["y"], then_branch=inner, else_branch=inner)
    validate(saved(onnx.helper.make_node("Relu", ["x"], ["y"])), "good.onnx")
    for data, said in (
        (saved(strange), "com.evil.Evil"),
        (saved(hidden), "com.evil.Evil"),
        (saved(outside=True), "another file"),
        (b"\xff not a model", "not an ONNX file"),
    ):
        with pytest.raises(ModelError, match=said):
            validate(data, "bad.onnx")
