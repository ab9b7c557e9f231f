"""The whole stack, started once, on ports and in a folder of its own."""

import os
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from imagestore.configure import open_stores
from imagestore.errors import Unavailable
from imagestore.local.ports import Ports
from imagestore.local.supervisor import Options, Stack
from imagestore.record import Record, record_id
from imagestore.settings import ROOT
from imagestore.store import Stores
from imagestore.store.tags import ETAG

from .browser import launched, watch

T = TypeVar("T")
SAMPLES = ROOT / "samples"
FAULTS = ROOT / "tests" / "faults"
TIMEOUT_S = float(os.environ.get("TEST_TIMEOUT", "300"))
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
"""Which of the processes that share the test run this is: each has a stack, on ports of its own."""


def eventually(look: Callable[[], T | None], what: str, instead: Callable[[], object] = lambda: None) -> T:
    """What `look` finds once it finds something true; fails after a generous time, which is no assertion on speed.

    `instead` says what is there instead.
    """
    deadline, pause = time.monotonic() + TIMEOUT_S, threading.Event()
    while not (found := look()):
        is_late = time.monotonic() >= deadline
        assert not is_late, f"still waiting for {what}; instead: {instead()}"
        pause.wait(0.02)
    return found


class Pipeline:
    """A running stack and the stores behind it."""

    def __init__(self, stack: Stack) -> None:
        self.stack = stack
        self.stores: Stores = open_stores(stack.environment)

    def drop(self, name: str, data: bytes, content_type: str = "image/jpeg") -> str:
        """Upload a blob as any client would; its ETag."""
        return self.stores.uploads.overwrite(name, data, content_type)

    def record(self, name: str, etag: str) -> Record:
        """The final record of that version of the upload."""

        def look() -> Record | None:
            try:
                known = self.stores.records.read(record_id(name))
            except Unavailable:  # some tests see to that
                return None
            return known.record if known and known.record.upload and known.record.upload.etag == etag else None

        return eventually(look, f"the record of {name!r}")

    def tags(self, name: str, etag: str) -> dict[str, str]:
        """The upload's tags, once they speak of that version."""
        blob = self.stores.blob_service.get_blob_client(self.stores.names.uploads, name)

        def look() -> dict[str, str] | None:
            tags = blob.get_blob_tags()
            return tags if tags.get(ETAG) == etag else None

        return eventually(look, f"the tags of {name!r}")

    def is_idle(self) -> bool:
        """Whether no queue holds anything."""
        return self.stores.work.length() == 0 and self.stores.poison.length() == 0

    def idle(self) -> None:
        """Wait until no queue holds anything."""
        eventually(self.is_idle, "empty queues", self.queued)

    def queued(self) -> dict[str, object]:
        """What the queues hold: how many messages, and the first that are visible."""
        queues = (self.stores.work, self.stores.poison)
        return {queue.name: (queue.length(), queue.peek()) for queue in queues}


class Site(requests.Session):
    """The web app, asked as a program would."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base

    def request(self, method: str, url: str | bytes, *args: Any, **options: Any) -> requests.Response:
        """An address that begins with a slash is below /api/v1. Where the app is busy, it is asked again."""
        if isinstance(url, str) and url.startswith("/"):
            url = self.base + "/api/v1" + url
        deadline, pause = time.monotonic() + TIMEOUT_S, threading.Event()
        while True:
            response = super().request(method, url, *args, **{"timeout": TIMEOUT_S, **options})
            if response.status_code != 429 or '"overloaded"' not in response.text or time.monotonic() > deadline:
                return response
            pause.wait(float(response.headers["Retry-After"]))

    def take_in(self, name: str, data: bytes, **query: Any) -> dict[str, Any]:
        """Upload and wait for the record, whatever a test before left under this name."""
        asked = {"name": name, "wait": 30, "if_exists": "overwrite", **query}
        response = self.post("/pictures", params=asked, data=data)
        assert response.status_code == 200, response.text
        record: dict[str, Any] = response.json()
        return record


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    options = Options(
        ports=Ports.from_base(23000 + 10 * WORKER),
        folder=tmp_path_factory.mktemp("stack"),
        workers=2,
        with_web=True,
        faults=True,
        values={
            "RETRY_DELAYS_SECONDS": "1,1,2,2,3",
            "POISON_DELAY_SECONDS": "2",
            "DECODE_SECONDS": "3",
            "UNDO_SECONDS": "4",
            "MODEL_POLL_SECONDS": "0.3",
        },
    )
    with pytest.MonkeyPatch.context() as environment, Stack(options) as running:
        environment.setenv("PYTHONPATH", str(FAULTS))  # lets marked pictures hang or kill the decode child
        running.start(lambda what: None)
        yield running


@pytest.fixture
def pipeline(stack: Stack) -> Pipeline:
    return Pipeline(stack)


@pytest.fixture
def site(stack: Stack) -> Iterator[Site]:
    with Site(f"http://localhost:{stack.options.ports.web}") as asked:
        yield asked


@pytest.fixture
def cat() -> bytes:
    return (SAMPLES / "cat.jpg").read_bytes()


@pytest.fixture
def coffee() -> bytes:
    return (SAMPLES / "coffee.jpg").read_bytes()


@pytest.fixture
def log_of(stack: Stack) -> Callable[[str], Path]:
    return lambda name: stack.options.folder / "logs" / f"{name}.log"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=TIMEOUT_S * 1000)
    yield from launched()


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(browser: Browser, site: Site, complaints: list[str]) -> Iterator[Page]:
    """A page that may complain of nothing while it is used."""
    with browser.new_context(base_url=site.base, viewport={"width": 1280, "height": 900}) as context:
        context.set_default_timeout(TIMEOUT_S * 1000)
        opened = context.new_page()
        watch(opened, complaints)
        yield opened
        assert complaints == []
