"""The committed default model is what its recipe makes."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from classify import load_model
from model.default.build import DEFAULT, build, imagenet_labels, main


def test_the_recipe_makes_the_committed_file() -> None:
    assert hashlib.sha256(build(1)).hexdigest() == hashlib.sha256(DEFAULT.read_bytes()).hexdigest()


def test_gray_and_colour_agree_on_gray_pictures(tmp_path: Path) -> None:
    (tmp_path / "colour.onnx").write_bytes(build(3))
    gray, colour = load_model(DEFAULT), load_model(tmp_path / "colour.onnx")
    pixels = np.random.default_rng(0).integers(0, 256, (224, 224, 1), np.uint8)
    one, features = gray.run(pixels)
    three, _ = colour.run(np.repeat(pixels, 3, axis=2))
    assert features is not None
    assert features.shape == (1280,)
    assert np.abs(one - three).max() < 1e-4


def test_labels_are_unique_even_without_regard_to_case() -> None:
    labels = imagenet_labels()
    assert len({label.casefold() for label in labels}) == 1000
    assert labels[281] == "tabby"
    assert {labels[134], labels[517]} == {"crane bird", "construction crane"}


def test_the_colour_twin_is_one_command_and_leaves_the_shipped_model_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shipped = DEFAULT.read_bytes()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.argv", ["build", "--colour"])
    main()
    assert DEFAULT.read_bytes() == shipped
    model = load_model(tmp_path / "default-colour.onnx")
    assert (model.ref.name, model.spec.channels) == ("default-colour", 3)
    assert f"MODEL={tmp_path / 'default-colour.onnx'}" in capsys.readouterr().out
