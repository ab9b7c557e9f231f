"""Azure on one machine: Azurite, Cosmos DB, the Functions host, Event Grid's stand-in and the web app, kept running."""

import contextlib
import fcntl
import http.client
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from local.ports import LOOPBACK, Ports, demand_free, is_listening
from local.process import NotStarted, Process
from settings import ROOT, Settings
from store import create, open_stores

HERE = Path(__file__).resolve().parent
MODULES = HERE / "node_modules"
OLDEST_NODE = 20
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_COSMOS_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
_WATCH_S = 0.2
_LONG_LOG_BYTES = 10_000_000

Say = Callable[[str], None]


class MissingPrerequisite(Exception):
    """Something that must be on the machine is not."""


@dataclass(frozen=True)
class Options:
    """What a local stack may be told. `folder` keeps its data and logs; `faults` is for tests."""

    ports: Ports = field(default_factory=Ports)
    folder: Path = ROOT / ".local"
    workers: int = os.cpu_count() or 1
    with_host: bool = True
    with_web: bool = False
    faults: bool = False
    values: Mapping[str, str] = field(default_factory=dict)


def environment(ports: Ports, values: Mapping[str, str]) -> dict[str, str]:
    """The app's settings for a stack on these ports; `values` (local.settings.json) change the rest."""
    address = f"http://{LOOPBACK}:{{}}/{_ACCOUNT}"
    storage = (
        f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};"
        f"BlobEndpoint={address.format(ports.blob)};QueueEndpoint={address.format(ports.queue)};"
    )
    settings = Settings.read({**values, **_given(os.environ)})
    return {
        **settings.environment(),
        "AzureWebJobsStorage": storage,
        "IMAGES_STORAGE": storage,
        "COSMOS": f"AccountEndpoint=http://localhost:{ports.cosmos}/;AccountKey={_COSMOS_KEY};",
    }


def lock(folder: Path) -> int:
    """Hold the data in this folder for as long as this process lives; NotStarted where another one does."""
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise NotStarted(
            f"The data in {folder} are in use by an Intelligent Storage that runs already. "
            "Stop it, or use --data FOLDER."
        ) from None
    return descriptor


def keep_logs_short(logs: Path, offset: Path) -> None:
    """Begin long logs anew and keep the last; Azurite's only when the relay has read all of it."""
    for log in logs.glob("*.log"):
        size = log.stat().st_size
        if size < _LONG_LOG_BYTES:
            continue
        if log.name == "azurite.log":
            if not offset.exists() or int(offset.read_text() or 0) != size:
                continue
            offset.unlink()
        log.replace(log.with_suffix(".old"))


def demand_node() -> str:
    """The path of Node; MissingPrerequisite where there is none, or an old one."""
    node = shutil.which("node")
    if node is None:
        raise MissingPrerequisite(f"Node.js is not installed; {OLDEST_NODE} or newer is needed: https://nodejs.org.")
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout.strip()
    if int(version.lstrip("v").split(".")[0] or 0) < OLDEST_NODE:
        raise MissingPrerequisite(f"Node.js is {version}; {OLDEST_NODE} or newer is needed: https://nodejs.org.")
    if not (MODULES / "azurite").exists():
        raise MissingPrerequisite("Azurite is not set up: run make setup.")
    return node


