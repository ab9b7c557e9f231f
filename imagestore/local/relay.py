"""A local stand-in for Event Grid: turns the lines of Azurite's access log into events, and delivers them.

python -m imagestore.local.relay --log FILE --offset FILE --host http://127.0.0.1:7071

Azurite logs a request when it is finished, so storage is not polled, and every client's uploads count. An event is
delivered at least once: the offset advances only when the receiver has it. The subscriptions are those of Azure:
uploads and staging go to the blob webhook of their function, deletions of uploads to the queue `work`.
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
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, quote, unquote, urlsplit

from imagestore import parent_watchdog
from imagestore.configure import open_stores
from imagestore.errors import StoreError
from imagestore.pipeline.steps.events import CREATED, DELETED
from imagestore.record import stored_name, utc
from imagestore.settings import Settings
from imagestore.store import Stores

log = logging.getLogger("relay")
ACCOUNT = "devstoreaccount1"
_REQUEST = re.compile(rb'"(PUT|DELETE) (\S+) HTTP/1\.[01]" (\d{3})')
_NOT_A_BLOB = {"restype", "snapshot", "versionid"}
_IDLE_S = 0.005
_CHUNK_BYTES = 2**18
_LONGEST_RETRY_S = 2.0
TIME_TO_LIVE_S = 300.0
"""The same as infra/ sets for Event Grid: what cannot be delivered for this long becomes a dead letter."""
_REFUSALS = (400, 401, 403, 404, 413)
"""Event Grid does not try these again, apart from 404, which here means that the app has no such function."""


@dataclass(frozen=True)
class Change:
    """One finished write or deletion of a blob."""

    kind: str
    container: str
    name: str

    def event(self) -> dict[str, object]:
        """The event in Event Grid's own schema. It has no ETag and no length: Azurite's log does not tell them."""
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
    """The change in a line of the access log; None for other requests and for lines that cannot be read."""
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
    return Change(CREATED if created else DELETED, container, stored_name(name)) if slash and name else None


class Tail:
    """Reads whole lines of a growing file, from an offset that is kept when the process ends."""

    def __init__(self, log_file: Path, offset_file: Path) -> None:
        self._log = log_file.open("rb")
        self._offset_file = os.open(offset_file, os.O_RDWR | os.O_CREAT, 0o600)
        self._offset = int(os.pread(self._offset_file, 32, 0) or b"0")
        if self._offset > os.fstat(self._log.fileno()).st_size:
            self._offset = 0

    def read(self) -> tuple[list[bytes], int]:
        """Read whole lines from the offset on. Returns them and the offset after them."""
        data = os.pread(self._log.fileno(), _CHUNK_BYTES, self._offset)
        end = data.rfind(b"\n") + 1
        return data[:end].splitlines(), self._offset + end

    def advance(self, offset: int) -> None:
        """Store that everything before this offset was delivered."""
        self._offset = offset
        os.pwrite(self._offset_file, b"%-20d" % offset, 0)


class Webhook:
    """The blob webhook of a Functions host."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._connection: http.client.HTTPConnection | None = None

    def post(self, function: str, events: list[dict[str, object]]) -> int:
        """Deliver events to one function. Returns the HTTP status; raises OSError or HTTPException."""
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


def deliver(
    changes: list[Change],
    subscriptions: dict[str, str],
    webhook: Webhook,
    stores: Stores,
    is_expired: bool,
) -> None:
    """Deliver each change to its subscriber.

    As at Event Grid, events that a function refuses for good become dead letters, and so do those that `is_expired`
    says have waited too long. If a receiver does not answer, raises OSError, HTTPException or StoreError; the caller
    then delivers all of them again.
    """
    for container, function in subscriptions.items():
        events = [c.event() for c in changes if c.kind == CREATED and c.container == container]
        if not events:
            continue
        try:
            status = webhook.post(function, events)
        except (OSError, http.client.HTTPException) as error:
            if not is_expired:
                raise
            _keep_dead_letter(stores, function, events, "TimeToLiveExceeded", type(error).__name__)
            continue
        if status in _REFUSALS:
            _keep_dead_letter(stores, function, events, "UndeliverableDueToClientError", str(status))
        elif status >= 300 and is_expired:
            _keep_dead_letter(stores, function, events, "TimeToLiveExceeded", str(status))
        elif status >= 300:
            raise ConnectionError(f"the host answered {status}")
    for change in changes:
        if change.kind == DELETED and change.container == stores.names.uploads:
            stores.work.send(json.dumps(change.event()))


def _keep_dead_letter(
    stores: Stores, function: str, events: list[dict[str, object]], reason: str, outcome: str
) -> None:
    """Write the events as Event Grid writes dead letters: a list, under a path of the subscription and the hour
    (UTC)."""
    log.error("%d events for the function %s become a dead letter: %s (%s)", len(events), function, reason, outcome)
    now = datetime.now(UTC)
    beside = {
        "deadLetterReason": reason,
        "deliveryAttempts": 1,
        "lastDeliveryOutcome": outcome,
        "publishTime": utc(now),
        "lastDeliveryAttemptTime": utc(now),
    }
    name = f"{function.upper()}/{now.year}/{now.month}/{now.day}/{now.hour}/{uuid.uuid4()}.json"
    data = json.dumps([{**event, **beside} for event in events]).encode()
    stores.dead_letters.overwrite(name, data, "application/json")


def pauses() -> Iterator[float]:
    """The seconds to wait before each further attempt, without end."""
    pause = 0.05
    while True:
        yield pause
        pause = min(pause * 2, _LONGEST_RETRY_S)


def main() -> None:
    """Run the relay until SIGTERM."""
    parser = argparse.ArgumentParser(prog="python -m imagestore.local.relay", description="Event Grid for one machine.")
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--offset", type=Path, required=True)
    parser.add_argument("--host", default="http://127.0.0.1:7071")
    parser.add_argument("--ttl", type=float, default=TIME_TO_LIVE_S, help="seconds until an event is a dead letter")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    parent_watchdog.end_with_parent()
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())
    signal.signal(signal.SIGINT, lambda *_: stopping.set())
    settings = Settings.read(os.environ)
    stores = open_stores(os.environ)
    subscriptions = {settings.uploads_container: "preprocess", settings.staging_container: "classify"}
    tail, webhook = Tail(arguments.log, arguments.offset), Webhook(arguments.host)
    print("ready", flush=True)
    waiting, failing_since = pauses(), None
    while not stopping.is_set():
        lines, offset = tail.read()
        changes = [change for line in lines if (change := change_in(line))]
        try:
            is_expired = failing_since is not None and time.monotonic() - failing_since >= arguments.ttl
            deliver(changes, subscriptions, webhook, stores, is_expired)
        except (OSError, http.client.HTTPException, StoreError) as error:
            log.warning("a receiver is unavailable, %d events wait: %s", len(changes), error)
            failing_since = failing_since or time.monotonic()
            stopping.wait(next(waiting))
            continue
        waiting, failing_since = pauses(), None
        if lines:
            tail.advance(offset)
        else:
            stopping.wait(_IDLE_S)
    sys.exit(0)


if __name__ == "__main__":
    main()
