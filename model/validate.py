"""Checks what a model file may hold: ONNX's own operators only, and no weights in other files."""

import onnx
from google.protobuf.message import DecodeError

from classify import ModelError
from classify.model import MAX_MODEL_BYTES

_STANDARD = {"", "ai.onnx", "ai.onnx.ml"}


def validate(data: bytes, called: str) -> None:
    """Raise ModelError if the file uses non-standard operators or external weights; `called` is its name in the
    message."""
    if len(data) > MAX_MODEL_BYTES:
        raise ModelError(f"{called} has {len(data)} bytes; the limit is {MAX_MODEL_BYTES}.")
    try:
        model = onnx.load_from_string(data)
    except DecodeError:
        raise ModelError(f"{called} is not an ONNX file.") from None
    _check_graph(model.graph, called)
    for function in model.functions:
        for node in function.node:
            _check_node(node, called)


def _check_graph(graph: onnx.GraphProto, called: str) -> None:
    for constant in graph.initializer:
        _check_tensor(constant, called)
    for node in graph.node:
        _check_node(node, called)


def _check_node(node: onnx.NodeProto, called: str) -> None:
    if node.domain not in _STANDARD:
        raise ModelError(f"{called} uses the operator {node.domain}.{node.op_type}; only ONNX's own are taken.")
    for attribute in node.attribute:
        _check_tensor(attribute.t, called)
        for tensor in attribute.tensors:
            _check_tensor(tensor, called)
        for graph in (attribute.g, *attribute.graphs):
            _check_graph(graph, called)


def _check_tensor(tensor: onnx.TensorProto, called: str) -> None:
    if tensor.data_location == onnx.TensorProto.EXTERNAL or tensor.external_data:
        raise ModelError(f"{called} keeps weights in another file; they must be inside it.")
