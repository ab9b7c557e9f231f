"""Speed of the whole pipeline, beside the floor of the stores in the same run: `make bench`.

Latency: upload accepted → record readable, one picture at a time on an idle stack. Throughput: many uploads at once,
from the first upload to the last record.
"""

import argparse
import os
import platform
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import floor, memory
from imagestore.configure import open_stores
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.record import record_id
from imagestore.settings import ROOT
from imagestore.store import Stores

PHOTO = ROOT / "samples" / "palace.jpg"
MODEL = ROOT / "model" / "default" / "model.onnx"
_WARM_UP = 10


def latencies_ms(stores: Stores, photo: bytes, count: int) -> list[float]:
    """From the upload's answer to the first read that finds the record."""
    pause, measured = threading.Event(), []
    for number in range(count + _WARM_UP):
        name = f"latency/{time.time_ns()}.jpg"
        stores.uploads.overwrite(name, photo, "image/jpeg")
        started = time.perf_counter()
        while stores.records.read(record_id(name)) is None:
            pause.wait(0.004)
        if number >= _WARM_UP:
            measured.append((time.perf_counter() - started) * 1e3)
        pause.wait(0.05)
    return measured


def throughput(stores: Stores, photo: bytes, count: int) -> float:
    """Pictures per second, uploads included."""
    names = [f"throughput/{time.time_ns()}-{number}.jpg" for number in range(count)]
    token, open_ids = stores.records.now(), {record_id(name) for name in names}
    started = time.perf_counter()
    with ThreadPoolExecutor(4) as pool:
        uploads = pool.map(lambda name: stores.uploads.overwrite(name, photo, "image/jpeg"), names)
        while open_ids:
            for records, next_token in stores.records.changes(token):
                token = next_token
                open_ids -= {stored.record.id for stored in records}
            threading.Event().wait(0.05)
        list(uploads)
    return count / (time.perf_counter() - started)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="pictures for throughput")
    parser.add_argument("--latency-count", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3, help="pipeline and floor in turn, so often")
    arguments = parser.parse_args()
    console, photo, workers = Console(), PHOTO.read_bytes(), os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        options = Options(ports=Ports.from_base(24000), folder=Path(folder), workers=workers)
        with Stack(options) as stack:
            stack.start(lambda what: None)
            stores = open_stores(stack.environment)
            latency = latencies_ms(stores, photo, arguments.latency_count)
            rounds = []
            for _ in range(arguments.rounds):
                ours = throughput(stores, photo, arguments.count)
                rounds.append((ours, floor.run(stack.environment, MODEL, photo, arguments.count, workers)))
    console.print(f"{platform.machine()}, {workers} cores, Python {platform.python_version()}, {PHOTO.name} 640 × 427")
    cuts = statistics.quantiles(latency, n=100)
    console.print(f"upload accepted → record readable, idle: p50 {cuts[49]:.0f} ms, p95 {cuts[94]:.0f} ms")
    table = Table("round", "pictures/s", "floor, pictures/s", "ratio", "floor, CPU ms a picture")
    for number, (ours, least) in enumerate(rounds, 1):
        ratio = f"{ours / least.pictures_per_s:.2f}"
        table.add_row(
            str(number), f"{ours:.1f}", f"{least.pictures_per_s:.1f}", ratio, f"{least.cpu_ms_per_picture:.1f}"
        )
    console.print(table)
    console.print(memory.of_child())


if __name__ == "__main__":
    main()
