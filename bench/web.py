"""What the pages cost: `make bench-web`. Needs Chromium for the first figure.

Drop to result: from the drop on the page to the result's card in it, in a real browser. Server time: of the gallery's
first page and of the counts, at 100,000 records or as many as `--records` says. Memory: the web app's peak before and
after an upload of 100 MB.
"""

import argparse
import base64
import http.client
import io
import os
import platform
import random
import re
import shutil
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.table import Table

from classify import ModelRef, Prediction, Score
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.record import Record, Upload, record_id, utc
from imagestore.settings import ROOT
from imagestore.store import StoredRecord
from imagestore.web.index.index import Index
from preprocess import ImageInfo

PHOTO = ROOT / "samples" / "palace.jpg"
_LARGE_BYTES = 99_999_000
_DROP = """async ([base64, name]) => {
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name));
    const results = document.getElementById("results");
    const seen = new Promise((resolve) => {
        const observer = new MutationObserver(() => {
            if (results.firstElementChild?.querySelector(".file")?.textContent.trim() !== name) return;
            observer.disconnect();
            resolve(performance.now());
        });
        observer.observe(results, { childList: true });
    });
    const started = performance.now();
    document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, cancelable: true }));
    return (await seen) - started;
}"""


_PAINT = "() => performance.getEntriesByName('first-contentful-paint')[0].startTime"
_CHOOSE = """async () => {
    const link = document.querySelector(".card a");
    const started = performance.now();
    link.focus();
    link.dispatchEvent(new KeyboardEvent("keydown", { key: "x", bubbles: true }));
    await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
    return performance.now() - started;
}"""


def drop_to_result_ms(base: str, count: int) -> list[float]:
    """Each picture differs, so that none is known already. The first ten warm up."""
    from playwright.sync_api import sync_playwright

    photo, measured = Image.open(PHOTO), []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(base_url=base)
        page.goto("/")
        page.wait_for_selector("html[data-live=yes]")
        for number in range(count + 10):
            out = io.BytesIO()
            photo.save(out, "JPEG", quality=90, comment=str(number).encode())
            took = page.evaluate(_DROP, [base64.b64encode(out.getvalue()).decode(), f"drop {number}.jpg"])
            if number >= 10:
                measured.append(took)
            threading.Event().wait(0.3)
        browser.close()
    return measured


def gallery_ms(base: str, count: int) -> tuple[list[float], list[float]]:
    """(from the request to the first paint with content, from a key that chooses a picture to what is drawn then) of
    the gallery's first page, opened so often anew. The first three warm up."""
    from playwright.sync_api import sync_playwright

    paints, choices = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=["--no-sandbox", "--disable-gpu"])
        for number in range(count + 3):
            page = browser.new_page(base_url=base)
            page.goto("/gallery")
            page.wait_for_selector(".card .pick", state="attached")
            painted, chosen = page.evaluate(_PAINT), page.evaluate(_CHOOSE)
            if number >= 3:
                paints.append(painted)
                choices.append(chosen)
            page.close()
        browser.close()
    return paints, choices


def _chromium() -> str | None:
    return next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def many(count: int) -> Iterator[Record]:
    """Records as a year of pictures leaves them: 300 labels, few of them frequent."""
    chance, model = random.Random(1), ModelRef("default", "1", "f" * 64)
    labels = [f"label {number}" for number in range(300)]

    def one(number: int) -> Record:
        name = f"garden/2026/IMG_{number:06d}.jpg"
        label, confidence = labels[min(299, int(chance.expovariate(1 / 40)))], chance.random()
        at = utc_at(chance.randrange(365 * 24 * 3600))
        return Record(
            record_id(name),
            name,
            upload=Upload(f"0x{number:X}", 2_000_000, "image/jpeg", f"{chance.getrandbits(256):064x}"),
            image=ImageInfo("JPEG", 4032, 3024, "RGB", phash=f"{chance.getrandbits(64):016x}", metadata={"Make": "X"}),
            prediction=Prediction(
                label, confidence, 0.1, 0.35, tuple(Score(label, confidence) for _ in range(5)), model
            ),
            timings_ms={"preprocess": 20, "classify": 8},
            uploaded_at=at,
        ).finished(at)

    return map(one, range(count))


def utc_at(seconds: float) -> str:
    """So many seconds after the beginning of 2026."""
    return utc(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds))


