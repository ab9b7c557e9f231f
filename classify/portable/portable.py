"""What goes with a model file, so that it can be used anywhere with onnxruntime and Pillow alone."""

import json
from pathlib import Path
from typing import Any

from classify.model import ModelDescription
from preprocess.image import Fit
from preprocess.transform import smallest_useful_side

LABELS_FILE = "labels.txt"
MANIFEST_FILE = "manifest.json"
SCRIPT_FILE = "predict.py"


def portable(model: ModelDescription, file: str) -> dict[str, bytes]:
    """What is written beside the model file, which is called `file` there: its labels, a line each; a manifest; a
    script that says what pictures show."""
    manifest = json.dumps(_manifest(model, file) | {"script": _script(model, file)}, ensure_ascii=False, indent=2)
    return {
        LABELS_FILE: "".join(f"{label}\n" for label in model.labels).encode(),
        MANIFEST_FILE: f"{manifest}\n".encode(),
        SCRIPT_FILE: Path(__file__).with_name(SCRIPT_FILE).read_bytes(),
    }


def _manifest(model: ModelDescription, file: str) -> dict[str, Any]:
    """What the model takes and when it answers, for people and for other programs."""
    spec = model.spec
    return {
        "name": model.ref.name,
        "version": model.ref.version,
        "model": file,
        "sha256": model.ref.sha256,
        "licence": model.licence or None,
        "input": "uint8" if model.takes_uint8 else "float32",
        "layout": "NHWC" if model.takes_uint8 else "NCHW",
        "size": [spec.width, spec.height],
        "channels": spec.channels,
        "order": "gray" if spec.channels == 1 else "RGB",
        "range": [0, 255] if model.takes_uint8 else [(0 - model.mean) / model.std, (255 - model.mean) / model.std],
        "mean": model.mean,
        "std": model.std,
        "fit": str(spec.fit),
        "crop": spec.crop,
        "pad_value": spec.pad_value,
        "decoding": "plain" if spec.plain else "usual",
        "output": "logits" if model.gives_logits else "probabilities",
        "labels_per_picture": "several" if model.has_several else "one",
        "labels": list(model.labels),
        "threshold": model.threshold,
        "thresholds": model.thresholds,
        "distance_limit": model.distance_limit,
        "families": {family.label: [model.labels[number] for number in family.classes] for family in model.families},
        "family_thresholds": {family.label: family.threshold for family in model.families},
    }


def _script(model: ModelDescription, file: str) -> dict[str, Any]:
    """The same as steps of the script: `fit` is the function of Pillow's ImageOps that it calls, with `options`, or
    null; `managed` are the modes of pictures whose colour profile counts."""
    spec = model.spec
    ways: dict[Fit, tuple[str | None, dict[str, Any]]] = {
        Fit.CROP: ("fit", {"bleed": (1 - spec.crop) / 2}),
        Fit.PAD: ("pad", {"color": "#" + f"{spec.pad_value:02x}" * 3, "centering": [0.4999, 0.4999]}),
        Fit.STRETCH: (None, {}),
    }  # with 0.4999 an odd pixel goes to the right and below
    fit, options = ways[spec.fit]
    return {
        "model": file,
        "draft": [smallest_useful_side(spec)] * 2,
        "managed": [] if spec.plain else ["RGB"],
        "mode": "L" if spec.channels == 1 else "RGB",
        "size": [spec.width, spec.height],
        "fit": fit,
        "options": options,
        "shape": [1, spec.height, spec.width, spec.channels],
        "mean": model.mean,
        "std": model.std,
        "axes": [0, 1, 2, 3] if model.takes_uint8 else [0, 3, 1, 2],
        "type": "uint8" if model.takes_uint8 else "float32",
        "logits": model.gives_logits,
        "several": model.has_several,
        "labels": list(model.labels),
        "thresholds": [model.threshold_of(label) for label in model.labels],
        "families": [[family.label, list(family.classes), family.threshold] for family in model.families],
        "distance_limit": model.distance_limit,
    }
