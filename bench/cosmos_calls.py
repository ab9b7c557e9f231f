"""CPU of this process for a call of `Records`, by `requests` and over kept connections: `python -m bench.cosmos_calls`.

Both are calls of Microsoft's SDK to the same local Cosmos DB, in rounds that take turns; what is printed is the median.
"""

import argparse
import contextlib
import statistics
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from imagestore.configure import connection, names_of
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.record import Record, Status, Upload, record_id, utc
from imagestore.settings import Settings
from imagestore.store import Records, stores_of


def _record() -> Record:
    name = f"{uuid.uuid4().hex}.jpg"
    return Record(record_id(name), name, status=Status.CLASSIFIED, upload=Upload("0x8DE", 1, None), finished_at=utc())


def _cpu_ms(call: Callable[[], object], calls: int) -> float:
    started = time.thread_time()
    for _ in range(calls):
        call()
    return (time.thread_time() - started) * 1e3 / calls


_CALLS: dict[str, Callable[[Records], object]] = {
    "read, of none": lambda records: records.read(record_id(uuid.uuid4().hex)),
    "write": lambda records: records.write(_record(), None, None),
}


@contextlib.contextmanager
def _stack(folder: Path) -> Iterator[Stack]:
    with Stack(Options(ports=Ports.from_base(24600), folder=folder, with_host=False)) as stack:
        stack.start(lambda what: None)
        yield stack


def main() -> None:
    """Print a table: milliseconds of CPU a call."""
    parser = argparse.ArgumentParser(prog="python -m bench.cosmos_calls", description=__doc__)
    parser.add_argument("--calls", type=int, default=200, help="calls of each kind in a round")
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, _stack(Path(folder)) as stack:
        names = names_of(Settings.read(stack.environment))
        storage, cosmos = (connection(name, stack.environment) for name in ("IMAGES_STORAGE", "COSMOS"))
        ways = {
            "requests": stores_of(names, storage, cosmos).records,
            "kept": stores_of(names, storage, cosmos, direct={}).records,
        }
        for name, call in _CALLS.items():
            found: dict[str, list[float]] = {way: [] for way in ways}
            for _ in range(asked.rounds + 1):
                for way, records in ways.items():
                    found[way].append(_cpu_ms(partial(call, records), asked.calls))
            by_requests, kept = (statistics.median(found[way][1:]) for way in ways)
            print(f"{name:16}requests {by_requests:5.2f} ms   kept connections {kept:5.2f} ms")


if __name__ == "__main__":
    main()
