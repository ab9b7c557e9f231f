"""A job always ends, whatever its child does or cannot do."""

import subprocess
import threading
from collections.abc import Callable
from typing import Any

import pytest

from imagestore.errors import GateOverride
from imagestore.pipeline.job import JobState
from imagestore.web.job import Job
from imagestore.web.jobs import Jobs


def ended(jobs: Jobs) -> Job:
    """The latest job, once nobody watches it any more."""
    assert jobs._thread is not None
    jobs._thread.join(timeout=60)
    assert jobs.latest is not None
    return jobs.latest


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Gives the child another program to run, in the shell's language."""
    start = subprocess.Popen

    def runs(script: str) -> None:
        def popen(command: list[str], **options: Any) -> Any:
            return start(["/bin/sh", "-c", script], **options)

        monkeypatch.setattr(subprocess, "Popen", popen)

    return runs


@pytest.mark.parametrize(
    "error", [OSError(12, "Cannot allocate memory"), ValueError("embedded null byte")], ids=lambda error: type(error)
)
def test_a_child_that_cannot_start_is_a_failed_job_and_the_next_can_begin(
    monkeypatch: pytest.MonkeyPatch, child: Callable[[str], None], error: Exception
) -> None:
    def no_child(*_: object, **__: object) -> None:
        raise error

    jobs = Jobs({})
    with monkeypatch.context() as patched:
        patched.setattr(subprocess, "Popen", no_child)
        job = jobs.start("reprocess", "me")
    assert job.state is JobState.FAILED
    assert job == jobs.latest
    assert str(error) in job.say
    child("""echo '{"result": {"state": "done", "say": "Well.", "details": [], "override": null}}'""")
    jobs.start("reprocess", "me")
    assert (ended(jobs).state, ended(jobs).say) == (JobState.DONE, "Well.")


def test_without_a_thread_to_watch_it_the_child_is_ended(
    monkeypatch: pytest.MonkeyPatch, child: Callable[[str], None]
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    child("exec sleep 60")
    jobs = Jobs({})
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        job = jobs.start("reprocess", "me")
    assert job.state is JobState.FAILED
    assert "new thread" in job.say


@pytest.mark.parametrize(
    "line", ["5", "null", "[]", "{}", "text", '{"result": {"state": "elsewhere"}}', '{"done": "many"}']
)
def test_what_a_library_prints_does_not_end_the_watch(child: Callable[[str], None], line: str) -> None:
    child(f"""echo '{line}'; echo '{{"stage": "Testing", "steps": 2}}'; echo '{{"done": 1}}'""")
    jobs = Jobs({})
    jobs.start("promote", "me", ("mine", "1"))
    job = ended(jobs)
    assert (job.stage, job.done, job.steps) == ("Testing", 1, 2)
    assert job.state is JobState.FAILED
    assert "broke off" in job.say


def test_a_refused_promotion_says_what_would_let_it_through(child: Callable[[str], None]) -> None:
    child("""echo '{"result": {"state": "refused", "say": "No.", "override": "nothing", "drop": ["fish"]}}'""")
    jobs = Jobs({})
    jobs.start("promote", "me", ("mine", "1"))
    job = ended(jobs)
    assert (job.state, job.override, job.drop) == (JobState.REFUSED, GateOverride.NOTHING, ["fish"])
