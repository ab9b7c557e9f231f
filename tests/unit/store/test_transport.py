"""The SDK of Cosmos DB over kept connections: what it hears is what it would hear by its own transport."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from azure.core.exceptions import ServiceRequestError, ServiceResponseError
from azure.core.pipeline.transport import HttpRequest

from imagestore.store.transport import KeptTransport


class _Echo(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        if self.path == "/cut":
            self.close_connection = True
            return
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        told = json.dumps({"said": body, "date": self.headers["x-ms-date"]}).encode()
        self.send_response_only(409)
        for key, value in {"ETag": '"1"', "Content-Type": "application/json", "Content-Length": str(len(told))}.items():
            self.send_header(key, value)
        self.end_headers()
        self.wfile.write(told)

    def log_message(self, *parameters: object) -> None:
        """Pytest shows what is printed."""


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    server.daemon_threads = True
    Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_what_was_said_arrives_and_what_was_answered_comes_back(url: str) -> None:
    request = HttpRequest("POST", f"{url}/docs", headers={"x-ms-date": "today"}, data="é")
    request.headers["Content-Length"] = "2"
    with KeptTransport() as transport:
        answer = transport.send(request, connection_timeout=5, read_timeout=5, connection_verify=False)
    assert (answer.status_code, answer.headers["etag"], answer.content_type) == (409, '"1"', "application/json")
    assert json.loads(answer.text()) == {"said": "é", "date": "today"}


def test_the_sdk_learns_whether_the_service_can_have_seen_it(url: str) -> None:
    with pytest.raises(ServiceResponseError):
        KeptTransport().send(HttpRequest("POST", f"{url}/cut"))
    with pytest.raises(ServiceRequestError):
        KeptTransport().send(HttpRequest("POST", "http://127.0.0.1:1/docs"), connection_timeout=5)
