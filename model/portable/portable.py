"""What is written beside a model file, so that it can be used anywhere with onnxruntime and Pillow alone."""

import json
from pathlib import Path
from typing import Any

from classify import ModelDescription
from imagestore.store.models import MODEL_FILE
from model.model_process import describe
from preprocess.transform import smallest_useful_side

LABELS_FILE = "labels.txt"
MANIFEST_FILE = "manifest.json"
SCRIPT_FILE = "predict.py"


def portable(data: bytes, called: str) -> dict[str, bytes]:
    """The files beside the model file `data`: its labels, a line each; a manifest; a script that says what pictures
    show.

    The model is looked at in a bounded process; `called` is its name in messages. Raises ModelError.
    """
    model = describe(data, called)
    manifest = json.dumps(_manifest(model), ensure_ascii=False, indent=2) + "\n"
    return {
        LABELS_FILE: "".join(f"{label}\n" for label in model.labels).encode(),
        MANIFEST_FILE: manifest.encode(),
        SCRIPT_FILE: Path(__file__).with_name(SCRIPT_FILE).read_bytes(),
    }


def _manifest(model: ModelDescription) -> dict[str, Any]:
    spec = model.spec
    return {
        "name": model.ref.name,
        "version": model.ref.version,
        "model": MODEL_FILE,
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
        "least_side": smallest_useful_side(spec),
        "output": "logits" if model.gives_logits else "probabilities",
        "labels_per_picture": "several" if model.has_several else "one",
        "labels": list(model.labels),
        "threshold": model.threshold,
        "thresholds": model.thresholds,
        "distance_limit": model.distance_limit,
        "families": {family.label: [model.labels[number] for number in family.classes] for family in model.families},
        "family_threshold": model.families[0].threshold if model.families else None,
    }
