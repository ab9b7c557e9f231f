"""A runner that brings projects over for others asks the public internet alone, whatever it is told and led to."""

import contextlib
import http.server
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from imagestore.errors import RemoteError
from model.custom_vision.guarded_http import guarded_client
from model.custom_vision.service import CustomVision, RemoteImage, RemoteProject, RemoteSettings

PROJECT = RemoteProject("1", "Garden", RemoteSettings())


class Inside(http.server.BaseHTTPRequestHandler):
    """A service of this network."""

    asked: list[str] = []  # noqa: RUF012

    def do_GET(self) -> None:
        self.asked.append(self.path)
        leads_on = self.path == "/leads-on"
        self.send_response(302 if leads_on else 200)
        if leads_on:
            self.send_header("Location", f"http://127.0.0.1:{self.connection.getsockname()[1]}/secret")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"[]")

    def log_message(self, format: str, *arguments: Any) -> None:
        return


@pytest.fixture
def port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Inside) as server:
        Inside.asked.clear()
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def source(port: int, *hosts: str) -> CustomVision:
    return CustomVision(f"http://localhost:{port}", "any", http=guarded_client(hosts, 5.0), sleep=lambda _: None)


def test_an_endpoint_in_this_network_is_not_asked(port: int) -> None:
    with pytest.raises(RemoteError, match=r"'localhost' is not on the public internet\. IMPORT_HOSTS"):
        source(port).project("Garden")
    assert Inside.asked == []


def test_one_that_the_settings_name_is(port: int) -> None:
    assert source(port, "localhost").iterations(PROJECT) == []


@pytest.mark.parametrize("path", ["secret", "leads-on"])
def test_a_picture_in_this_network_is_not_fetched_by_address_nor_by_redirect(port: int, path: str) -> None:
    host = "localhost" if path == "leads-on" else "127.0.0.1"
    asked = source(port, "localhost")
    with pytest.raises(RemoteError, match=r"'127\.0\.0\.1' is not on the public internet"):
        asked.content(PROJECT, RemoteImage("1", f"http://{host}:{port}/{path}"), lambda data: None)
    assert "/secret" not in Inside.asked


def test_an_address_of_no_known_kind_is_refused_at_once(port: int) -> None:
    with pytest.raises(RemoteError, match="missing an 'http://' or 'https://' protocol"):
        source(port, "localhost").content(PROJECT, RemoteImage("1", "file:///etc/passwd"), lambda data: None)


@pytest.mark.parametrize("begins", ["HTTP/1.1 200 OK\r\nX: ", "HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"])
def test_an_answer_that_comes_byte_by_byte_is_given_up(begins: str) -> None:
    """A timeout is that of each byte alone, in the headers as in what follows."""
    ended = threading.Event()

    class BitByBit(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(begins.encode())
            with contextlib.suppress(OSError):
                while not ended.wait(0.01):
                    self.request.sendall(b"x")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), BitByBit) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with guarded_client(["localhost"], 60.0, longest_s=0.3) as client, pytest.raises(httpx2.ReadTimeout):
            client.get(f"http://localhost:{server.server_address[1]}/")
        ended.set()
        server.shutdown()


def test_an_answer_that_breaks_off_is_asked_for_again() -> None:
    class BreaksOff(http.server.BaseHTTPRequestHandler):
        times = 0

        def do_GET(self) -> None:
            BreaksOff.times += 1
            self.send_response(200)
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"whole!" if BreaksOff.times > 2 else b"who")
            self.close_connection = True

        def log_message(self, format: str, *arguments: Any) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), BreaksOff) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        image = RemoteImage("1", f"http://localhost:{server.server_port}/1")
        assert source(server.server_port, "localhost").content(PROJECT, image, lambda data: None) == b"whole!"
        server.shutdown()
    assert BreaksOff.times == 3
