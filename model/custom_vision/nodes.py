"""Nodes and tensors of an ONNX graph: who makes a tensor, what it needs, names that are free."""

from collections.abc import Iterator, Sequence
from typing import Any

import onnx
from onnx import GraphProto, NodeProto, TensorProto


def needed(nodes: Sequence[NodeProto], tensor: str) -> list[NodeProto]:
    """The nodes on which a tensor depends, in their order."""
    wanted, kept = {tensor}, []
    for node in reversed(nodes):
        if wanted.intersection(node.output):
            kept.append(node)
            wanted.update(taken(node))
    return kept[::-1]


def taken(node: NodeProto) -> Iterator[str]:
    """The tensors that a node takes, also in the graphs that it holds."""
    yield from node.input
    for attribute in node.attribute:
        for graph in (attribute.g, *attribute.graphs):
            for inner in graph.node:
                yield from taken(inner)
            yield from (one.name for one in graph.output)


class UnusedNames:
    """Names of tensors that a graph does not have."""

    def __init__(self, graph: GraphProto) -> None:
        self._used = {name for node in graph.node for name in (*node.output, *taken(node))}
        self._used |= {one.name for one in (*graph.input, *graph.output, *graph.initializer)}

    def is_free(self, name: str) -> bool:
        """Whether no tensor has this name."""
        return name not in self._used

    def new(self, name: str) -> str:
        """A name that begins with this one."""
        found, number = f"imagestore {name}", 1
        while found in self._used:
            found, number = f"imagestore {name} {number}", number + 1
        self._used.add(found)
        return found


def made_by(graph: GraphProto, tensor: str, passing: set[str]) -> NodeProto | None:
    """The node that makes a tensor's values; those of a `passing` kind, which give what they take, are looked
    through."""
    makers = {name: node for node in graph.node for name in node.output}
    for _ in range(len(makers) + 1):
        node = makers.get(tensor)
        if node is None or node.op_type not in passing or not node.input:
            return node
        tensor = node.input[0]
    return None


def shape_of(value: onnx.ValueInfoProto) -> str:
    """The type and shape of a tensor, for a message."""
    kind = value.type.tensor_type
    sizes = [one.dim_param or (one.dim_value if one.HasField("dim_value") else "?") for one in kind.shape.dim]
    return f"{TensorProto.DataType.Name(kind.elem_type).lower()} [{', '.join(map(str, sizes))}]"


def replace_all(field: Any, items: Sequence[Any]) -> None:
    """Put these items in place of those of a repeated field."""
    saved = [type(item).FromString(item.SerializeToString()) for item in items]
    del field[:]
    field.extend(saved)
