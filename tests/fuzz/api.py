"""Hostile requests to the whole API and the pages of a local stack: `make fuzz-api MINUTES=10 SEED=1`.

Requests that no client library would send go over sockets of their own, beside what schemathesis makes of the API's
description. People sign in there, and requests come in the name of somebody of each role or of nobody (callers.py).
Prints how many answers had which status. Fails if one is a 500, if the log of the web app tells of an
error of ours, or if the app no longer answers; such a request is kept in `.cache/fuzz-api`.
"""

import argparse
import base64
import contextlib
import json
import random
import re
import socket
import subprocess
import sys
import sysconfig
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_from_bytes
from urllib.request import Request, urlopen

from rich.console import Console
from rich.table import Table

from fuzz.callers import PAGES, SETTINGS, Callers
from imagestore.accounts.roles import Role
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.settings import ROOT

SCHEMATHESIS = Path(sysconfig.get_path("scripts")) / "schemathesis"
FOLDER = Path(".cache") / "fuzz-api"
ENDLESS = {"events"}
THREADS = 4
ANSWER_S = 60.0
OURS = re.compile(
    r"^\S+ \S+ ERROR imagestore\.web error [0-9a-f]{8}\n(?:Traceback|\s).*\n(?:\s.*\n|\n)*(.*)", re.MULTILINE
)
THE_SERVERS = "h11._util.LocalProtocolError"
"""Uvicorn's: it passes on a request that is no HTTP after all, and can then send no answer."""
DIGITS = "9" * 5000
WORDS = [
    "",
    "\0",
    "..",
    "/",
    "%",
    "nan",
    "inf",
    "-1",
    "0",
    DIGITS,
    "9" * 20,
    "1e999",
    "null",
    "true",
    "' OR 1=1 --",
    "<script>",
    "\u202e",
    "\ufffe",
    "🐈",
    "a" * 2000,
    "../../etc/passwd",
    "--by",
    "${jndi:x}",
    "0001-01-01",
    "9999-12-31T23:59:59-23:59",
    "cat.jpg",
]
JSONS = [
    b"",
    b"null",
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"[" + DIGITS.encode() + b"]",
    b'["confident",1e400,"x"]',
    b'["newest","\\ud800","x"]',
    b'{"email": "\\u0000"}',
    b'{"email": ["x"], "password": {}}',
    b'"\xff"',
    b"NaN",
    b'["confident",' + b"9" * 30 + b',"x"]',
    b'{"a": 1, "a": 2, "role": "admin"}',
]
HEADERS = [
    *("Host", "Origin", "Range", "If-Range", "If-None-Match", "If-Match", "Content-Type", "Content-Length", "Accept"),
    *("Last-Event-ID", "Accept-Encoding", "Cookie", "Authorization", "Sec-Fetch-Site", "X-Fragment", "Forwarded"),
    *("X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "Transfer-Encoding", "Expect"),
]
VALUES = [
    "[::1",
    "localhost",
    "http://[",
    "null",
    "*",
    '"',
    "W/",
    "bytes=0-",
    f"bytes={DIGITS}-",
    "bytes=-0",
    "gzip;q=x",
    "multipart/form-data",
    "multipart/form-data; boundary=a",
    "application/json",
    "application/x-www-form-urlencoded",
    "__Host-session=" + "a" * 500,
    "session=%00; session=\xff",
    "Bearer a.b.c",
    "Bearer " + "." * 500,
    "Basic Og==",
    "Basic \xff",
    "chunked",
    "100-continue",
    "-5",
    DIGITS,
    "text/event-stream",
    "\xff\xfe",
    "for=[::1",
]


FILES = [b'filename="\xff"', b"filename*=x''%FF", b'filename="../x"', b'filename=""', b"name=x"]


@dataclass
class Found:
    """What was answered, and what was found."""

    statuses: Counter[str] = field(default_factory=Counter)
    findings: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: str, raw: bytes) -> None:
        """Count an answer; keep the request if it is a finding."""
        with self.lock:
            self.statuses[status] += 1
            if status in ("500", "none"):
                FOLDER.mkdir(parents=True, exist_ok=True)
                path = FOLDER / f"{len(self.findings)}.bin"
                path.write_bytes(raw)
                self.findings.append(f"{path}: {status}: {raw[:120]!r}")


def any_text(chance: random.Random) -> str:
    """A hostile text, percent-encoded."""
    match chance.randrange(4):
        case 0:
            return quote_from_bytes(bytes(chance.randrange(256) for _ in range(chance.randrange(30))))
        case 1:
            return base64.urlsafe_b64encode(chance.choice(JSONS)[:3000]).decode().rstrip("=")
        case _:
            return quote(chance.choice(WORDS), safe="")


