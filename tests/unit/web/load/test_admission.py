"""The whole app under more than it can do, over stores in memory and, where a client's line matters, over sockets."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI

from imagestore.accounts.roles import Role
from imagestore.store import Stores
from imagestore.web.app import app_of
from imagestore.web.load.allowances import Allowances, Places
from imagestore.web.load.most import MostAtOnce, MostPerMinute, SlowestBody
from imagestore.web.server import server_of
from imagestore.web.services import Services
from unit.web.conftest import Api
from unit.web.signed_in import Browser, Person
from unit.webhooks.conftest import until

TIMEOUT_S = 30


class Held:
    """A step of the app that does not end before it is let go."""

    def __init__(self) -> None:
        self.has_begun = threading.Semaphore(0)
        self.may_end = threading.Event()

    def __call__(self, *_: Any, **__: Any) -> Any:
        self.has_begun.release()
        assert self.may_end.wait(TIMEOUT_S)
        raise RuntimeError("it was held")


@pytest.fixture
def held(services: Services, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """Classification on request, which does not end."""
    step = Held()
    monkeypatch.setattr(type(services.classifier), "classify", step)
    yield step
    step.may_end.set()


def in_threads(ask: Callable[[], Any], count: int) -> tuple[list[Any], list[threading.Thread]]:
    """The answers, as they come, of so many who ask at once."""
    answers: list[Any] = []
    threads = [threading.Thread(target=lambda: answers.append(ask())) for _ in range(count)]
    for thread in threads:
        thread.start()
    return answers, threads


def test_reads_health_and_sign_in_are_answered_while_classification_is_refused(api: Api, held: Held) -> None:
    answers, threads = in_threads(lambda: api.post("/classify", content=b"picture"), 5)
    for _ in range(2):  # so many are tried at once at first
        assert held.has_begun.acquire(timeout=TIMEOUT_S)
    until(lambda: len(answers) == 3, "the refused")
    for refused in answers:
        assert (refused.status_code, refused.json()["code"]) == (429, "overloaded")
        assert 5 <= int(refused.headers["Retry-After"]) <= 10
        assert refused.headers["X-Content-Type-Options"] == "nosniff"
    assert api.get("/pictures").status_code == 200
    assert api.get("/counts").status_code == 200
    assert api.get("/health/live").status_code == 200
    assert api.get("http://localhost/sign-in").status_code == 200
    held.may_end.set()
    for thread in threads:
        thread.join()
    assert api.post("/classify", content=b"picture").status_code == 500


def limited(guarded: Services, **most: int) -> FastAPI:
    return app_of(replace(guarded, options=replace(guarded.options, most_per_minute=MostPerMinute(**most))))


def test_a_key_an_account_and_an_address_have_so_many_requests_a_minute(
    guarded: Services, people: dict[Role, Person]
) -> None:
    maria, tom = people[Role.VIEWER], people[Role.TRAINER]
    with Browser(limited(guarded, key=2, account=3, address=7)) as asking:

        def ask(headers: dict[str, str]) -> Any:
            return asking.get("/api/v1/labels", headers=headers)

        assert [ask(maria.bearer).status_code for _ in range(3)] == [200, 200, 429]
        assert ask(maria.cookie).status_code == 200
        refused = ask(maria.cookie)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_of_account")
        assert int(refused.headers["Retry-After"]) >= 1
        assert ask(tom.bearer).status_code == 200
        assert ask(tom.bearer).status_code == 200
        refused = ask(tom.bearer)
        assert (refused.status_code, refused.json()["code"]) == (429, "too_many_of_address")
        assert asking.get("/api/v1/health/live").status_code == 200
        assert asking.get("/sign-in").status_code == 429
        assert asking.get("/static/favicon.ico").status_code == 429


def test_what_is_refused_is_not_in_the_audit_log(guarded: Services, people: dict[Role, Person]) -> None:
    trainer = people[Role.TRAINER]
    with Browser(limited(guarded, key=1)) as asking:
        assert asking.get("/api/v1/labels", headers=trainer.bearer).status_code == 200
        assert asking.post("/api/v1/models/rollback", headers=trainer.bearer).status_code == 429
    assert list(guarded.accounts.audit.search(what="rollback")) == []


# --- over sockets


@pytest.fixture
def small(services: Services) -> Services:
    """What the routes need, where little is allowed at once and bodies must come quickly."""
    options = replace(services.options, most_at_once=MostAtOnce(2, 2, 2, 2), slowest_body=SlowestBody(1.5, 1e9, 1.5))
    return replace(services, options=options)


@pytest.fixture
def small_app(small: Services) -> FastAPI:
    return app_of(small)


@pytest.fixture
def port(small_app: FastAPI) -> Iterator[int]:
    """The app as it is served, on a port of its own."""
    listening = socket.create_server(("127.0.0.1", 0), backlog=2048)
    server = server_of(small_app, door=small_app.state.door)
    thread = threading.Thread(target=server.run, args=[[listening]])
    thread.start()
    until(lambda: server.started, "the server")
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join()
    listening.close()


def allowances(app: FastAPI) -> Allowances:
    """The part of a served app that counts what is open."""
    layer: Any = app.middleware_stack
    while not isinstance(layer, Allowances):
        layer = getattr(layer, "_app", None) or layer.app
    return layer


def taken(places: Places, count: int) -> None:
    until(lambda: places.taken == count, "the places")


def send(port: int, head: str, body: bytes = b"") -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)
    connection.sendall(head.replace("\n", "\r\n").encode() + b"\r\n" + body)
    return connection


def status_of(connection: socket.socket) -> int:
    return int(connection.recv(65536).split()[1])


UPLOAD = "POST /api/v1/pictures?name={}.jpg HTTP/1.1\nHost: localhost\nContent-Length: 1000\n"
EVENTS = "GET /api/v1/events HTTP/1.1\nHost: localhost\n"


def test_uploads_over_the_limit_are_refused_and_half_ones_give_their_places_back(
    port: int, small_app: FastAPI, stores: Stores
) -> None:
    uploads = allowances(small_app).uploads
    half = [send(port, UPLOAD.format(name), b"x" * 500) for name in ("a", "b")]
    taken(uploads, 2)
    third = httpx2.post(f"http://localhost:{port}/api/v1/pictures?name=c.jpg", content=b"x" * 1000)
    assert (third.status_code, third.json()["code"], third.headers["retry-after"]) == (429, "too_many_at_once", "2")
    half[0].close()
    taken(uploads, 1)
    assert status_of(half[1]) == 408  # it goes on too slowly
    taken(uploads, 0)
    half[1].close()
    again = httpx2.post(f"http://localhost:{port}/api/v1/pictures?name=c.jpg", content=b"x" * 1000)
    assert again.status_code == 202
    assert [name for name in ("a.jpg", "b.jpg", "c.jpg") if stores.uploads.stat(name)] == ["c.jpg"]


def test_a_body_that_comes_too_slowly_is_told_so(port: int) -> None:
    for head in (UPLOAD.format("slow"), "POST /sign-in HTTP/1.1\nHost: localhost\nContent-Length: 1000\n"):
        with closing(send(port, head, b"x")) as connection:
            answer = connection.recv(65536)
            assert answer.startswith(b"HTTP/1.1 408 ")
            assert b"connection: close" in answer.lower()


def test_streams_over_the_limit_are_refused_and_one_that_leaves_makes_room(port: int, small_app: FastAPI) -> None:
    streams = allowances(small_app).streams
    opened = [send(port, EVENTS) for _ in range(2)]
    assert [status_of(one) for one in opened] == [200, 200]
    refused = httpx2.get(f"http://localhost:{port}/api/v1/events")
    assert (refused.status_code, refused.json()["code"], refused.headers["retry-after"]) == (
        429,
        "too_many_at_once",
        "10",
    )
    opened[0].close()
    taken(streams, 1)
    with closing(send(port, EVENTS)) as another:
        assert status_of(another) == 200
    opened[1].close()
    taken(streams, 0)
