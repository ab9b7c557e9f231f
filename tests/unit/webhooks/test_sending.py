"""One try is a signed POST through the guard; whatever a receiver answers, a short sentence is kept of it."""

import contextlib
import http.server
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from imagestore.webhooks.delivery import new
from imagestore.webhooks.events import of_test
from imagestore.webhooks.sending import Sending
from imagestore.webhooks.signing import new_secret, signed
from imagestore.webhooks.webhook import EventType, Webhook

SECRET = new_secret()


@dataclass
class Server:
    port: int
    status: int = 204
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    class Answers(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(made.status)
            for name, value in {"Content-Length": str(len(made.body)), **made.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            with contextlib.suppress(OSError):
                self.wfile.write(made.body)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            return

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers) as running:
        made = Server(running.server_address[1])
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield made
        running.shutdown()
        thread.join()


def webhook(url: str) -> Webhook:
    return Webhook(
        id="webhook-5c0e5c0e5c0e5c0e", url=url, events=(EventType.CLASSIFIED,),
        by="maria", created_at="", since="", source="s", sealed="",
    )  # fmt: skip


def delivery() -> Any:
    return new("webhook-5c0e5c0e5c0e5c0e", of_test("webhook-5c0e5c0e5c0e5c0e", "s", "1"), "2026-11-21T09:00:00.000Z")


def test_the_event_arrives_signed(server: Server) -> None:
    sent = delivery()
    answered = Sending(("localhost",))(webhook(f"http://localhost:{server.port}/hook?a=1"), sent, SECRET)
    assert answered.is_taken
    ((headers, body),) = server.got
    assert json.loads(body) == sent.event
    assert headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["webhook-id"] == sent.event["id"]
    expected = signed(SECRET, headers["webhook-id"], int(headers["webhook-timestamp"]), body)
    assert headers["webhook-signature"] == expected["webhook-signature"]


def test_a_host_that_no_setting_names_is_asked_on_the_public_internet_alone(server: Server) -> None:
    for hosts in ((), ("elsewhere",)):
        answered = Sending(hosts)(webhook(f"http://localhost:{server.port}/"), delivery(), SECRET)
        assert answered.attempt.status is None
        assert "is not on the public internet" in answered.attempt.said
    assert server.got == []


def test_a_redirection_is_not_followed(server: Server) -> None:
    server.status, server.headers = 307, {"Location": "http://169.254.169.254/metadata"}
    answered = Sending(("localhost",))(webhook(f"http://localhost:{server.port}/"), delivery(), SECRET)
    assert (answered.is_taken, answered.attempt.status, len(server.got)) == (False, 307, 1)
    assert answered.attempt.said == "It leads elsewhere (http://169.254.169.254/metadata), and that is not followed."


def test_of_an_answer_a_short_and_harmless_sentence_is_kept(server: Server) -> None:
    server.status, server.body = 500, b"\x1b[31m\xff broken\n\n" + b"x" * 5_000_000
    answered = Sending(("localhost",))(webhook(f"http://localhost:{server.port}/"), delivery(), SECRET)
    assert answered.attempt.status == 500
    assert answered.attempt.said.startswith("\\x1b[31m� broken xxx")
    assert len(answered.attempt.said) == 200


def test_a_receiver_that_asks_for_time_is_heard(server: Server) -> None:
    server.status, server.headers = 503, {"Retry-After": "120"}
    answered = Sending(("localhost",))(webhook(f"http://localhost:{server.port}/"), delivery(), SECRET)
    assert answered.retry_after_s == 120


def test_who_takes_too_long_or_is_not_there_is_a_failure_that_says_so() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        late = Sending(("127.0.0.1",), seconds=0.2)(webhook(f"http://127.0.0.1:{port}/"), delivery(), SECRET)
    assert (late.attempt.status, late.attempt.said) == (None, "127.0.0.1 did not answer in time.")
    gone = Sending(("127.0.0.1",))(webhook(f"http://127.0.0.1:{port}/"), delivery(), SECRET)
    assert gone.attempt.status is None
    assert "could not be asked" in gone.attempt.said
