"""Looking at a model file hurts nobody, whatever is in it."""

from pathlib import Path

import numpy as np
import pytest

from classify import ModelError
from model import model_process
from model.model_process import ModelPool, ModelProcess, describe
from unit.classify.test_model import tiny


def test_a_model_answers_as_it_does_in_production(tmp_path: Path) -> None:
    with ModelPool(tiny(tmp_path / "m.onnx").read_bytes(), "it") as pool:
        answer = pool.run(np.full((8, 8, 1), 255, np.uint8))
    assert answer.probabilities[1] == pytest.approx(1 / (1 + np.exp(-255 / 128)), abs=1e-5)
    assert answer.inference_ms > 0
    assert answer.distance is None


def test_an_endless_loop_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_process, "LOAD_SECONDS", 2.0)
    with pytest.raises(ModelError, match="m 1 cannot be used: it takes longer than 2 s"):
        describe(tiny(tmp_path / "m.onnx", endless=True).read_bytes(), "m 1")


def test_a_model_that_wants_the_whole_machine_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"m 1 cannot be used: .*memory"):
        describe(tiny(tmp_path / "m.onnx", huge=True).read_bytes(), "m 1")


@pytest.mark.parametrize(
    ("bias", "said"), [((float("nan"), 0), "no finite numbers"), ((7, 0), "from 0 to 7"), ((0, 0), "whose sum is 0")]
)
def test_answers_that_are_no_probabilities_are_refused(tmp_path: Path, bias: tuple[float, ...], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        describe(tiny(tmp_path / "m.onnx", bias=bias, output="probabilities").read_bytes(), "m 1")


def test_a_child_that_dies_is_said_to_have_ended(tmp_path: Path) -> None:
    process = ModelProcess(tiny(tmp_path / "m.onnx").read_bytes(), "m 1")
    process._child.kill()
    process._child.wait()
    with pytest.raises(ModelError, match=r"the process that ran it ended \(SIGKILL\)"):
        process.run(np.zeros((8, 8, 1), np.uint8))
    process.close()
