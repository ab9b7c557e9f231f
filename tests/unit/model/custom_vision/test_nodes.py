"""What a graph is asked."""

from onnx import TensorProto, helper

from model.custom_vision.nodes import UnusedNames, made_by, needed, shape_of, taken

NODES = [
    helper.make_node("Relu", ["x"], ["a"]),
    helper.make_node("Relu", ["x"], ["other"]),
    helper.make_node("Identity", ["a"], ["b"]),
]
X = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 4])
GRAPH = helper.make_graph(NODES, "g", [X], [helper.make_tensor_value_info("b", TensorProto.FLOAT, None)])


def test_what_a_tensor_needs_is_kept_in_order() -> None:
    assert [node.output[0] for node in needed(GRAPH.node, "b")] == ["a", "b"]


def test_a_graph_in_a_node_takes_tensors_too() -> None:
    node = helper.make_node("If", ["is"], ["y"], then_branch=GRAPH, else_branch=GRAPH)
    assert {"is", "x"} <= set(taken(node))


def test_nodes_that_pass_values_on_are_looked_through() -> None:
    assert made_by(GRAPH, "b", set()) == GRAPH.node[2]
    found = made_by(GRAPH, "b", {"Identity"})
    assert found is not None
    assert found.op_type == "Relu"
    assert made_by(GRAPH, "x", {"Identity"}) is None
    circle = [helper.make_node("Identity", ["p"], ["q"]), helper.make_node("Identity", ["q"], ["p"])]
    made_by(helper.make_graph(circle, "circle", [], []), "p", {"Identity"})  # it ends


def test_new_names_are_free() -> None:
    names = UnusedNames(GRAPH)
    assert names.is_free("c")
    assert not names.is_free("a")
    assert names.new("x") != names.new("x")


def test_a_shape_in_a_message() -> None:
    assert shape_of(X) == "float [n, 4]"
