"""`imagestore changes`: over the stores, and against a distant web app."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from imagestore.accounts.roles import Role
from imagestore.cli import output
from imagestore.cli import stores as opened
from imagestore.pipeline.changes.bulk import BulkChanges
from imagestore.pipeline.changes.documents import Action
from imagestore.pipeline.labelling.correct import correct
from imagestore.store import Stores
from unit.web.conftest import Drop, drop, guarded, guarded_app, people, services, stores
from unit.web.signed_in import Person

from .distant import command, in_this_process

__all__ = ["drop", "guarded", "guarded_app", "people", "services", "stores"]


@pytest.fixture(params=["distant", "here"])
def run(
    request: pytest.FixtureRequest,
    guarded_app: FastAPI,
    stores: Stores,
    people: dict[Role, Person],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., str]]:
    """What a command prints, and what it says was wrong."""
    if request.param == "here":
        monkeypatch.setattr(opened, "opened", lambda: stores)
        monkeypatch.setattr(output.console, "width", 300)
        yield lambda *arguments: _both(in_this_process(monkeypatch, capsys, *arguments))
        return
    with TestClient(guarded_app, raise_server_exceptions=False) as http:
        distant = command(http, monkeypatch, capsys, people[Role.TRAINER].secret)
        yield lambda *arguments: _both(distant(*arguments))


def test_a_change_is_listed_finished_and_undone(run: Any, stores: Stores, drop: Drop) -> None:
    assert run("changes", "list") == "There are none.\n"
    ids = [drop(f"{number}.jpg").id for number in range(60)]
    bulk = BulkChanges(stores)
    change = bulk.begin(Action.LABEL, ids, "maria", ["lynx"])
    bulk.step(change.id)
    assert "label lynx" in run("changes", "list")
    assert run("changes", "continue", change.id) == "applied: 60 of 60 changed.\n"
    correct(stores, "0.jpg", "owl", "otto")
    said = run("changes", "undo", change.id)
    assert said.startswith("undone: 60 of 60 changed, 59 put back, 1 left as they are.\n")
    assert "0.jpg: Somebody else has changed it since." in said


def _both(said: Any) -> str:
    return f"{said.out}{said.err}"
