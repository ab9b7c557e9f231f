"""The wheel, installed into an environment of its own and used from another folder."""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from collections.abc import Callable
from email.parser import HeaderParser
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from imagestore import __version__
from imagestore.settings import ROOT

from .conftest import WORKER

NOT_SOURCES = (
    ".git", ".venv", ".local", ".cache", ".*_cache", "node_modules", "__pycache__", "*.egg-info", "build", "dist",
)  # fmt: skip
EXTRAS = {
    "": ("requirements.txt", "imagestore/cli/requirements.txt"),
    "local": ("imagestore/local/requirements.txt", "imagestore/web/requirements.txt"),
    "web": ("imagestore/web/requirements.txt",),
    "train": ("model/requirements.txt",),
    "test": ("tests/requirements.txt", "docs/requirements.txt"),
}
Command = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(ROOT, folder / "sources", ignore=shutil.ignore_patterns(*NOT_SOURCES))
    command = [sys.executable, "-m", "pip", "--quiet", "wheel", "--no-deps", "--wheel-dir", str(folder), "."]
    subprocess.run(command, cwd=folder / "sources", check=True)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def command(wheel: Path, tmp_path_factory: pytest.TempPathFactory, is_thorough: bool) -> Command:
    """`imagestore` from the wheel, in an environment of its own.

    With --all pip installs the libraries that the wheel requires, from an index. Otherwise they are those of this
    environment: that takes seconds and no network, but would not show that a requirement is missing from the wheel.
    """
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    what = [f"{wheel}[local]"] if is_thorough else ["--no-deps", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", *what], check=True)
    if not is_thorough:
        (site,) = (folder / "venv").glob("lib/*/site-packages")
        (site / "libraries.pth").write_text(sysconfig.get_path("purelib"))
    node = folder / "share" / "imagestore" / "node"
    node.mkdir(parents=True)
    (node / "node_modules").symlink_to(ROOT / "imagestore" / "local" / "node_modules")
    shutil.copy(ROOT / "imagestore" / "local" / "package-lock.json", node)
    (folder / "elsewhere").mkdir()
    kept = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    environment = {**kept, "XDG_DATA_HOME": str(folder / "share"), "XDG_STATE_HOME": str(folder / "state")}

    def run(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [folder / "venv" / "bin" / "imagestore", *arguments],
            cwd=folder / "elsewhere", env=environment | more, capture_output=True, text=True, check=False,
        )  # fmt: skip

    return run


def test_the_wheel_holds_every_file_that_runs(wheel: Path) -> None:
    rooms = [ROOT / room for room in ("classify", "preprocess", "model", "imagestore")]
    wanted = {
        str(path.relative_to(ROOT))
        for room in rooms
        for path in room.rglob("*")
        if path.is_file() and not {"node_modules", "__pycache__"} & set(path.parts)
    }
    wanted = {name for name in wanted if not name.endswith(("requirements.txt", "README.md"))}
    wanted |= {"imagestore/app/function_app.py", "imagestore/app/host.json"}
    wanted |= {f"imagestore/samples/{picture.name}" for picture in (ROOT / "samples").iterdir()}
    held = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    assert held == wanted
    typed = {f"{room}/py.typed" for room in ("classify", "imagestore", "model", "preprocess")}
    assert typed <= held, "else a type checker takes all that a program uses of the client for Any"


def test_the_wheel_requires_what_the_requirement_files_pin(wheel: Path) -> None:
    archive = zipfile.ZipFile(wheel)
    (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
    metadata = HeaderParser().parsestr(archive.read(name).decode())
    assert metadata["Version"] == __version__
    assert set(metadata.get_all("Provides-Extra", [])) == EXTRAS.keys() - {""}
    required = [Requirement(line) for line in metadata.get_all("Requires-Dist", [])]
    for extra, files in EXTRAS.items():
        lines = [line for file in files for line in (ROOT / file).read_text().splitlines()]
        pinned = {Requirement(line) for line in lines if line and not line.startswith("#")}
        assert all(re.search("==", str(requirement)) for requirement in pinned)
        found = {
            r.name
            for r in required
            if (f'extra == "{extra}"' in str(r.marker) if extra else "extra" not in str(r.marker))
        }
        assert found == {requirement.name for requirement in pinned}


def test_an_installed_command_takes_the_samples_in_from_any_folder(command: Command) -> None:
    version = command("--version")
    assert version.stdout.strip() == f"imagestore {__version__}", version.stderr
    done = command("run", "--once", "--ports", str(23800 + 10 * WORKER))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "7 done: " in done.stdout


def test_an_installed_command_says_what_is_missing(command: Command) -> None:
    asked = command("ls", COSMOS="AccountEndpoint=http://localhost:1/;AccountKey=eA==;")
    assert asked.returncode == 1
    assert "Start it with imagestore run" in asked.stderr
    assert "Traceback" not in asked.stderr
