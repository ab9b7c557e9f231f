"""What is deployed runs alone in Microsoft's own worker, from an empty environment, as Azure Functions starts it."""

import contextlib
import hashlib
import json
import re
import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import pytest

from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.settings import ROOT
from integration.conftest import FAULTS, Pipeline
from otlp import receiver
from unit.infra import bicep
from unit.pictures import encoded, photo

HERE = Path(__file__).resolve().parent
WEB_PORT, JOBS_PORT = 23320, 23321
REQUIREMENTS = HERE / "requirements.txt"


@dataclass(frozen=True)
class Deployed:
    """An interpreter without any packages, the apps' folders, and that of Microsoft's worker library."""

    python: str
    app: Path
    web: Path
    jobs: Path
    worker: Path

    @property
    def import_path(self) -> list[str]:
        """What a worker on Flex Consumption puts on `sys.path`; no variable names it."""
        return [str(self.app), str(self.app / ".python_packages" / "lib" / "site-packages"), str(self.worker)]


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


def installed(python: str, requirements: Path) -> Path:
    """A folder with what these requirements name, as `pip install --target` puts it; kept between runs."""
    folder = ROOT / ".cache" / f"target-{hashlib.sha256(requirements.read_bytes()).hexdigest()[:12]}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", str(folder)]
        subprocess.run([*command, "-r", requirements], check=True)
        (folder / "complete").touch()
    return folder


@pytest.fixture(scope="module")
def deployed(tmp_path_factory: pytest.TempPathFactory) -> Deployed:
    """The built package with its requirements beside it."""
    python = find_python()
    if python is None:
        pytest.skip("Python 3.13 is not on this machine: nothing here started what is deployed as Azure starts it.")
    dist = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, ROOT / "infra" / "package.py", "--to", dist], check=True, capture_output=True)
    packages = dist / "function" / ".python_packages" / "lib" / "site-packages"
    packages.parent.mkdir(parents=True)
    packages.symlink_to(installed(python, dist / "function" / "requirements.txt"))
    return Deployed(python, dist / "function", dist / "web", dist / "jobs", installed(python, REQUIREMENTS))


@pytest.mark.timeout(1200)
def test_the_built_package_alone_turns_an_upload_into_a_record(deployed: Deployed, tmp_path: Path) -> None:
    options = Options(ports=Ports.from_base(23300), folder=tmp_path, with_host=False)
    with receiver() as (collector, received), Stack(options) as stack:
        stack.start(lambda what: None)
        pipeline = Pipeline(stack)
        etag = pipeline.drop("by microsoft.jpg", (ROOT / "samples" / "coffee.jpg").read_bytes())
        calls = ["preprocess:uploads/by microsoft.jpg", "classify:staging/by microsoft.jpg.png"]
        calls += ["work:uploads/by microsoft.jpg", "poison:uploads/not ours", "sweep:", "dead_letters:"]
        crash = pipeline.drop("crash.png", encoded(photo()) + b"TEST:CRASH")
        good = pipeline.drop("good.png", encoded(photo()))
        calls += ["preprocess:uploads/crash.png", "preprocess:uploads/good.png", "classify:staging/good.png.png"]
        asked = {
            "environment": {
                **stack.environment,
                "OTEL_EXPORTER_OTLP_ENDPOINT": collector,
                "PYTHON_ENABLE_OPENTELEMETRY": "true",  # as infra/ sets it
            },
            "import_path": [*deployed.import_path, str(FAULTS)],
            "folder": str(deployed.app),
            "calls": calls,
        }
        done = subprocess.run(
            [deployed.python, "-I", "-S", HERE / "invoke.py"],
            input=json.dumps(asked), env={}, cwd=tmp_path, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-3000:]
        said = json.loads(done.stdout.strip().splitlines()[-1])
        assert said["functions"] == ["classify", "dead_letters", "poison", "preprocess", "sweep", "work"]
        assert said["results"] == [None] * len(calls)
        assert pipeline.record("by microsoft.jpg", etag).label == "cup or mug"
        problem = pipeline.record("crash.png", crash).problem
        assert problem is not None
        assert problem.reason == "decoder_crashed"
        assert pipeline.record("good.png", good).problem is None
        assert "WorkerOpenTelemetryEnabled" in said["capabilities"], "else the host sends the same lines again"
        traces = {span.attributes["picture_id"]: span.more["trace_id"] for span in received.spans("classify")}
        by_microsoft = pipeline.record("by microsoft.jpg", etag)
        assert traces[by_microsoft.id] == by_microsoft.trace_id


