"""A project of Custom Vision is brought over by runners that are killed in the middle: all of it, and nothing twice.

What is asked is our own training API, filled by its stores, over HTTP.
"""

import asyncio
import hashlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import uvicorn
from PIL import Image
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

import commands
from imagestore.configure import open_stores, sealer_of
from imagestore.jobs.board import JobBoard
from imagestore.jobs.job import Arguments, Importing, JobKind, JobState
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.settings import ROOT, Settings
from imagestore.store import Stores
from imagestore.store.training import PictureFacts, TrainingPictures
from imagestore.web.app import app_of
from imagestore.web.services import Services
from unit.model.labelled_pictures import scene
from unit.pictures import encoded
from unit.web.conftest import services
from unit.web.memory import memory_stores

from .conftest import eventually

__all__ = ["services"]
KEY = "s3cret-key"
TITLE = "Garden"
Start = Callable[[], subprocess.Popen[bytes]]


@pytest.fixture
def stores() -> Stores:
    """The stores of the instance that is asked."""
    return memory_stores()


class Gate:
    """Lets so many pictures through, and the others wait; `fetched` were asked for. `says` are answers of its own, by
    the end of the address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.open_for = sys.maxsize
        self.is_open = threading.Event()
        self.fetched = 0
        self.says: dict[str, Any] = {}

    def open(self) -> None:
        """Give out all there is, also what is waited for."""
        self.open_for = sys.maxsize
        self.is_open.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        for end, answer in self.says.items():
            if scope["type"] == "http" and scope["path"].endswith(end):
                return await JSONResponse(answer)(scope, receive, send)
        if scope["type"] == "http" and scope["path"].endswith("/content"):
            self.fetched += 1
            number = self.fetched
            if number > self.open_for:
                await asyncio.to_thread(self.is_open.wait)
        await self._app(scope, receive, send)


class Elsewhere:
    """The instance that is asked."""

    def __init__(self, gate: Gate, port: int, stores: Stores) -> None:
        self.gate = gate
        self.address = f"http://localhost:{port}"
        self.stores = stores
        self.contents: dict[str, bytes] = {}

    def fill(self, count: int, picture: Callable[[int], Image.Image] | None = None) -> None:
        """Put pictures in, of which every tenth has no tag."""
        project = self.stores.projects.create(TITLE, "me", id="11111111-1111-4111-8111-111111111111")
        pictures, random = TrainingPictures(self.stores.training, project.name), np.random.default_rng(1)
        pictures.begin()
        for n in range(count):
            noise = Image.fromarray(random.integers(0, 256, (12, 12, 3)).astype(np.uint8))
            data = encoded(noise if picture is None else picture(n))
            sha256 = hashlib.sha256(data).hexdigest()
            labels = () if n % 10 == 0 else (("rose", "lily")[n % 2],)
            created = f"2026-11-21T09:{n // 60 % 60:02d}:{n % 60:02d}.{n:06d}Z"
            pictures.put_facts(sha256, PictureFacts(labels, source=f"{n}.png", created_at=created), None)
            pictures.put_picture(sha256, data)
            self.contents[sha256] = data


@pytest.fixture
def elsewhere(services: Services, stores: Stores) -> Iterator[Elsewhere]:
    gate = Gate(app_of(services))
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(gate, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield Elsewhere(gate, listening.getsockname()[1], stores)
        gate.open()
        server.should_exit = True
        thread.join()
    services.renderer.close()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A stack of stores alone, so that no runner is there but those of the tests."""
    options = Options(
        ports=Ports.from_base(24600),
        folder=tmp_path_factory.mktemp("imports"),
        with_host=False,
        values={"JOB_LEASE_SECONDS": "2"},
    )
    with Stack(options) as stack:
        stack.start(lambda what: None)
        yield stack


@pytest.fixture
def here(lab: Stack) -> Iterator[Stores]:
    opened = open_stores(lab.environment)
    yield opened
    for name in list(blob.name for page, _ in opened.training.list() for blob in page):
        opened.training.delete(name)


