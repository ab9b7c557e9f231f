"""Azure on one machine: starts Azurite, Cosmos DB, the Functions host, the relay, the web app and the runner of jobs,
and keeps them running."""

import contextlib
import fcntl
import http.client
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType

from classify import load_model
from imagestore.configure import open_stores
from imagestore.errors import NotStarted
from imagestore.local.node import demand_modules, demand_node
from imagestore.local.places import APP, LOCAL, default_data
from imagestore.local.ports import LOOPBACK, Ports, demand_free, is_listening
from imagestore.local.process import Process
from imagestore.local.running import LOCK, announced, ports_in_use
from imagestore.settings import Auth, Settings, concerns_us
from imagestore.store import create

_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
_COSMOS_KEY = "C2y6yDjf5/R+ob0N8A7Cgv30VRDJIWEHLM+4QDU5DE2nQ9nDuVTqobD4b8mGGyPMbIZnqyMsEcaGQy67XIw/Jw=="
OF_WORKERS = {"OPENBLAS_NUM_THREADS": "1"}
"""What infra/modules/functions.bicep sets, too. Nothing a worker does needs NumPy's threads; without them it is ready
0.07 s earlier (docs/speed.md)."""
_WATCH_S = 0.2
_LOCK_GRACE_S = 0.5
_LONG_LOG_BYTES = 10_000_000

Say = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """The options of a local stack. `folder` keeps its data and logs; `faults` is for tests."""

    ports: Ports = field(default_factory=Ports)
    folder: Path = field(default_factory=default_data)
    workers: int = os.cpu_count() or 1
    with_host: bool = True
    with_web: bool = False
    faults: bool = False
    values: Mapping[str, str] = field(default_factory=dict)


def environment(ports: Ports, values: Mapping[str, str]) -> dict[str, str]:
    """The app's settings for a stack on these ports; `values` (of local.settings.json) change the others."""
    address = f"http://{LOOPBACK}:{{}}/{_ACCOUNT}"
    storage = (
        f"DefaultEndpointsProtocol=http;AccountName={_ACCOUNT};AccountKey={_KEY};"
        f"BlobEndpoint={address.format(ports.blob)};QueueEndpoint={address.format(ports.queue)};"
    )
    settings = Settings.read({**values, **_given(os.environ)})
    own = "localhost,127.0.0.1" if settings.auth is Auth.OFF else ""
    return {
        **settings.environment(),
        "PUBLIC_URL": settings.public_url or f"http://localhost:{ports.web}",
        "IMPORT_HOSTS": settings.import_hosts or own,
        "WEBHOOK_HOSTS": settings.webhook_hosts or own,
        "AzureWebJobsStorage": storage,
        "IMAGES_STORAGE": storage,
        "COSMOS": f"AccountEndpoint=http://localhost:{ports.cosmos}/;AccountKey={_COSMOS_KEY};",
    }


def lock(folder: Path) -> int:
    """Lock this data folder until the returned descriptor is closed. Raises NotStarted if it is locked already."""
    descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + _LOCK_GRACE_S
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
        except BlockingIOError:  # perhaps only a command that looks whether a stack runs here
            if time.monotonic() > deadline:
                os.close(descriptor)
                raise NotStarted(
                    f"The data in {folder} are in use by an Intelligent Storage that runs already. "
                    "Stop it, or use --data FOLDER."
                ) from None
            time.sleep(0.01)


def keep_logs_short(logs: Path, offset: Path) -> None:
    """Rename long logs to *.old and begin new ones; Azurite's log only after the relay has read all of it."""
    for log in logs.glob("*.log"):
        size = log.stat().st_size
        if size < _LONG_LOG_BYTES:
            continue
        if log.name == "azurite.log":
            if not offset.exists() or int(offset.read_text() or 0) != size:
                continue
            offset.unlink()
        log.replace(log.with_suffix(".old"))


