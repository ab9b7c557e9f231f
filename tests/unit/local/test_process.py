"""A supervised process: started again when it dies, and never after it was stopped."""

import os
import signal
import sys
from pathlib import Path

import pytest

from imagestore.errors import NotStarted
from imagestore.local.process import Process


def process(folder: Path, program: str, marker: str = "started") -> Process:
    """Python runs the program; it counts as ready once the marker is there."""
    ready = folder / marker
    return Process("part", [sys.executable, "-c", program], folder, folder / "log", {}, ready.exists)


SERVES = "import sys; open('started', 'w').close(); sys.stdin.read()"


def test_one_that_dies_is_started_again(tmp_path: Path) -> None:
    running = process(tmp_path, SERVES)
    running.start()
    first = running.pid
    assert first is not None
    assert not running.restart_if_dead()
    os.kill(first, signal.SIGKILL)
    while not running.restart_if_dead():  # it pauses longer the sooner it died
        pass
    assert running.pid not in (None, first)
    running.stop()


def test_one_that_was_stopped_stays_so(tmp_path: Path) -> None:
    running = process(tmp_path, SERVES)
    running.start()
    running.stop()
    assert not running.restart_if_dead()
    assert running.pid is None
    running.stop()


def test_one_that_ends_while_it_starts_says_why(tmp_path: Path) -> None:
    broken = process(tmp_path, "raise SystemExit('the disk is full')")
    with pytest.raises(NotStarted, match=r"part ended while it started.\nthe disk is full\n.The whole log: .*/log"):
        broken.start()
    broken.stop()


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    missing = Process("part", [str(tmp_path / "nowhere")], tmp_path, tmp_path / "log", {}, lambda: True)
    with pytest.raises(NotStarted, match=r"part cannot be started: .*nowhere"):
        missing.start()
