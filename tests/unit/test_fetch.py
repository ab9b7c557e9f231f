"""What an address of a user's leads to is fetched from the public internet alone."""

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from imagestore.errors import NotFetched
from imagestore.fetch import MOST_REDIRECTS, fetch, is_public, post
from model.custom_vision.guarded_http import guarded_client


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "168.63.129.16", "0.0.0.0",
        "224.0.0.1", "100.64.0.1", "::1", "fe80::1%eth0", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "ff02::1",
        "64:ff9b:1::1", "::ffff:168.63.129.16", "2002:7f00:1::", "::127.0.0.1",
        "fec0::1", "192.88.99.1", "3fff::1", "5f00::1",
    ],
)  # fmt: skip
def test_addresses_of_this_network_and_of_the_platform_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"])
def test_others_are(address: str) -> None:
    assert is_public(address)


@pytest.fixture
def server() -> Iterator[Any]:
    """A server whose answers a test sets, by path."""

    class Answers(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.server.answers[self.path](self)  # type: ignore[attr-defined]

        def do_POST(self) -> None:
            self.server.posted = self.rfile.read(int(self.headers["Content-Length"]))  # type: ignore[attr-defined]
            self.do_GET()

        def log_message(self, *_: Any) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as made:
        made.answers = {}  # type: ignore[attr-defined]
        made.at = f"http://127.0.0.1:{made.server_address[1]}"  # type: ignore[attr-defined]
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def answers(status: int, body: bytes = b"", **headers: str) -> Any:
    def answer(handler: Any) -> None:
        handler.send_response(status)
        for name, value in {"Content_Length": str(len(body)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)
        handler.close_connection = True

    return answer


def anywhere(address: str) -> bool:
    return True


def test_a_picture_is_fetched_and_redirects_are_followed(server: Any) -> None:
    server.answers = {"/a?b=1": answers(302, Location="/c"), "/c": answers(200, b"picture")}
    assert fetch(f"{server.at}/a?b=1", 100, anywhere) == b"picture"
    server.answers = {"/": answers(302, Location="/")}
    with pytest.raises(NotFetched, match=f"more than {MOST_REDIRECTS} others"):
        fetch(server.at, 100, anywhere)


def test_what_is_sent_goes_to_that_address_alone_and_of_the_answer_the_beginning_is_read(server: Any) -> None:
    server.answers = {"/a?b=1": answers(202, b"taken" * 100, Retry_After="3"), "/c": answers(307, Location="/d")}
    answer = post(f"{server.at}/a?b=1", b"event", {"Content-Type": "text/plain"}, 7, anywhere)
    assert (answer.status, answer.headers["retry-after"], answer.beginning) == (202, "3", b"takenta")
    assert server.posted == b"event"
    assert post(f"{server.at}/c", b"", {}, 7, anywhere).status == 307
    with pytest.raises(NotFetched, match=r"'127\.0\.0\.1' is not on the public internet"):
        post(f"{server.at}/c", b"", {}, 7)


def test_an_answer_that_breaks_off_after_its_status_is_an_answer(server: Any) -> None:
    server.answers = {"/": answers(200, b"x", Content_Length="9")}
    assert post(server.at, b"", {}, 100, anywhere).status == 200


def test_each_redirect_is_looked_at_anew(server: Any) -> None:
    asked: list[str] = []

    def only_the_first(address: str) -> bool:
        asked.append(address)
        return len(asked) == 1

    server.answers = {"/": answers(302, Location=f"http://localhost:{server.server_address[1]}/secret")}
    with pytest.raises(NotFetched, match="'localhost' is not on the public internet"):
        fetch(server.at, 100, only_the_first)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (answers(404), "status 404"),
        (answers(200, b"x" * 101), "more than 100 bytes"),
        (answers(200, b"x", Content_Length="9"), "broke off"),
        (answers(302, Location="file:///etc/passwd"), "begins with http"),
        (answers(302, Location="http://["), "no address"),
        (lambda handler: handler.wfile.write(b"nonsense\r\n\r\n"), "could not be asked"),
    ],
)  # fmt: skip
def test_what_cannot_be_fetched_is_said(server: Any, answer: Any, why: str) -> None:
    server.answers = {"/": answer}
    with pytest.raises(NotFetched, match=why):
        fetch(server.at, 100, anywhere)


def test_a_server_that_tells_its_headers_bit_by_bit_is_given_up(server: Any) -> None:
    gate = threading.Event()

    def dribble(handler: Any) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        with contextlib.suppress(OSError):
            while not gate.wait(0.02):
                handler.wfile.write(b"x")
        handler.close_connection = True

    server.answers = {"/": dribble}
    try:
        with pytest.raises(NotFetched, match="did not answer in time"):
            fetch(server.at, 100, anywhere, seconds=0.5)
    finally:
        gate.set()


def test_a_server_that_does_not_answer_is_given_up(server: Any) -> None:
    gate = threading.Event()
    server.answers = {"/": lambda handler: gate.wait(60)}
    try:
        with pytest.raises(NotFetched, match=r"could not be asked|in time"):
            fetch(server.at, 100, anywhere, seconds=0.2)
    finally:
        gate.set()


@pytest.mark.parametrize(
    "address",
    ["", "ftp://example.org/a", "http://", "http://user@example.org/", "http://example.org:99999/", "http://[x"],
)
def test_what_is_no_address_is_said(address: str) -> None:
    with pytest.raises(NotFetched):
        fetch(address, 100, anywhere)


def test_where_the_first_address_of_a_host_leads_nowhere_the_next_is_asked(
    server: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = server.server_address[1]
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("127.0.0.9", "127.0.0.1")]
    numeric = {str(one[4][0]): [one] for one in found}
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *_, **__: numeric.get(host, found))
    server.answers["/"] = answers(200, b"picture")
    assert fetch(f"http://two.example.org:{port}/", 100, anywhere) == b"picture"
    with guarded_client([], 5.0, anywhere) as client:
        assert client.get(f"http://two.example.org:{port}/").content == b"picture"


def test_a_host_that_is_not_there_or_not_public_is_said() -> None:
    with pytest.raises(NotFetched, match="'localhost' is not on the public internet"):
        fetch("http://localhost:1/", 100)
    with pytest.raises(NotFetched, match=r"no host 'nowhere\.invalid'"):
        fetch("http://nowhere.invalid/", 100)
