"""Microsoft's own SDK goes its quickstart's way against the whole stack, with nothing changed but endpoint and key."""

import json
import os
import subprocess
import uuid
from pathlib import Path
from typing import Any

import pytest

from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from integration.conftest import Pipeline, eventually
from sdk import python_with
from unit.model.labelled_pictures import scene
from unit.pictures import encoded

HERE = Path(__file__).resolve().parent
PORTS = Ports.from_base(23340)


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter with the SDK, kept between runs."""
    return python_with(HERE / "requirements.txt", "custom-vision-sdk")


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Fifteen pictures of each of two tags, and one to ask about."""
    folder = tmp_path / "pictures"
    for number, tag in enumerate(("plain", "striped")):
        (folder / tag).mkdir(parents=True)
        for n in range(15):
            (folder / tag / f"{n}.png").write_bytes(encoded(scene(100 * number + n, 2 * number)))
    (folder / "test.jpg").write_bytes(encoded(scene(999, 2), "JPEG"))
    return folder


def told_by(python: Path, script: str, *more: object) -> Any:
    """What this script says."""
    command = [python, HERE / script, f"http://localhost:{PORTS.web}", "any", "any", *map(str, more)]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


@pytest.mark.timeout(1800)
def test_the_quickstart_goes_from_an_empty_project_to_a_prediction(
    python: Path, pictures: Path, tmp_path: Path
) -> None:
    with Stack(Options(ports=PORTS, folder=tmp_path / "stack", with_web=True)) as stack:
        stack.start(lambda what: None)
        said = told_by(python, "quickstart.py", pictures)
        assert (said["first_status"], said["published"], said["publish_name"]) == ("Training", True, "classifyModel")
        assert max(said["predictions"], key=said["predictions"].get) == "striped"
        assert said["predictions"] == said["unstored"]
        assert said["answered_by"] == [said["project"], said["iteration"]]
        assert (said["tags"], said["tagged"], said["untagged"]) == ({"plain": 15, "striped": 15}, 30, 0)
        records = Pipeline(stack).stores.records
        id = uuid.UUID(said["stored"]).hex

        def classified() -> bool:
            found = records.read(id)
            return found is not None and found.record.status is not None

        eventually(classified, "the record of the stored prediction")
        stored = records.read(id)
        assert stored is not None
        assert stored.record.prediction is not None
        assert stored.record.prediction.model.name == stored.record.project
        top = {score.label: score.probability for score in stored.record.prediction.top}
        assert top == pytest.approx(said["predictions"], abs=1e-5), "the same version has classified it"
        more = told_by(python, "more.py", pictures, said["project"], said["iteration"], said["stored"])
        assert_more(more, said)


def assert_more(found: dict[str, Any], said: dict[str, Any]) -> None:
    assert (found["recall"][0], found["recall"] == sorted(found["recall"], reverse=True)) == (1, True)
    assert 0.5 < found["average_precision"] <= 1
    assert found["tags_tested"] == ["plain", "striped"]
    listed, counted = found["tested"]
    assert listed == counted > 1
    assert (set(found["said_of_each"]), found["image_bytes"] > 100) == ({2}, True)
    assert found["quick_test"] == said["predictions"]
    assert found["export"] == ["labels.txt", "manifest.json", "model.onnx", "predict.py"]
    assert found["labels"] == ["plain", "striped"]
    assert (found["stored"], found["learned"]) == ([said["stored"]], ["OK"])
    assert found["suggested"] == said["predictions"]
    assert (found["asked_by_tag"], found["suggested_count"]) == (True, {"plain": 0, "striped": 1})
    assert (found["tagged"], found["begun_again"]) == (16, True)
    assert found["errors"] == [
        "NotFoundIteration", "BadRequestImageFormat", "BadRequestImageSizeBytes", "BadRequestNotSupported",
        "NotFoundProject", "BadRequestProjectUnsupportedExportPlatform",
        "BadRequestNotSupported",
    ]  # fmt: skip
