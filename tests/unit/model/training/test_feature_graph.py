"""What leads to a network's features is found in its graph."""

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model.training.backbones import net_of
from model.training.feature_graph import backbone_sha256, map_behind_features, rename
from model.training.recipe import Recipe


def graph_of(*nodes: onnx.NodeProto, axes: tuple[int, ...] = ()) -> onnx.GraphProto:
    return helper.make_graph(
        nodes,
        "it",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, ["n", 4, 8, 8])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", 4])],
        [numpy_helper.from_array(np.array(axes, np.int64), "axes")] if axes else [],
    )


def test_networks_that_give_the_same_features_are_one_backbone() -> None:
    plain, middle, colour = (net_of(recipe).graph for recipe in (Recipe(), Recipe(middle=True), Recipe(colour=True)))
    assert backbone_sha256(plain) == backbone_sha256(middle), "the middle layers are given beside the features"
    assert (
        len({backbone_sha256(plain), backbone_sha256(colour), backbone_sha256(net_of(Recipe(level=True)).graph)}) == 3
    )


def test_the_map_is_what_the_features_are_the_mean_of() -> None:
    assert map_behind_features(net_of(Recipe(middle=True)).graph.graph) == "head.relu6"
    conv = helper.make_node("Relu", ["image"], ["seen"])
    old = helper.make_node("ReduceMean", ["seen"], ["features"], axes=[2, 3], keepdims=0)
    new = helper.make_node("ReduceMean", ["seen", "axes"], ["mean"], keepdims=1)
    flat = helper.make_node("Flatten", ["mean"], ["features"])
    assert map_behind_features(graph_of(conv, old)) == "seen"
    assert map_behind_features(graph_of(conv, new, flat, axes=(-2, -1))) == "seen"


@pytest.mark.parametrize("operator", ["ReduceMax", "ReduceMean", "MatMul"])
def test_features_that_are_no_mean_over_places_have_no_map(operator: str) -> None:
    if operator == "MatMul":
        node = helper.make_node(operator, ["image", "image"], ["features"])
    else:
        node = helper.make_node(operator, ["image"], ["features"], axes=[1, 2])
    assert map_behind_features(graph_of(node)) is None


def test_a_tensor_gets_another_name_wherever_it_is_used() -> None:
    nodes = [helper.make_node("Relu", ["image"], ["seen"]), helper.make_node("Add", ["seen", "seen"], ["features"])]
    graph = graph_of(*nodes)
    rename(graph, "seen", "map")
    assert [(list(node.input), list(node.output)) for node in graph.node] == [
        (["image"], ["map"]), (["map", "map"], ["features"]),
    ]  # fmt: skip
