"""Rewrites the graph of a model that Custom Vision exported, so that it is a model file as docs/model-file.md asks.

An export takes float [batch, 3, height, width], red or blue first, from 0 to 255 or from 0 to 1, and answers with a
tensor or with a list of maps from label to probability. Nodes put before it turn uint8 [batch, height, width, 3] into
what it takes; what makes maps of its probabilities is cut off. All between stays as it is.

Sources: https://github.com/Azure-Samples/customvision-export-samples (samples/python/onnx/classification),
https://github.com/onnx/onnx/blob/main/docs/MetadataProps.md.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import onnx
from google.protobuf.message import DecodeError
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper

from classify import ModelError
from classify.metadata import labels_in
from model.custom_vision.nodes import UnusedNames, made_by, needed, replace_all, shape_of, taken
from model.validate import validate

T = TypeVar("T")
_FLOATS = (TensorProto.FLOAT, TensorProto.FLOAT16)
_PIXEL_FORMAT, _PIXEL_RANGE = "Image.BitmapPixelFormat", "Image.NominalPixelRange"
_IS_BLUE_FIRST = {"bgr8": True, "rgb8": False}
_HIGHEST = {"nominalrange_0_255": 255, "normalized_0_1": 1}
_EARLIEST_OPSET = 7
_OUTPUT = "probabilities"
_PASSING = {"Cast", "Flatten", "Identity", "Reshape", "Squeeze", "Unsqueeze"}
"""Nodes that give the values that they take."""
_PER_PICTURE = {"Softmax": "one", "Sigmoid": "several"}
_DETECTION = "it detects objects in a picture, and only models that classify pictures are run here"
_NAMELESS = "the names of its labels are needed: in a labels.txt beside it, or by --labels FILE"
_OURS = {"labels", "threshold", "crop"}
_NOT_THEIRS = (
    "thresholds", "distance_limit", "families", "family_threshold", "family_thresholds", "pad_value", "mean", "std",
    "rest",
)  # fmt: skip
THRESHOLD = {"one": 0.0, "several": 0.5}
"""Custom Vision's model of one label a picture answers with the likeliest, however unlikely; that of several is read
with the portal's threshold of 50 %."""


@dataclass(frozen=True)
class Wanted:
    """What a version is to be called, and what its file does not say of itself: None for what it says or what is usual.

    `labels` are names for its labels, in the order of its labels.txt.
    """

    name: str
    version: str
    labels: tuple[str, ...] | None = None
    threshold: float | None = None
    labels_per_picture: str | None = None


def model_file(
    data: bytes, wanted: Wanted, called: str, exported: tuple[str, ...] | None = None, *, is_detection: bool = False
) -> bytes:
    """A model file that gives what the exported model `data` gives; `called` is its name in messages.

    `exported` are the labels that came with it, None if none did. A model file that is one of ours already only gets
    its name and version. Raises ModelError.
    """
    validate(data, called)
    try:
        model = onnx.load_from_string(data)
    except DecodeError:
        raise ModelError(f"{called} is not an ONNX file.") from None
    meta = {entry.key: entry.value for entry in model.metadata_props}
    try:
        if meta.keys() >= _OURS:
            found = _ours(meta, wanted)
        elif is_detection:
            raise ModelError(_DETECTION)
        else:
            found = _converted(model, meta, exported, wanted)
            found["exported_sha256"] = hashlib.sha256(data).hexdigest()
    except ModelError as error:
        raise ModelError(f"{called} cannot be used: {error}.") from None
    helper.set_model_props(model, {**meta, **found, "name": wanted.name, "version": wanted.version})
    changed: bytes = model.SerializeToString(deterministic=True)
    return changed


def _ours(meta: dict[str, str], wanted: Wanted) -> dict[str, str]:
    """What becomes different in a model file that is one of ours already."""
    labels = labels_in(meta["labels"])
    if wanted.labels is not None and wanted.labels != labels:
        raise ModelError(f"its own labels are {_few(labels)}, and those beside it {_few(wanted.labels)}")
    return {} if wanted.threshold is None else {"threshold": str(wanted.threshold)}


