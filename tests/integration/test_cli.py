"""The command line against a running stack, and what it says when something is wrong."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from commands import run as imagestore
from imagestore import __version__
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Stack
from imagestore.settings import ROOT
from unit.pictures import encoded, photo

from .conftest import FAULTS, SAMPLES, WORKER, Pipeline, eventually


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
    listed = imagestore("ls", "--label", "cup or mug", "--since", "1h", "--json", environment=stack.environment)
    assert record.id in {json.loads(line)["id"] for line in listed.stdout.splitlines()}
    table = imagestore("ls", "--label", "cup or mug", environment=stack.environment).stdout
    assert "[red]" in table
    assert "\u202e" not in table
    shown = imagestore("show", record.id, environment=stack.environment).stdout
    assert "cup or mug" in shown
    assert "{" not in shown
    as_json = imagestore("show", record.id, "--json", environment=stack.environment).stdout
    assert json.loads(as_json)["label"] == "cup or mug"
    assert imagestore("show", "no such picture", environment=stack.environment).returncode == 1


def test_ls_for_programs_lists_everything(stack: Stack, pipeline: Pipeline) -> None:
    names = {f"many/{number}.txt" for number in range(60)}
    for name, etag in [(name, pipeline.drop(name, b"no picture")) for name in names]:
        pipeline.record(name, etag)
    for_programs = imagestore("ls", "--json", environment=stack.environment).stdout.splitlines()
    assert names <= {json.loads(line)["name"] for line in for_programs}
    assert len(imagestore("ls", "--json", "--limit", "7", environment=stack.environment).stdout.splitlines()) == 7
    assert "The newest 50; more with --limit." in imagestore("ls", environment=stack.environment).stdout


def test_delete_asks_and_takes_all_that_was_made_with_it(stack: Stack, pipeline: Pipeline, coffee: bytes) -> None:
    etag = pipeline.drop("gone/cup.jpg", coffee)
    pipeline.record("gone/cup.jpg", etag)
    refused = imagestore("delete", "gone/cup.jpg", environment=stack.environment)  # nobody says yes
    assert refused.returncode == 1
    assert pipeline.stores.uploads.stat("gone/cup.jpg") is not None
    missing = imagestore("delete", "gone/cup.jpg", "no such.jpg", "--yes", environment=stack.environment)
    assert "There is no upload 'no such.jpg'" in missing.stderr
    assert pipeline.stores.uploads.stat("gone/cup.jpg") is not None
    done = imagestore("delete", "gone/cup.jpg", "--yes", environment=stack.environment)
    assert done.stdout.strip() == "'gone/cup.jpg' deleted."
    eventually(lambda: pipeline.stores.results.stat("gone/cup.jpg.json") is None, "the result to be deleted")
    assert pipeline.stores.uploads.stat("gone/cup.jpg") is None


def test_a_command_finds_the_stack_that_is_named(stack: Stack, pipeline: Pipeline, coffee: bytes) -> None:
    """No connection is given: only the data folder says where the stack is."""
    pipeline.record("found/cup.jpg", pipeline.drop("found/cup.jpg", coffee))
    folder = str(stack.options.folder)
    for arguments in (["show", "found/cup.jpg", "--data", folder], ["--data", folder, "show", "found/cup.jpg"]):
        assert "cup or mug" in imagestore(*arguments).stdout
    assert "cup or mug" in imagestore("show", "found/cup.jpg", environment={"IMAGESTORE_DATA": folder}).stdout
    assert imagestore("models", "list", "--data", folder).returncode == 0
    lost = imagestore("ls", "--data", folder + "-not")
    assert lost.returncode == 1
    assert f"--data {folder}   (http://localhost:{stack.options.ports.web})" in lost.stderr


def listed_in(data: Path) -> set[str]:
    lines = imagestore("ls", "--json", "--data", str(data)).stdout.splitlines()
    return {json.loads(line)["name"] for line in lines}


def run_once(images: Path, data: Path, *more: str) -> list[str]:
    command = [sys.executable, "-m", "imagestore.cli.main", "run", "--once", "--images", str(images), *more]
    return [*command, "--ports", str(23500 + 10 * WORKER), "--data", str(data)]


def test_run_once_takes_in_and_ends(tmp_path: Path, folder: Path) -> None:
    """The whole command, with data of its own, twice: the second time everything is there already."""
    for taken in ("2 uploaded", "0 uploaded, 2 unchanged"):
        done = subprocess.run(
            run_once(folder, tmp_path / "data"), cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        assert taken in done.stdout
        assert "2 done: 2 classified." in done.stdout


def test_run_once_says_when_it_waits_for_another_attempt(tmp_path: Path) -> None:
    """A picture on which the decoder runs out of memory is tried again, here in an hour."""
    folder, data = tmp_path / "pictures", tmp_path / "data"
    folder.mkdir()
    (folder / "heavy.png").write_bytes(encoded(photo()) + b"TEST:MEMORY")
    environment = {**os.environ, "PYTHONPATH": str(FAULTS), "RETRY_DELAYS_SECONDS": "3600"}
    with subprocess.Popen(
        run_once(folder, data), cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment
    ) as running:
        assert running.stdout is not None
        lines = iter(running.stdout.readline, "")
        waiting = next(line for line in lines if "to be tried again" in line)
        assert re.search(r"1 picture waits to be tried again, the next at \d\d:\d\d:\d\d: DecoderFailed", waiting)
        running.send_signal(signal.SIGINT)
        said = "".join(lines)
    assert "0 done." in said
    assert "1 without a final record." in said
    again = subprocess.run(
        run_once(folder, data, "--timeout", "0.1"), cwd=ROOT, capture_output=True, text=True, check=False,
        env=environment,
    )  # fmt: skip
    assert again.returncode == 3, again.stdout + again.stderr
    assert "Stopped after 0.1 s." in again.stdout


def test_run_on_an_empty_stack_takes_the_samples_in_and_ctrl_c_sums_up_all_that_was_done(tmp_path: Path) -> None:
    ports = Ports.from_base(23500 + 10 * WORKER)
    command = [sys.executable, "-m", "imagestore.cli.main", "run", "--ports", str(ports.blob), "--data", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None
        lines = iter(running.stdout.readline, "")
        assert "the samples go in" in next(line for line in lines if "no pictures yet" in line)
        assert next(line for line in lines if "uploaded" in line).startswith("7 uploaded")
        mine = imagestore("upload", str(SAMPLES / "cat.jpg"), "--prefix", "mine/", "--data", str(tmp_path))
        assert mine.stdout.startswith("1 uploaded")
        all_eight = {"mine/cat.jpg", *(picture.name for picture in SAMPLES.iterdir())}
        eventually(lambda: listed_in(tmp_path) == all_eight, "the records")
        running.send_signal(signal.SIGINT)
        said = "".join(lines)
    assert re.search(r"^8 done: ", said, re.MULTILINE)


def test_a_name_that_is_not_utf8_is_counted_and_the_rest_goes_in(stack: Stack, tmp_path: Path, coffee: bytes) -> None:
    (tmp_path / "good.jpg").write_bytes(coffee)
    with open(os.fsencode(tmp_path) + b"/caf\xe9.jpg", "wb") as file:
        file.write(coffee)
    done = imagestore("upload", str(tmp_path), "--prefix", "utf8/", environment=stack.environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "1 uploaded, 1 skipped (name is not UTF-8)."


def test_version_and_help() -> None:
    assert imagestore("--version").stdout.strip() == f"imagestore {__version__}"
    for arguments in (["-h"], ["ls", "-h"]):
        assert "Usage: " in imagestore(*arguments).stdout
    as_named = {"_TYPER_COMPLETE_TEST_DISABLE_SHELL_DETECTION": "1"}  # whatever shell runs the tests
    completion = imagestore("--show-completion", "bash", environment=as_named)
    assert completion.returncode == 0, completion.stderr
    assert "complete" in completion.stdout


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
