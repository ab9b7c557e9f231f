"""The function app runs in Microsoft's own worker, not only in the local host."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from integration.conftest import FAULTS, Pipeline
from local.ports import Ports
from local.supervisor import Options, Stack
from settings import ROOT
from unit.pictures import encoded, photo

HERE = Path(__file__).resolve().parent
REQUIREMENTS = (ROOT / "requirements.txt", HERE / "requirements.txt")


def find_python() -> str | None:
    """A Python 3.13 on this machine."""
    candidates = [sys.executable, shutil.which("python3.13")]
    if pyenv := shutil.which("pyenv"):
        whence = subprocess.run([pyenv, "whence", "--path", "python3.13"], capture_output=True, text=True, check=False)
        candidates += whence.stdout.split()
    for candidate in filter(None, candidates):
        version = subprocess.run([candidate, "--version"], capture_output=True, text=True, check=False)
        if version.stdout.startswith("Python 3.13"):
            return candidate
    return None


@pytest.fixture(scope="module")
def worker() -> Path:
    """The interpreter of an environment with the app's own requirements and Microsoft's worker; kept between runs."""
    python = find_python()
    if python is None:
        pytest.skip("Python 3.13, which Microsoft's worker library needs, is not on this machine")
    wanted = hashlib.sha256(b"".join(path.read_bytes() for path in REQUIREMENTS)).hexdigest()[:12]
    folder = ROOT / ".cache" / f"runtime-{wanted}"
    if not (folder / "complete").exists():
        subprocess.run([python, "-m", "venv", "--clear", folder], check=True)
        options = [option for path in REQUIREMENTS for option in ("-r", str(path))]
        subprocess.run([folder / "bin" / "python", "-m", "pip", "install", "--quiet", *options], check=True)
        (folder / "complete").touch()
    return folder / "bin" / "python"


@pytest.mark.timeout(600)
def test_microsofts_worker_indexes_and_invokes_the_app(worker: Path, tmp_path: Path) -> None:
    options = Options(ports=Ports.from_base(23300), folder=tmp_path, with_host=False)
    with Stack(options) as stack:
        stack.start(lambda what: None)
        pipeline = Pipeline(stack)
        etag = pipeline.drop("by microsoft.jpg", (ROOT / "samples" / "coffee.jpg").read_bytes())
        calls = ["preprocess:uploads/by microsoft.jpg", "classify:staging/by microsoft.jpg.png"]
        calls += ["work:uploads/by microsoft.jpg", "poison:uploads/not ours", "sweep:"]
        crash = pipeline.drop("crash.png", encoded(photo()) + b"TEST:CRASH")
        good = pipeline.drop("good.png", encoded(photo()))
        calls += ["preprocess:uploads/crash.png", "preprocess:uploads/good.png", "classify:staging/good.png.png"]
        done = subprocess.run(
            [worker, HERE / "invoke.py", ROOT, *calls],
            env={**os.environ, **stack.environment, "PYTHONPATH": str(FAULTS)},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        said = json.loads(done.stdout.strip().splitlines()[-1])
        assert said["functions"] == ["classify", "poison", "preprocess", "sweep", "work"]
        assert said["results"] == [None] * len(calls)
        assert pipeline.record("by microsoft.jpg", etag).label == "espresso"
        problem = pipeline.record("crash.png", crash).problem
        assert problem is not None
        assert problem.reason == "decoder_crashed"
        assert pipeline.record("good.png", good).problem is None
