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
told = json.loads((here / "manifest.json").read_text("utf-8"))["script"]
session = onnxruntime.InferenceSession(str(here / told["model"]), providers=["CPUExecutionProvider"])
names = [one.name for one in session.get_outputs()]
for path in sys.argv[1:]:
    image: Image.Image = Image.open(path)
    profile = image.info.get("icc_profile") if image.mode in told["managed"] else None
    image.draft(None if profile else told["mode"], told["draft"])
    with contextlib.suppress(ImageCms.PyCMSError, OSError):  # a broken profile is left alone
        if profile:
            own, srgb = ImageCms.ImageCmsProfile(io.BytesIO(profile)), ImageCms.createProfile("sRGB")
            image = ImageCms.profileToProfile(image, own, srgb) or image
    if image.mode.startswith("I"):  # 16 bits a sample
        image = Image.fromarray(np.rint(np.asarray(image) / 257).astype(np.uint8))
    image = ImageOps.exif_transpose(image).convert("RGBA")
    image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert(told["mode"])
    if told["fit"]:  # with what; else the whole picture is stretched
        image = getattr(ImageOps, told["fit"])(image, told["size"], way, **told["options"])
    pixels = (np.asarray(image.resize(told["size"], way)).reshape(told["shape"]) - told["mean"]) / told["std"]
    outputs = session.run(None, {session.get_inputs()[0].name: pixels.transpose(told["axes"]).astype(told["type"])})
    scores = outputs[0][0].astype(float)
    if told["logits"]:
        scores = np.exp(scores - (np.logaddexp(scores, 0) if told["several"] else np.logaddexp.reduce(scores)))
    order = np.argsort(-scores, kind="stable")
    sure = [told["labels"][i] for i in (order if told["several"] else order[:1]) if scores[i] >= told["thresholds"][i]]
    families = [(len(of), -scores[of].sum(), name) for name, of, least in told["families"] if scores[of].sum() >= least]
    sure = sure or [name for _, _, name in sorted(families)[:1]]
    if told["distance_limit"] is not None and outputs[names.index("distance")].item() > told["distance_limit"]:
        sure = []  # the picture is unlike all that the model learned from
    likely = {told["labels"][i]: round(float(scores[i]), 6) for i in order[:10]}
    print(
        json.dumps({"picture": path, "label": (sure or [None])[0], "labels": sure, "probabilities": likely}), flush=True
    )
