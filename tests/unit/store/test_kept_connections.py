"""Connections that are kept: one after another uses the same, and what breaks is told apart."""

import socket
import ssl
import threading
from collections.abc import Iterator
from http.client import NotConnected
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

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
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                if server.cuts:
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
