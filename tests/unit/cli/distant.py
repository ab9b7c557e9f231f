"""The command line in this process, which asks the whole web app in this process as a distant one."""

import contextvars
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from starlette.testclient import TestClient

from imagestore.cli import administration, instance, output, servers
from imagestore.cli.main import main
from imagestore.cli.profiles import Server
from imagestore.client import Client
from unit.web.signed_in import PUBLIC


@dataclass(frozen=True)
class Outcome:
    """What a command printed, and how it ended."""

    out: str
    err: str
    code: int


Command = Callable[..., Outcome]


def command(
    http: TestClient, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], key: str | None
) -> Command:
    """What runs a command with this key against the web app."""

    def client_of(server: Server) -> Client:
        return Client(server.address, server.key, http=http, sleep=lambda seconds: None)

    monkeypatch.setattr(instance, "client_of", client_of)
    monkeypatch.setattr(administration, "client_of", client_of)
    for screen in (output.console, output.errors):  # which were made before this test, as wide as the terminal was then
        monkeypatch.setattr(screen, "width", 300)
    monkeypatch.setenv(servers.SERVER_VARIABLE, PUBLIC)
    if key is not None:
        monkeypatch.setenv(servers.KEY_VARIABLE, key)

    def run(*arguments: str) -> Outcome:
        return in_this_process(monkeypatch, capsys, *arguments)

    return run


def in_this_process(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: Any) -> Outcome:
    """Run a command as the shell does."""
    monkeypatch.setattr(sys, "argv", ["imagestore", *map(str, arguments)])
    try:
        contextvars.Context().run(main)  # which knows no options of earlier commands
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    printed = capsys.readouterr()
    return Outcome(printed.out, printed.err, code)