def any_value(chance: random.Random) -> bytes:
    """The value of a header."""
    if chance.random() < 0.2:
        return bytes(byte for _ in range(chance.randrange(60)) if (byte := chance.randrange(1, 256)) not in (10, 13))
    return chance.choice(VALUES).encode("latin-1")


def any_body(chance: random.Random) -> bytes:
    """A body: JSON, a form, or anything."""
    match chance.randrange(4):
        case 0:
            return chance.choice(JSONS)
        case 1:
            name = chance.choice(
                [b'filename="\xff"', b"filename*=x''%FF", b'filename="../x"', b'filename=""', b"name=x"]
            )
            return (
                b"--a\r\nContent-Disposition: form-data; "
                + name
                + b"\r\n\r\nx\r\n--a"
                + chance.choice([b"--\r\n", b""])
            )
        case 2:
            return "&".join(f"{any_text(chance)}={any_text(chance)}" for _ in range(3)).encode()
        case _:
            return chance.randbytes(chance.randrange(200))


def any_request(
    chance: random.Random, operations: list[tuple[str, str, list[str]]], callers: Callers, id: str, port: int
) -> bytes:
    """A request as it goes over the wire."""
    method, address, parameters = chance.choice(operations)
    who, browser = callers.anybody(chance)
    is_page_form = method == "POST" and not address.startswith("/api/")
    for name, known in (("id", callers.id_for(address, id)), ("name", "mine"), ("version", "1")):
        address = address.replace(f"{{{name}}}", known if chance.random() < 0.7 else any_text(chance))
    address = re.sub(r"\{\w+\}", lambda _: any_text(chance), address)
    names = [chance.choice(parameters) if parameters and chance.random() < 0.8 else any_text(chance) for _ in range(3)]
    pairs = [f"{name}={any_text(chance)}" for name in names[: chance.randrange(4)] if name != "wait"]
    body = any_body(chance) if chance.random() < 0.5 else b""
    if is_page_form and chance.random() < 0.8:
        body = callers.fields(chance, browser.form if browser else "", any_text(chance))
    headers = {"Host": f"localhost:{port}".encode(), "Content-Length": str(len(body)).encode(), "Connection": b"close"}
    headers |= who
    if body.startswith((b"{", b"[")):
        headers["Content-Type"] = b"application/json"
    for _ in range(chance.randrange(4)):
        headers[chance.choice(HEADERS)] = any_value(chance)
    if chance.random() < 0.05:
        headers["X-" + "a" * 50] = b"b" * chance.choice([10_000, 70_000])
    target = address + ("?" + "&".join(pairs) if pairs else "")
    head = f"{method} {target} HTTP/1.1\r\n".encode()
    return head + b"".join(name.encode() + b": " + value + b"\r\n" for name, value in headers.items()) + b"\r\n" + body


def is_whole(raw: bytes) -> bool:
    """Whether the request says rightly how long its body is: else the app may wait for more of it."""
    head, _, body = raw.partition(b"\r\n\r\n")
    lengths = re.findall(rb"(?im)^content-length: (.*?)\r?$", head)
    return lengths == [str(len(body)).encode()] and not re.search(rb"(?im)^(transfer-encoding|expect):", head)