@pytest.fixture
def start(lab: Stack) -> Iterator[Start]:
    """Starts runners, which end with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "imagestore.cli.main", "jobs", "run"]
        with log_of(lab).open("ab") as log:
            runner = subprocess.Popen(command, env=os.environ | lab.environment, cwd=ROOT, stdout=log, stderr=log)
        started.append(runner)
        return runner

    yield start
    for each in started:
        each.terminate()
    for each in started:
        each.wait(60)


def log_of(lab: Stack) -> Path:
    return lab.options.folder / "runners.log"


def found(here: Stores, folder: str) -> dict[str, bytes]:
    pictures = TrainingPictures(here.training, folder)
    return {one.sha256: pictures.picture(one.sha256) for one in pictures.list() if one.is_there}


@pytest.mark.parametrize("count", [120, pytest.param(2000, marks=pytest.mark.thorough)])
def test_killed_twice_it_ends_with_all_pictures_and_nothing_twice(
    lab: Stack, here: Stores, start: Start, elsewhere: Elsewhere, count: int
) -> None:
    elsewhere.fill(count)
    board, wanted = JobBoard(here.jobs), Importing(elsewhere.address, TITLE, train=False)
    sealer = sealer_of(Settings.read(lab.environment), lab.environment)
    assert sealer is not None
    sealed = sealer.seal(KEY, wanted.bound)
    job = board.put(JobKind.IMPORT, "me", Arguments(importing=wanted), sealed=sealed)
    for share in (3, 1.5):
        elsewhere.gate.open_for = round(count / share)
        runner = start()
        eventually(lambda: elsewhere.gate.fetched > elsewhere.gate.open_for, "the middle")
        assert KEY not in str(here.jobs.read(job.id))
        runner.send_signal(signal.SIGKILL)
        runner.wait()
        elsewhere.gate.fetched = elsewhere.gate.open_for
    elsewhere.gate.open()
    start()
    eventually(lambda: not board.read(job.id).state.is_open, "the end")
    ended = board.read(job.id)
    assert ended.result is not None
    assert (ended.state, ended.attempts, ended.sealed) == (JobState.DONE, 3, None), ended.result
    counts = {row.what: (row.there, row.here) for row in ended.result.counts}
    tagged, untagged = count - count // 10, count // 10
    assert counts["tagged pictures"] == (tagged, tagged)
    assert counts["untagged pictures"] == (untagged, untagged)
    assert all(there == here for there, here in counts.values())
    assert found(here, TITLE) == elsewhere.contents
    assert [one.title for one in here.projects.list() if one.title.startswith(TITLE)] == [TITLE]
    assert KEY not in log_of(lab).read_text()


def test_the_command_does_it_by_a_runner_where_there_is_one_and_by_itself_where_not(
    lab: Stack, here: Stores, start: Start, elsewhere: Elsewhere
) -> None:
    elsewhere.fill(30)
    asked = ("import", "custom-vision", "--endpoint", elsewhere.address, "--project", TITLE, "--no-train")
    environment = lab.environment | {"CUSTOM_VISION_KEY": KEY}
    board = JobBoard(here.jobs)
    before = len(board.list())
    eventually(lambda: not board.has_runner(), "the runners of before to be forgotten")
    alone = commands.run(*asked, environment=environment)
    assert alone.returncode == 0, alone.stderr
    assert "30 pictures came now. The counts agree." in alone.stdout.replace("\n", " ")
    assert len(board.list()) == before
    fetched = elsewhere.gate.fetched
    start()
    eventually(board.has_runner, "a runner")
    by_a_runner = commands.run(*asked, environment=environment)
    assert by_a_runner.returncode == 0, by_a_runner.stderr
    assert "0 pictures came now. The counts agree." in by_a_runner.stdout.replace("\n", " ")
    assert (len(board.list()), elsewhere.gate.fetched) == (before + 1, fetched)
    listed = commands.run("jobs", "list", environment=environment)
    assert "import Garden" in listed.stdout
    assert KEY not in alone.stdout + by_a_runner.stdout + listed.stdout + str(here.jobs.read(board.list()[0].id))


@pytest.mark.thorough
def test_it_trains_and_the_report_says_what_was_claimed_and_what_is_so(
    lab: Stack, here: Stores, start: Start, elsewhere: Elsewhere
) -> None:
    elsewhere.fill(60, lambda n: scene(100 * (n % 2) + n, n % 2))
    figures = {"precision": 0.97, "recall": 0.96, "averagePrecision": 0.98}
    of_rose = {"id": "1", "name": "rose", "precision": 0.95, "recall": 0.94, "averagePrecision": 0.96}
    elsewhere.gate.says = {
        "/iterations": [{"id": "1", "name": "Iteration 1", "status": "Completed", "created": "2026-10-01T09:00:00Z"}],
        "/performance": {**figures, "perTagPerformance": [of_rose]},
    }
    start()
    eventually(JobBoard(here.jobs).has_runner, "a runner")
    asked = ("import", "custom-vision", "--endpoint", elsewhere.address, "--project", TITLE)
    done = commands.run(*asked, environment=lab.environment | {"CUSTOM_VISION_KEY": KEY})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Custom Vision claimed a precision of 0.970 and a recall of 0.960 of 'Iteration 1'." in done.stdout
    assert f"imagestore promote 1 --project {TITLE}" in done.stdout
    claimed = (here.models.figures(TITLE, "1") or {})["claimed"]
    assert claimed["claims"][0]["average_precision"] == 0.98
    assert {one["label"]: one["claimed"] and one["claimed"]["recall"] for one in claimed["labels"]} == {
        "lily": None, "rose": 0.94,
    }  # fmt: skip
    assert claimed["here"]["precision"]["of"] > 0
    page = here.models.read(TITLE, "1", "report.html").decode()
    assert "What Custom Vision claimed, and what is so here" in page
    assert "<td>0.970</td>" in page
