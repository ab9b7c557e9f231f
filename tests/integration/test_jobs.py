"""Runners that are killed, paused and stopped while they train: one version comes of it, and no process is left."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import commands
from imagestore.configure import open_stores
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Arguments, HowToTrain, Job, JobKind, JobState
from imagestore.local.ports import Ports, is_listening
from imagestore.local.supervisor import Options, Stack
from imagestore.settings import ROOT
from imagestore.store import Stores
from model.versions import import_folders
from preprocess import Fit
from unit.model.labelled_pictures import quiet, scene
from unit.pictures import encoded

from .conftest import eventually

QUICK = HowToTrain(colour=False, fit=Fit.CROP, level=False, middle=False, backbone="lite0", views=0)
LEASE_S = 2
Train = Callable[[str], str]
Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of stores alone, so that no runner is there but those of the tests."""
    folder = tmp_path_factory.mktemp("jobs")
    values = {"JOB_LEASE_SECONDS": str(LEASE_S)}
    options = Options(ports=Ports.from_base(24400), folder=folder, with_host=False, values=values)
    with Stack(options) as stack:
        stack.start(lambda what: None)
        yield stack


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    for number, label in enumerate(("plain", "half", "striped")):
        (folder / label).mkdir()
        for n in range(16):
            (folder / label / f"{n}.png").write_bytes(encoded(scene(100 * number + n, number)))
    return folder


@pytest.fixture
def stores(lab: Stack) -> Stores:
    return open_stores(lab.environment)


@pytest.fixture
def train(stores: Stores, board: JobBoard, labelled: Path) -> Train:
    """Begins a project with labelled pictures, and puts in that it is trained; the job's id."""

    def train(name: str) -> str:
        import_folders(stores, stores.projects.create(name, "me"), [labelled], quiet)
        return board.put(JobKind.TRAIN, "me", Arguments(name, training=QUICK)).id

    return train


@pytest.fixture
def board(stores: Stores) -> JobBoard:
    return JobBoard(stores.jobs)


@pytest.fixture
def start(lab: Stack) -> Iterator[Start]:
    """Starts runners, which end with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        environment = os.environ | lab.environment
        command = [sys.executable, "-m", "imagestore.cli.main", "jobs", "run"]
        with (lab.options.folder / "runners.log").open("ab") as log:
            started.append(subprocess.Popen(command, env=environment, cwd=ROOT, stdout=log, stderr=log))
        return started[-1]

    yield start
    for each in started:
        each.send_signal(signal.SIGCONT)
        each.terminate()
    for each in started:
        each.wait(60)


def processes(id: str) -> list[int]:
    """The process of a job's attempts, and all that these have started."""
    groups = [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if f'"job":"{id}"' in command_of(pid)]
    return [pid for pid in map(int, filter(str.isdecimal, os.listdir("/proc"))) if group_of(pid) in groups]


