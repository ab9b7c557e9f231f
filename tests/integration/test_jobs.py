"""Long work that the page starts: one at a time, told as it goes, stopped or broken off without harm."""

import os
import signal
import socket
from collections.abc import Iterator

import pytest

from imagestore.errors import Conflict, NotFound
from imagestore.pipeline.job import JobState
from imagestore.settings import AZURITE, COSMOS_EMULATOR
from imagestore.web.job import Job
from imagestore.web.jobs import Jobs

from .conftest import eventually


@pytest.fixture
def silent() -> Iterator[str]:
    """A storage account that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        key = "a2V5"
        yield (
            f"AccountName=devstoreaccount1;AccountKey={key};"
            f"BlobEndpoint=http://127.0.0.1:{port}/d;QueueEndpoint=http://127.0.0.1:{port}/d;"
        )


@pytest.fixture
def jobs(silent: str) -> Iterator[Jobs]:
    opened = Jobs({**os.environ, "IMAGES_STORAGE": silent, "COSMOS": COSMOS_EMULATOR})
    yield opened
    opened.close()


def latest(jobs: Jobs) -> Job:
    assert jobs.latest is not None
    return jobs.latest


def ended(jobs: Jobs) -> Job:
    eventually(lambda: latest(jobs).state is not JobState.RUNNING, "the job to end")
    return latest(jobs)


def test_one_at_a_time_and_it_can_be_stopped(jobs: Jobs) -> None:
    with pytest.raises(NotFound):
        jobs.stop()
    first = jobs.start("promote", "me", ("mine", "1"))
    assert first.state is JobState.RUNNING
    with pytest.raises(Conflict, match="running already"):
        jobs.start("rollback", "me")
    stopped = jobs.stop()
    assert (stopped.state, stopped.say) == (JobState.STOPPED, "Stopped. Which model is live stands above.")
    assert jobs.start("rollback", "me").id == 2
    assert latest(jobs).state is JobState.RUNNING, "the end of the first is not taken for that of the second"


def test_one_that_is_killed_is_said_to_have_broken_off(jobs: Jobs) -> None:
    jobs.start("reprocess", "me")
    assert jobs._child is not None
    os.kill(jobs._child.pid, signal.SIGKILL)
    found = ended(jobs)
    assert found.state is JobState.FAILED
    assert "begun again" in found.say


@pytest.mark.parametrize(
    ("environ", "said"),
    [({"TOP_CLASSES": "many"}, "TOP_CLASSES"), ({"IMAGES_STORAGE": "nonsense"}, "IMAGES_STORAGE")],
)
def test_what_is_wrong_is_told_in_a_sentence(environ: dict[str, str], said: str) -> None:
    jobs = Jobs({**os.environ, "IMAGES_STORAGE": AZURITE, "COSMOS": COSMOS_EMULATOR, **environ})
    jobs.start("reprocess", "me")
    found = ended(jobs)
    assert found.state is JobState.FAILED
    assert said in found.say
    assert "Traceback" not in found.say
    jobs.close()
