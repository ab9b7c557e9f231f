"""When `imagestore run` ends."""

import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import typer

from imagestore.cli import run as module
from imagestore.cli.run import run
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
