"""Exports as Custom Vision makes them, with random weights: ZIPs, their graphs, and what its sample makes of a picture.

`sample` is written from the documentation alone, and shares nothing with the code that it is compared with.
"""

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from PIL import ExifTags, Image, ImageCms, ImageDraw, ImageOps

from unit.pictures import encoded
from unit.preprocess.test_decode import linear_profile

LABELS = ("rose", "tulip", "Negative", "daisy")


@dataclass(frozen=True)
class Kind:
    """How an export is made: which pixels it takes, how it answers, and whether several labels may hold."""

    pixels: str | None = "Bgr8"
    levels: str | None = "NominalRange_0_255"
    maps: bool = False
    several: bool = False
    half: bool = False
    side: int = 48
    opset: int = 12
    last: str | None = None
    shape: tuple[int | str, ...] = ("None", 4)


def graph(kind: Kind, labels: Sequence[str] = LABELS, seed: int = 0) -> bytes:
    """An ONNX file: three convolutions, a pool and a dense layer with random weights, lively enough that pictures get
    different labels."""
    random = np.random.default_rng(seed)
    real = np.float16 if kind.half else np.float32
    element = TensorProto.FLOAT16 if kind.half else TensorProto.FLOAT
    scale = 1 / 128 if kind.levels == "NominalRange_0_255" else 2.0
    sizes = [(8, 3), (16, 8), (24, 16)]
    constants = {"scale": np.array(scale, real), "one": np.array(1.0, real)}
    nodes = [
        helper.make_node("Mul", ["data", "scale"], ["scaled"]),
        helper.make_node("Sub", ["scaled", "one"], ["x0"]),
    ]
    for number, (after, before) in enumerate(sizes):
        weights = random.normal(0, (2 / (9 * before)) ** 0.5, (after, before, 3, 3))
        constants[f"w{number}"] = weights.astype(real)
        nodes += [
            helper.make_node(
                "Conv", [f"x{number}", f"w{number}"], [f"c{number}"], strides=[2, 2], kernel_shape=[3, 3], pads=[1] * 4
            ),
            helper.make_node("Relu", [f"c{number}"], [f"x{number + 1}"]),
        ]
    constants["dense"] = random.normal(0, 1, (24, len(labels))).astype(real)
    constants["centre"], constants["spread"] = np.zeros(len(labels), real), np.ones(len(labels), real)
    nodes += [
        helper.make_node("GlobalAveragePool", ["x3"], ["pooled"]),
        helper.make_node("Flatten", ["pooled"], ["flat"], axis=1),
        helper.make_node("MatMul", ["flat", "dense"], ["raw"]),
        helper.make_node("Sub", ["raw", "centre"], ["about_zero"]),
        helper.make_node("Mul", ["about_zero", "spread"], ["logits"]),
    ]
    image = helper.make_tensor_value_info("data", element, ["None", 3, kind.side, kind.side])
    _settle(constants, nodes, image, kind)
    last = kind.last or ("Sigmoid" if kind.several else "Softmax")
    nodes.append(helper.make_node(last, ["logits"], ["scores"]))
    if last == "Softmax":
        nodes[-1].attribute.append(helper.make_attribute("axis", 1))
    outputs = [helper.make_tensor_value_info("scores", element, list(kind.shape))]
    opsets = [helper.make_opsetid("", kind.opset)]
    if kind.maps:
        nodes.append(
            helper.make_node(
                "ZipMap", ["scores"], ["loss"], domain="ai.onnx.ml", classlabels_strings=[one for one in labels]
            )
        )
        nodes.append(helper.make_node("ArgMax", ["scores"], ["best"], axis=1, keepdims=0))
        names = helper.make_node(
            "LabelEncoder", ["best"], ["classLabel"], domain="ai.onnx.ml",
            keys_int64s=list(range(len(labels))), values_strings=list(labels), default_string="?",
        )  # fmt: skip
        nodes.append(names)
        mapped = helper.make_map_type_proto(TensorProto.STRING, helper.make_tensor_type_proto(TensorProto.FLOAT, []))
        outputs = [
            helper.make_tensor_value_info("classLabel", TensorProto.STRING, ["None"]),
            helper.make_value_info("loss", helper.make_sequence_type_proto(mapped)),
        ]
        opsets.append(helper.make_opsetid("ai.onnx.ml", 2))
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = helper.make_model(
        helper.make_graph(nodes, "exported", [image], outputs, initializers), opset_imports=opsets, ir_version=7
    )
    meta = {
        "Image.BitmapPixelFormat": kind.pixels,
        "Image.ColorSpaceGamma": "SRGB",
        "Image.NominalPixelRange": kind.levels,
    }
    helper.set_model_props(made, {key: value for key, value in meta.items() if value is not None})
    data: bytes = made.SerializeToString()
    return data


