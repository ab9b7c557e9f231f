"""What is exported says, with onnxruntime and Pillow alone, what the pipeline says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image, ImageCms

from classify import Model, predict, read_model
from classify.portable.portable import portable
from model.custom_vision.graph import Wanted, model_file
from model.default.build import DEFAULT
from preprocess import Limits, preprocess
from preprocess.decode import SRGB
from unit.classify.test_model import tiny
from unit.model.custom_vision_exports import LABELS, Kind, graph, picture_files
from unit.pictures import SAMPLES, encoded, photo
from unit.preprocess.test_decode import linear_profile

WITHIN = 0.01
"""Of a probability; docs/model-file.md says so."""


def exported(folder: Path, data: bytes) -> Path:
    for name, content in {"model.onnx": data, **portable(read_model(data, "it"), "model.onnx")}.items():
        (folder / name).write_bytes(content)
    return folder


def said(folder: Path, files: list[Path]) -> list[dict[str, Any]]:
    """What the script prints for these pictures; none of our packages is within its reach."""
    command = [sys.executable, "-I", str(folder / "predict.py"), *map(str, files)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def pictures(folder: Path) -> list[Path]:
    """The samples, and pictures of many kinds."""
    turned = Image.Exif()
    turned[ExifTags.Base.Orientation] = 6
    deep = np.asarray(photo().convert("L"), np.uint16) * 257
    seen = photo(mode="RGBA")
    seen.putalpha(photo(seed=3).convert("L"))
    linear = linear_profile(ImageCms.ImageCmsProfile(SRGB).tobytes())
    made = {
        "turned.jpg": encoded(photo(1201, 803), "JPEG", exif=turned.tobytes()),
        "deep.png": encoded(Image.fromarray(deep)),
        "seen.png": encoded(seen),
        "gray.jpg": encoded(photo(900, 500, "L"), "JPEG"),
        "cmyk.jpg": encoded(photo(640, 480, "CMYK"), "JPEG"),
        "linear.jpg": encoded(photo(640, 480), "JPEG", icc_profile=linear),
        "broken.jpg": encoded(photo(640, 480), "JPEG", icc_profile=b"broken"),
        "palette.png": encoded(photo(333, 100).quantize(32)),
        **{f"{number}.any": data for number, data in enumerate(picture_files(24, seed=4))},
    }
    for name, data in made.items():
        (folder / name).write_bytes(data)
    return [*sorted(SAMPLES.glob("*.jpg")), *(folder / name for name in made)]


def demand_the_same(model: Model, files: list[Path], answers: list[dict[str, Any]]) -> None:
    assert len(answers) == len(files)
    for file, answer in zip(files, answers, strict=True):
        ours = predict(model, preprocess(file.read_bytes(), model.spec, Limits())[1], 10)
        for score in ours.top[:3]:
            assert answer["probabilities"].get(score.label, 0.0) == pytest.approx(score.probability, abs=WITHIN), file
        edge = [abs(score.probability - model.threshold_of(score.label)) for score in ours.top]
        if ours.margin > WITHIN and min(edge) > WITHIN:
            known = ours.is_known and bool(ours.labels is None or ours.labels)
            assert answer["label"] == (ours.label if known else None), file
            if ours.labels is not None:
                assert answer["labels"] == [one.label for one in ours.labels] * (not ours.is_far)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"crop": "0.6", "floats": True, "mean": "127", "std": "64"},
        {"fit": "pad", "pad_value": "127", "crop": "1"},
        {"labels_per_picture": "several", "floats": True, "mean": "127", "std": "64", "threshold": "0.4"},
    ],
    ids=str,
)
def test_the_script_says_what_the_pipeline_says(tmp_path: Path, options: dict[str, Any]) -> None:
    data = tiny(tmp_path / "tiny.onnx", **options).read_bytes()
    files = pictures(tmp_path)
    demand_the_same(read_model(data, "it"), files, said(exported(tmp_path, data), files))


def test_so_it_does_for_the_default_model_and_its_families(tmp_path: Path) -> None:
    files = pictures(tmp_path)
    answers = said(exported(tmp_path, DEFAULT.read_bytes()), files)
    demand_the_same(read_model(DEFAULT.read_bytes(), "it"), files, answers)
    assert answers[[file.name for file in files].index("cat.jpg")]["label"] == "cat"


def test_the_manifest_says_from_which_confidence_on_each_family_is_the_answer() -> None:
    manifest = json.loads(portable(read_model(DEFAULT.read_bytes(), "it"), "model.onnx")["manifest.json"])
    assert manifest["family_thresholds"].keys() == manifest["families"].keys()
    assert (manifest["family_thresholds"]["cat"], manifest["family_thresholds"]["animal"]) == (0.7, 0.5)


def test_so_it_does_for_a_model_from_custom_vision(tmp_path: Path) -> None:
    data = model_file(graph(Kind(several=True)), Wanted("mine", "3", LABELS), "it")
    files = pictures(tmp_path)
    demand_the_same(read_model(data, "it"), files, said(exported(tmp_path, data), files))


def test_the_manifest_says_what_the_model_takes_and_when_it_answers(tmp_path: Path) -> None:
    data = tiny(
        tmp_path / "m.onnx", labels='["dark", "light"]', thresholds='{"light": 0.9}', licence="MIT"
    ).read_bytes()
    files = portable(read_model(data, "it"), "model.onnx")
    assert files["labels.txt"] == b"dark\nlight\n"
    manifest = json.loads(files["manifest.json"])
    model = read_model(data, "it")
    assert manifest["sha256"] == model.ref.sha256
    assert (manifest["size"], manifest["channels"], manifest["fit"]) == ([8, 8], 1, "crop")
    assert (manifest["labels"], manifest["thresholds"]) == (["dark", "light"], {"light": 0.9})
    assert (manifest["input"], manifest["range"], manifest["licence"]) == ("uint8", [0, 255], "MIT")
