"""Puts a backbone and a head into one ONNX file, with the metadata that docs/model-file.md asks for."""

import json

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from classify.places import MIDDLE_MAP, MIDDLE_SIDES
from model.training.distance import NEIGHBOURS, References
from model.training.feature_graph import backbone_sha256, map_behind_features, maps_behind_middle, rename
from model.training.head import Head, LinearHead
from model.training.several import SeveralHead

_HEAD = {"logits", "probabilities"}
_CONSTANTS = {"fc.w", "fc.b"}


def compose(base: onnx.ModelProto, head: LinearHead, metadata: dict[str, str]) -> bytes:
    """The model file of a network with `features` as its last output, with another head.

    It takes uint8 [batch, height, width, channels] and gives probabilities float [batch, labels], the features, and the
    distance float [batch, 1] to the pictures that were learned from. The probability of none of the labels is left out.
    More outputs say how a label comes about, for classify/places.py: the `map` whose mean the features are, if there is
    one, and those of middle layers, what the head has `taken` of them, its `weights` and its `logits`.

    The same head and metadata give the same bytes.
    """
    middle, takes_roots = head.form.middle, head.form.takes_roots
    has_several, has_rest = isinstance(head, SeveralHead), isinstance(head, Head) and head.has_rest
    model = onnx.ModelProto()
    model.CopyFrom(base)
    graph = model.graph
    graph.name += "_head"
    for kept in (
        [node for node in graph.node if node.name not in _HEAD],
        [constant for constant in graph.initializer if constant.name not in _CONSTANTS],
        [graph.output[-1]],
    ):
        field = {onnx.NodeProto: graph.node, onnx.TensorProto: graph.initializer}.get(type(kept[0]), graph.output)
        saved = [type(item).FromString(item.SerializeToString()) for item in kept]
        del field[:]
        field.extend(saved)
    weights = (head.weights / head.temperature).astype(np.float32)
    bias = (head.bias / head.temperature).astype(np.float32)
    graph.initializer.extend([numpy_helper.from_array(weights, "weights"), numpy_helper.from_array(bias, "bias")])
    if (behind := map_behind_features(graph)) is not None:
        rename(graph, behind, "map")
    middle_maps = maps_behind_middle(graph) if middle else []
    for number, (name, _) in enumerate(middle_maps):
        rename(graph, name, f"{MIDDLE_MAP}{number}")
    roots = "roots" if middle else "taken"
    graph.node.extend(
        [
            helper.make_node("Relu" if takes_roots else "Identity", ["features"], ["positive"], name="positive"),
            helper.make_node("Sqrt" if takes_roots else "Identity", ["positive"], [roots], name="roots"),
            *([helper.make_node("Concat", ["roots", "middle"], ["taken"], name="taken", axis=1)] if middle else []),
            helper.make_node("Gemm", ["taken", "weights", "bias"], ["logits"], "logits", transB=1),
        ]
    )
    if has_several:
        graph.node.append(helper.make_node("Sigmoid", ["logits"], ["probabilities"], name="probabilities"))
    elif has_rest:
        ends = {"labels.first": [0], "labels.end": [len(head.labels)], "labels.axis": [1]}
        graph.initializer.extend([numpy_helper.from_array(np.array(at, np.int64), name) for name, at in ends.items()])
        graph.node.append(helper.make_node("Softmax", ["logits"], ["with_none"], name="with_none", axis=1))
        graph.node.append(helper.make_node("Slice", ["with_none", *ends], ["probabilities"], name="probabilities"))
    else:
        graph.node.append(helper.make_node("Softmax", ["logits"], ["probabilities"], name="probabilities", axis=1))
    _add_distance(graph, head.references, roots)
    classes, width = weights.shape
    outputs: dict[str, list[str | int | None]] = {
        "probabilities": ["batch", len(head.labels)],
        "features": ["batch", width - middle],
        "distance": ["batch", 1],
        **({"map": ["batch", width - middle, "rows", "columns"]} if behind is not None else {}),
        **{f"{MIDDLE_MAP}{number}": ["batch", None, "rows", "columns"] for number in range(len(middle_maps))},
        "taken": ["batch", width],
        "weights": [classes, width],
        "logits": ["batch", classes],
    }
    del graph.output[:]
    graph.output.extend(
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in outputs.items()
    )
    own = {head.labels[number]: threshold for number, threshold in head.thresholds.own.items()}
    answers = {
        "labels": json.dumps(head.labels),
        "threshold": str(head.thresholds.common),
        **({"thresholds": json.dumps(own)} if own else {}),
        "distance_limit": str(head.distance_limit),
        "output": "probabilities",
        "backbone_sha256": backbone_sha256(base),
        **({MIDDLE_SIDES: json.dumps([side for _, side in middle_maps])} if middle_maps else {}),
        **({"labels_per_picture": "several"} if has_several else {}),
        **({"rest": "none_of_the_labels"} if has_rest else {}),
    }
    helper.set_model_props(model, {**metadata, **answers})
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def _add_distance(graph: onnx.GraphProto, references: References, roots: str) -> None:
    """Add the nodes that compute what `References.distances` does, from the head's roots of the features."""
    nearest = min(NEIGHBOURS, len(references.codes))
    constants = {
        "references": np.ascontiguousarray(references.codes.T),
        "references.scale": np.array(references.scale, np.float32),
        "references.centre": references.centre,
        "references.nearest": np.array([nearest], np.int64),
        "references.share": np.full((nearest, 1), -1 / nearest, np.float32),
        "references.one": np.array([1.0], np.float32),
    }
    graph.initializer.extend([numpy_helper.from_array(value, name) for name, value in constants.items()])
    graph.node.extend(
        [
            helper.make_node("DequantizeLinear", ["references", "references.scale"], ["directions"]),
            helper.make_node("Sub", [roots, "references.centre"], ["centred_roots"]),
            helper.make_node("LpNormalization", ["centred_roots"], ["direction"], axis=1, p=2),
            helper.make_node("MatMul", ["direction", "directions"], ["cosines"]),
            helper.make_node("TopK", ["cosines", "references.nearest"], ["nearest_cosines", "nearest_numbers"], axis=1),
            helper.make_node("Gemm", ["nearest_cosines", "references.share", "references.one"], ["distance"]),
        ]
    )
