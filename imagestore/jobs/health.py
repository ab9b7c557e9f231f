"""Answers on a port whether a runner's turns go on, for a platform that asks its programs, as App Service does.

It tells nothing else, since whoever reaches the port may ask.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HUNG_S = 600.0
"""A turn that takes longer is stuck: a call to a database that is away takes a few minutes at most."""


@contextmanager
def answering(address: str, port: int, seconds_since_turn: Callable[[], float]) -> Iterator[int]:
    """Answer each GET and HEAD: 200, or 503 if the last turn ended too long ago. Yields the port. Raises OSError."""

    class Health(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_well = seconds_since_turn() < HUNG_S
            said = b"ok\n" if is_well else b"the runner hangs\n"
            self.send_response(200 if is_well else 503)
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(said)

        do_HEAD = do_GET

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing: a platform asks every few seconds."""

        def version_string(self) -> str:
            return "imagestore"

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """Say nothing of a caller who went away."""

    Health.timeout = 10  # seconds in which a caller must have asked
    with Server((address, port), Health) as server:
        thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
