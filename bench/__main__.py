"""Speed of the whole pipeline, beside the floor of the stores in the same run: `make bench`.

Latency: upload accepted → record readable, one picture at a time on an idle stack. Throughput: many uploads at once,
from the first upload to the last record, with the processor time of our own processes (not of the stores). All of it in
one run, as a table; `--json FILE` keeps it for programs, `--write` puts it into docs/speed.md. `make bench` does both.
"""

import argparse
import json
import os
import platform
import statistics
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console

from bench import floor, processes, ready, reprocessing, thumbnail
from bench.processes import Taken
from bench.thumbnail import Thumbnails
from imagestore.configure import open_stores
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.record import record_id
from imagestore.settings import ROOT
from imagestore.store import Stores

PHOTO = ROOT / "samples" / "palace.jpg"
MODEL = ROOT / "model" / "default" / "model.onnx"
PAGE = ROOT / "docs" / "speed.md"
_BEGIN, _END = "<!-- make bench: begins -->", "<!-- make bench: ends -->"
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


@dataclass(frozen=True)
class Round:
    """One round: pictures a second of ours and of the floor, and processor time a picture of each, in ms."""

    pictures_per_s: float
    floor_per_s: float
    floor_cpu_ms: float
    cpu_ms: dict[str, float]

    @property
    def ratio(self) -> float:
        """Ours beside the floor."""
        return self.pictures_per_s / self.floor_per_s

    @property
    def own_cpu_ms(self) -> float:
        """Of the workers and their children."""
        return self.cpu_ms["workers"] + self.cpu_ms["decode children"]


@dataclass(frozen=True)
class Measured:
    """All that one run has found; memory is of one worker and its child, in MB."""

    machine: str
    count: int
    p50_ms: float
    p95_ms: float
    ready_s: float
    at_rest_mb: float
    at_work_mb: float
    rounds: list[Round]
    again_per_s: float
    thumbnails: Thumbnails

    def rows(self) -> list[tuple[str, str]]:
        """What is shown: a figure's name, and the figure."""
        middle = statistics.median
        of_children = middle(one.cpu_ms["decode children"] for one in self.rounds)
        of_workers, of_host = (middle(one.cpu_ms[name] for one in self.rounds) for name in ("workers", "host"))
        each = ", ".join(f"{one.pictures_per_s:.1f} ÷ {one.floor_per_s:.1f}" for one in self.rounds)
        growth = self.rounds[-1].own_cpu_ms / self.rounds[0].own_cpu_ms
        first_per_s, width_and_height = self.rounds[-1].pictures_per_s, " × ".join(map(str, thumbnail.SIZE))
        ours_ms, libvips_ms = self.thumbnails.ours_ms, self.thumbnails.libvips_ms
        return [
            ("Upload accepted → record readable, idle", f"p50 {self.p50_ms:.0f} ms, p95 {self.p95_ms:.0f} ms"),
            (
                "Own processor time a picture",
                f"{of_workers + of_children:.1f} ms: workers {of_workers:.1f}, decode children {of_children:.1f} "
                f"(the host, which is Azure's there: {of_host:.1f})",
            ),
            ("The same calls alone, with the stock SDKs", f"{middle(one.floor_cpu_ms for one in self.rounds):.1f} ms"),
            ("Pictures a second ÷ those calls alone", f"{middle(one.ratio for one in self.rounds):.2f} ({each})"),
            (f"Own processor time, last {self.count} ÷ first {self.count}", f"{growth:.2f}"),
            (
                "Classified again, from what is staged: pictures a second ÷ the first time",
                f"{self.again_per_s / first_per_s:.2f} ({self.again_per_s:.1f} ÷ {first_per_s:.1f})",
            ),
            (
                f"A JPEG of {width_and_height} through preprocess, processor time ÷ libvips' thumbnail of it",
                f"{ours_ms / libvips_ms:.2f} ({ours_ms:.1f} ÷ {libvips_ms:.1f} ms)",
            ),
            ("One worker ready, imports and model, processor time", f"{self.ready_s:.2f} s"),
            ("One worker with its child, at rest and at work", f"{self.at_rest_mb:.0f} MB, {self.at_work_mb:.0f} MB"),
        ]

    def markdown(self) -> str:
        """The table, as docs/speed.md has it."""
        lines = [f"Measured on {time.strftime('%Y-%m-%d')}: {self.machine}; {len(self.rounds)} rounds of {self.count}."]
        lines += ["", "| | |", "|---|---|", *(f"| {name} | {figure} |" for name, figure in self.rows())]
        return "\n".join(lines)


def measure(count: int, latency_count: int, rounds: int) -> Measured:
    """Run everything once."""
    photo, workers = PHOTO.read_bytes(), os.cpu_count() or 1
    with tempfile.TemporaryDirectory() as folder:
        options = Options(ports=Ports.from_base(24000), folder=Path(folder), workers=workers)
        with Stack(options) as stack:
            stack.start(lambda what: None)
            stores = open_stores(stack.environment)
            host = stack.processes["host"].pid or 0
            latency = latencies_ms(stores, photo, latency_count)
            at_rest, found = _memory_mb(processes.of_host(host), workers), []
            for _ in range(rounds):
                before = processes.of_host(host)
                ours = throughput(stores, photo, count)
                after = processes.of_host(host)
                least = floor.run(stack.environment, MODEL, photo, count, workers)
                cpu_ms = {name: (after[name].cpu_ms - before[name].cpu_ms) / count for name in after}
                found.append(Round(ours, least.pictures_per_s, least.cpu_ms_per_picture, cpu_ms))
            at_work = _memory_mb(after, workers)
            again = reprocessing.pictures_per_s(stores, stack.environment, MODEL)
    cuts = statistics.quantiles(latency, n=100)
    machine = f"{platform.machine()}, {workers} cores, Python {platform.python_version()}, {PHOTO.name} 640 × 427"
    thumbnails = thumbnail.measure(PHOTO)
    return Measured(machine, count, cuts[49], cuts[94], ready.cpu_s(), at_rest, at_work, found, again, thumbnails)


def _memory_mb(taken: dict[str, Taken], workers: int) -> float:
    return (taken["workers"].memory_mb + taken["decode children"].memory_mb) / workers


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--count", type=int, default=400, help="pictures for throughput")
    parser.add_argument("--latency-count", type=int, default=100)
    parser.add_argument("--rounds", type=int, default=3, help="pipeline and floor in turn, so often")
    parser.add_argument("--json", type=Path, help="a file for the figures")
    parser.add_argument("--write", action="store_true", help="put the table into docs/speed.md")
    arguments = parser.parse_args()
    measured = measure(arguments.count, arguments.latency_count, arguments.rounds)
    Console(width=120).print(measured.markdown(), markup=False, highlight=False)
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(asdict(measured), indent=2) + "\n", "utf-8")
    if arguments.write:
        page = PAGE.read_text("utf-8")
        before, after = page.partition(_BEGIN)[0], page.partition(_END)[2]
        PAGE.write_text(f"{before}{_BEGIN}\n{measured.markdown()}\n{_END}{after}", "utf-8")


if __name__ == "__main__":
    main()