class Stack:
    """The processes, in the order in which they start. Use it as a context manager."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.environment = environment(options.ports, options.values)
        self.processes: dict[str, Process] = {}
        self._stopping = threading.Event()
        self._lock: int | None = None
        self._watcher: threading.Thread | None = None

    def start(self, say: Say) -> None:
        """Start everything; `say` hears of each part. PortInUse, MissingPrerequisite, NotStarted, SettingsError."""
        node = demand_node()
        ports = self.options.ports
        needed = {name: getattr(ports, name) for name in ("blob", "queue", "table", "cosmos", "host", "web")}
        for part, is_wanted in (("host", self.options.with_host), ("web", self.options.with_web)):
            if not is_wanted:
                del needed[part]
        demand_free(needed)
        folder = self.options.folder
        for needed_folder in (folder, folder / "logs", folder / "azurite"):
            needed_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = lock(folder)
        keep_logs_short(folder / "logs", folder / "relay.offset")
        try:
            self._start(self._azurite(node), say, f"Blob Storage   http://{LOOPBACK}:{ports.blob}/{_ACCOUNT}")
            self._start(self._cosmos(node), say, f"Cosmos DB      http://localhost:{ports.cosmos}")
            create(open_stores(Settings.read(self.environment), self.environment))
            if self.options.with_host:
                self._start(self._host(), say, f"Functions host http://{LOOPBACK}:{ports.host}")
            self._start(self._relay(), say, "Event Grid     relays what is dropped")
            if self.options.with_web:
                self._start(self._web(), say, f"Pages and API  http://localhost:{ports.web}")
        except BaseException:
            self.stop()
            raise
        self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._watcher.start()
        if self.options.with_host:
            self._sweep()

    def stop(self) -> None:
        """Stop everything, storage last."""
        self._stopping.set()
        if self._watcher is not None:
            self._watcher.join()
        for process in reversed(self.processes.values()):
            process.stop()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def _start(self, process: Process, say: Say, what: str) -> None:
        self.processes[process.name] = process
        process.start()
        say(what)

    def _watch(self) -> None:
        while not self._stopping.wait(_WATCH_S):
            for process in self.processes.values():
                with contextlib.suppress(NotStarted):
                    process.restart_if_dead()

    def _sweep(self) -> None:
        """What was missed while nothing ran is found at start; on Azure the timer alone does it."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(LOOPBACK, self.options.ports.host, timeout=60)
            connection.request("POST", "/admin/functions/sweep", "{}", {"Content-Type": "application/json"})
            connection.getresponse().read()
            connection.close()

    def _process(self, name: str, command: list[str], ready: Callable[[], bool], folder: Path = ROOT) -> Process:
        logs = self.options.folder / "logs"
        return Process(name, command, folder, logs / f"{name}.log", self.environment, ready)

    def _azurite(self, node: str) -> Process:
        ports = self.options.ports
        main = MODULES / "azurite" / "dist" / "src" / "azurite.js"
        command = [node, "--require", str(HERE / "leash.js"), str(main), "--skipApiVersionCheck", "--disableTelemetry"]
        command += ["--location", str(self.options.folder / "azurite")]
        for service in ("blob", "queue", "table"):
            command += [f"--{service}Host", LOOPBACK, f"--{service}Port", str(getattr(ports, service))]
        return self._process("azurite", command, lambda: is_listening(ports.blob) and is_listening(ports.queue))

    def _cosmos(self, node: str) -> Process:
        port = self.options.ports.cosmos
        command = [node, "--require", str(HERE / "leash.js"), str(HERE / "cosmos" / "server.js"), "--port", str(port)]
        command += ["--journal", str(self.options.folder / "cosmos.journal")]
        command += ["--faults"] if self.options.faults else []
        return self._process("cosmos", command, lambda: is_listening(port))

    def _host(self) -> Process:
        port = self.options.ports.host
        command = [sys.executable, "-m", "local.host", "--port", str(port), "--workers", str(self.options.workers)]
        command += ["--queue", str(self.options.folder / "host.sqlite")]
        return self._process("host", command, lambda: is_listening(port))

    def _web(self) -> Process:
        port = self.options.ports.web
        command = [sys.executable, "-m", "local.leash", "web", "--port", str(port)]
        index = {"WEB_INDEX": str(self.options.folder / "web.sqlite")}
        return replace(
            self._process("web", command, lambda: is_listening(port)), environment={**self.environment, **index}
        )

    def _relay(self) -> Process:
        command = [sys.executable, "-m", "local.relay", "--log", str(self.options.folder / "logs" / "azurite.log")]
        command += ["--offset", str(self.options.folder / "relay.offset")]
        command += ["--host", f"http://{LOOPBACK}:{self.options.ports.host}"]
        return self._process("relay", command, lambda: True)


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    """Settings that the user gave in the environment."""
    return {name: environ[name] for name in Settings().environment() if name in environ}
