"""Microsoft's own loader reads what is submitted to Azure Machine Learning, and what it says runs."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import commands
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from integration.conftest import Pipeline
from sdk import python_with
from unit.model.labelled_pictures import scene
from unit.pictures import encoded

HERE = Path(__file__).resolve().parent
ADDRESSES = {
    "IMAGES_STORAGE__blobServiceUri": "https://pictures.blob.core.windows.net/",
    "IMAGES_STORAGE__queueServiceUri": "https://pictures.queue.core.windows.net/",
    "COSMOS__accountEndpoint": "https://records.documents.azure.com:443/",
}
WORKSPACE = {"AZUREML_SUBSCRIPTION_ID": "sub", "AZUREML_RESOURCE_GROUP": "group", "AZUREML_WORKSPACE": "ours"}
QUICK = ("--gray", "--fit", "crop", "--no-level", "--no-middle-layers", "--backbone", "lite0", "--views", "0")


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter with azure-ai-ml, kept between runs."""
    return python_with(HERE / "requirements.txt", "azure-ml-sdk")


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    for number, label in enumerate(("plain", "striped")):
        (folder / label).mkdir()
        for n in range(15):
            (folder / label / f"{n}.png").write_bytes(encoded(scene(100 * number + n, 2 * number)))
    return folder


def train_there(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return commands.run("train", "--on", "azureml", *arguments, environment=ADDRESSES | environment)


def loaded(python: Path, folder: Path) -> dict[str, Any]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    command = [python, HERE / "loaded.py", folder]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_the_clients_own_loader_takes_job_and_environment(python: Path, labelled: Path, tmp_path: Path) -> None:
    written = tmp_path / "job"
    identity = {"AZUREML_CLIENT_ID": "0f0f", "AZUREML_COMPUTE": "eight-cores", "MAX_PIXELS": "5000"}
    done = train_there(labelled, "--flip", "--dry-run", "--write", written, **identity)
    assert done.returncode == 0, done.stderr
    found = loaded(python, written)
    asked = found["asked"]
    assert found["problems"] == []
    assert asked["computeId"] == "eight-cores"
    assert asked["environmentId"] == found["environment"]
    assert asked["identity"] == {"clientId": "0f0f", "identityType": "Managed"}
    assert asked["limits"]["timeout"] == "P1D"
    assert asked["environmentVariables"] == ADDRESSES | {"MAX_PIXELS": "5000", "AZURE_CLIENT_ID": "0f0f"}
    assert asked["inputs"]["pictures_1"]["uri"] == str(labelled)
    assert asked["inputs"]["pictures_1"]["mode"] == "Download"
    assert asked["command"].endswith('--project mine --right 0.95 --seed 1 --flip "${{inputs.pictures_1}}"')
    assert found["code"] == str(written / "code")
    assert found["image"].startswith("mcr.microsoft.com/")
    assert found["libraries"][-1]["pip"]
    for name in ("job.yml", "environment.yml", "conda.yml"):
        assert (written / name).read_text("utf-8") in done.stdout, "it prints what it writes"


@pytest.fixture
def said(python: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file with what Azure was sent, once azure-ai-ml meets one that stands in for it."""
    wrapper = tmp_path / "python"
    stand_in = shlex.quote(str(HERE / "stand_in"))
    wrapper.write_text(f'#!/bin/sh\nPYTHONPATH={stand_in} exec {shlex.quote(str(python))} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("AZUREML_PYTHON", str(wrapper))
    monkeypatch.setenv("SAID", str(tmp_path / "said"))
    return tmp_path / "said"


def test_a_job_is_submitted_with_an_environment_that_is_made_once(said: Path) -> None:
    done = train_there(*QUICK, **WORKSPACE)
    assert done.returncode == 0, done.stderr
    assert "Submitted as sunny_sky: https://ml.azure.com/runs/sunny_sky" in done.stdout
    made, submitted = map(json.loads, said.read_text().splitlines())
    assert submitted == {
        "submitted": "imagestore train: mine",
        "where": ["sub", "group", "ours"],
        "environment": made["made"],
    }
    said.unlink()
    assert train_there(*QUICK, **WORKSPACE, KNOWN=made["made"]).returncode == 0
    assert json.loads(said.read_text()) == submitted


def test_what_azure_refuses_is_said_in_its_own_words(said: Path) -> None:
    done = train_there(*QUICK, **WORKSPACE, REFUSED="The compute cpu-cluster is not there.")
    assert done.returncode == 1
    assert done.stderr.strip() == (
        "imagestore: Azure Machine Learning did not take the training: The compute cpu-cluster is not there."
    )


@pytest.mark.timeout(1800)
def test_what_is_submitted_keeps_the_next_version_where_models_are_listed(labelled: Path, tmp_path: Path) -> None:
    """The job's command is run as the cluster runs it: in the folder of its code, with its variables; only that the
    stores are those of a local stack."""
    written = tmp_path / "job"
    assert train_there(labelled, *QUICK, "--dry-run", "--write", written).returncode == 0
    (line,) = re.findall(r"(?ms)^command: (.*?)^environment:", (written / "job.yml").read_text("utf-8"))
    command = " ".join(line.split()).replace("${{inputs.pictures_1}}", str(labelled))
    with Stack(Options(ports=Ports.from_base(23440), folder=tmp_path / "stack")) as stack:
        stack.start(lambda what: None)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AZURE"))}
        kept |= stack.environment | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
        done = subprocess.run(
            ["bash", "-c", command], cwd=written / "code", env=kept, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert "30 labelled pictures, 30 of them new" in done.stdout
        assert "Next: imagestore promote 1" in done.stdout
        assert Pipeline(stack).stores.models.versions() == [("mine", "1")]
        listed = commands.run("models", environment=stack.environment)
        assert re.search(r"mine\s+1\b", listed.stdout), listed.stdout