def server_ms(port: int, path: str, times: int) -> list[float]:
    """From request to whole answer, over one kept connection on this machine."""
    connection, measured = http.client.HTTPConnection("localhost", port), []
    for _ in range(times):
        started = time.perf_counter()
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        measured.append((time.perf_counter() - started) * 1e3)
        assert answer.status == 200, path
    connection.close()
    return measured


def peak_mb(pid: int, *, reset: bool = False) -> float:
    """The highest resident memory of a process (Linux), since its start or the last reset."""
    if reset:
        Path(f"/proc/{pid}/clear_refs").write_text("5")
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) / 1024


def upload_mb(port: int, pid: int) -> tuple[float, float]:
    """(memory that an upload of 100 MB added at its peak in MB, seconds it took)."""

    def send(name: str, size: int) -> None:
        connection = http.client.HTTPConnection("localhost", port)
        piece = bytes(2**20)
        connection.putrequest("POST", f"/api/v1/pictures?name={name}")
        connection.putheader("Content-Length", str(size))
        connection.endheaders()
        for start in range(0, size, len(piece)):
            connection.send(piece[: min(len(piece), size - start)])
        assert connection.getresponse().status == 202
        connection.close()

    send("small.bin", 1000)
    before = peak_mb(pid, reset=True)
    started = time.perf_counter()
    send("large.bin", _LARGE_BYTES)
    return peak_mb(pid) - before, time.perf_counter() - started


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.web", description=__doc__)
    parser.add_argument("--drops", type=int, default=100)
    parser.add_argument("--records", type=int, default=100_000)
    arguments = parser.parse_args()
    console, ports = Console(), Ports.from_base(24100)
    table = Table("what", "p50", "p95", "limit")

    def row(what: str, measured: list[float], limit: str) -> None:
        cuts = statistics.quantiles(measured, n=20)
        table.add_row(what, f"{cuts[9]:.1f} ms", f"{cuts[18]:.1f} ms", limit)

    with tempfile.TemporaryDirectory() as folder:
        options = Options(ports=ports, folder=Path(folder), with_web=True)
        with Stack(options) as stack:
            stack.start(lambda what: None)
            if _chromium() is not None and arguments.drops:
                measured = drop_to_result_ms(f"http://localhost:{ports.web}", arguments.drops)
                row("drop → result on the page", measured, "p95 600 ms")
            pid = stack.processes["web"].pid
            assert pid is not None
            added, seconds = upload_mb(ports.web, pid)
        index = Index(Path(folder) / "web.sqlite")
        position, records, began = index.position(), many(arguments.records), time.perf_counter()
        assert position is not None
        while some := [StoredRecord(record, "", None, 1) for record in islice(records, 1000)]:
            index.apply(some, position.generation, position.token)
        index.close()
        filled, size = time.perf_counter() - began, (Path(folder) / "web.sqlite").stat().st_size / 1e6
        with Stack(options) as stack:
            stack.start(lambda what: None)
            pid = stack.processes["web"].pid
            assert pid is not None
            for path, limit in (
                ("/gallery", "100 ms"),
                ("/gallery?label=label+3&sort=confident", "100 ms"),
                ("/gallery?q=img_0999", "100 ms"),
                ("/gallery?q=garden", "100 ms"),
                ("/api/v1/pictures?limit=60", "100 ms"),
                ("/api/v1/pictures?q=garden&limit=60", "100 ms"),
                ("/api/v1/counts", "100 ms"),
                ("/api/v1/counts?q=img_09", "100 ms"),
                ("/api/v1/counts?q=garden", "100 ms"),
                ("/dashboard", "100 ms"),
            ):
                server_ms(ports.web, path, 3)
                row(f"{path} at {arguments.records:,} records", server_ms(ports.web, path, 40), limit)
            memory = peak_mb(pid)
            if _chromium() is not None:
                paints, choices = gallery_ms(f"http://localhost:{ports.web}", 20)
                row(f"the gallery's first paint at {arguments.records:,} records", paints, "")
                row("a key that chooses a picture → drawn", choices, "100 ms")
    console.print(f"the index took {filled:.0f} s and {size:.0f} MB, the web app {memory:.0f} MB at its peak")
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    console.print(table)
    console.print(f"an upload of 100 MB added {added:.1f} MB to the web app's memory (limit 30), in {seconds:.1f} s")


if __name__ == "__main__":
    main()
