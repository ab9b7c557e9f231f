"""Says what pictures show, a line of JSON each: python predict.py PICTURE …

It needs `pip install onnxruntime "pillow>=10.1"` and, beside it, the model and its manifest.json.
"""

import contextlib
import io
import json
import sys
from pathlib import Path

import numpy as np
import onnxruntime
from PIL import Image, ImageCms, ImageOps

here, way = Path(__file__).parent, Image.Resampling.BICUBIC
told = json.loads((here / "manifest.json").read_text("utf-8"))
session = onnxruntime.InferenceSession(str(here / told["model"]), providers=["CPUExecutionProvider"])
names = [one.name for one in session.get_outputs()]
size, several = tuple(told["size"]), told["labels_per_picture"] == "several"
mode = "L" if told["channels"] == 1 else "RGB"

for path in sys.argv[1:]:
    image: Image.Image = Image.open(path)
    profile = image.info.get("icc_profile") if image.mode == "RGB" and told["decoding"] != "plain" else None
    image.draft("L" if mode == "L" and image.mode == "RGB" and not profile else None, (told["least_side"],) * 2)
    if image.mode.startswith("I"):  # 16 bits a sample
        image = Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))
    if profile:
        with contextlib.suppress(ImageCms.PyCMSError, OSError):  # one that is broken is left alone
            found = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            image = ImageCms.profileToProfile(image, found, ImageCms.createProfile("sRGB")) or image
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    image = ImageOps.exif_transpose(image).convert(mode)
    if told["fit"] == "crop":
        image = ImageOps.fit(image, size, way, bleed=(1 - told["crop"]) / 2)
    elif told["fit"] == "pad":  # an odd pixel goes to the right and below
        image = ImageOps.pad(image, size, way, (told["pad_value"],) * told["channels"], (0.4999, 0.4999))
    pixels = np.asarray(image.resize(size, way)).reshape(1, size[1], size[0], -1)
    if told["input"] == "float32":
        pixels = ((pixels.astype(np.float32) - told["mean"]) / told["std"]).transpose(0, 3, 1, 2)
    outputs = dict(zip(names, session.run(None, {session.get_inputs()[0].name: pixels}), strict=True))
    values = outputs[names[0]][0].astype(float)
    if told["output"] == "logits":
        values = 1 / (1 + np.exp(-values)) if several else np.exp(values - values.max())
        values = values if several else values / values.sum()
    scores = dict(sorted(zip(told["labels"], values.round(6).tolist(), strict=True), key=lambda one: -one[1]))
    is_far = told["distance_limit"] is not None and outputs["distance"].item() > told["distance_limit"]
    likely = [] if is_far else list(scores) if several else list(scores)[:1]
    holding = [label for label in likely if scores[label] >= told["thresholds"].get(label, told["threshold"])]
    if likely and not holding:  # of the families that are sure, that of the fewest labels
        sums = {name: sum(scores[label] for label in labels) for name, labels in told["families"].items()}
        sure = [name for name in sums if sums[name] >= told["family_threshold"]]
        holding = sorted(sure, key=lambda name: (len(told["families"][name]), -sums[name]))[:1]
    said = {"picture": path, "label": (holding or [None])[0], "labels": holding}
    print(json.dumps({**said, "probabilities": dict(list(scores.items())[:10])}), flush=True)