def _settle(
    constants: dict[str, np.ndarray], nodes: list[onnx.NodeProto], image: onnx.ValueInfoProto, kind: Kind
) -> None:
    """Choose `centre` and `spread` so that each label gets about as many of some random pictures."""
    raw = helper.make_tensor_value_info("logits", image.type.tensor_type.elem_type, None)
    initializers = [numpy_helper.from_array(value, name) for name, value in constants.items()]
    made = helper.make_model(
        helper.make_graph(nodes, "raw", [image], [raw], initializers),
        opset_imports=[helper.make_opsetid("", kind.opset)],
        ir_version=7,
    )
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    random = np.random.default_rng(1)
    pictures = [drawn(random, int(side), int(side)).resize((kind.side,) * 2) for side in random.integers(60, 600, 48)]
    values: np.ndarray = np.stack([np.asarray(picture, np.float32).transpose(2, 0, 1) for picture in pictures])
    levels = values if kind.levels == "NominalRange_0_255" else values / 255
    logits = session.run(None, {"data": levels.astype(constants["dense"].dtype)})[0].astype(np.float64)
    real = constants["centre"].dtype
    constants["centre"], constants["spread"] = logits.mean(0).astype(real), (1.5 / logits.std(0)).astype(real)


def drawn(random: np.random.Generator, width: int, height: int) -> Image.Image:
    """A picture of shapes and lines, with noise on every second one."""
    image = Image.new("RGB", (width, height), _colour(random))
    draw = ImageDraw.Draw(image)
    for _ in range(int(random.integers(5, 60))):
        x, y = int(random.integers(width)), int(random.integers(height))
        right, below = x + int(random.integers(1, max(2, width // 3))), y + int(random.integers(1, max(2, height // 3)))
        shape = draw.ellipse if random.random() < 0.5 else draw.rectangle
        shape([x, y, right, below], fill=_colour(random))
        end = int(random.integers(width)), int(random.integers(height))
        draw.line([(x, y), end], fill=_colour(random), width=int(random.integers(1, 4)))
    if random.random() < 0.5:
        return image
    noisy = np.asarray(image, float) + random.normal(0, random.uniform(0, 40), (height, width, 3))
    return Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))


def _colour(random: np.random.Generator) -> tuple[int, ...]:
    return tuple(random.integers(0, 256, 3).tolist())


def archive(model: bytes, labels: Sequence[str] = LABELS, others: Mapping[str, bytes] | None = None) -> bytes:
    """A ZIP as the portal gives it."""
    manifest = {"DomainType": "Classification", "Platform": "ONNX", "ModelFileName": "model.onnx"}
    files = {
        "cvexport.manifest": json.dumps(manifest).encode(),
        "LICENSE": b"MIT",
        "python/onnxruntime_predict.py": b"import onnxruntime",
        "labels.txt": ("\ufeff" + "\r\n".join(labels) + "\r\n").encode(),
        "model.onnx": model,
        **(others or {}),
    }
    return zipped(files)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """A ZIP of these files."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in files.items():
            file.writestr(name, data)
    return out.getvalue()


def picture_files(count: int, seed: int = 0) -> list[bytes]:
    """Pictures as people have them, as files: JPEG of several qualities, a few of more than 3,000 pixels, some on their
    side or with a colour profile; PNG in colour, gray, with a palette, opaque with an alpha channel; BMP; sides from 8
    pixels on."""
    random = np.random.default_rng(seed)
    turned = Image.Exif()
    profile = linear_profile(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    files = []
    for number in range(count):
        most = 4000 if number % 25 == 0 else 900
        image = drawn(random, int(random.integers(8, most)), int(random.integers(8, most)))
        turned[ExifTags.Base.Orientation] = 1 + number % 8
        quality = int(random.integers(50, 97))
        match number % 8:
            case 0:
                files.append(encoded(image, "JPEG", quality=quality))
            case 1:
                files.append(encoded(image, "JPEG", quality=quality, icc_profile=profile))
            case 2:
                files.append(encoded(image, "JPEG", quality=quality, progressive=True, subsampling=0))
            case 3:
                files.append(encoded(image, "JPEG", quality=quality, exif=turned.tobytes()))
            case 4:
                files.append(encoded(image if number % 3 else image.convert("RGBA")))
            case 5:
                files.append(encoded(image.convert("L")) if number % 3 else encoded(image.convert("L"), "JPEG"))
            case 6:
                files.append(encoded(image.quantize(64)))
            case _:
                files.append(encoded(image, "BMP"))
    return files


class Sample:
    """What Custom Vision's sample does with an export, from its description: the picture, upright and in colour, is
    stretched to the model's size; blue first and 0 to 255 where the metadata say so; the answer by label."""

    def __init__(self, model: bytes, labels: Sequence[str] = LABELS) -> None:
        self.session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        self.labels = labels
        meta = self.session.get_modelmeta().custom_metadata_map
        self.is_blue_first = meta.get("Image.BitmapPixelFormat") == "Bgr8"
        self.is_0_to_255 = meta.get("Image.NominalPixelRange") == "NominalRange_0_255"

    def predict(self, picture: bytes) -> dict[str, float]:
        """The probability of each label."""
        taken = self.session.get_inputs()[0]
        opened = ImageOps.exif_transpose(Image.open(io.BytesIO(picture))).convert("RGB")
        values: np.ndarray = np.array(opened.resize((taken.shape[3], taken.shape[2])), np.float32).transpose(2, 0, 1)[
            None
        ]
        if self.is_blue_first:
            values = values[:, ::-1]
        if not self.is_0_to_255:
            values = values / 255
        kind = np.float16 if taken.type == "tensor(float16)" else np.float32
        for value in self.session.run(None, {taken.name: np.ascontiguousarray(values.astype(kind))}):
            if isinstance(value, list):
                return dict(value[0])
            if value.dtype in (np.float16, np.float32):
                return dict(zip(self.labels, value.reshape(-1).tolist(), strict=True))
        raise AssertionError("no probabilities")
