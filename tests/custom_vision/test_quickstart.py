"""Microsoft's own SDK goes its quickstart's way against the whole stack, with nothing changed but endpoint and key."""

import json
import os
import shutil
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.settings import ROOT
from integration.conftest import Pipeline, eventually
from unit.model.labelled_pictures import scene
from unit.pictures import encoded

HERE = Path(__file__).resolve().parent
PORTS = Ports.from_base(23340)


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter with the SDK, kept between runs."""
    folder = ROOT / ".cache" / "custom-vision-sdk"
    found = folder / "bin" / "python"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        command = [found, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, "-r", HERE / "requirements.txt"], check=True)
        (folder / "complete").touch()
    return found


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


@pytest.mark.timeout(1800)
def test_the_quickstart_goes_from_an_empty_project_to_a_prediction(
    python: Path, pictures: Path, tmp_path: Path
) -> None:
    with Stack(Options(ports=PORTS, folder=tmp_path / "stack", with_web=True)) as stack:
        stack.start(lambda what: None)
        command = [python, HERE / "quickstart.py", f"http://localhost:{PORTS.web}", "any", "any", pictures]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr[-3000:]
        said = json.loads(done.stdout)
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
