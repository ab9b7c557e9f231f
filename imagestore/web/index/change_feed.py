"""Keeps the index up to date with the change feed, and tells watchers that something changed."""

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from starlette.concurrency import run_in_threadpool

from imagestore.errors import StoreError
from imagestore.record import Record
from imagestore.store import StoredRecord, Stores, is_same_generation
from imagestore.web.index.index import Index

log = logging.getLogger("imagestore.web.index.change_feed")
_IDLE_S = 2.0
_LONGEST_PAUSE_S = 10.0
_LOOK_AT_CONTAINER_S = 60.0
_NOTED = timedelta(hours=1)
_MOST_ASKED = 100
Changes = list[tuple[int, str, bytes | None]]
"""Of each change its number, the picture's id, and the record as JSON, or None if the picture is deleted."""
_OLDEST = timedelta(days=7)
"""An index that was not updated for longer may have missed tombstones, which last 14 days. It is made again."""


class ChangeFeedReader:
    """Reads the change feed in its own thread with its own clients, so that it waits for no request."""

    def __init__(self, stores: Stores, index: Index, poll_s: float) -> None:
        self._stores = stores
        self._index = index
        self._poll_s = poll_s
        self._generation: str | None = None
        self._looked_at = 0.0
        self._watchers = 0
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._changed: asyncio.Event = asyncio.Event()
        self._asked: dict[tuple[int, int], asyncio.Future[Changes]] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="change feed", daemon=True)
        self.problem: str | None = "The records have not been read yet."

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Start reading. Watchers wait in this event loop."""
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """Stop reading, at the latest after the current call."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(timeout=_LONGEST_PAUSE_S)

    def changed_here(self, record: StoredRecord) -> None:
        """Index a record that this process has just written."""
        self._index.put(record)
        self._tell()

    def deleted_here(self, id: str) -> None:
        """Remove a picture from the index whose upload this process has just deleted."""
        self._index.remove(id)
        self._tell()

    def shown_again(self, id: str) -> None:
        """Tell watchers that a hidden picture is shown again."""
        self._index.touch(id)
        self._tell()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """A `with` block in which changes are looked for more often."""
        self._watchers += 1
        self._wake.set()
        try:
            yield
        finally:
            self._watchers -= 1

    @property
    def watchers(self) -> int:
        """How many wait for changes now."""
        return self._watchers

    @property
    def changed(self) -> asyncio.Event:
        """An event that the next change sets. Take it before you look at the index, and you miss no change."""
        return self._changed

    async def since(self, seq: int, limit: int) -> Changes:
        """What `Index.since` says, asked once for all streams that have come equally far: a change wakes them all."""
        asked = self._asked.get((seq, limit))
        if asked is None:
            if len(self._asked) >= _MOST_ASKED:
                self._asked = {}
            asked = self._asked[seq, limit] = asyncio.ensure_future(run_in_threadpool(self._index.since, seq, limit))
        try:
            return await asyncio.shield(asked)
        except Exception:
            self._asked.pop((seq, limit), None)
            raise

    async def final(self, id: str, etag: str, timeout_s: float) -> Record | None:
        """Wait for the final record of this version of an upload; None if it does not come within `timeout_s`
        seconds."""
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
        pause = self._poll_s
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self._catch_up()
                self.problem = None
                pause = self._poll_s if self._watchers else _IDLE_S
            except StoreError as error:
                self.problem = str(error)
                self._looked_at = 0.0
                pause = min(max(pause, self._poll_s) * 2, _LONGEST_PAUSE_S)
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
        position = self._index.position()
        if position is not None and not (
            is_same_generation(position.generation, generation) and datetime.now(UTC) - position.at <= _OLDEST
        ):
            log.warning("the records are others than those of the index: it is made anew")
            self._index.clear()
            position = None
        for records, token in self._stores.records.changes(position.token if position else None):
            if self._index.apply(records, generation, token):
                self._tell()
            if self._stopping.is_set():
                return
        position = self._index.position()
        if position is not None and datetime.now(UTC) - position.at > _NOTED:
            self._index.apply([], generation, position.token)

    def _container(self) -> str:
        """The generation of the container of records, asked for once a minute and after every failure."""
        if self._generation is None or time.monotonic() - self._looked_at > _LOOK_AT_CONTAINER_S or not self._looked_at:
            self._generation = self._stores.records.generation()
            self._looked_at = time.monotonic()
        return self._generation

    def _tell(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it closed just now
                self._loop.call_soon_threadsafe(self._announce)

    def _announce(self) -> None:
        self._asked = {}
        self._changed.set()
        self._changed = asyncio.Event()
