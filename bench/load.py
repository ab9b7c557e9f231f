"""What the web app does when ten times more is asked of it than it can do: `python -m bench.load`, part of
`make bench-web`.

Requests are sent at random moments at a given rate, whether or not those before were answered, from a core of its own;
the app, its stores and its classifying child have another core. A request's time runs from the moment at which it was
to be sent to the last byte of its answer. Goodput is what is answered with success. With `--streams 10000` so many
streams of events are opened, which stay idle, and half as many connections that say nothing.
"""

import argparse
import asyncio
import os
import platform
import random
import statistics
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import httptools
from rich.console import Console
from rich.table import Table

from bench.processes import children, taken
from bench.web import PHOTO, many
from imagestore.configure import open_stores
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.store import StoredRecord
from imagestore.web.index.index import Index

_MOST_CONNECTIONS = 2_000
_RECORDS = 20_000
_PATIENCE_S = 30.0
_ROUNDS = 3
_CALM_S = 2.0


@dataclass(frozen=True)
class Asked:
    """A request as it is sent, of a kind."""

    kind: str
    raw: bytes


@dataclass
class Seen:
    """What came of the requests of one stage, by kind."""

    seconds: float = 0.0
    good: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    statuses: Counter[str] = field(default_factory=Counter)
    unsaid: int = 0
    """How many were refused without saying when to come again."""

    cpu_s: float = 0.0
    """Processor time that the app took meanwhile, with its children."""

    @property
    def goods_a_cpu_s(self) -> float:
        """Answers with success for a second of processor time."""
        return sum(map(len, self.good.values())) / self.cpu_s

    @property
    def goodput(self) -> float:
        """Answers with success a second."""
        return sum(map(len, self.good.values())) / self.seconds

    def p95_ms(self, kind: str | None = None) -> float:
        """Of what was answered with success."""
        times = [t for of, ts in self.good.items() if kind in (None, of) for t in ts]
        return 1000 * statistics.quantiles(times, n=20)[18] if len(times) > 1 else float("nan")


class _Connection(asyncio.Protocol):
    """One connection, which asks one thing at a time."""

    def __init__(self, pool: "Generator") -> None:
        self._pool = pool
        self._asked: Asked | None = None
        self._due = 0.0
        self._headers: dict[bytes, bytes] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._parser = httptools.HttpResponseParser(self)

    def ask(self, asked: Asked, due: float) -> None:
        self._asked, self._due, self._headers = asked, due, {}
        self._transport.write(asked.raw)  # type: ignore[attr-defined]

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_message_complete(self) -> None:
        if self._asked is not None:
            asked, self._asked = self._asked, None
            self._pool.answered(self, asked, self._due, self._parser.get_status_code(), self._headers)

    def connection_lost(self, exc: Exception | None) -> None:
        self._pool.lost(self, self._asked)


class Generator:
    """Asks, and counts what comes."""

    def __init__(self, port: int, mix: list[tuple[float, list[Asked]]], seed: int = 1) -> None:
        self._port = port
        self._shares = [share for share, _ in mix]
        self._asked = [asked for _, asked in mix]
        self._chance = random.Random(seed)
        self._idle: list[_Connection] = []
        self._count = 0
        self._seen = Seen()
        self._under_way = 0
        self._tasks: set[asyncio.Task[None]] = set()

    def answered(self, on: _Connection, asked: Asked, due: float, status: int, headers: dict[bytes, bytes]) -> None:
        self._under_way -= 1
        self._seen.statuses[f"{status}"] += 1
        if status < 300:
            self._seen.good[asked.kind].append(time.perf_counter() - due)
        elif status in (429, 503) and b"retry-after" not in headers:
            self._seen.unsaid += 1
        if headers.get(b"connection", b"").lower() != b"close":
            self._idle.append(on)

    def lost(self, connection: _Connection, asked: Asked | None) -> None:
        self._count -= 1
        if connection in self._idle:
            self._idle.remove(connection)
        if asked is not None:
            self._under_way -= 1
            self._seen.statuses["broke off"] += 1

    async def open_loop(self, rate: float, seconds: float) -> Seen:
        """So many a second, at random moments."""
        seen = self._seen = Seen(seconds)
        began = due = time.perf_counter()
        while due - began < seconds:
            due += self._chance.expovariate(rate)
            pause = due - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            self._send(due)
        ends = time.perf_counter() + _PATIENCE_S
        while self._under_way and time.perf_counter() < ends:
            await asyncio.sleep(0.01)
        seen.statuses["no answer"] += self._under_way
        return seen

    async def one_by_one(self, count: int, pause_s: float) -> Seen:
        """One after the other, with pauses: the app idles. After a crowd it is a second until it is patient again."""
        await asyncio.sleep(_CALM_S)
        seen, began = Seen(), time.perf_counter()
        self._seen = seen
        for _ in range(count):
            await asyncio.sleep(pause_s)
            self._send(time.perf_counter())
            while self._under_way:
                await asyncio.sleep(0.0005)
        seen.seconds = time.perf_counter() - began
        return seen

    def _send(self, due: float) -> None:
        asked = self._chance.choice(self._chance.choices(self._asked, self._shares)[0])
        if self._idle:
            self._under_way += 1
            self._idle.pop().ask(asked, due)
        elif self._count < _MOST_CONNECTIONS:
            self._count += 1
            self._under_way += 1
            task = asyncio.get_running_loop().create_task(self._connected(asked, due))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        else:
            self._seen.statuses["not sent"] += 1

    async def _connected(self, asked: Asked, due: float) -> None:
        try:
            made = await asyncio.get_running_loop().create_connection(
                lambda: _Connection(self), "127.0.0.1", self._port
            )
        except OSError:
            self._count -= 1
            self._under_way -= 1
            self._seen.statuses["not connected"] += 1
            return
        made[1].ask(asked, due)