@pytest.mark.timeout(1200)
def test_the_built_web_app_alone_answers_to_azures_health_check(deployed: Deployed, tmp_path: Path) -> None:
    """With the command and the names of settings that infra/ gives it, and its own requirements alone."""
    module = bicep.text("modules/web.bicep")
    (command,) = re.findall(r"var startCommand = 'python ([^']+)'", module)
    (health,) = re.findall(r"var healthPath = '([^']+)'", module)
    settings = {name: "x" for name in bicep.app_settings(module) if not name.startswith(("SCM_", "WEBSITE_"))}
    settings |= {name: f"https://127.0.0.1:1/{name}" for name in settings if name.endswith(("Uri", "Endpoint"))}
    settings |= {name: "managedidentity" for name in settings if name.endswith("__credential")}
    settings |= {"AUTH": "required", "TRUSTED_PROXIES": "1", "PUBLIC_URL": "https://pictures.example.org"}
    settings |= {"WEB_INDEX": str(tmp_path / "index.sqlite")}
    packages = installed(deployed.python, deployed.web / "requirements.txt")
    log = tmp_path / "log"
    with log.open("wb") as written:
        web = subprocess.Popen(
            [deployed.python, "-S", *command.replace("8000", str(WEB_PORT)).split()],
            cwd=deployed.web, env=settings | {"PYTHONPATH": str(packages)}, stdout=written, stderr=written,
        )  # fmt: skip
    try:
        assert answer(f"http://127.0.0.1:{WEB_PORT}{health}", web) == 200, log.read_text()[-3000:]
    finally:
        web.terminate()
        web.wait(timeout=60)


@pytest.mark.timeout(1200)
def test_the_built_runner_of_jobs_alone_answers_to_azures_health_check_and_stops(
    deployed: Deployed, tmp_path: Path
) -> None:
    """With the command and the names of settings that infra/ gives it, though no store answers; and it can train."""
    module = bicep.text("modules/jobs.bicep")
    (command,) = re.findall(r"var startCommand = 'exec python ([^']+)'", module)
    settings = {name: "x" for name in bicep.app_settings(module) if "__" in name}
    settings |= {name: f"https://127.0.0.1:1/{name}" for name in settings if name.endswith(("Uri", "Endpoint"))}
    settings |= {name: "managedidentity" for name in settings if name.endswith("__credential")}
    packages = installed(deployed.python, deployed.jobs / "requirements.txt")
    log = tmp_path / "log"
    with log.open("wb") as written:
        runner = subprocess.Popen(
            [deployed.python, "-S", *command.replace("8000", str(JOBS_PORT)).split()],
            cwd=deployed.jobs, env=settings | {"PYTHONPATH": str(packages)}, stdout=written, stderr=written,
        )  # fmt: skip
    try:
        assert answer(f"http://127.0.0.1:{JOBS_PORT}/", runner) == 200, log.read_text()[-3000:]
        assert "are not installed here" not in log.read_text()
    finally:
        runner.terminate()
    assert runner.wait(timeout=300) == 0


def answer(address: str, process: subprocess.Popen[bytes]) -> int | None:
    """The status of the first answer; None if the process ended or did not answer within a minute."""
    ends = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < ends:
        try:
            with urllib.request.urlopen(address, timeout=10) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:  # nobody listens yet
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=0.1)
    return None
