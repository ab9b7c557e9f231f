"""Thousands of uploads at once: `python -m bench.crowd --count 20000`. What the last of them take beside the first, and
whether any is lost.

Own processor time is that of workers and their decode children, taken whenever another thousand have their records.
The pipeline is compared with its floor (bench/floor.py) before the crowd and after it, so that each time both work
beside the same number of blobs, which makes Azurite slower.
"""

import argparse
import itertools
import os
import platform
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import floor, processes
from bench.__main__ import MODEL, PHOTO, throughput
from imagestore.configure import open_stores
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.record import Status, record_id
from imagestore.store import Stores

_AT_ONCE = 8
_PATIENCE_S = 120.0
"""For so long without another record the rest is waited for; then it counts as lost."""


@dataclass(frozen=True)
class Mark:
    """How things were when so many pictures had their records."""

    done: int
    seconds: float
    cpu_ms: float
    memory_mb: float


def mark(done: int, began: float, host: int) -> Mark:
    """How things are now."""
    own = processes.of_host(host)
    cpu_ms = own["workers"].cpu_ms + own["decode children"].cpu_ms
    return Mark(done, time.perf_counter() - began, cpu_ms, sum(one.memory_mb for one in own.values()))


def crowd(stores: Stores, host: int, count: int, step: int) -> tuple[list[Mark], int]:
    """(a mark for every `step` records, how many uploads have none or a failed one)."""
    photo = PHOTO.read_bytes()
    names = [f"crowd/{time.time_ns()}-{number}.jpg" for number in range(count)]
    token, open_ids = stores.records.now(), {record_id(name) for name in names}
    failed: set[str] = set()
    began = changed = time.perf_counter()
    marks = [mark(0, began, host)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        uploads = pool.map(lambda name: stores.uploads.overwrite(name, photo, "image/jpeg"), names)
        while open_ids and time.perf_counter() - changed < _PATIENCE_S:
            for records, next_token in stores.records.changes(token):
                token = next_token
                for stored in records:
                    if stored.record.id in open_ids:
                        changed = time.perf_counter()
                        open_ids.discard(stored.record.id)
                        if stored.record.status not in (Status.CLASSIFIED, Status.UNKNOWN):
                            failed.add(stored.record.id)
                if count - len(open_ids) - marks[-1].done >= step:
                    marks.append(mark(count - len(open_ids), began, host))
            threading.Event().wait(0.05)
        list(uploads)
    return marks, len(open_ids | failed)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.crowd", description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--step", type=int, default=1000)
    parser.add_argument("--beside", type=int, default=400, help="pictures for each comparison with the floor")
    arguments = parser.parse_args()
    console, workers = Console(width=120), os.cpu_count() or 1
    photo = PHOTO.read_bytes()
    with tempfile.TemporaryDirectory() as folder:
        options = Options(ports=Ports.from_base(24400), folder=Path(folder), workers=workers)
        with Stack(options) as stack:
            stack.start(lambda what: None)
            stores, host = open_stores(stack.environment), stack.processes["host"].pid or 0

            def beside() -> float:
                ours = throughput(stores, photo, arguments.beside)
                return ours / floor.run(stack.environment, MODEL, photo, arguments.beside, workers).pictures_per_s

            throughput(stores, photo, 50)
            before = beside()
            marks, lost = crowd(stores, host, arguments.count, arguments.step)
            after = beside()
            waiting, given_up = stores.work.length(), stores.work_poison.length()
    table = Table("records", "own CPU a picture", "pictures a second", "memory of host, workers, children")
    each = []
    for earlier, later in itertools.pairwise(marks):
        count = later.done - earlier.done
        each.append((later.cpu_ms - earlier.cpu_ms) / count)
        per_s = count / (later.seconds - earlier.seconds)
        table.add_row(f"{later.done:,}", f"{each[-1]:.1f} ms", f"{per_s:.1f}", f"{later.memory_mb:.0f} MB")
    console.print(table)
    console.print(f"{platform.machine()}, {workers} cores, Python {platform.python_version()}, {PHOTO.name} 640 × 427")
    console.print(f"lost or failed: {lost} of {arguments.count:,}; {waiting} on work, {given_up} given up")
    console.print(f"own CPU, last {arguments.step:,} ÷ first {arguments.step:,}: {each[-1] / each[0]:.3f}")
    console.print(f"memory, last ÷ first: {marks[-1].memory_mb / marks[1].memory_mb:.3f}")
    console.print(f"throughput ÷ floor, after and before: {after:.2f}, {before:.2f}: {after / before:.2f}")


if __name__ == "__main__":
    main()