def _converted(
    model: ModelProto, meta: dict[str, str], exported: tuple[str, ...] | None, wanted: Wanted
) -> dict[str, str]:
    """Rewrite the graph, and say what its metadata must hold from now on."""
    for key in _NOT_THEIRS:
        meta.pop(key, None)
    opset = max((one.version for one in model.opset_import if one.domain in ("", "ai.onnx")), default=0)
    if opset < _EARLIEST_OPSET:
        raise ModelError(
            f"it is in ONNX's operators of version {opset}, and the earliest that is run is {_EARLIEST_OPSET}: export "
            "it again for ONNX 1.2 or later"
        )
    scores, names = _scores(model.graph, exported or wanted.labels)
    if exported is not None and wanted.labels is not None:
        if len(wanted.labels) != len(exported):
            raise ModelError(f"{len(wanted.labels)} labels are given, and it has {len(exported)}")
        given = dict(zip(exported, wanted.labels, strict=True))
        names = tuple(given[name] for name in names)
    labels = json.dumps(names, ensure_ascii=False)
    labels_in(labels)
    several = wanted.labels_per_picture or _labels_per_picture(model.graph, scores)
    rank = _rank(model, scores)
    batch = _put_pixels_before(model.graph, meta)
    _end_with(model.graph, scores, rank, batch, len(names))
    threshold = THRESHOLD[several] if wanted.threshold is None else wanted.threshold
    return {
        "labels": labels,
        "labels_per_picture": several,
        "threshold": str(threshold),
        "crop": "1",
        "fit": "stretch",
        "decoding": "plain",
        "output": _OUTPUT,
    }


def _put_pixels_before(graph: GraphProto, meta: dict[str, str]) -> onnx.TensorShapeProto.Dimension:
    """Have the graph take uint8 [batch, height, width, 3], red first; its batch dimension is returned."""
    constants = {constant.name for constant in graph.initializer}
    inputs = [one for one in graph.input if one.name not in constants]
    shape = inputs[0].type.tensor_type.shape.dim if len(inputs) == 1 else []
    kind = inputs[0].type.tensor_type.elem_type if len(inputs) == 1 else None
    if kind not in _FLOATS or len(shape) != 4 or shape[1].dim_value != 3:
        said = ", ".join(f"'{one.name}' {shape_of(one)}" for one in inputs[:5])
        raise ModelError(f"its inputs are {said or 'none'}; an export takes one, float [batch, 3, height, width]")
    image, batch = inputs[0].name, shape[0]
    is_blue_first = _known(meta, _PIXEL_FORMAT, _IS_BLUE_FIRST, False)
    highest = _known(meta, _PIXEL_RANGE, _HIGHEST, 1)
    names = UnusedNames(graph)
    levels = helper.make_tensor("levels", TensorProto.FLOAT, [], [255.0])
    order = helper.make_tensor("order", TensorProto.INT64, [3], [2, 1, 0])
    steps: list[tuple[str, dict[str, Any], tuple[TensorProto, ...]]] = [
        ("Transpose", {"perm": [0, 3, 1, 2]}, ()),
        ("Cast", {"to": TensorProto.FLOAT}, ()),
    ]
    if highest == 1:
        steps.append(("Div", {}, (levels,)))
    if is_blue_first:
        steps.append(("Gather", {"axis": 1}, (order,)))
    steps.append(("Cast", {"to": kind}, ()))
    first = now = names.new("pixels")
    nodes = []
    for number, (operator, attributes, others) in enumerate(steps):
        takes = [now]
        for constant in others:
            takes.append(names.new(constant.name))
            nodes.append(helper.make_node("Constant", [], [takes[-1]], value=constant))
        now = image if number == len(steps) - 1 else names.new(operator)
        nodes.append(helper.make_node(operator, takes, [now], **attributes))
    sizes = [batch.dim_value or batch.dim_param or None, shape[2].dim_value, shape[3].dim_value, 3]
    pixels = helper.make_tensor_value_info(first, TensorProto.UINT8, sizes)
    replace_all(graph.node, [*nodes, *graph.node])
    replace_all(graph.input, [pixels if one.name == image else one for one in graph.input])
    kept = onnx.TensorShapeProto.Dimension()
    kept.CopyFrom(pixels.type.tensor_type.shape.dim[0])
    return kept


def _scores(graph: GraphProto, labels: tuple[str, ...] | None) -> tuple[str, tuple[str, ...]]:
    """The tensor that holds the probabilities, and the label of each of them in turn."""
    maps = [one for one in graph.output if one.type.HasField("sequence_type") or one.type.HasField("map_type")]
    if maps:
        node = made_by(graph, maps[0].name, {"Identity"})
        if len(maps) > 1 or node is None or node.op_type != "ZipMap":
            raise ModelError(f"its output '{maps[0].name}' is no list of maps from label to probability")
        return node.input[0], _names_in(node, labels)
    floats = [one for one in graph.output if one.type.tensor_type.elem_type in _FLOATS]
    if any(one.name.startswith("detected_") for one in graph.output):
        raise ModelError(_DETECTION)
    if len(floats) != 1:
        said = ", ".join(f"'{one.name}' {shape_of(one)}" for one in graph.output[:5])
        raise ModelError(f"its outputs are {said or 'none'}; an export has one of floats, [batch, labels]")
    if labels is None:
        raise ModelError(_NAMELESS)
    dims = [one.dim_value for one in floats[0].type.tensor_type.shape.dim]
    if len(dims) >= 3 and any(size != 1 for size in dims[2:]):
        raise ModelError(f"its output '{floats[0].name}' is {shape_of(floats[0])}: {_DETECTION}")
    if len(dims) >= 2 and dims[1] and dims[1] != len(labels):
        raise ModelError(f"it answers with {dims[1]} probabilities, and there are {len(labels)} labels")
    return floats[0].name, labels


