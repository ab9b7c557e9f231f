"""Attacks on the web app as a server, with sign-in: from a browser, over sockets, and by schemathesis as each role.

The app runs in this process over stores in memory, with a script in every field that strangers fill.
"""

import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page

from imagestore.accounts.roles import Role
from imagestore.record import Record
from imagestore.settings import Auth
from imagestore.store import Stores
from imagestore.web.app import app_of
from imagestore.web.index.change_feed import ChangeFeedReader
from imagestore.web.server import server_of
from imagestore.web.services import Services
from unit.web.conftest import Drop, drop, services, stores
from unit.web.signed_in import Person, person
from unit.web.test_attacks import XSS, hostile_records

from .browser import needs_browser, watch
from .conftest import TIMEOUT_S, eventually
from .schemathesis_cli import finds_nothing

__all__ = ["drop", "services", "stores"]
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth"


@dataclass(frozen=True)
class Served:
    """The app at an address, somebody of each role, and pictures."""

    url: str
    people: dict[Role, Person]
    records: list[Record]


@pytest.fixture
def served(services: Services, stores: Stores, drop: Drop) -> Iterator[Served]:
    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://localhost:{listening.getsockname()[1]}"
    guarded = replace(services, options=replace(services.options, auth=Auth.REQUIRED, public_url=url))
    people = {role: person(guarded.accounts, role) for role in Role}
    records = [drop(record.name, made=record) for record in hostile_records()]
    app = app_of(guarded)
    server = server_of(app, door=app.state.door)
    thread = threading.Thread(target=server.run, args=([listening],), daemon=True)
    thread.start()
    eventually(lambda: server.started or not thread.is_alive(), "the server")
    yield Served(url, people, records)
    server.should_exit = True
    thread.join(30)


@pytest.fixture
def page(browser: Browser, served: Served, complaints: list[str]) -> Iterator[Page]:
    """A page of an administrator whose name is a script."""
    with browser.new_context(base_url=served.url) as context:
        context.set_default_timeout(TIMEOUT_S * 1000)
        context.add_cookies([{"name": "session", "value": served.people[Role.ADMIN].session, "url": served.url}])
        opened = context.new_page()
        watch(opened, complaints)
        opened.expose_function("planted", lambda: complaints.append("a planted script ran"))
        yield opened


@needs_browser
def test_no_planted_script_runs(page: Page, served: Served, services: Services) -> None:
    """A policy of the browser's would stop most: `watch` complains of what it had to stop."""
    admin = served.people[Role.ADMIN].account
    services.accounts.people.change(admin.id, lambda account: replace(account, name=XSS))
    services.accounts.keys.create(XSS, Role.VIEWER, admin.id)
    services.accounts.sign_in(admin, XSS, XSS)
    services.accounts.links.invite(Role.VIEWER, XSS, XSS)
    services.accounts.audit.write(XSS, XSS, by=XSS, target=XSS, address=XSS, result=XSS, before={XSS: XSS})
    pictures = [f"/pictures/{record.id}" for record in served.records]
    pages = ("/", "/gallery", "/review", "/dashboard", "/models", "/jobs", "/account", "/people", "/audit")
    for address in (*pages, *pictures):
        page.goto(address)
        assert page.locator("#planted, img[src=x], main script").count() == 0, address
        assert "planted()" in page.content() or address in ("/", "/models", "/jobs", "/review", "/dashboard"), address


def test_oversized_headers_are_refused_and_others_are_served_on(served: Served) -> None:
    host, _, port = served.url.removeprefix("http://").partition(":")
    one_large = b"GET / HTTP/1.1\r\nHost: %s\r\nX-Large: %s\r\n\r\n" % (f"{host}:{port}".encode(), b"x" * 2**20)
    many = b"GET / HTTP/1.1\r\n" + b"".join(b"X-%d: x\r\n" % number for number in range(100_000)) + b"\r\n"
    long_address = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n" % (b"x" * 2**20)
    endless_cookie = b"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: " + b"session=x; " * 100_000
    for request in (one_large, many, long_address, endless_cookie):
        with socket.create_connection((host, int(port)), timeout=TIMEOUT_S) as connection:
            try:
                connection.sendall(request)
                answer = connection.recv(1000)
            except (ConnectionResetError, BrokenPipeError):
                answer = b""
        assert answer == b"" or answer.split()[1] in (b"400", b"413", b"414", b"431"), answer[:200]
        assert requests.get(f"{served.url}/api/v1/health/live", timeout=TIMEOUT_S).status_code == 200
    barely = {"Authorization": "Bearer " + "x" * 30_000, "Cookie": "session=" + "y" * 20_000}
    assert requests.get(f"{served.url}/api/v1/counts", headers=barely, timeout=TIMEOUT_S).status_code == 401


@pytest.fixture
def soon_final(monkeypatch: pytest.MonkeyPatch) -> None:
    """No request waits for a record: behind these stores no pipeline makes one."""
    final = ChangeFeedReader.final

    async def at_once(reader: ChangeFeedReader, id: str, etag: str, timeout_s: float) -> Record | None:
        return await final(reader, id, etag, 0)

    monkeypatch.setattr(ChangeFeedReader, "final", at_once)


@pytest.mark.usefixtures("soon_final")
@pytest.mark.parametrize(
    "role",
    [
        Role.VIEWER,
        pytest.param(Role.CONTRIBUTOR, marks=pytest.mark.thorough),
        pytest.param(Role.TRAINER, marks=pytest.mark.thorough),
        Role.ADMIN,
    ],
    ids=str,
)
def test_schemathesis_finds_nothing_as_each_role(served: Served, role: Role, tmp_path: Path, is_thorough: bool) -> None:
    key = served.people[role].secret
    options = ["--header", f"Authorization: Bearer {key}", "--checks", CHECKS, "--phases", "examples,fuzzing"]
    options += ["--max-examples", "5" if is_thorough else "2"]
    assert key not in finds_nothing(tmp_path, f"{served.url}/api/v1/openapi.json", *options)
