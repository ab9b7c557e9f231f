"""`imagestore webhooks`: over the stores, and against a distant web app."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from imagestore.accounts.roles import Role
from imagestore.cli import output
from imagestore.cli import stores as opened
from imagestore.cli import webhooks as command_of_webhooks
from imagestore.settings import Settings
from imagestore.store import Stores
from imagestore.web.services import Services
from imagestore.webhooks.webhook import EventType
from unit.web.conftest import guarded, guarded_app, people, services, stores
from unit.web.signed_in import Person

from .distant import command, in_this_process

__all__ = ["guarded", "guarded_app", "people", "services", "stores"]
URL = "https://example.org/hook"


@pytest.fixture(params=["distant", "here"])
def run(
    request: pytest.FixtureRequest,
    guarded_app: FastAPI,
    guarded: Services,
    stores: Stores,
    people: dict[Role, Person],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Callable[..., str]]:
    """What a command prints, and what it says was wrong."""
    if request.param == "here":
        monkeypatch.setattr(opened, "opened", lambda: stores)
        monkeypatch.setattr(opened, "environment", dict)
        monkeypatch.setattr(opened, "settings", Settings)
        monkeypatch.setattr(command_of_webhooks, "webhooks_of", lambda *of: guarded.webhooks)
        monkeypatch.setattr(output.console, "width", 300)
        yield lambda *arguments: _both(in_this_process(monkeypatch, capsys, *arguments))
        return
    with TestClient(guarded_app, raise_server_exceptions=False) as http:
        distant = command(http, monkeypatch, capsys, people[Role.ADMIN].secret)
        yield lambda *arguments: _both(distant(*arguments))


def test_a_webhook_is_added_shown_tested_turned_off_and_removed(run: Any, guarded: Services) -> None:
    assert run("webhooks", "list") == "There are none.\n"
    said = run("webhooks", "add", URL, "--event", "picture.classified", "--prefix", "garden/", "--name", "The shop")
    (webhook,) = guarded.webhooks.all()
    assert said == f"{webhook.id}: its secret, shown this one time:\n{guarded.webhooks.secret(webhook)}\n"
    assert webhook.events == (EventType.CLASSIFIED,)
    assert "The shop garden/*" in run("webhooks", "list")
    shown = run("webhooks", "show", webhook.id)
    assert URL in shown
    assert "imagestore.picture.classified" in shown
    assert "is sent as soon as a runner comes to it" in run("webhooks", "test", webhook.id)
    (delivery,) = guarded.webhooks.deliveries(webhook.id, 10)
    assert f"{delivery.id}  webhook.test  waiting  0" in run("webhooks", "deliveries", webhook.id)
    assert run("webhooks", "deliveries", webhook.id, "--state", "given_up") == "There are none.\n"
    assert "is sent as soon as" in run("webhooks", "resend", webhook.id, delivery.id)
    assert run("webhooks", "off", webhook.id) == "Off.\n"
    assert "Turn it on first" in run("webhooks", "test", webhook.id)
    assert run("webhooks", "on", webhook.id) == "On.\n"
    assert run("webhooks", "remove", webhook.id) == "Removed.\n"
    assert "There is no webhook" in run("webhooks", "show", webhook.id)


def test_without_a_choice_all_events_are_told_and_what_is_no_event_is_said(run: Any, guarded: Services) -> None:
    assert "'picture.eaten' is no event. There are picture.classified," in run(
        "webhooks", "add", URL, "--event", "picture.eaten"
    ).replace("\n", " ").replace("│", "").replace("  ", " ")
    assert "does not begin with https://" in run("webhooks", "add", "http://example.org/")
    run("webhooks", "add", URL)
    (webhook,) = guarded.webhooks.all()
    assert webhook.events == tuple(EventType)


def _both(said: Any) -> str:
    return f"{said.out}{said.err}"
