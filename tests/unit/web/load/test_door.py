"""What is refused at the door, over sockets: the answer is as the long way gives it, and nobody else is kept out."""

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
from imagestore.web.server import server_of
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


def serve(servers: ExitStack, app: FastAPI, door: Door | None = None) -> int:
    """The port at which the app is served, behind this door."""
    listening = servers.enter_context(socket.create_server(("127.0.0.1", 0), backlog=2048))
    server = server_of(app, door=door, lifespan="off")
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
        received += connection.recv(65536)
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


@pytest.mark.parametrize(
    ("head", "body"),
    [
        (b"GET /api/v1/pictures HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n", b"abc"),
        (b"GET /api/v1/pictures HTTP/1.1\r\nHost: localhost\r\nOrigin: https://other.example\r\n", b""),
        (b"POST /api/v1/labels/undo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n", b"{}"),
        (b"GET /" + 2000 * b"x" + b" HTTP/1.1\r\nHost: localhost\r\n", b""),
    ],
)
def test_what_is_no_plain_read_goes_the_long_way_and_is_refused_there(
    app: FastAPI, servers: ExitStack, monkeypatch: pytest.MonkeyPatch, head: bytes, body: bytes
) -> None:
    crowd(app)
    refusals: list[Any] = []
    refusal = Door.refusal

    def kept(door: Door, scope: Any) -> Any:
        refusals.append(refusal(door, scope))
        return refusals[-1]

    monkeypatch.setattr(Door, "refusal", kept)
    with closing(connect(serve(servers, app, app.state.door))) as connection:
        assert [asked(connection, head, body)[0] for _ in range(2)] == [429] * 2
    assert set(refusals) <= {None}


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
