"""Keeps the index up to date from the change feed, and tells whoever waits that something changed."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from starlette.concurrency import run_in_threadpool

from errors import StoreError
from record import Record
from store import Stores
from web.index import Index

log = logging.getLogger("imagestore.web.follow")
_IDLE_S = 2.0
_LONGEST_PAUSE_S = 10.0
_LOOK_AT_CONTAINER_S = 60.0
_NOTED = timedelta(hours=1)
_OLDEST = timedelta(days=7)
"""An index that slept longer may have missed tombstones, which last 14 days: it is made anew."""


class Follower:
    """One thread. `stores` must be its own: the SDK's client keeps the token of the last answer for all who use it."""

    def __init__(self, stores: Stores, index: Index, live_s: float) -> None:
        self._stores = stores
        self._index = index
        self._live_s = live_s
        self._generation: str | None = None
        self._looked_at = 0.0
        self._watchers = 0
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._changed: asyncio.Event = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="follower", daemon=True)
        self.problem: str | None = "The records have not been read yet."

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin. Those who wait do so in this loop."""
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """End, at the latest after the call that is under way."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_LONGEST_PAUSE_S)

    def seen(self, record: Record) -> None:
        """Take in a record that this process has just changed."""
        self._index.put(record)
        self._tell()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """While somebody watches, changes are looked for more often."""
        self._watchers += 1
        self._wake.set()
        try:
            yield
        finally:
            self._watchers -= 1

    @property
    def changed(self) -> asyncio.Event:
        """Is set at the next change; to be taken before looking at the index, so that none is missed."""
        return self._changed

    async def final(self, id: str, etag: str, timeout_s: float) -> Record | None:
        """The final record of that version of an upload, if there is one before the time is over."""
        ends = time.monotonic() + timeout_s
        with self.watching():
            while True:
                changed = self._changed
                record = await run_in_threadpool(self._index.get, id)
                if record is not None and record.upload is not None and record.upload.etag == etag:
                    return record
                left = ends - time.monotonic()
                if left <= 0:
                    return None
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(changed.wait(), left)

    def _run(self) -> None:
        pause = self._live_s
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._catch_up()
                self.problem = None
                pause = self._live_s if self._watchers else _IDLE_S
            except StoreError as error:
                self.problem = str(error)
                self._looked_at = 0.0
                pause = min(max(pause, self._live_s) * 2, _LONGEST_PAUSE_S)
            except Exception as error:  # whatever it is, the pages must not stand still for ever
                log.exception("the index could not be brought up to date")
                self.problem = f"{type(error).__name__} while reading the records; the log says more."
                pause = _LONGEST_PAUSE_S
            if self._watchers and self.problem is None:
                self._stopping.wait(pause)
            else:
                self._wake.wait(pause)

    def _catch_up(self) -> None:
        generation = self._container()
        state = self._index.state()
        if state is not None and (state.generation != generation or datetime.now(UTC) - state.at > _OLDEST):
            log.warning("the records are others than those of the index: it is made anew")
            self._index.clear()
            state = None
        for records, token in self._stores.records.changes(state.token if state else None):
            if self._index.apply(records, generation, token):
                self._tell()
            if self._stopping.is_set():
                return
        state = self._index.state()
        if state is not None and datetime.now(UTC) - state.at > _NOTED:
            self._index.apply([], generation, state.token)

    def _container(self) -> str:
        """Which container of records there is now; looked at once a minute and after every failure."""
        if self._generation is None or time.monotonic() - self._looked_at > _LOOK_AT_CONTAINER_S or not self._looked_at:
            self._generation = self._stores.records.generation()
            self._looked_at = time.monotonic()
        return self._generation

    def _tell(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it closed just now
                self._loop.call_soon_threadsafe(self._announce)

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
