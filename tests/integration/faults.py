"""Ways to hurt a running stack, and the one check that matters afterwards."""

import contextlib
import http.client
import os
import random
import signal
import threading
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from imagestore.configure import open_stores
from imagestore.errors import StoreError
from imagestore.local.supervisor import Stack
from imagestore.pipeline.upkeep.verify import Difference, verify

from .conftest import Pipeline, eventually


@contextlib.contextmanager
def unseen(stack: Stack) -> Iterator[None]:
    """What is dropped and deleted meanwhile raises no event, now or later.

    Nothing may be queued meanwhile: the host would go on with it, and what it stages would raise no event either.
    """
    relay, folder = stack.processes["relay"], stack.options.folder
    stores = open_stores(stack.environment)
    relay.stop()
    before = stores.work.length()
    yield
    assert stores.work.length() <= before, "what was queued here would lose the events of what it stages"
    log, mark = folder / "logs" / "azurite.log", f"mark-{uuid.uuid4().hex}"
    stores.thumbnails.overwrite(mark, b"", "text/plain")  # Azurite writes its log after it has answered
    eventually(lambda: mark in log.read_text(), "Azurite's log to hold all of it")
    (folder / "relay.offset").write_text(f"{log.stat().st_size:<20d}")
    relay.spawn()


def settled(pipeline: Pipeline) -> list[Difference]:
    """Wait until every store agrees and every queue is empty; what lies in poison is never right."""
    stores = pipeline.stores

    def is_settled() -> bool:
        try:
            return stores.work.length() == 0 and stores.poison.length() == 0 and not list(verify(stores))
        except StoreError:
            return False

    eventually(is_settled, "the stores to agree", lambda: (pipeline.queued(), list(verify(stores))))
    assert stores.work_poison.length() == 0
    return list(verify(stores))


def processes(pid: int) -> list[int]:
    """A process's descendants: workers of the host, and their decode children."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    found = [int(child) for child in children.read_text().split()] if children.exists() else []
    return found + [inner for child in found for inner in processes(child)]


def kill_one(stack: Stack, chance: random.Random) -> str:
    """SIGKILL a random worker, decode child, relay or Cosmos."""

    def alive() -> dict[str, int]:
        host = stack.processes["host"].pid
        inner = processes(host) if host else []
        victims = {f"worker or decode child {pid}": pid for pid in inner}
        return victims | {name: pid for name in ("relay", "cosmos") if (pid := stack.processes[name].pid)}

    victims = eventually(alive, "something to be started again after the death before")
    name = chance.choice(sorted(victims))
    with contextlib.suppress(ProcessLookupError):
        os.kill(victims[name], signal.SIGKILL)
    return name


class FaultyStorage:
    """A proxy before Azurite's blobs that can be told to answer the next requests with an error."""

    def __init__(self, port: int, azurite: int) -> None:
        self.port, self._azurite = port, azurite
        self.statuses: list[int] = []
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                proxy.answer(self)

            do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = answer

            def log_message(self, *parameters: object) -> None:
                """Azurite logs them."""

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers.get("Content-Length") or 0))
        if self.statuses:
            self._send(request, self.statuses.pop(), [("x-ms-error-code", "ServerBusy")], b"")
            return
        connection = http.client.HTTPConnection("127.0.0.1", self._azurite)
        connection.request(request.command, request.path, body, dict(request.headers))
        answer = connection.getresponse()
        data = answer.read()
        skipped = ("transfer-encoding", "connection", "keep-alive", "content-length")
        headers = [(key, value) for key, value in answer.getheaders() if key.lower() not in skipped]
        length = answer.getheader("Content-Length") if request.command == "HEAD" else None
        self._send(request, answer.status, headers, data, length)
        connection.close()

    def _send(
        self, request: BaseHTTPRequestHandler, status: int, headers: list[tuple[str, str]], data: bytes,
        length: str | None = None,
    ) -> None:  # fmt: skip
        with contextlib.suppress(ConnectionError):
            request.send_response_only(status)
            for key, value in headers:
                request.send_header(key, value)
            request.send_header("Content-Length", length or str(len(data)))
            request.end_headers()
            request.wfile.write(data)

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
