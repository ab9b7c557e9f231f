"""When `imagestore run` ends."""

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from imagestore.cli import run as module
from imagestore.cli.main import app
from imagestore.cli.options import chosen_folder
from imagestore.cli.run import run
from imagestore.local.supervisor import Stack
from unit.pictures import encoded, photo


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGALRM)}
    yield
    for number, does in before.items():
        signal.signal(number, does)


def for_ever(*_: object, **__: object) -> None:
    threading.Event().wait()


def nothing(*_: object, **__: object) -> None:
    return None


@pytest.mark.parametrize("slow", ["start", "upload", "pictures"])
def test_the_timeout_counts_from_the_beginning_whatever_takes_the_time(
    slow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    does: dict[str, Callable[..., None]] = {name: for_ever if name == slow else nothing for name in ("start", "upload")}
    stopped: list[bool] = []

    class Stack:
        def __init__(self, options: Any) -> None:
            self.environment: dict[str, str] = {}
            self.processes, self.start = ["one"], does["start"]

        def __enter__(self) -> "Stack":
            return self

        def __exit__(self, *_: object) -> None:
            stopped.append(True)

    watch = SimpleNamespace(expect=nothing, show=for_ever, summary=lambda: "So far so good.")
    monkeypatch.setattr(module, "Stack", Stack)
    monkeypatch.setattr(module, "open_stores", lambda environment: None)
    monkeypatch.setattr(module, "Watch", lambda stores, retries: watch)
    monkeypatch.setattr(module, "_show_problems", nothing)
    monkeypatch.setattr(module, "upload_with_progress", does["upload"])
    (tmp_path / "a.png").write_bytes(encoded(photo()))
    with pytest.raises(typer.Exit) as ended:
        run([tmp_path], once=True, timeout=0.2, ports=24500, workers=1, no_host=False)
    assert ended.value.exit_code == 3
    said = capsys.readouterr().out
    assert "Stopped after 0.2 s. Give the command again to go on." in said
    assert slow == "start" or "So far so good." in said
    assert stopped == [True]
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0), "nothing interrupts what comes after"


@pytest.mark.parametrize("error", [KeyboardInterrupt, ImportError])
def test_the_end_of_the_time_is_said_whatever_a_library_makes_of_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: type[BaseException]
) -> None:
    """A signal that comes while onnxruntime is imported ends as its ImportError."""

    def start(self: Stack, tell: object) -> None:
        with contextlib.suppress(KeyboardInterrupt):
            while True:
                signal.pause()
        raise error

    monkeypatch.setattr(Stack, "start", start)
    data = ["--data", str(tmp_path), "--ports", "24900"]
    ended = CliRunner().invoke(app, ["run", "--once", "--timeout", "0.001", *data])
    assert (ended.exit_code, ended.exception.__class__) == (3, SystemExit)
    assert "Stopped after 0.001 s." in ended.stdout
    assert chosen_folder() is None, "the option is for one command"
