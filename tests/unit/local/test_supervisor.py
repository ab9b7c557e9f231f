"""What a stack keeps in its folder."""

import fcntl
import os
import threading
from pathlib import Path

import pytest

from imagestore.errors import NotStarted
from imagestore.local.ports import Ports
from imagestore.local.supervisor import OF_WORKERS, environment, keep_logs_short, lock
from imagestore.settings import ROOT


def test_data_belong_to_one_stack_and_a_command_that_looks_is_no_stack(tmp_path: Path) -> None:
    descriptor = lock(tmp_path)
    with pytest.raises(NotStarted, match="are in use by an Intelligent Storage that runs already"):
        lock(tmp_path)
    os.close(descriptor)
    with (tmp_path / "lock").open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        threading.Timer(0.05, fcntl.flock, (looking, fcntl.LOCK_UN)).start()
        os.close(lock(tmp_path))


def test_long_logs_begin_anew_but_not_before_they_are_read(tmp_path: Path) -> None:
    offset = tmp_path / "relay.offset"
    for name in ("azurite.log", "host.log", "short.log"):
        (tmp_path / name).write_bytes(b"x" * (10 if name == "short.log" else 10_000_000))
    offset.write_text("5")
    keep_logs_short(tmp_path, offset)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["azurite.log", "host.old", "relay.offset", "short.log"]
    offset.write_text(f"{10_000_000:<20d}")
    keep_logs_short(tmp_path, offset)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["azurite.old", "host.old", "short.log"]


def test_the_web_app_is_the_owners_unless_sign_in_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AUTH", raising=False)
    monkeypatch.delenv("PUBLIC_URL", raising=False)
    copied = {"AUTH": "off", "PUBLIC_URL": ""}
    assert environment(Ports(), copied)["AUTH"] == "off"
    monkeypatch.setenv("AUTH", "required")
    made = environment(Ports(web=8123), copied)
    assert (made["AUTH"], made["PUBLIC_URL"]) == ("required", "http://localhost:8123")
    monkeypatch.setenv("PUBLIC_URL", "https://pictures.example.org")
    assert environment(Ports(), copied)["PUBLIC_URL"] == "https://pictures.example.org"


def test_workers_have_the_variables_that_those_in_azure_have() -> None:
    deployed = (ROOT / "infra" / "modules" / "functions.bicep").read_text("utf-8")
    assert OF_WORKERS
    assert all(f"{name}: '{value}'" in deployed for name, value in OF_WORKERS.items())