def _names_in(node: NodeProto, labels: tuple[str, ...] | None) -> tuple[str, ...]:
    """The label of each probability, by the node that makes maps of them: by name, or by its line in labels.txt."""
    told = {attribute.name: attribute for attribute in node.attribute}
    if "classlabels_strings" in told:
        try:
            names = tuple(name.decode().strip() for name in told["classlabels_strings"].strings)
        except UnicodeDecodeError:
            raise ModelError("its labels are not UTF-8 text") from None
        if labels is not None and sorted(names) != sorted(labels):
            raise ModelError(f"its own labels are {_few(names)}, and those beside it {_few(labels)}")
        return names
    if labels is None:
        raise ModelError(_NAMELESS)
    numbers = list(told["classlabels_int64s"].ints) if "classlabels_int64s" in told else []
    if sorted(numbers) != list(range(len(labels))):
        raise ModelError(f"it numbers its labels {_few(list(map(str, numbers)))}, and there are {len(labels)} labels")
    return tuple(labels[number] for number in numbers)


def _labels_per_picture(graph: GraphProto, scores: str) -> str:
    """Whether one label holds for a picture or several may, by what makes the probabilities."""
    last = made_by(graph, scores, _PASSING)
    if last is not None and last.op_type in _PER_PICTURE:
        return _PER_PICTURE[last.op_type]
    said = f"'{last.op_type}'" if last is not None else "nothing"
    raise ModelError(
        f"its probabilities come from {said}, which does not tell whether several labels may hold for a picture: give "
        "--labels-per-picture one or several"
    )


def _rank(model: ModelProto, tensor: str) -> int | None:
    """How many dimensions a tensor has; None if that cannot be told."""
    inferred = onnx.shape_inference.infer_shapes(model)
    for one in (*inferred.graph.output, *inferred.graph.value_info):
        if one.name == tensor and one.type.tensor_type.HasField("shape"):
            return len(one.type.tensor_type.shape.dim)
    return None


def _end_with(
    graph: GraphProto, scores: str, rank: int | None, batch: onnx.TensorShapeProto.Dimension, labels: int
) -> None:
    """Have the graph answer with the probabilities alone, float [batch, labels], without what they do not need."""
    names = UnusedNames(graph)
    flat, answer = names.new("flat"), _OUTPUT if names.is_free(_OUTPUT) else names.new(_OUTPUT)
    if rank == 1:
        shape = names.new("shape")
        constant = helper.make_tensor(shape, TensorProto.INT64, [2], [1, -1])
        added = [
            helper.make_node("Constant", [], [shape], value=constant),
            helper.make_node("Reshape", [scores, shape], [flat]),
        ]
    else:
        added = [helper.make_node("Flatten", [scores], [flat], axis=1)]
    added.append(helper.make_node("Cast", [flat], [answer], to=TensorProto.FLOAT))
    replace_all(graph.node, needed([*graph.node, *added], answer))
    used = {name for node in graph.node for name in taken(node)}
    replace_all(graph.initializer, [constant for constant in graph.initializer if constant.name in used])
    replace_all(graph.input, [one for one in graph.input if one.name in used])
    size = batch.dim_value or batch.dim_param or None
    replace_all(graph.output, [helper.make_tensor_value_info(answer, TensorProto.FLOAT, [size, labels])])
    del graph.value_info[:]


def _known(meta: dict[str, str], key: str, values: dict[str, T], usual: T) -> T:
    """What a value of the metadata means; `usual` where there is none, as Custom Vision's sample takes it."""
    said = meta.get(key)
    if said is None:
        return usual
    if said.lower() not in values:
        raise ModelError(f"its metadata has {key} = {said[:40]!r}; it takes {' or '.join(values)}")
    return values[said.lower()]


def _few(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:40]) for name in names[:5]) + (" …" if len(names) > 5 else "")