def _get(kind: str, port: int, path: str) -> Asked:
    return Asked(kind, f"GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nAccept: */*\r\n\r\n".encode())


def _post(kind: str, port: int, path: str, body: bytes) -> Asked:
    head = f"POST {path} HTTP/1.1\r\nHost: localhost:{port}\r\nContent-Length: {len(body)}\r\n\r\n"
    return Asked(kind, head.encode() + body)


def loads(port: int) -> dict[str, list[tuple[float, list[Asked]]]]:
    """Each load by its name: shares, and the requests of each. What is read are lists of 60 and of ten records and the
    gallery's first page."""
    photo = PHOTO.read_bytes()
    lists = [_get("list", port, "/api/v1/pictures?limit=60")]
    pages = [_get("page", port, "/gallery")]
    tens = [_get("ten", port, f"/api/v1/pictures?label=label+{number}&limit=10") for number in range(50)]
    searches = [_get("search", port, f"/api/v1/counts?q={q}") for q in ("garden", "img_0099", "img_01")]
    address = "/api/v1/pictures?if_exists=overwrite&name=load/{}.jpg"
    uploads = [_post("upload", port, address.format(number), photo + b"%d" % number) for number in range(200)]
    classify = [_post("classify", port, "/api/v1/classify", photo)]
    return {
        "reads": [(0.4, lists), (0.2, pages), (0.4, tens)],
        "all": [(0.3, lists), (0.15, pages), (0.3, tens), (0.1, searches), (0.1, uploads), (0.05, classify)],
        "classification": [(1.0, classify)],
    }


def pin(pids: Iterable[int], core: int) -> None:
    """Keep these processes, and the threads that they have, to one core."""
    for pid in pids:
        for task in Path(f"/proc/{pid}/task").iterdir():
            os.sched_setaffinity(int(task.name), {core})


def family(pid: int) -> list[int]:
    """A process and all below it."""
    return [pid, *(one for child in children(pid) for one in family(child))]


@dataclass(frozen=True)
class Round:
    """Idle, the best that was reached, and ten times what can be done, one after the other."""

    idle: Seen
    best: Seen
    ten: Seen

    @property
    def kept(self) -> float:
        """Goodput at ten times what can be done, beside the best."""
        return self.ten.goodput / max(self.best.goodput, self.ten.goodput)

    @property
    def kept_by_cpu(self) -> float:
        """The same by processor time of the app, which other programs on the machine change less."""
        return self.ten.goods_a_cpu_s / self.best.goods_a_cpu_s

    @property
    def slower(self) -> float:
        """The p95 at ten times what can be done beside that of the idle app."""
        return self.ten.p95_ms() / self.idle.p95_ms()


async def measured(port: int, pid: int, mix: list[tuple[float, list[Asked]]], seconds: float) -> list[Round]:
    """One load: what can be done, found by asking; then rounds."""
    generator, rounds = Generator(port, mix), list[Round]()
    await generator.one_by_one(40, 0.0)
    quick = await generator.one_by_one(40, 0.0)
    capacity = 1 / statistics.mean(t for times in quick.good.values() for t in times)
    for _ in range(2):
        capacity = max(capacity, (await generator.open_loop(1.2 * capacity, seconds / 2)).goodput)

    async def worked(share: float) -> Seen:
        before = sum(taken(one).cpu_ms for one in family(pid))
        seen = await generator.open_loop(share * capacity, seconds)
        seen.cpu_s = (sum(taken(one).cpu_ms for one in family(pid)) - before) / 1000
        return seen

    for _ in range(_ROUNDS):
        idle = await generator.one_by_one(60, 0.02)
        best = max([await worked(share) for share in (1.0, 1.5, 2.5)], key=lambda seen: seen.goodput)
        rounds.append(Round(idle, best, await worked(10)))
    return rounds