def answered(port: int, raw: bytes) -> str:
    """The status of the answer; `closed` if there is none because the request was no HTTP, `none` if nobody answers."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S if is_whole(raw) else 0.5) as connection:
            with contextlib.suppress(OSError):  # refused before it was sent; the answer may be there all the same
                connection.sendall(raw)
            head = connection.recv(64)
    except (ConnectionResetError, BrokenPipeError):
        return "closed"
    except TimeoutError:
        return "none" if is_whole(raw) else "waited"
    except OSError:
        return "none"
    found = re.match(rb"HTTP/1\.1 (\d{3})", head)
    return found[1].decode() if found else "closed"


def operations_of(base: str, key: str) -> list[tuple[str, str, list[str]]]:
    """(method, address, names of query parameters) of every operation that ends, and of the pages."""
    with urlopen(Request(f"{base}/api/v1/openapi.json", headers=bearer(key))) as response:
        paths: dict[str, Any] = json.load(response)["paths"]
    found = [
        (method.upper(), address, [one["name"] for one in operation.get("parameters", ()) if one["in"] == "query"])
        for address, methods in paths.items()
        for method, operation in methods.items()
        if operation["operationId"] not in ENDLESS
    ]
    asked = ["after", "count", "sort", "skip", "kind", "label", "next", "done", "token", "who", "what", "state", "code"]
    pages = [(method, address, asked) for method, address in PAGES]
    return [*found, *pages, ("GET", "/static/{name}", []), ("GET", "/{name}", []), ("BREW", "/gallery", [])]


def bearer(key: str) -> dict[str, str]:
    """The header of a program with this key."""
    return {"Authorization": f"Bearer {key}"}


def schemathesis(base: str, key: str, seed: int, seconds: float) -> None:
    """What schemathesis sends with this key; the log of the app says whether an error of ours came of it."""
    command = [
        str(SCHEMATHESIS),
        "run",
        f"{base}/api/v1/openapi.json",
        "--exclude-path",
        "/api/v1/events",
        "--no-color",
        "--header",
        f"Authorization: Bearer {key}",
    ]
    command += [
        "--checks",
        "not_a_server_error",
        "--seed",
        str(seed),
        "--max-time",
        str(int(seconds)),
        "--workers",
        "2",
    ]
    command += ["--continue-on-failure", "--max-examples", "10000"]
    too_late = contextlib.suppress(subprocess.TimeoutExpired)  # --max-time ends it sooner, but on a busy machine
    with tempfile.TemporaryDirectory() as folder, too_late:
        subprocess.run(command, cwd=folder, stdout=subprocess.DEVNULL, check=False, timeout=seconds + 60)


def fuzzed(base: str, port: int, id: str, callers: Callers, seed: int, seconds: float, found: Found) -> None:
    """Send requests for so long, from several threads."""
    operations, ends = operations_of(base, callers.people[Role.ADMIN].key), time.monotonic() + seconds

    def lane(number: int) -> None:
        count = 0
        while time.monotonic() < ends:
            count += 1
            raw = any_request(random.Random(f"{seed}/{number}/{count}"), operations, callers, id, port)
            found.add(answered(port, raw), raw)

    lanes: list[Callable[[], None]] = [lambda number=number: lane(number) for number in range(THREADS)]  # type: ignore[misc]

    def described() -> None:
        for role in (Role.ADMIN, Role.VIEWER):
            schemathesis(base, callers.people[role].key, seed, seconds / 2)

    lanes.append(described)
    threads = [threading.Thread(target=each) for each in lanes]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def main() -> int:
    """The command; 0 if nothing was found."""
    parser = argparse.ArgumentParser(prog="python -m fuzz.api", description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=28500, help="six ports from here on are used")
    arguments = parser.parse_args()
    console, found = Console(), Found()
    with tempfile.TemporaryDirectory() as folder:
        ports = Ports.from_base(arguments.port)
        with Stack(Options(ports=ports, folder=Path(folder), workers=1, with_web=True, values=SETTINGS)) as stack:
            stack.start(lambda what: None)
            base = f"http://localhost:{ports.web}"
            callers = Callers.over(stack.environment)
            key = callers.people[Role.ADMIN].key
            cat = (ROOT / "samples" / "cat.jpg").read_bytes()
            upload = Request(f"{base}/api/v1/pictures?name=cat.jpg&wait=30", cat, bearer(key), method="POST")
            with urlopen(upload) as response:
                id = json.load(response)["id"]
            web = stack.processes["web"].pid
            fuzzed(base, ports.web, id, callers, arguments.seed, 60 * arguments.minutes, found)
            if stack.processes["web"].pid != web:
                found.findings.append("the web app died, or was started again")
            with urlopen(f"{base}/api/v1/health/live") as response:
                found.findings += [] if response.status == 200 else ["the web app is not alive"]
        log = (Path(folder) / "logs" / "web.log").read_text("utf-8", "replace")
        if ours := [said for said in OURS.findall(log) if THE_SERVERS not in said]:
            FOLDER.mkdir(parents=True, exist_ok=True)
            (FOLDER / "web.log").write_text(log, "utf-8")
            found.findings.append(f"{FOLDER / 'web.log'}: {len(ours)} errors of ours, such as {ours[0]}")
    table = Table("status", "answers")
    for status, count in sorted(found.statuses.items()):
        table.add_row(status, str(count))
    console.print(table)
    for finding in found.findings[:20]:
        console.print(finding, style="red", highlight=False, markup=False)
    console.print("nothing found" if not found.findings else f"{len(found.findings)} findings")
    return int(bool(found.findings))


if __name__ == "__main__":
    sys.exit(main())
