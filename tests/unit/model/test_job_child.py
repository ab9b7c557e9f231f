"""What the child of a job tells its parent."""

import json
import sys
from typing import Any

import pytest

import model.promote
from classify import ModelError
from imagestore import parent_watchdog
from imagestore.errors import GateOverride, PromotionRefused, Unavailable
from imagestore.settings import AZURITE, COSMOS_EMULATOR
from imagestore.web.jobs import Jobs
from model import job_child

ASKED = {
    "kind": "promote",
    "by": "me",
    "name": "mine",
    "version": "3",
    "override": "accept_equal",
    "drop": ["sea lion"],
}


def last_line(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], argument: str) -> Any:
    monkeypatch.setattr(parent_watchdog, "end_with_parent", lambda: None)
    monkeypatch.setattr(sys, "argv", ["job_child", argument])
    monkeypatch.setenv("IMAGES_STORAGE", AZURITE)
    monkeypatch.setenv("COSMOS", COSMOS_EMULATOR)
    job_child.main()
    return json.loads(capfdbinary.readouterr().out.splitlines()[-1])["result"]


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            PromotionRefused("No.", GateOverride.FORCE, ["why"], ["sea lion"]),
            {"state": "refused", "say": "No.", "details": ["why"], "override": "force", "drop": ["sea lion"]},
        ),
        (ModelError("mine 3 is no model"), {"state": "failed", "say": "mine 3 is no model", "details": []}),
        (Unavailable("storage is away"), {"state": "failed", "say": "storage is away", "details": []}),
    ],
)
def test_an_ending_is_told_in_a_line(
    monkeypatch: pytest.MonkeyPatch,
    capfdbinary: pytest.CaptureFixture[bytes],
    error: Exception,
    told: dict[str, object],
) -> None:
    asked: dict[str, Any] = {}

    def fails(*_: object, **options: Any) -> None:
        asked.update(options)
        raise error

    monkeypatch.setattr(model.promote, "promote", fails)
    found = last_line(monkeypatch, capfdbinary, json.dumps(ASKED))
    assert found.items() >= told.items()
    assert (asked["override"], asked["drop"]) == (GateOverride.ACCEPT_EQUAL, ["sea lion"])


def test_no_name_or_account_is_taken_for_an_option(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    commands: list[list[str]] = []

    def start(jobs: Any, command: list[str], id: int) -> None:
        commands.append(command)

    monkeypatch.setattr(Jobs, "_start_child", start)
    Jobs({}).start("promote", "--by", ("--insist", "1"), GateOverride.NOTHING, ["--drop", "--", "a\0b"])
    asked: dict[str, Any] = {}

    def fails(stores: object, default: object, name: str, version: str, **options: Any) -> None:
        asked.update(options, name=name, version=version)
        raise Unavailable("storage is away")

    monkeypatch.setattr(model.promote, "promote", fails)
    told = last_line(monkeypatch, capfdbinary, commands[0][-1])
    assert told["say"] == "storage is away"
    assert (asked["by"], asked["name"], asked["version"]) == ("--by", "--insist", "1")
    assert (asked["override"], asked["drop"]) == (GateOverride.NOTHING, ["--drop", "--", "a\0b"])