def row(name: str, rounds: list[Round]) -> list[str]:
    """A load in the table."""
    middle = statistics.median
    statuses, unsaid = Counter[str](), sum(one.ten.unsaid for one in rounds)
    for one in rounds:
        statuses.update(one.ten.statuses)
    codes = ", ".join(f"{count:,} × {status}" for status, count in sorted(statuses.items()) if count)
    kinds = sorted({kind for one in rounds for kind in one.ten.good})
    by_kind = ", ".join(
        f"{kind} {middle(one.idle.p95_ms(kind) for one in rounds):.0f} → "
        f"{middle(one.ten.p95_ms(kind) for one in rounds):.0f}"
        for kind in kinds
    )
    return [
        name,
        f"{middle(one.best.goodput for one in rounds):.0f}",
        f"{middle(one.ten.goodput for one in rounds):.0f}",
        f"{middle(one.kept for one in rounds):.2f} ({', '.join(f'{one.kept:.2f}' for one in rounds)})",
        f"{middle(one.kept_by_cpu for one in rounds):.2f}",
        f"{middle(one.idle.p95_ms() for one in rounds):.0f} → {middle(one.ten.p95_ms() for one in rounds):.0f} ms: "
        f"{middle(one.slower for one in rounds):.1f} ×",
        f"{codes}; {unsaid} without Retry-After\n{by_kind}",
    ]


async def _quiet(port: int, streams: int, silent: int) -> list[asyncio.StreamWriter]:
    """Open streams of events, and connections that say nothing."""
    opened = []
    request = f"GET /api/v1/events HTTP/1.1\r\nHost: localhost:{port}\r\n\r\n".encode()
    for number in range(streams + silent):
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**14)
        opened.append(writer)
        if number < streams:
            writer.write(request)
            head = await reader.readuntil(b"\r\n")
            assert b" 200 " in head, head
    return opened


async def idle_streams(port: int, pid: int, count: int, console: Console) -> None:
    """What many idle streams cost."""
    generator = Generator(port, loads(port)["reads"])
    before_mb, before = taken(pid).memory_mb, await generator.one_by_one(100, 0.02)
    began = time.perf_counter()
    opened = await _quiet(port, count, count // 2)
    took, during_mb = time.perf_counter() - began, taken(pid).memory_mb
    during = await generator.one_by_one(100, 0.02)
    for writer in opened:
        writer.close()
    del opened
    each_kb = (during_mb - before_mb) * 1000 / count
    console.print(
        f"{count:,} idle streams and {count // 2:,} silent connections, opened in {took:.0f} s: {before_mb:.0f} → "
        f"{during_mb:.0f} MB ({each_kb:.0f} kB a stream); reads p95 {before.p95_ms():.1f} → {during.p95_ms():.1f} ms"
    )


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=6, help="how long each rate is kept up")
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--only", default="", help="only the loads whose names have this")
    arguments = parser.parse_args()
    console, ports = Console(width=200), Ports.from_base(24300)
    table = Table(
        "load", "best, answers/s", "at ten times, answers/s", "÷ best", "by CPU", "p95, idle → then", "then; p95 in ms"
    )
    with tempfile.TemporaryDirectory() as folder:
        values = {"EVENT_STREAMS": f"{arguments.streams + 100}"}
        options = Options(ports=ports, folder=Path(folder), with_web=True, with_host=False, values=values)
        index = Index(Path(folder) / "web.sqlite")
        with Stack(options) as stack:
            stack.start(lambda what: None)
            open_stores(stack.environment).records.write(next(many(1)), None, None)
            while (position := index.position()) is None:  # the web app has yet to see that there is one record
                time.sleep(0.1)
        records = many(_RECORDS)
        while some := [StoredRecord(record, "", None, 1) for record in islice(records, 1000)]:
            index.apply(some, position.generation, position.token)
        index.close()
        with Stack(options) as stack:
            stack.start(lambda what: None)
            pid = stack.processes["web"].pid
            assert pid is not None
            cores = sorted(os.sched_getaffinity(0))
            if len(cores) > 1:
                roots = [process.pid for process in stack.processes.values() if process.pid is not None]
                pin((one for root in roots for one in family(root)), cores[0])
                pin([os.getpid()], cores[-1])
            for name, mix in loads(ports.web).items():
                if arguments.only in name:
                    table.add_row(*row(name, asyncio.run(measured(ports.web, pid, mix, arguments.seconds))))
            if arguments.streams:
                asyncio.run(idle_streams(ports.web, pid, arguments.streams, console))
    console.print(
        f"{platform.machine()}, {len(cores)} cores: one asks, one answers; Python {platform.python_version()}"
    )
    console.print(table)


if __name__ == "__main__":
    main()
