"""EfficientNet-Lite as an ONNX graph, from its weights.

Architecture: https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite. Batch normalisation is
folded into the convolutions; padding is TensorFlow's SAME, hence uneven.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

MEAN, STD = 127.0, 128.0
FEATURES = 1280
_EPSILON = 1e-3
_LEAST_DEVIATION, _DEVIATION = 8.0, 64.0


@dataclass(frozen=True)
class Architecture:
    """A network of the family: the side of the pictures that it takes, and its stages.

    A stage is (repeats, stride of the first, expansion, channels in, channels out). `middle` says how the maps of the
    last three stages are pooled where a head reads them too: in so many rows and columns, times a factor that lets each
    stage vary half as much over photographs as the square roots of the features do.
    """

    name: str
    size: int
    stages: tuple[tuple[int, int, int, int, int], ...]
    middle: tuple[tuple[int, float], ...]

    @property
    def width_of_middle(self) -> int:
        """How many numbers the middle layers give of a picture."""
        last = self.stages[-len(self.middle) :]
        return sum(rows * rows * stage[-1] for (rows, _), stage in zip(self.middle, last, strict=True))


LITE0 = Architecture(
    "efficientnet_lite0",
    224,
    (
        (1, 1, 1, 32, 16),
        (2, 2, 6, 16, 24),
        (2, 2, 6, 24, 40),
        (3, 2, 6, 40, 80),
        (3, 1, 6, 80, 112),
        (4, 2, 6, 112, 192),
        (1, 1, 6, 192, 320),
    ),
    ((3, 0.07), (1, 0.17), (1, 0.22)),
)
LITE2 = Architecture(
    "efficientnet_lite2",
    260,
    (
        (1, 1, 1, 32, 16),
        (3, 2, 6, 16, 24),
        (3, 2, 6, 24, 48),
        (4, 2, 6, 48, 88),
        (4, 1, 6, 88, 120),
        (5, 2, 6, 120, 208),
        (1, 1, 6, 208, 352),
    ),
    ((3, 0.07), (1, 0.17), (1, 0.22)),
)
SIZE = LITE0.size


@dataclass
class _Graph:
    """Nodes and constants as they are added; `side` is the current height and width."""

    weights: dict[str, np.ndarray]
    side: int
    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[onnx.TensorProto] = field(default_factory=list)

    def constant(self, name: str, value: np.ndarray | np.float32) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def conv(
        self, x: str, name: str, conv: str, norm: str, *, stride: int = 1, groups: int = 1, act: bool = True
    ) -> str:
        """Convolution with folded batch normalisation, and with ReLU6 if `act`."""
        weight = self.weights[conv + ".weight"].astype(np.float64)
        variance = self.weights[norm + ".running_var"].astype(np.float64)
        scale = self.weights[norm + ".weight"] / np.sqrt(variance + _EPSILON)
        bias = self.weights[norm + ".bias"] - self.weights[norm + ".running_mean"] * scale
        kernel = weight.shape[2]
        out = -(-self.side // stride)
        padding = max((out - 1) * stride + kernel - self.side, 0)
        before, after = padding // 2, padding - padding // 2
        self.side = out
        inputs = [
            x,
            self.constant(name + ".w", (weight * scale[:, None, None, None]).astype(np.float32)),
            self.constant(name + ".b", bias.astype(np.float32)),
        ]
        pads = [before, before, after, after]
        y = self.node("Conv", inputs, name, kernel_shape=[kernel] * 2, strides=[stride] * 2, group=groups, pads=pads)
        return self.node("Clip", [y, "zero", "six"], name + ".relu6") if act else y


def efficientnet_lite(
    weights: dict[str, np.ndarray],
    architecture: Architecture,
    channels: int,
    *,
    level: bool = False,
    middle: bool = False,
) -> onnx.ModelProto:
    """uint8 [batch, size, size, channels] → probabilities float [batch, 1000], features float [batch, 1280]; with
    `middle` also what its middle layers show, float [batch, 1520 or 1640], between the two.

    Normalisation is inside the graph, and so is levelling, which gives each picture the same mean brightness and the
    same contrast. With one channel the stem's weights are summed over its three inputs, which is
    exact for gray pictures since mean and deviation are the same for all channels.
    """
    stem = weights["_conv_stem.weight"]
    if channels == 1:
        stem = stem.astype(np.float64).sum(axis=1, keepdims=True)
    graph = _Graph({**weights, "_conv_stem.weight": stem}, architecture.size)
    graph.constant("zero", np.float32(0))
    graph.constant("six", np.float32(6))
    x = graph.node("Cast", ["image"], "floats", to=TensorProto.FLOAT)
    # Arithmetic on rows of one channel, as before this, would take onnxruntime 1 ms more of a gray picture.
    x = graph.node("Transpose", [x], "planes", perm=[0, 3, 1, 2])
    x = _levelled(graph, x) if level else x
    x = graph.node("Sub", [x, graph.constant("mean", np.float32(MEAN))], "centred")
    x = graph.node("Mul", [x, graph.constant("inverse_std", np.float32(1 / STD))], "normalised")
    x = graph.conv(x, "stem", "_conv_stem", "_bn0", stride=2)
    block, maps = 0, []
    for repeats, first_stride, expansion, channels_in, channels_out in architecture.stages:
        for repeat in range(repeats):
            c = channels_in if repeat == 0 else channels_out
            x = _block(graph, x, block, c, channels_out, expansion, first_stride if repeat == 0 else 1)
            block += 1
        maps.append((x, graph.side))
    if middle:
        _add_middle(graph, architecture, maps)
    x = graph.conv(x, "head", "_conv_head", "_bn1")
    x = graph.node("GlobalAveragePool", [x], "pooled")
    x = graph.node("Flatten", [x], "features", axis=1)
    head = [graph.constant("fc.w", weights["_fc.weight"]), graph.constant("fc.b", weights["_fc.bias"])]
    x = graph.node("Gemm", [x, *head], "logits", transB=1)
    graph.node("Softmax", [x], "probabilities", axis=1)
    return _finished(graph, architecture, channels, len(weights["_fc.bias"]), middle=middle)


def _add_middle(graph: _Graph, architecture: Architecture, maps: list[tuple[str, int]]) -> None:
    """Add the output `middle`, of the maps (name, side) that the stages end with."""
    parts = []
    for number, (rows, factor) in enumerate(architecture.middle, -len(architecture.middle)):
        name, side = maps[number]
        kernel = -(-side // rows)
        pooled = graph.node(
            "AveragePool", [name], name + ".pooled", kernel_shape=[kernel] * 2, strides=[kernel] * 2,
            pads=[0, 0, *[rows * kernel - side] * 2], count_include_pad=0,
        )  # fmt: skip
        scaled = graph.node("Mul", [pooled, graph.constant(name + ".factor", np.float32(factor))], name + ".scaled")
        parts.append(graph.node("Flatten", [scaled], name + ".middle", axis=1))
    graph.node("Concat", parts, "middle", axis=1)


def _levelled(graph: _Graph, x: str) -> str:
    """Each picture of the batch with the mean MEAN and the deviation _DEVIATION, unless it shows hardly anything."""
    mean = graph.node("ReduceMean", [x], "level.mean", axes=[1, 2, 3])
    centred = graph.node("Sub", [x, mean], "level.centred")
    squares = graph.node("Mul", [centred, centred], "level.squares")
    deviation = graph.node("Sqrt", [graph.node("ReduceMean", [squares], "level.variance", axes=[1, 2, 3])], "level.std")
    least = graph.constant("level.least", np.float32(_LEAST_DEVIATION))
    scaled = graph.node("Div", [centred, graph.node("Max", [deviation, least], "level.divisor")], "level.scaled")
    wide = graph.node("Mul", [scaled, graph.constant("level.wanted", np.float32(_DEVIATION))], "level.wide")
    return graph.node("Add", [wide, graph.constant("level.middle", np.float32(MEAN))], "levelled")


def _block(graph: _Graph, x: str, number: int, c_in: int, c_out: int, expansion: int, stride: int) -> str:
    """One inverted residual block."""
    source, name, middle = f"_blocks.{number}.", f"block{number}", c_in * expansion
    y = x
    if expansion != 1:
        y = graph.conv(y, name + ".expand", source + "_expand_conv", source + "_bn0")
    y = graph.conv(y, name + ".depthwise", source + "_depthwise_conv", source + "_bn1", stride=stride, groups=middle)
    y = graph.conv(y, name + ".project", source + "_project_conv", source + "_bn2", act=False)
    if stride == 1 and c_in == c_out:
        y = graph.node("Add", [y, x], name + ".add")
    return y


def _finished(
    graph: _Graph, architecture: Architecture, channels: int, classes: int, *, middle: bool
) -> onnx.ModelProto:
    value = helper.make_tensor_value_info
    of_middle = [value("middle", TensorProto.FLOAT, ["batch", architecture.width_of_middle])] if middle else []
    model = helper.make_model(
        helper.make_graph(
            graph.nodes,
            architecture.name,
            [value("image", TensorProto.UINT8, ["batch", architecture.size, architecture.size, channels])],
            [
                value("probabilities", TensorProto.FLOAT, ["batch", classes]),
                *of_middle,
                value("features", TensorProto.FLOAT, ["batch", FEATURES]),
            ],
            graph.constants,
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=8,
        producer_name="intelligent-storage",
    )
    onnx.checker.check_model(model, full_check=True)
    return model
