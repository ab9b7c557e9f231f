"""What leads to a network's `features`: which network it is, and the map whose mean over all places they are."""

import hashlib

import onnx
from onnx import numpy_helper

_PASSING = {"Identity", "Flatten", "Reshape", "Squeeze", "Dropout"}
_PLACES = {(2, 3), (-2, -1)}


def backbone_sha256(model: onnx.ModelProto) -> str:
    """The SHA-256 of what computes `features`, whatever else the network gives: networks of one hash give the same."""
    needed, nodes = {"features"}, []
    for node in reversed(model.graph.node):
        if needed.intersection(node.output):
            nodes.append(node)
            needed.update(node.input)
    digest = hashlib.sha256()
    for part in (*reversed(nodes), *(one for one in model.graph.initializer if one.name in needed)):
        digest.update(hashlib.sha256(part.SerializeToString(deterministic=True)).digest())
    return digest.hexdigest()


def map_behind_features(graph: onnx.GraphProto) -> str | None:
    """The name of the map float [batch, n, rows, columns] whose mean over rows and columns is `features` float
    [batch, n]; None if they are made in another way."""
    makers = {output: node for node in graph.node for output in node.output}
    name = "features"
    while (node := makers.get(name)) is not None:
        if node.op_type in _PASSING:
            name = node.input[0]
        elif node.op_type == "GlobalAveragePool" or (node.op_type == "ReduceMean" and _axes(graph, node) in _PLACES):
            return str(node.input[0])
        else:
            return None
    return None


def maps_behind_middle(graph: onnx.GraphProto) -> list[tuple[str, int]]:
    """The maps whose means over squares, times a factor, are `middle` one after the other: each with the side of its
    squares in places."""
    makers = {output: node for node in graph.node for output in node.output}
    found = []
    for name in makers["middle"].input:
        while (node := makers[name]).op_type != "AveragePool":
            name = node.input[0]
        sides = next(attribute.ints for attribute in node.attribute if attribute.name == "kernel_shape")
        found.append((str(node.input[0]), int(sides[0])))
    return found


def rename(graph: onnx.GraphProto, name: str, to: str) -> None:
    """Give a tensor that the graph computes another name."""
    for node in graph.node:
        for names in (node.input, node.output):
            for number, one in enumerate(names):
                if one == name:
                    names[number] = to


def _axes(graph: onnx.GraphProto, node: onnx.NodeProto) -> tuple[int, ...]:
    """The axes over which a ReduceMean goes, as an attribute or, of newer files, as a constant."""
    for attribute in node.attribute:
        if attribute.name == "axes":
            return tuple(attribute.ints)
    given = node.input[1] if len(node.input) > 1 else ""
    return next((tuple(numpy_helper.to_array(one).tolist()) for one in graph.initializer if one.name == given), ())
