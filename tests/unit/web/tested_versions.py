"""Versions with what they said of held-out pictures, as a training keeps them, for tests of the web app."""

import hashlib
from typing import Any

import msgspec
import numpy as np
from PIL import Image

from imagestore.store import Stores
from imagestore.store.held_out import AnsweredPicture, HeldOut, LabelAnswers
from imagestore.store.models import Inspection
from imagestore.store.training import TrainingPictures
from unit.pictures import encoded

LABELS = ("cat", "dog", "rose's")
AT = "2026-11-21T09:00:00.000Z"


def picture_file(n: int) -> bytes:
    """The file of the test picture with this number."""
    colour = tuple(int(part) for part in np.random.default_rng(n).integers(40, 230, 3))
    return encoded(Image.new("RGB", (48, 36), colour), "PNG")


def keep_tested(
    stores: Stores,
    version: str = "1",
    *,
    name: str = "mine",
    seed: int = 1,
    count: int = 60,
    has_several: bool = False,
    sharpness: float = 2.0,
    learned: dict[str, Any] | None = None,
    **files: bytes,
) -> HeldOut:
    """Keep a version that was tested on `count` pictures, which lie in the training container."""
    rng, pictures = np.random.default_rng(99), TrainingPictures(stores.training, name)
    truth = rng.integers(0, len(LABELS) + 1, count)
    noise = np.random.default_rng(seed).normal(size=(count, len(LABELS)))
    scores = noise + sharpness * (truth[:, None] == np.arange(len(LABELS)))
    probabilities = np.exp(scores) / (np.exp(scores).sum(axis=1, keepdims=True) + (0.5 if has_several else 0))
    answered = []
    for n in range(count):
        data = picture_file(n)
        sha256 = hashlib.sha256(data).hexdigest()
        pictures.put_picture(sha256, data)
        said = {label: round(float(found), 4) for label, found in zip(LABELS, probabilities[n], strict=True)}
        labels = (LABELS[truth[n]],) if truth[n] < len(LABELS) else ()
        answered.append(AnsweredPicture(sha256, labels, said, n // 2, n != 7))
    known = [LabelAnswers(label, 0.9, [0] * 101, [0] * 101, 0.8, 0.95) for label in LABELS]
    kept = HeldOut(known, answered, has_several, 0.5, {"dog": 0.6}, count)
    model = f"model {name} {version}".encode()
    inspected = Inspection(hashlib.sha256(model).hexdigest(), AT, "me", is_admitted=True)
    made: dict[str, Any] = {"learned": {"e" * 64: "cat", "d" * 64: "dog"} if learned is None else learned}
    stores.models.keep(
        name,
        version,
        {
            "model.onnx": model,
            "held-out.json": msgspec.json.encode(kept),
            "training.json": msgspec.json.encode(made),
            "inspection.json": msgspec.json.encode(inspected),
            **{f"{file}.json": data for file, data in files.items()},
        },
    )
    return kept
