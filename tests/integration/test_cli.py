"""The command line against a running stack, and what it says when something is wrong."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from local.ports import Ports
from local.supervisor import Stack
from settings import ROOT

from .conftest import SAMPLES, Pipeline


def imagestore(*arguments: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "cli.main", *arguments], cwd=ROOT, capture_output=True, text=True, check=False,
        env={**os.environ, "COLUMNS": "200", **(environment or {})},
    )  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path, coffee: bytes) -> Path:
    for name, data in {
        "cup.jpg": coffee, "deep/er/猫 [bold].jpg": coffee, "notes.txt": b"not a picture", ".hidden.jpg": coffee,
    }.items():  # fmt: skip
        path = tmp_path / "My Photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return tmp_path / "My Photos"


def test_upload_takes_a_folder_in_once(stack: Stack, folder: Path) -> None:
    first = imagestore("upload", str(folder), "--prefix", "cli/", environment=stack.environment)
    assert first.returncode == 0, first.stderr
    assert first.stdout.strip() == "2 uploaded, 1 skipped (hidden), 1 skipped (not a picture)."
    again = imagestore("upload", str(folder), "--prefix", "cli/", environment=stack.environment)
    assert again.stdout.startswith("0 uploaded, 2 unchanged")


def test_ls_and_show(stack: Stack, pipeline: Pipeline, coffee: bytes) -> None:
    name = "listed/[red]\x1b[31mcup\u202e.jpg"
    etag = pipeline.drop(name.replace("\x1b", ""), coffee)
    record = pipeline.record(name.replace("\x1b", ""), etag)
    listed = imagestore("ls", "--label", "espresso", "--since", "1h", "--json", environment=stack.environment)
    assert record.id in {json.loads(line)["id"] for line in listed.stdout.splitlines()}
    table = imagestore("ls", "--label", "espresso", environment=stack.environment).stdout
    assert "[red]" in table
    assert "\u202e" not in table
    shown = imagestore("show", record.id, environment=stack.environment).stdout
    assert '"label": "espresso"' in shown
    assert imagestore("show", "no such picture", environment=stack.environment).returncode == 1


def test_run_once_takes_in_and_ends(tmp_path: Path, folder: Path) -> None:
    """The whole command, with data of its own, twice: the second time everything is there already."""
    command = [sys.executable, "-m", "cli.main", "run", "--once", "--images", str(folder)]
    command += ["--ports", "23500", "--data", str(tmp_path / "data")]
    for taken in ("2 uploaded", "0 uploaded, 2 unchanged"):
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
        assert taken in done.stdout
        assert "2 classified" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "environment", "said"),
    [
        (["run", "--images", "/no/such/folder"], {}, "'/no/such/folder' does not exist"),
        (["run", "--ports", "23600"], {"MAX_PIXELS": "lots"}, "MAX_PIXELS is 'lots'"),
        (["run", "--ports", "23600"], {"PATH": "/nonexistent"}, "Node.js is not installed"),
        (["run", "--ports", "23600"], {"MODEL": "README.md"}, "README.md' is not an ONNX file"),
        (["upload", "samples"], {"IMAGES_STORAGE": "nonsense"}, "IMAGES_STORAGE is not a valid connection string"),
        (["ls"], {"COSMOS": "AccountEndpoint=http://localhost:1/;AccountKey=eA==;"}, "Cosmos"),
        (["ls", "--since", "yesterday"], {}, "is no time"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    stack: Stack, tmp_path: Path, arguments: list[str], environment: dict[str, str], said: str
) -> None:
    data = ["--data", str(tmp_path)] if arguments[0] == "run" else []
    done = imagestore(*arguments, *data, environment={**stack.environment, **environment})
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_data_in_use_are_left_alone(stack: Stack) -> None:
    done = imagestore("run", "--ports", "23600", "--data", str(stack.options.folder))
    assert done.returncode == 1
    assert "are in use by an Intelligent Storage that runs already" in done.stderr


def test_a_port_in_use_names_the_likely_culprit(stack: Stack, tmp_path: Path) -> None:
    ports = Ports.from_base(23700)
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports.cosmos))
        taken.listen()
        done = imagestore("run", "--ports", str(ports.blob), "--data", str(tmp_path), environment=stack.environment)
    assert done.returncode == 1
    assert f"Port {ports.cosmos} (cosmos) is in use, likely by the Azure Cosmos DB emulator" in done.stderr


def test_everything_listens_on_loopback_alone(stack: Stack) -> None:
    ports = stack.options.ports
    for port in (ports.blob, ports.queue, ports.table, ports.cosmos, ports.host):
        listeners = [
            line.split()[1] for line in Path("/proc/net/tcp").read_text().splitlines() if line.split()[3] == "0A"
        ]
        addresses = {address.split(":")[0] for address in listeners if int(address.split(":")[1], 16) == port}
        assert addresses == {"0100007F"}, port


def test_the_samples_are_credited() -> None:
    notice = (ROOT / "NOTICE").read_text()
    for picture in SAMPLES.iterdir():
        assert picture.name in notice
