"""Webhooks on the local stack, with receivers that really listen: signed, again until taken, whoever is killed."""

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, expect

from imagestore.configure import webhooks_of
from imagestore.local.supervisor import Stack
from imagestore.settings import ROOT, Settings
from imagestore.webhooks.registry import Webhooks
from imagestore.webhooks.signing import signed
from imagestore.webhooks.webhook import EventType

from .browser import barriers, needs_browser
from .conftest import TIMEOUT_S, Pipeline, Site, eventually

PHONE, DESKTOP = ViewportSize(width=390, height=844), ViewportSize(width=1280, height=900)


@dataclass
class Receiver:
    """Answers with the statuses that a test gives, one after the other, and then with 204."""

    port: int = 0
    statuses: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    held: threading.Event | None = None

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}/hook"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in list(self.got)]

    def of(self, name: str) -> list[dict[str, Any]]:
        """What came of the picture of this name."""
        return [event for event in self.events if event["data"].get("name") == name]

    @contextlib.contextmanager
    def listening(self) -> Iterator["Receiver"]:
        """Listen while the block runs; the port stays the same."""
        receiver = self

        class Answers(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
                if receiver.held is not None:
                    receiver.held.wait(TIMEOUT_S)
                with contextlib.suppress(OSError):
                    self.send_response(receiver.statuses.pop(0) if receiver.statuses else 204)
                    for name, value in receiver.headers.items():
                        self.send_header(name, value)
                    self.end_headers()

            def log_message(self, *_: Any) -> None:
                return

        with ThreadingHTTPServer(("127.0.0.1", self.port), Answers) as server:
            self.port = server.server_address[1]
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            try:
                yield self
            finally:
                server.shutdown()
                thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver().listening() as listening:
        yield listening


@pytest.fixture
def webhooks(stack: Stack) -> Iterator[Webhooks]:
    settings = Settings.read(stack.environment)
    found = webhooks_of(settings, Pipeline(stack).stores, stack.environment)
    remove_all(found)
    yield found
    remove_all(found)


def remove_all(webhooks: Webhooks) -> None:
    """Also those that other tests have left."""
    for one in webhooks.all():
        webhooks.remove(one.id)


@pytest.fixture
def folder() -> str:
    """A beginning of names that no other test has."""
    return f"hooks-{uuid.uuid4().hex[:8]}/"


def state(webhooks: Webhooks, id: str) -> list[str]:
    return [str(one.state) for one in webhooks.deliveries(id, 50)]


def test_an_upload_is_told_signed_and_so_are_its_correction_and_deletion(
    site: Site, receiver: Receiver, webhooks: Webhooks, folder: str, cat: bytes
) -> None:
    asked = {"url": receiver.url, "events": list(EventType), "prefix": folder}
    made = site.post("/webhooks", json=asked).json()
    id, name = made["webhook"]["id"], f"{folder}cat.jpg"
    record = site.take_in(name, cat)
    (event,) = eventually(lambda: receiver.of(name), "the event")
    headers, body = receiver.got[0]
    expected = signed(made["secret"], headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == expected["webhook-signature"]
    assert headers["content-type"].startswith("application/cloudevents+json")
    assert (event["type"], event["subject"]) == ("imagestore.picture.classified", record["id"])
    assert event["source"] == site.base
    assert event["data"] == record, "what the API answers"
    site.put(f"/pictures/{record['id']}/correction", params={"label": "lynx"})
    eventually(lambda: len(receiver.of(name)) == 2, "the correction")
    site.delete(f"/pictures/{record['id']}/correction")
    eventually(lambda: len(receiver.of(name)) == 3, "the correction that was taken back")
    site.delete(f"/pictures/{record['id']}")
    eventually(lambda: len(receiver.of(name)) == 4, "the deletion")
    types = [event["type"].rpartition(".")[2] for event in receiver.of(name)]
    assert types == ["classified", "corrected", "updated", "deleted"]
    assert [event["data"]["label"] for event in receiver.of(name)] == [record["label"], "lynx", record["label"], None]
    eventually(lambda: state(webhooks, id) == ["delivered"] * 4, "what came of it")


def test_a_receiver_that_fails_or_is_away_gets_all_of_it_later(
    site: Site, webhooks: Webhooks, folder: str, cat: bytes
) -> None:
    receiver = Receiver(statuses=[500])
    with receiver.listening():
        id = webhooks.add(receiver.url, [EventType.CLASSIFIED], "local", prefix=folder)[0].id
        site.take_in(f"{folder}first.jpg", cat)
        eventually(lambda: state(webhooks, id) == ["delivered"], "the second try")
        assert len(receiver.of(f"{folder}first.jpg")) == 2
        assert len({event["id"] for event in receiver.events}) == 1
    site.take_in(f"{folder}second.jpg", cat)
    eventually(lambda: webhooks.deliveries(id, 1)[0].attempts >= 1, "a try in vain")
    with receiver.listening():
        eventually(lambda: state(webhooks, id) == ["delivered"] * 2, "the receiver to be told")
    assert len(receiver.of(f"{folder}second.jpg")) == 1


def test_who_is_gone_is_told_nothing_more_and_a_redirection_leads_nowhere(
    site: Site, receiver: Receiver, webhooks: Webhooks, folder: str, cat: bytes
) -> None:
    receiver.statuses, receiver.headers = [307, 410], {"Location": "http://169.254.169.254/metadata/instance"}
    id = webhooks.add(receiver.url, [EventType.CLASSIFIED], "local", prefix=folder)[0].id
    site.take_in(f"{folder}cat.jpg", cat)
    eventually(lambda: webhooks.deliveries(id, 1)[:1] and webhooks.deliveries(id, 1)[0].attempts == 1, "the first try")
    last = webhooks.deliveries(id, 1)[0].last
    assert last is not None
    assert (last.status, "not followed" in last.said) == (307, True)
    eventually(lambda: webhooks.read(id).off, "its end")
    assert state(webhooks, id) == ["given_up"]
    assert len(receiver.got) == 2


def test_a_slow_receiver_holds_up_no_other(
    site: Site, receiver: Receiver, webhooks: Webhooks, folder: str, cat: bytes
) -> None:
    receiver.held = threading.Event()
    slow = webhooks.add(receiver.url, [EventType.CLASSIFIED], "local", prefix=folder)[0].id
    with Receiver().listening() as quick:
        other = webhooks.add(quick.url, [EventType.CLASSIFIED], "local", prefix=folder)[0].id
        for number in range(6):
            site.take_in(f"{folder}{number}.jpg", cat + bytes([number]))
        eventually(lambda: state(webhooks, other) == ["delivered"] * 6, "the quick one")
        assert "delivered" not in state(webhooks, slow)
        receiver.held.set()
        eventually(lambda: state(webhooks, slow) == ["delivered"] * 6, "the slow one")


@contextlib.contextmanager
def runner(stack: Stack, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Another runner of jobs, which takes over soon."""
    environment = os.environ | stack.environment | {"JOB_LEASE_SECONDS": "2", "WEBHOOK_POLL_SECONDS": "0.1"}
    with log.open("ab") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "model.job_runner"], env=environment, cwd=ROOT, stdout=file, stderr=file
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait(60)


def test_a_runner_that_is_killed_while_it_sends_loses_nothing(
    stack: Stack, site: Site, receiver: Receiver, webhooks: Webhooks, folder: str, cat: bytes, tmp_path: Path
) -> None:
    """It is killed when the event is written down and the receiver has not answered; the next one sends it."""
    stack.processes["jobs"].stop()
    try:
        id = webhooks.add(receiver.url, [EventType.CLASSIFIED], "local", prefix=folder)[0].id
        receiver.held, name = threading.Event(), f"{folder}cat.jpg"
        with runner(stack, tmp_path / "first.log") as first:
            site.take_in(name, cat)
            eventually(lambda: receiver.of(name), "the first try")
            assert state(webhooks, id) == ["sending"]
            first.send_signal(signal.SIGKILL)
            first.wait(60)
        receiver.held.set()
        with runner(stack, tmp_path / "second.log"):
            eventually(lambda: state(webhooks, id) == ["delivered"], "the next runner")
            assert [event["id"] for event in receiver.of(name)] == [receiver.events[0]["id"]] * 2
    finally:
        stack.processes["jobs"].start()


def test_two_runners_tell_each_event_once(
    stack: Stack, site: Site, receiver: Receiver, webhooks: Webhooks, folder: str, cat: bytes, tmp_path: Path
) -> None:
    id = webhooks.add(receiver.url, [EventType.CLASSIFIED], "local", prefix=folder)[0].id
    with runner(stack, tmp_path / "second.log"):
        for number in range(10):
            site.take_in(f"{folder}{number}.jpg", cat + bytes([100 + number]))
        eventually(lambda: state(webhooks, id) == ["delivered"] * 10, "all of them")
    assert sorted(event["data"]["name"] for event in receiver.events) == [
        f"{folder}{number}.jpg" for number in range(10)
    ]


@needs_browser
def test_a_webhook_is_registered_tested_and_sent_to_again_on_its_page(
    page: Page, receiver: Receiver, webhooks: Webhooks
) -> None:
    page.goto("/webhooks")
    page.get_by_label("Address").fill(receiver.url)
    page.get_by_label("What it is for").fill("The shop")
    page.get_by_role("button", name="Register").click()
    expect(page.locator(".secret code")).to_have_text(re.compile("^whsec_"))
    page.get_by_role("link", name="To the webhook, to send a test").click()
    page.get_by_role("button", name="Send a test").click()
    expect(page.locator(".done")).to_contain_text("A test is on its way")
    (webhook,) = webhooks.all()
    eventually(lambda: state(webhooks, webhook.id) == ["delivered"], "the test")
    page.reload()
    expect(page.locator("tbody tr")).to_contain_text("204")
    page.get_by_role("button", name="Send webhook.test of").press("Enter")
    eventually(lambda: len(receiver.got) == 2, "the same again")
    assert len({event["id"] for event in receiver.events}) == 1


@needs_browser
@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "dark"), (DESKTOP, "light")], ids=["phone", "desktop"])
def test_the_pages_fit_and_have_no_barriers(
    browser: Browser, site: Site, webhooks: Webhooks, receiver: Receiver, size: ViewportSize, scheme: str
) -> None:
    receiver.statuses = [500] * 9
    url = f"{receiver.url}/{'x' * 300}"
    webhook, _ = webhooks.add(url, list(EventType), "local", name="n" * 80, prefix="p" * 300)
    webhooks.test(webhook.id)
    eventually(lambda: webhooks.deliveries(webhook.id, 1)[0].attempts, "a try")
    off, _ = webhooks.add(receiver.url, [EventType.DELETED], "local")
    webhooks.turn_off(off.id)
    with browser.new_context(base_url=site.base, viewport=size, color_scheme=scheme) as context:  # type: ignore[arg-type]
        opened = context.new_page()
        for path in ("/webhooks", f"/webhooks/{webhook.id}", f"/webhooks/{off.id}"):
            opened.goto(path)
            assert barriers(opened) == []
            assert opened.evaluate("document.documentElement.scrollWidth") <= size["width"]
