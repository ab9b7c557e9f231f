"""A blob service of a few lines, which gives the answers that a test wants."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from azure.storage.blob import BlobServiceClient, ExponentialRetry

ETAG = "0x8DE"


@dataclass
class Answer:
    """What the service says. `sent` is how much of the body it sends before it cuts the connection; None: all."""

    status: int = 200
    code: str = ""
    data: bytes = b"picture"
    headers: dict[str, str] = field(default_factory=dict)
    sent: int | None = None
    waits_for: threading.Event | None = None


class Service:
    """A blob service that answers in turn what it is told, and then well. `askers` says who asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.askers: list[str] = []
        self.bodies: list[str] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                service.bodies.append(self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode("latin-1"))
                agent = self.headers.get("User-Agent", "direct")
                service.askers.append("SDK" if "azsdk" in agent else "direct" if agent == "direct" else "obstore")
                headers = {key.lower(): value for key, value in self.headers.items()}
                service.requests.append((self.command, self.path, headers))
                self.send(service.answers.pop(0) if service.answers else Answer())

            do_GET = do_HEAD = do_PUT = answer

            def send(self, answer: Answer) -> None:
                if answer.waits_for:
                    answer.waits_for.wait()
                status, data = answer.status, answer.data
                if status >= 400:
                    data = f"\ufeff<?xml version='1.0'?><Error><Code>{answer.code}</Code></Error>".encode()
                    data = data if answer.code else b""
                elif self.command == "PUT":
                    status, data = 204 if "comp=tags" in self.path else 201, b""
                elif "x-ms-range" in self.headers:
                    status = 206
                self.send_response_only(status)
                headers = {"ETag": f'"{ETAG}"', "Last-Modified": "Mon, 30 Nov 2026 02:37:38 GMT", **answer.headers}
                if status == 206:
                    headers["Content-Range"] = f"bytes 0-{len(data) - 1}/{len(data)}"
                if answer.code:
                    headers["x-ms-error-code"] = answer.code
                for key, value in {**headers, "Content-Length": str(len(data))}.items():
                    self.send_header(key, value)
                self.end_headers()
                self.wfile.write(b"" if self.command == "HEAD" else data[: answer.sent])
                self.close_connection = answer.sent is not None

            def log_message(self, *parameters: object) -> None:
                """Pytest shows what is printed."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self.string = (
            f"DefaultEndpointsProtocol=http;AccountName=account;AccountKey=a2V5;BlobEndpoint={self.url}/account;"
        )

    def client(self) -> BlobServiceClient:
        """The SDK's client, which tries once."""
        return BlobServiceClient.from_connection_string(self.string, retry_policy=ExponentialRetry(retry_total=0))

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