class Stack:
    """The processes, in the order in which they start. Use it as a context manager."""

    def __init__(self, options: Options) -> None:
        self.options = options
        self.environment = environment(options.ports, options.values)
        self.environment["SECRETS_FILE"] = self.environment["SECRETS_FILE"] or str(options.folder / "secrets.json")
        self.processes: dict[str, Process] = {}
        self._stopping = threading.Event()
        self._lock: int | None = None
        self._announcement = contextlib.ExitStack()
        self._modules = Path()
        self._watcher: threading.Thread | None = None

    def start(self, say: Say) -> None:
        """Start everything; `say` is called with a message for each part.

        Raises PortInUse, MissingPrerequisite, NotStarted or SettingsError.
        """
        node = demand_node()
        if self.options.with_host:
            load_model(Settings.read(self.environment).model_path)  # the workers would say so at the first picture only
        self._modules = demand_modules(say)
        ports = self.options.ports
        needed = {name: getattr(ports, name) for name in ("blob", "queue", "table", "cosmos", "host", "web")}
        for part, is_wanted in (("host", self.options.with_host), ("web", self.options.with_web)):
            if not is_wanted:
                del needed[part]
        demand_free(needed, ports_in_use())
        folder = self.options.folder
        for needed_folder in (folder, folder / "logs", folder / "azurite"):
            needed_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._lock = lock(folder)
        keep_logs_short(folder / "logs", folder / "relay.offset")
        try:
            self._start(self._azurite(node), say, f"Blob Storage   http://{LOOPBACK}:{ports.blob}/{_ACCOUNT}")
            self._start(self._cosmos(node), say, f"Cosmos DB      http://localhost:{ports.cosmos}")
            create(open_stores(self.environment))
            if self.options.with_host:
                self._start(self._host(), say, f"Functions host http://{LOOPBACK}:{ports.host}")
            self._start(self._relay(), say, "Event Grid     relays what is dropped")
            if self.options.with_web:
                self._start(self._web(), say, f"Pages and API  http://localhost:{ports.web}")
                self._start(self._jobs(), say, "Jobs           a runner takes up what is put in")
        except BaseException:
            self.stop()
            raise
        self._watcher = threading.Thread(target=self._watch, name="watcher", daemon=True)
        self._watcher.start()
        self._announcement.enter_context(announced(folder, f"http://localhost:{ports.web}", self.environment))
        if self.options.with_host:
            self._sweep()

    def stop(self) -> None:
        """Stop everything, storage last."""
        self._announcement.close()
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
        """Run the sweep once, for what was missed while nothing was running. In Azure the timer alone does that."""
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection = http.client.HTTPConnection(LOOPBACK, self.options.ports.host, timeout=60)
            connection.request("POST", "/admin/functions/sweep", "{}", {"Content-Type": "application/json"})
            connection.getresponse().read()
            connection.close()

    def _process(self, name: str, command: list[str], ready: Callable[[], bool], folder: Path = APP) -> Process:
        logs = self.options.folder / "logs"
        environment = {**self.environment, "NODE_PATH": str(self._modules)}
        return Process(name, command, folder, logs / f"{name}.log", environment, ready)

    def _azurite(self, node: str) -> Process:
        ports = self.options.ports
        main = self._modules / "azurite" / "dist" / "src" / "azurite.js"
        command = [
            node,
            "--require",
            str(LOCAL / "parent_watchdog.js"),
            str(main),
            "--skipApiVersionCheck",
            "--disableTelemetry",
        ]
        command += ["--location", str(self.options.folder / "azurite")]
        for service in ("blob", "queue", "table"):
            command += [f"--{service}Host", LOOPBACK, f"--{service}Port", str(getattr(ports, service))]
        return self._process("azurite", command, lambda: is_listening(ports.blob) and is_listening(ports.queue))

    def _cosmos(self, node: str) -> Process:
        port = self.options.ports.cosmos
        command = [
            node,
            "--require",
            str(LOCAL / "parent_watchdog.js"),
            str(LOCAL / "cosmos" / "server.js"),
            "--port",
            str(port),
        ]
        command += ["--journal", str(self.options.folder / "cosmos.journal")]
        command += ["--faults"] if self.options.faults else []
        return self._process("cosmos", command, lambda: is_listening(port))

    def _host(self) -> Process:
        port = self.options.ports.host
        command = [
            sys.executable,
            "-m",
            "imagestore.local.host",
            "--port",
            str(port),
            "--workers",
            str(self.options.workers),
        ]
        command += ["--queue", str(self.options.folder / "host.sqlite")]
        process = self._process("host", command, lambda: is_listening(port))
        return replace(process, environment={**self.environment, **OF_WORKERS})

    def _web(self) -> Process:
        port = self.options.ports.web
        command = [sys.executable, "-m", "imagestore.parent_watchdog", "imagestore.web", "--port", str(port)]
        kept = {"WEB_INDEX": str(self.options.folder / "web.sqlite")}
        return replace(
            self._process("web", command, lambda: is_listening(port)), environment={**self.environment, **kept}
        )

    def _jobs(self) -> Process:
        """The runner of jobs, which nothing waits for. It means this stack, whatever else commands are to mean."""
        command = [sys.executable, "-m", "imagestore.parent_watchdog", "imagestore.cli.main", "jobs", "run"]
        elsewhere = {"IMAGESTORE_SERVER": "", "IMAGESTORE_PROFILE": ""}
        return replace(self._process("jobs", command, lambda: True), environment={**self.environment, **elsewhere})

    def _relay(self) -> Process:
        command = [
            sys.executable,
            "-m",
            "imagestore.local.relay",
            "--log",
            str(self.options.folder / "logs" / "azurite.log"),
        ]
        command += ["--offset", str(self.options.folder / "relay.offset")]
        command += ["--host", f"http://{LOOPBACK}:{self.options.ports.host}"]
        return self._process("relay", command, lambda: True)


def _given(environ: Mapping[str, str]) -> dict[str, str]:
    """The settings in the environment of this process."""
    return {name: value for name, value in environ.items() if concerns_us(name)}
