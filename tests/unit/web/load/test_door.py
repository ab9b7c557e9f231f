"""What is refused at the door, over sockets: the answer is as the long way gives it, and nobody else is kept out."""

import contextlib
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from typing import Any

import pytest
from fastapi import FastAPI

from imagestore.settings import Auth
from imagestore.web.app import app_of
from imagestore.web.load.door import Door
from imagestore.web.load.gate import Gate
from imagestore.web.load.kinds import Kind
from imagestore.web.load.most import MostPerMinute
from imagestore.web.server import Bounds, server_of
from imagestore.web.services import Services
from unit.webhooks.conftest import until

TIMEOUT_S = 30
LISTS = b"GET /api/v1/pictures HTTP/1.1\r\nHost: localhost\r\n"
PAGE = b"GET /gallery HTTP/1.1\r\nHost: localhost\r\nAccept: text/html\r\n"


def gate_of(app: FastAPI) -> Gate:
    gate: Gate = app.state.door._gate
    return gate


def crowd(app: FastAPI) -> None:
    """Have so many at work and waiting that the next read is refused."""
    gate = gate_of(app)
    while not gate.refuses(Kind.READ):
        gate.ask(Kind.READ, "GET /held")


@pytest.fixture
def servers() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def serve(servers: ExitStack, app: FastAPI, door: Door | None = None, bounds: Bounds | None = None) -> int:
    """The port at which the app is served, behind this door."""
    listening = servers.enter_context(socket.create_server(("127.0.0.1", 0), backlog=2048))
    server = server_of(app, bounds, door=door, lifespan="off")
    thread = threading.Thread(target=server.run, args=[[listening]])
    thread.start()

    def end() -> None:
        server.should_exit = True
        thread.join()

    servers.callback(end)
    until(lambda: server.started, "the server")
    port: int = listening.getsockname()[1]
    return port


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)


def asked(connection: socket.socket, head: bytes, body: bytes = b"") -> tuple[int, dict[str, str], bytes]:
    """(status, headers, body) of the answer to this."""
    connection.sendall(head + b"\r\n" + body)
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        assert piece, "the connection was closed"
        received += piece
    lines, _, said = received.partition(b"\r\n\r\n")
    first, *rest = lines.decode().split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in rest)}
    while len(said) < int(headers["content-length"]):
        said += connection.recv(65536)
    return int(first.split()[1]), headers, said


@pytest.mark.parametrize(
    "head", [LISTS, PAGE, b"GET /customvision/v3.3/training/projects HTTP/1.1\r\nHost: localhost\r\n"]
)
def test_a_refusal_is_the_same_at_the_door_as_further_in(
    services: Services, servers: ExitStack, monkeypatch: pytest.MonkeyPatch, head: bytes
) -> None:
    monkeypatch.setattr("random.randint", lambda least, most: most)
    answers = []
    for with_door in (False, True):
        app = app_of(services)
        crowd(app)
        with closing(connect(serve(servers, app, app.state.door if with_door else None))) as connection:
            answers.append(asked(connection, head))
    (status, headers, body), at_the_door = answers
    assert status == 429
    assert headers["retry-after"] == "2"
    for one in (headers, at_the_door[1]):
        assert one.pop("date")
    assert at_the_door == (status, headers, body)


def test_who_is_refused_asks_again_on_the_same_connection_and_is_let_in(
    app: FastAPI, servers: ExitStack, monkeypatch: pytest.MonkeyPatch
) -> None:
    crowd(app)
    with closing(connect(serve(servers, app, app.state.door))) as connection:
        assert [asked(connection, LISTS)[0] for _ in range(3)] == [429] * 3
        monkeypatch.setattr(Gate, "refuses", lambda gate, kind: False)
        monkeypatch.setattr(Gate, "_has_room", lambda gate, kind: True)
        monkeypatch.setattr(Gate, "_waits", lambda gate, kind: False)
        assert [asked(connection, LISTS)[0] for _ in range(2)] == [200] * 2
        monkeypatch.undo()
        assert asked(connection, LISTS)[0] == 429


def test_health_sign_in_and_static_files_are_answered(app: FastAPI, servers: ExitStack) -> None:
    crowd(app)
    port = serve(servers, app, app.state.door)
    for path in (b"/api/v1/health/live", b"/sign-in", b"/static/favicon.ico"):
        with closing(connect(port)) as connection:
            assert asked(connection, b"GET %b HTTP/1.1\r\nHost: localhost\r\n" % path)[0] in (200, 303)


