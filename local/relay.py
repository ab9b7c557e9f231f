"""Event Grid for one machine: reads in Azurite's access log which blobs were written and deleted, and says so.

`python -m local.relay --log FILE --offset FILE --host http://127.0.0.1:7071`. Azurite writes a line when a request is
finished, so there is no polling of storage, and any client's upload counts. An event is delivered at least once: the
offset moves on only when the receiver has it. Subscriptions are the same as on Azure: uploads and staging to the blob
webhook of their function, deletions of uploads to the queue `work`.
"""

import argparse
import http.client
import json
import logging
import os
import re
import signal
import sys
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from errors import StoreError
from local import leash
from record import utc
from settings import Settings
from store import Queue, open_stores

log = logging.getLogger("relay")
ACCOUNT = "devstoreaccount1"
CREATED, DELETED = "Microsoft.Storage.BlobCreated", "Microsoft.Storage.BlobDeleted"
_REQUEST = re.compile(rb'"(PUT|DELETE) (\S+) HTTP/1\.[01]" (\d{3})')
_NOT_A_BLOB = {"restype", "snapshot", "versionid"}
_IDLE_S = 0.005
_CHUNK_BYTES = 2**18
_LONGEST_RETRY_S = 2.0


@dataclass(frozen=True)
class Change:
    """One finished write or deletion of a blob."""

    kind: str
    container: str
    name: str

    def event(self) -> dict[str, object]:
        """As Event Grid's own schema says it. Azurite's log tells no ETag and no length."""
        return {
            "id": str(uuid.uuid4()),
            "topic": f"/subscriptions/local/providers/Microsoft.Storage/storageAccounts/{ACCOUNT}",
            "subject": f"/blobServices/default/containers/{self.container}/blobs/{self.name}",
            "eventType": self.kind,
            "eventTime": utc(),
            "dataVersion": "",
            "metadataVersion": "1",
            "data": {
                "api": "PutBlob" if self.kind == CREATED else "DeleteBlob",
                "blobType": "BlockBlob",
                "eTag": "",
                "url": f"http://127.0.0.1:10000/{ACCOUNT}/{self.container}/{quote(self.name)}",
            },
        }


def change_in(line: bytes) -> Change | None:
    """The change that a line of the access log tells of; None for every other request, and what cannot be read."""
    found = _REQUEST.search(line)
    if not found:
        return None
    method, status = found[1], int(found[3])
    target = urlsplit(found[2].decode("ascii", "replace"))
    query = parse_qs(target.query, keep_blank_values=True)
    if _NOT_A_BLOB & query.keys():
        return None
    created = method == b"PUT" and status in (201, 202) and query.get("comp", ["blocklist"]) == ["blocklist"]
    deleted = method == b"DELETE" and status == 202 and "comp" not in query
    if not (created or deleted):
        return None
    try:
        path = unquote(target.path, errors="strict").lstrip("/")
    except UnicodeDecodeError:
        return None
    first, _, rest = path.partition("/")
    container, slash, name = (rest if first in (ACCOUNT, ACCOUNT + "-secondary") else path).partition("/")
    return Change(CREATED if created else DELETED, container, name) if slash and name else None


class Tail:
    """Reads whole lines from a growing file, from an offset that outlives the process."""

    def __init__(self, log_file: Path, offset_file: Path) -> None:
        self._log = log_file.open("rb")
        self._offset_file = os.open(offset_file, os.O_RDWR | os.O_CREAT, 0o600)
        self._offset = int(os.pread(self._offset_file, 32, 0) or b"0")
        if self._offset > os.fstat(self._log.fileno()).st_size:
            self._offset = 0

    def read(self) -> tuple[list[bytes], int]:
        """Whole lines from the offset on, and the offset after them."""
        data = os.pread(self._log.fileno(), _CHUNK_BYTES, self._offset)
        end = data.rfind(b"\n") + 1
        return data[:end].splitlines(), self._offset + end

    def advance(self, offset: int) -> None:
        """What was read up to here has been delivered."""
        self._offset = offset
        os.pwrite(self._offset_file, b"%-20d" % offset, 0)


class Webhook:
    """The blob webhook of a Functions host."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._connection: http.client.HTTPConnection | None = None

    def post(self, function: str, events: list[dict[str, object]]) -> int:
        """Deliver events to one function; the status. OSError, HTTPException."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self._host, self._port, timeout=30)
        try:
            path = f"/runtime/webhooks/blobs?functionName=Host.Functions.{function}"
            headers = {"Content-Type": "application/json", "aeg-event-type": "Notification"}
            self._connection.request("POST", path, json.dumps(events), headers)
            response = self._connection.getresponse()
            response.read()
            return response.status
        except (OSError, http.client.HTTPException):
            self._connection.close()
            self._connection = None
            raise


def deliver(changes: list[Change], subscriptions: dict[str, str], webhook: Webhook, uploads: str, work: Queue) -> None:
    """Hand the changes to whom they concern. Raises where a receiver is away; then all of them are sent again."""
    for container, function in subscriptions.items():
        events = [c.event() for c in changes if c.kind == CREATED and c.container == container]
        if not events:
            continue
        status = webhook.post(function, events)
        if status in (400, 404):
            log.error("function %s refused %d events with %d", function, len(events), status)
        elif status >= 300:
            raise ConnectionError(f"the host answered {status}")
    for change in changes:
        if change.kind == DELETED and change.container == uploads:
            work.send(json.dumps(change.event()))


def pauses() -> Iterator[float]:
    """How long to wait before each further try."""
    pause = 0.05
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_RETRY_S)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m local.relay", description="Event Grid for one machine.")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--offset", type=Path, required=True)
    parser.add_argument("--host", default="http://127.0.0.1:7071")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    leash.hold()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, lambda *_: stopping.set())
    settings = Settings.read(os.environ)
    work = open_stores(settings, os.environ).work
    subscriptions = {settings.uploads_container: "preprocess", settings.staging_container: "classify"}
    tail, webhook = Tail(arguments.log, arguments.offset), Webhook(arguments.host)
    print("ready", flush=True)
    waiting = pauses()
    while not stopping.is_set():
        lines, offset = tail.read()
        changes = [change for line in lines if (change := change_in(line))]
        try:
            deliver(changes, subscriptions, webhook, settings.uploads_container, work)
        except (OSError, http.client.HTTPException, StoreError) as error:
            log.warning("a receiver is away, %d events wait: %s", len(changes), error)
            stopping.wait(next(waiting))
            continue
        waiting = pauses()
        if lines:
            tail.advance(offset)
        else:
            stopping.wait(_IDLE_S)
    sys.exit(0)


if __name__ == "__main__":
    main()
