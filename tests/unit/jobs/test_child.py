"""A job always ends, whatever its process does or cannot do, and nothing that it has started is left."""

import os
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imagestore.errors import GateOverride
from imagestore.jobs.child import JobProcess, start
from imagestore.jobs.job import Job, JobKind, JobResult, JobState

JOB = Job(id="1795251600112000", kind=JobKind.TRAIN, by="me", created_at="", attempt="--by", attempts=1)
WAIT_S = 60.0


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[str], JobProcess]:
    """Starts a process with another program, in the shell's language."""
    popen = subprocess.Popen

    def runs(script: str) -> JobProcess:
        def other(command: list[str], **options: Any) -> Any:
            return popen(["/bin/sh", "-c", script], **options)

        with monkeypatch.context() as patched:
            patched.setattr(subprocess, "Popen", other)
            return start(JOB, os.environ, tmp_path)

    return runs


def ended(child: JobProcess) -> JobResult:
    until(lambda: child.result is not None)
    assert child.result is not None
    return child.result


def until(look: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(int(WAIT_S / 0.01)):
        if look():
            return
        pause.wait(0.01)
    raise AssertionError("it never came")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_it_tells_how_far_it_is_and_how_it_ended(runs: Callable[[str], JobProcess]) -> None:
    child = runs(
        """echo '{"stage": "Testing", "steps": 2}'; echo '{"done": 1}'; read line
        echo '{"result": {"state": "refused", "say": "No.", "override": "nothing", "drop": ["fish"]}}'"""
    )
    until(lambda: child.progress.done == 1)
    assert (child.progress.stage, child.progress.steps) == ("Testing", 2)
    assert child.result is None
    assert child._popen.stdin is not None
    child._popen.stdin.write(b"\n")
    child._popen.stdin.flush()
    found = ended(child)
    assert (found.state, found.override, found.drop) == (JobState.REFUSED, GateOverride.NOTHING, ["fish"])


@pytest.mark.parametrize(
    "line", ["5", "null", "[]", "{}", "text", '{"result": {"state": "elsewhere"}}', '{"done": "many"}']
)
def test_what_a_library_prints_does_not_end_the_watch(runs: Callable[[str], JobProcess], line: str) -> None:
    child = runs(f"""echo '{line}'; echo '{{"stage": "Testing", "steps": 2}}'; echo '{{"done": 1}}'; exit 3""")
    found = ended(child)
    assert (child.progress.stage, child.progress.done, child.progress.steps) == ("Testing", 1, 2)
    assert (found.state, "exit code 3" in found.say) == (JobState.FAILED, True)


def test_one_that_is_killed_says_so(runs: Callable[[str], JobProcess]) -> None:
    found = ended(runs("kill -KILL $$"))
    assert found.state is JobState.FAILED
    assert "SIGKILL" in found.say


def test_what_it_has_started_ends_with_it(runs: Callable[[str], JobProcess], tmp_path: Path) -> None:
    child = runs("sleep 600 & echo $! > pid; wait")
    until(lambda: (tmp_path / "pid").exists() and (tmp_path / "pid").read_text().endswith("\n"))
    pid = int((tmp_path / "pid").read_text())
    child.end()
    assert child._popen.returncode is not None
    until(lambda: not is_alive(pid))
    child.end()


def test_what_it_leaves_behind_ends_too(runs: Callable[[str], JobProcess], tmp_path: Path) -> None:
    child = runs("sleep 600 >/dev/null & echo $! > pid; exit 0")
    ended(child)
    pid = int((tmp_path / "pid").read_text())
    until(lambda: not is_alive(pid))


def test_without_a_thread_to_watch_it_the_process_is_ended(
    runs: Callable[[str], JobProcess], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        with pytest.raises(RuntimeError, match="new thread"):
            runs("echo $$ > pid; exec sleep 600")


def test_no_name_is_taken_for_an_option(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    commands: list[list[str]] = []

    def refused(command: list[str], **options: Any) -> Any:
        commands.append(command)
        raise OSError("no")

    monkeypatch.setattr(subprocess, "Popen", refused)
    with pytest.raises(OSError, match="no"):
        start(JOB, os.environ, tmp_path)
    assert commands[0][1:] == ["-m", "model.job_child", '{"job":"1795251600112000","attempt":"--by"}']