@pytest.fixture
def refusals(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the door says to each that is put to it."""
    found: list[Any] = []
    refusal = Door.refusal

    def kept(door: Door, scope: Any) -> Any:
        found.append(refusal(door, scope))
        return found[-1]

    monkeypatch.setattr(Door, "refusal", kept)
    return found


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"GET /api/v1/pictures HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n", b"abc"),
        (b"GET /api/v1/pictures HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\n", b""),
        (b"GET /api/v1/pictures HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", b""),
        (b"GET /api/v1/pictures HTTP/1.0\r\nHost: localhost\r\n", b""),
        (b"POST /api/v1/labels/undo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n", b"{}"),
    ],
)
def test_what_is_no_plain_read_never_comes_to_the_door_and_is_refused_further_in(
    app: FastAPI, servers: ExitStack, refusals: list[Any], head: bytes, body: bytes
) -> None:
    crowd(app)
    with closing(connect(serve(servers, app, app.state.door))) as connection:
        assert asked(connection, head, body)[0] == 429
    assert refusals == []


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /api/v1/pictures HTTP/1.1\r\nHost: localhost\r\nOrigin: https://other.example\r\n", 429),
        (b"GET /" + 2000 * b"x" + b" HTTP/1.1\r\nHost: localhost\r\n", 429),
        (b"GET /api/v1/pictures HTTP/1.1\r\nHost: other.example\r\n", 421),
        (b"GET /api/v1/pictures HTTP/1.1\r\nHost: localhost\r\nX-Forwarded-For: 1.2.3.4\r\n", 403),
        (b"GET /api/v1/pictures/" + 32 * b"0" + b"/why HTTP/1.1\r\nHost: localhost\r\n", 404),
    ],
)
def test_what_the_door_does_not_know_the_app_says(
    app: FastAPI, servers: ExitStack, refusals: list[Any], head: bytes, status: int
) -> None:
    crowd(app)
    with closing(connect(serve(servers, app, app.state.door))) as connection:
        assert [asked(connection, head)[0] for _ in range(2)] == [status] * 2
    assert refusals == [None, None]


def test_who_sends_many_requests_ahead_is_cut_off(app: FastAPI, servers: ExitStack) -> None:
    crowd(app)
    with closing(connect(serve(servers, app, app.state.door))) as connection:
        connection.sendall(100 * (LISTS + b"\r\n"))
        received = b""
        with contextlib.suppress(ConnectionResetError):
            while piece := connection.recv(65536):
                received += piece
    assert received.count(b"HTTP/1.1 429 ") <= 8


def test_at_the_most_connections_the_one_that_has_asked_last_stays(app: FastAPI, servers: ExitStack) -> None:
    crowd(app)
    port = serve(servers, app, app.state.door, Bounds(connections=2))
    with closing(connect(port)) as asking, closing(connect(port)) as silent:
        assert [asked(one, LISTS)[0] for one in (asking, silent, asking)] == [429] * 3
        with closing(connect(port)) as third:
            assert asked(third, LISTS)[0] == 429
        with contextlib.suppress(ConnectionResetError):
            assert silent.recv(1) == b""
        assert asked(asking, LISTS)[0] == 429


def test_requests_sent_ahead_are_answered_in_their_order(app: FastAPI, servers: ExitStack) -> None:
    crowd(app)
    health = b"GET /api/v1/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with closing(connect(serve(servers, app, app.state.door))) as connection:
        connection.sendall(health + LISTS + b"\r\n" + health + LISTS + b"Connection: close\r\n\r\n")
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert [int(part[:3]) for part in received.split(b"HTTP/1.1 ")[1:]] == [200, 429, 200, 429]


def test_an_address_that_asks_too_much_is_told_so_and_counted(services: Services, servers: ExitStack) -> None:
    options = replace(services.options, auth=Auth.REQUIRED, most_per_minute=MostPerMinute(address=2))
    app = app_of(replace(services, options=options))
    crowd(app)
    with closing(connect(serve(servers, app, app.state.door))) as connection:
        said = [asked(connection, LISTS) for _ in range(3)]
    assert [b"overloaded" in body for _, _, body in said] == [True, True, False]
    assert b"too_many_of_address" in said[2][2]
    assert said[2][0] == 429
