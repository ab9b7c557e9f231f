"""Connections that are kept: one after another uses the same, and what breaks is told apart."""

import os
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from http.client import HTTPConnection, NotConnected
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from imagestore.store.kept_connections import KeptConnections, Timeouts, are_plain
from unit.accounts.mail_server import certificate

TIMEOUTS = Timeouts(5, 5)


class Server(ThreadingHTTPServer):
    """Answers with what was asked, and knows how many connections there were."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, context: ssl.SSLContext | None = None) -> None:
        self.sockets: list[socket.socket] = []
        self.headers: dict[str, str] = {}
        self.is_silent = threading.Event()
        self.cuts = False
        self.asked, self.cut = 0, 0
        self.afterwards: Callable[[Any], object] | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                server.asked += 1
                if server.cuts or server.asked == server.cut:
                    self.close_connection = True
                    return
                if server.is_silent.is_set():
                    server.is_silent.wait()
                    threading.Event().wait(5)
                data = f"{self.command} {self.path} ".encode()
                data += self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_response_only(200, "Well")
                for key, value in {"X-Some": "Thing", **server.headers, "Content-Length": str(len(data))}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(data)

                if server.afterwards is not None:
                    server.afterwards(self.request)

            do_GET = do_PUT = answer

            def setup(self) -> None:
                server.sockets.append(self.request)
                super().setup()

            def log_message(self, *parameters: object) -> None:
                """Pytest shows what is printed."""

        super().__init__(("127.0.0.1", 0), Handler)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_side=True)
        self.url = f"http{'s' if context else ''}://127.0.0.1:{self.server_port}"
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, *_: object) -> None:
        """A connection that was cut."""


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.shutdown()
    made.server_close()


def test_an_answer_comes_whole(server: Server) -> None:
    found = KeptConnections().ask("PUT", f"{server.url}/a%20b?c=d&e", {"Accept": "x"}, b"body", TIMEOUTS)
    assert (found.status, found.reason, found.body) == (200, "Well", b"PUT /a%20b?c=d&e body")
    assert (found.header("x-some"), found.header("x-other")) == ("Thing", None)


def test_requests_share_a_connection(server: Server) -> None:
    one = KeptConnections()
    for _ in range(5):
        one.ask("GET", server.url, {}, None, TIMEOUTS)
    assert len(server.sockets) == 1


def test_a_connection_that_the_service_has_closed_is_not_used_again(server: Server) -> None:
    one = KeptConnections()
    one.ask("GET", server.url, {}, None, TIMEOUTS)
    server.sockets[0].shutdown(socket.SHUT_RDWR)
    assert one.ask("GET", server.url, {}, None, TIMEOUTS).status == 200
    server.headers = {"Connection": "close"}
    for _ in range(2):
        assert one.ask("GET", server.url, {}, None, TIMEOUTS).status == 200
    assert len(server.sockets) == 3


def test_a_service_that_is_not_there_has_seen_nothing(server: Server) -> None:
    server.shutdown()
    server.server_close()
    with pytest.raises(NotConnected):
        KeptConnections().ask("GET", server.url, {}, None, TIMEOUTS)


def test_a_service_that_does_not_answer_may_have_done_it(server: Server) -> None:
    server.cuts = True
    with pytest.raises(ConnectionError):
        KeptConnections().ask("GET", server.url, {}, None, TIMEOUTS)
    server.cuts = False
    server.is_silent.set()
    with pytest.raises(TimeoutError):
        KeptConnections().ask("GET", server.url, {}, None, Timeouts(5, 0.05))


def test_a_connection_that_was_idle_for_a_minute_is_not_used_again(server: Server) -> None:
    now = [0.0]
    one = KeptConnections(lambda: now[0])
    for at, connections in ((0, 1), (59, 1), (118, 1), (179, 2), (180, 2)):
        now[0] = at
        one.ask("GET", server.url, {}, None, TIMEOUTS)
        assert len(server.sockets) == connections, at


def test_what_broke_is_asked_again_once_and_only_on_a_connection_that_was_kept(server: Server) -> None:
    for may_repeat, kept_first, asked in ((True, True, 3), (False, True, 2), (True, False, 1)):
        one = KeptConnections()
        server.asked, server.cut = 0, 0
        if kept_first:
            one.ask("GET", server.url, {}, None, TIMEOUTS)
        server.cut = server.asked + 1
        if may_repeat and kept_first:
            assert one.ask("GET", server.url, {}, None, TIMEOUTS, may_repeat=True).status == 200
        else:
            with pytest.raises(ConnectionError):
                one.ask("GET", server.url, {}, None, TIMEOUTS, may_repeat=may_repeat)
        assert server.asked == asked


def test_what_got_no_answer_in_time_is_not_asked_again_and_the_next_call_connects_anew(server: Server) -> None:
    one = KeptConnections()
    threads = [threading.Thread(target=one.ask, args=("GET", server.url, {}, None, TIMEOUTS)) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    server.is_silent.set()
    before = server.asked
    with pytest.raises(TimeoutError):
        one.ask("GET", server.url, {}, None, Timeouts(5, 0.05), may_repeat=True)
    assert server.asked == before + 1
    server.is_silent.clear()
    connections = len(server.sockets)
    assert one.ask("GET", server.url, {}, None, TIMEOUTS).status == 200
    assert len(server.sockets) == connections + 1


def test_what_tls_sends_of_its_own_is_no_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    file = certificate(tmp_path)
    context.load_cert_chain(file)
    context.verify_mode, context.num_tickets = ssl.CERT_OPTIONAL, 2
    of_client = ssl.create_default_context(cafile=file)
    of_client.post_handshake_auth = True  # by which Python's server can send more than tickets within the handshake
    monkeypatch.setattr("imagestore.store.kept_connections._context", lambda _: of_client)
    server = Server(context)
    is_sent = threading.Semaphore(0)

    def send_a_record(connection: ssl.SSLSocket) -> None:
        if connection.version() == "TLSv1.3" and server.asked == 1:
            connection.verify_client_post_handshake()
            connection.do_handshake()
        is_sent.release()

    server.afterwards = send_a_record
    one = KeptConnections()
    for _ in range(3):
        assert one.ask("GET", server.url, {}, None, TIMEOUTS).status == 200
        assert is_sent.acquire(timeout=5)
    assert len(server.sockets) == 1
    server.shutdown()
    server.server_close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_process_makes_connections_of_its_own(server: Server) -> None:
    one = KeptConnections()
    one.ask("GET", server.url, {}, None, TIMEOUTS)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if one.ask("GET", server.url, {}, None, TIMEOUTS).status == 200 else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert len(server.sockets) == 2
    one.ask("GET", server.url, {}, None, TIMEOUTS)
    assert len(server.sockets) == 2


def test_connections_are_closed_while_others_are_made(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = KeptConnections(), Server()
    one.ask("GET", server.url, {}, None, TIMEOUTS)
    close = HTTPConnection.close

    def close_as_another_thread_asks(connection: HTTPConnection) -> None:
        monkeypatch.undo()
        thread = threading.Thread(target=one.ask, args=("GET", other.url, {}, None, TIMEOUTS))
        thread.start()
        thread.join()
        close(connection)

    monkeypatch.setattr(HTTPConnection, "close", close_as_another_thread_asks)
    one.close()
    assert len(other.sockets) == 1
    other.shutdown()
    other.server_close()


def test_the_system_looks_whether_the_other_side_is_there(server: Server) -> None:
    one = KeptConnections()
    one.ask("GET", server.url, {}, None, TIMEOUTS)
    ((idle,),) = one._kept.values()
    assert idle.connection.sock.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)


def test_a_certificate_that_nobody_knows_is_refused_unless_any_will_do(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate(tmp_path))
    server = Server(context)
    with pytest.raises(NotConnected, match="CERTIFICATE_VERIFY_FAILED"):
        KeptConnections().ask("GET", server.url, {}, None, TIMEOUTS)
    assert KeptConnections().ask("GET", server.url, {}, None, TIMEOUTS, is_verified=False).status == 200
    server.shutdown()
    server.server_close()


def test_a_proxy_or_certificates_of_ones_own_are_not_plain() -> None:
    assert are_plain({"HTTPS_PROXY": "", "PATH": "x"}, has_tls=True)
    for name in ("HTTPS_PROXY", "http_proxy", "ALL_PROXY"):
        assert not are_plain({name: "http://proxy"}, has_tls=False)
    assert not are_plain({"REQUESTS_CA_BUNDLE": "x.pem"}, has_tls=True)
    assert are_plain({"SSL_CERT_FILE": "x.pem"}, has_tls=False)
