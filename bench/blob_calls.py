"""CPU of this process for a call of `Blobs`, by Microsoft's SDK alone and directly: `python -m bench.blob_calls`.

Both ask the same Azurite, which keeps blobs in memory and is started and ended here. Rounds of the two take turns; what
is printed is the median of the rounds. Nothing of Azurite's own CPU is counted.
"""

import argparse
import contextlib
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator

from imagestore.local.node import demand_node
from imagestore.local.places import LOCAL
from imagestore.local.ports import is_listening
from imagestore.settings import AZURITE
from imagestore.store import Blobs, BlobState
from imagestore.store.connect import _blob_service
from imagestore.store.connection import Connection
from imagestore.store.object_store import object_store_of

PORT = 29610
_NAME = "a/picture.jpg"
_TAGS = {"imagestore_etag": "0x8DE", "status": "classified", "label": "tabby"}


@contextlib.contextmanager
def _azurite() -> Iterator[str]:
    main = LOCAL / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    command = [demand_node(), str(main), "--inMemoryPersistence", "--silent", "--skipApiVersionCheck"]
    command += ["--blobPort", str(PORT), "--disableTelemetry"]
    key = _blob_service(Connection("BENCH", AZURITE)).credential.account_key
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as running:
        while not is_listening(PORT):
            if running.poll() is not None:
                raise SystemExit(f"Azurite ended with {running.returncode}.")
            time.sleep(0.1)
        yield f"AccountName=devstoreaccount1;AccountKey={key};BlobEndpoint=http://127.0.0.1:{PORT}/devstoreaccount1;"
        running.terminate()


def _cpu_ms(call: Callable[[], object], calls: int) -> float:
    started = time.process_time()
    for _ in range(calls):
        call()
    return (time.process_time() - started) * 1e3 / calls


def _calls(blobs: Blobs, data: bytes) -> dict[str, Callable[[], object]]:
    etag = blobs.overwrite(_NAME, data, "image/jpeg")

    def replace() -> None:
        nonlocal etag
        etag = blobs.put(_NAME, data, "image/jpeg", etag)

    return {
        "get": lambda: blobs.get(_NAME),
        "overwrite": lambda: blobs.overwrite(_NAME, data, "image/jpeg", {"traceparent": "00-1-2-01"}),
        "put in place of a version": replace,
        "stat": lambda: blobs.stat(_NAME),
        "tag": lambda: blobs.tag(_NAME, _TAGS, BlobState(etag)),
    }


def main() -> None:
    """Print a table: milliseconds of CPU a call."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--calls", type=int, default=200, help="calls of each kind in a round")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--kb", type=int, default=30, help="size of the blob in kB")
    asked = parser.parse_args()
    data = os.urandom(asked.kb * 1000)
    with _azurite() as string:
        service = _blob_service(Connection("BENCH", string))
        client = service.create_container("bench")
        store = object_store_of(service, "bench", os.environ)
        if store is None:
            raise SystemExit("obstore is not used here: see object_store_of in imagestore/store/object_store.py")
        ways = {"SDK": Blobs(client), "directly": Blobs(client, object_store=store)}
        print(f"CPU of this process, ms a call, {asked.kb} kB, median of {asked.rounds} rounds of {asked.calls} calls")
        for name in _calls(ways["SDK"], data):
            found: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(asked.rounds):
                for way, blobs in ways.items():
                    found[way].append(_cpu_ms(_calls(blobs, data)[name], asked.calls))
            sdk, direct = (statistics.median(found[way]) for way in ways)
            print(f"{name:28}SDK {sdk:5.2f}   directly {direct:5.2f}   {sdk / direct:4.1f} times less")


if __name__ == "__main__":
    main()