def command_of(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def group_of(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def running(board: JobBoard, id: str, attempt: int = 1) -> list[int]:
    """The processes of a job, once that attempt at it is under way."""
    eventually(lambda: board.read(id).attempts == attempt and processes(id), f"attempt {attempt}")
    return processes(id)


def ended(board: JobBoard, id: str) -> Job:
    eventually(lambda: not board.read(id).state.is_open, f"the end of job {id}")
    return board.read(id)


def demand_one_version(stores: Stores, board: JobBoard, id: str, name: str, attempts: int) -> None:
    job = ended(board, id)
    assert job.result is not None
    assert (job.state, job.attempts) == (JobState.DONE, attempts), job.result.say
    assert stores.models.versions(name) == [(name, job.result.version)]
    assert f"{name} {job.result.version} is trained." in job.result.say
    eventually(lambda: not processes(id), "its processes to be gone")


def test_a_runner_that_is_killed_is_followed_by_the_next(
    stores: Stores, board: JobBoard, start: Start, train: Train
) -> None:
    first, id = start(), train("killed")
    left = running(board, id)
    first.kill()
    first.wait()
    eventually(lambda: not any(map(command_of, left)), "its processes to end with it")
    start()
    demand_one_version(stores, board, id, "killed", attempts=2)


def test_a_runner_that_is_paused_past_its_lease_publishes_nothing(
    stores: Stores, board: JobBoard, start: Start, train: Train
) -> None:
    """With all that it has started, as a machine is that sleeps."""
    first, id = start(), train("paused")
    paused = [first.pid, *running(board, id)]
    for pid in paused:
        os.kill(pid, signal.SIGSTOP)
    second = start()
    assert ended(board, id).attempts == 2
    for pid in paused:
        os.kill(pid, signal.SIGCONT)
    demand_one_version(stores, board, id, "paused", attempts=2)
    second.terminate()
    second.wait(60)
    again = train("after-the-pause")
    demand_one_version(stores, board, again, "after-the-pause", attempts=1)
    assert first.poll() is None


@pytest.mark.thorough
def test_what_a_paused_runner_has_started_goes_on_and_publishes_nothing_or_all_there_is(
    stores: Stores, board: JobBoard, start: Start, train: Train
) -> None:
    first, id = start(), train("watched")
    running(board, id)
    os.kill(first.pid, signal.SIGSTOP)
    start()
    job = ended(board, id)
    os.kill(first.pid, signal.SIGCONT)
    demand_one_version(stores, board, id, "watched", attempts=job.attempts)


def test_a_runner_that_is_stopped_lets_go_of_its_job_at_once(
    stores: Stores, board: JobBoard, start: Start, train: Train
) -> None:
    first, id = start(), train("stopped")
    running(board, id)
    first.terminate()
    assert first.wait(60) == 0
    job = board.read(id)
    assert (job.state, job.attempts, processes(id)) == (JobState.QUEUED, 0, [])
    start()
    demand_one_version(stores, board, id, "stopped", attempts=1)


def test_a_job_that_is_cancelled_leaves_no_process_and_no_version(
    lab: Stack, stores: Stores, board: JobBoard, start: Start, train: Train
) -> None:
    start()
    id = train("cancelled")
    left = running(board, id)
    done = commands.run("jobs", "cancel", id, environment=lab.environment)
    assert done.returncode == 0, done.stderr
    assert ended(board, id).state is JobState.CANCELLED
    eventually(lambda: not any(map(command_of, left)), "its processes to be gone")
    assert stores.models.versions("cancelled") == []
    shown = commands.run("jobs", "show", id, environment=lab.environment)
    assert "cancelled" in shown.stdout
    assert "No version was made." in shown.stdout


def test_a_job_that_fails_says_why_and_is_tried_again(
    lab: Stack, stores: Stores, board: JobBoard, start: Start
) -> None:
    start()
    stores.models.keep("broken", "1", {"model.onnx": b"no model"})
    id = board.put(JobKind.PROMOTE, "me", Arguments("broken", "1")).id
    job = ended(board, id)
    assert job.state is JobState.FAILED
    assert job.result is not None
    assert "broken 1" in job.result.say
    assert "Traceback" not in job.result.say
    done = commands.run("jobs", "retry", id, environment=lab.environment)
    assert done.returncode == 0, done.stderr
    again = board.latest()
    assert again is not None
    assert (again.arguments, again.id > id) == (job.arguments, True)
    assert ended(board, again.id).state is JobState.FAILED
    listed = commands.run("jobs", "list", environment=lab.environment).stdout
    assert listed.index(again.id) < listed.index(id)


def test_a_model_file_is_looked_at_before_anybody_runs_it(
    lab: Stack, stores: Stores, board: JobBoard, start: Start
) -> None:
    start()
    shipped = (ROOT / "model" / "default" / "model.onnx").read_bytes()
    for version, data, admitted in (("1", shipped, True), ("2", b"no model", False)):
        stores.models.keep("looked-at", version, {"model.onnx": data})
        ended(board, board.put(JobKind.INSPECT, "me", Arguments("looked-at", version)).id)
        found = stores.models.inspection("looked-at", version)
        assert found is not None
        assert found.is_admitted is admitted
        assert bool(found.why) is not admitted
    done = commands.run("models", "inspect", "2", "--project", "looked-at", environment=lab.environment)
    assert (done.returncode, "looked-at 2" in done.stderr, "Traceback" in done.stderr) == (1, True, False)
    listed = commands.run("models", environment=lab.environment).stdout
    assert re.search(r"looked-at 2 .*cannot be used", listed)


def test_a_runner_with_a_wrong_setting_says_so_and_ends(lab: Stack) -> None:
    for wrong in ({"TOP_CLASSES": "many"}, {"COSMOS": "nonsense"}):
        done = commands.run("jobs", "run", environment=lab.environment | wrong)
        assert done.returncode == 1
        assert next(iter(wrong)) in done.stderr
        assert "Traceback" not in done.stderr


def test_a_runner_answers_on_its_port_that_it_is_well(lab: Stack, board: JobBoard) -> None:
    """Started as in Azure, with what its environment says."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "model.job_runner", "--port", str(port)]
    runner = subprocess.Popen(command, env=os.environ | lab.environment, cwd=ROOT)
    try:
        eventually(lambda: is_listening(port), "an answer")
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=30) as response:
            assert response.status == 200
        eventually(board.has_runner, "its sign of itself")
    finally:
        runner.terminate()
    assert runner.wait(60) == 0
    assert not board.has_runner()
