"""The server's bounds on connections, over sockets: slow heads, large ones, idle clients, ones that do not read."""

import contextlib
import resource
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import pytest
import uvicorn

from imagestore.web.server import Bounds, files_allowed, server_of
from unit.webhooks.conftest import until

TIMEOUT_S = 30
GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
NEVER = b"GET /never HTTP/1.1\r\nHost: localhost\r\n\r\n"
IDLE = 1_000


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answers with as many bytes as the address says, and reads no body; at /never, it does not answer."""
    if scope["path"] == "/never":
        assert (await receive())["type"] == "http.request"
        assert (await receive())["type"] == "http.disconnect"
        return
    size = int(scope["path"].strip("/") or 1)
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % size)]})
    for start in range(0, size, 100_000):
        more = start + 100_000 < size
        await send({"type": "http.response.body", "body": b"x" * min(100_000, size - start), "more_body": more})


Serve = Callable[..., int]
Servers = list[uvicorn.Server]


@pytest.fixture
def servers() -> Servers:
    return []


@pytest.fixture
def serve(servers: Servers) -> Iterator[Serve]:
    """Serves the app with these bounds, on a port of its own."""
    with ExitStack() as stack:

        def begin(**bounds: Any) -> int:
            listening = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=2048))
            server = server_of(app, Bounds(**bounds), lifespan="off")
            servers.append(server)
            thread = threading.Thread(target=server.run, args=[[listening]])
            thread.start()

            def end() -> None:
                server.should_exit = True
                thread.join()

            stack.callback(end)
            until(lambda: server.started, "the server")
            port: int = listening.getsockname()[1]
            return port

        yield begin


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_S)


def rest(connection: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    received = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := connection.recv(65536):
            received += piece
    return received


def test_who_sends_no_whole_head_in_time_is_told_so_and_closed(serve: Serve) -> None:
    port = serve(head_s=0.2)
    with closing(connect(port)) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        assert rest(slow).startswith(b"HTTP/1.1 408 ")


def test_who_says_nothing_is_told_nothing(serve: Serve) -> None:
    with closing(connect(serve(head_s=0.2))) as silent:
        assert rest(silent) == b""


def test_a_kept_connection_is_idle_again_once_the_body_of_a_refused_request_has_come(serve: Serve) -> None:
    with closing(connect(serve(head_s=0.5, idle_s=30))) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"0123456789")
        connection.settimeout(1)
        with pytest.raises(TimeoutError):  # neither closed nor told anything
            connection.recv(65536)
        connection.sendall(GET)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize("header", [b"Host: localhost", b"Connection: close"])
def test_a_request_that_is_answered_before_its_body_has_come_keeps_its_answer(serve: Serve, header: bytes) -> None:
    with closing(connect(serve(drained_bytes=100_000))) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n%s\r\nContent-Length: 5000000\r\n\r\n" % header)
        for _ in range(50):
            connection.sendall(b"x" * 100_000)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65536):  # a connection that breaks off would raise
            received += piece
        assert received.startswith(b"HTTP/1.1 200 ")


def test_a_head_is_bounded_also_while_the_answer_before_it_is_made(serve: Serve) -> None:
    with closing(connect(serve())) as connection:
        connection.sendall(NEVER + b"GET / HTTP/1.1\r\n")
        with pytest.raises(ConnectionError):
            connection.sendall((b"X: " + b"x" * 60_000 + b"\r\n") * 1000)


def test_a_few_requests_may_be_sent_before_the_first_is_answered_and_no_more(serve: Serve, servers: Servers) -> None:
    port = serve()
    with closing(connect(port)) as connection:
        connection.sendall(GET * 8)
        answers = b""
        while answers.count(b"HTTP/1.1 200 ") < 8:
            answers += connection.recv(65536)
    with closing(connect(port)) as connection:
        connection.sendall(NEVER + GET * 1000)
        assert rest(connection) == b""
    until(lambda: not servers[0].server_state.connections, "the end of the connection")


def test_who_asks_for_a_websocket_gets_an_answer_and_no_line_in_the_log(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    with closing(connect(serve())) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert "pgrade" not in caplog.text


def test_the_second_head_on_a_connection_has_no_longer(serve: Serve) -> None:
    with closing(connect(serve(head_s=0.2))) as connection:
        connection.sendall(GET)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        connection.sendall(b"GET / HT")
        assert b"HTTP/1.1 408 " in rest(connection)


def test_a_head_that_is_too_large_is_refused(serve: Serve) -> None:
    port = serve()
    large = b"x" * 100_000
    for head in (b"GET / HTTP/1.1\r\nX: " + large, b"GET /" + large, b"GET / HTTP/1.1\r\nX: %s\r\n\r\n" % large):
        with closing(connect(port)) as connection:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(head)
            assert rest(connection)[:13] in (b"HTTP/1.1 431 ", b"")


def test_a_body_that_nobody_reads_neither_counts_as_a_head_nor_goes_on_for_ever(serve: Serve) -> None:
    port = serve(head_s=0.5, idle_s=1)
    head = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 200000\r\n\r\n"
    with closing(connect(port)) as connection:
        connection.sendall(head + b"x" * 200_000 + GET)
        until(lambda: b"200" in connection.recv(65536, socket.MSG_PEEK), "the answer")
        assert rest(connection).count(b"HTTP/1.1 200 ") == 2
    with closing(connect(port)) as connection:
        connection.sendall(head + b"x" * 100)
        assert rest(connection).startswith(b"HTTP/1.1 200 ")


def test_who_does_not_read_the_answer_is_left(serve: Serve, servers: Servers) -> None:
    with closing(connect(serve(send_s=0.2))) as connection:
        connection.sendall(b"GET /50000000 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        (server,) = servers
        until(lambda: len(server.server_state.connections) == 1, "one connection")
        until(lambda: len(server.server_state.connections) == 0, "its end")


def test_a_thousand_that_say_nothing_leave_others_their_answers(serve: Serve, servers: Servers) -> None:
    port = serve(connections=IDLE)
    (server,) = servers
    with ExitStack() as stack:
        idle = [stack.enter_context(closing(connect(port))) for _ in range(IDLE)]
        until(lambda: len(server.server_state.connections) == IDLE, "all connections")
        for _ in range(3):
            with closing(connect(port)) as connection:
                connection.sendall(GET)
                assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
        assert rest(idle[0]) == b""  # the longest idle made room


def test_the_process_may_open_as_many_files_as_the_system_allows() -> None:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    try:
        allowed = files_allowed()
        assert resource.getrlimit(resource.RLIMIT_NOFILE)[0] == allowed > 512
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
