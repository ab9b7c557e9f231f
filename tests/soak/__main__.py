"""The long forms of the reliability tests: `make soak`. Prints what docs/reliability.md quotes.

First thousands of uploads while processes are killed at random, then a sweep over many uploads that are in order.
"""

import argparse
import os
import random
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from rich.console import Console

from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.record import Status, record_id
from imagestore.settings import ROOT
from imagestore.store import BlobState
from imagestore.store.tags import ETAG
from integration.conftest import Pipeline
from integration.faults import kill_one, processes, settled, unseen
from unit.pictures import encoded, photo

console = Console(highlight=False)
PICTURE = encoded(photo(), "JPEG")
_SECONDS_BETWEEN_KILLS = 2.0
_AT_ONCE = 8


def resident_mb(pids: list[int]) -> float:
    """What these processes hold in memory together."""
    total = 0.0
    for pid in pids:
        try:
            status = Path(f"/proc/{pid}/status").read_text()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024
    return total


def ours(stack: Stack) -> list[int]:
    """Our processes: host, workers, decode children, relay."""
    roots = [pid for name in ("host", "relay") if (pid := stack.processes[name].pid)]
    return roots + [inner for pid in roots for inner in processes(pid)]


def killing(pipeline: Pipeline, count: int, seed: int) -> None:
    """Upload while processes die; in the end every upload has one right record and nothing is left over."""
    chance, done, kills = random.Random(seed), threading.Event(), Counter[str]()

    def kill() -> None:
        while not done.wait(_SECONDS_BETWEEN_KILLS):
            kills[kill_one(pipeline.stack, chance).rpartition(" ")[0] or "relay or cosmos"] += 1

    killer = threading.Thread(target=kill)
    started = time.monotonic()
    killer.start()
    names = [f"soak/{number}.jpg" for number in range(count)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        etags = list(pool.map(lambda name: pipeline.drop(name, PICTURE), names))
    wait_for(pipeline, names[-1])
    done.set()
    killer.join()
    assert settled(pipeline) == []
    seconds = time.monotonic() - started
    statuses = Counter(pipeline.record(name, etag).status for name, etag in zip(names, etags, strict=True))
    assert set(statuses) <= {Status.CLASSIFIED, Status.UNKNOWN}, statuses
    console.print(
        f"{count} uploads, {kills.total()} kills ({', '.join(f'{n} {what}' for what, n in kills.most_common())}), "
        f"seed {seed}: {statuses.total()} final records, 0 differences, 0 in poison, {seconds:.0f} s"
    )


def wait_for(pipeline: Pipeline, name: str) -> None:
    """Until the last upload has a record: by then most have."""
    pause = threading.Event()
    while True:
        try:
            if pipeline.stores.records.read(record_id(name)):
                return
        except Exception:  # it was killed just now
            pause.wait(0.2)
        pause.wait(0.2)


def sweeping(pipeline: Pipeline, count: int) -> None:
    """A sweep over uploads that are in order: its calls, time and memory."""
    with unseen(pipeline.stack):

        def put(number: int) -> None:
            name = f"estate/{number:06d}.jpg"
            etag = pipeline.drop(name, b"in order")
            pipeline.stores.uploads.tag(name, {"status": "classified", ETAG: etag}, BlobState(etag))

        with ThreadPoolExecutor(_AT_ONCE) as pool:
            list(pool.map(put, range(count)))
    log = pipeline.stack.options.folder / "logs" / "azurite.log"
    before, started = log.stat().st_size, time.monotonic()
    environment = {**os.environ, **pipeline.stack.environment}
    command = [sys.executable, "-m", "imagestore.cli.main", "sweep"]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    seconds = time.monotonic() - started
    calls = log.read_text()[before:].count("/uploads?")
    peak_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    console.print(f"sweep: {done.stdout.strip()} {calls} calls, {seconds:.1f} s, at most {peak_mb:.0f} MB")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m soak", description=__doc__)
    parser.add_argument("--uploads", type=int, default=5000)
    parser.add_argument("--sweep", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        options = Options(
            ports=Ports.from_base(24200),
            folder=Path(folder),
            workers=2,
            values={"RETRY_DELAYS_SECONDS": "1,2,4,8,16,30"},
        )
        with Stack(options) as stack:
            stack.start(lambda what: None)
            pipeline = Pipeline(stack)
            pipeline.record("warm.jpg", pipeline.drop("warm.jpg", PICTURE))
            before = resident_mb(ours(stack))
            killing(pipeline, arguments.uploads, arguments.seed)
            after = resident_mb(ours(stack))
            console.print(f"host, workers, decode children, relay: {before:.0f} MB before, {after:.0f} MB after")
            sweeping(pipeline, arguments.sweep)


if __name__ == "__main__":
    main()
