"""Follows the records while `imagestore run` runs, and prints the results."""

import logging
import time
from collections import Counter
from datetime import datetime

from rich.live import Live
from rich.table import Table

from imagestore.cli.intake import Uploaded
from imagestore.cli.output import console, row, safe, table, totals
from imagestore.errors import StoreError
from imagestore.local.retries import Retry, RetryLog
from imagestore.record import Record, Status, record_id
from imagestore.store import Stores

_POLL_S = 0.2
_ROWS = 20


class Watch:
    """Prints records as they come, remembers them all, and checks off the expected ones."""

    def __init__(self, stores: Stores, retries: RetryLog) -> None:
        self._stores, self._retries = stores, retries
        self._token = stores.records.now()
        self._awaited: dict[str, str] = {}
        self._final: set[str] = set()
        self._done: dict[str, Record] = {}
        self._waiting: list[Retry] = []
        self._last_waits = ""
        self._shown = stores.records.find(limit=_ROWS // 2)[::-1]

    @property
    def is_complete(self) -> bool:
        """Whether every expected picture has its final record."""
        return self._awaited.keys() <= self._final

    def expect(self, uploaded: Uploaded) -> None:
        """Expect records of these uploads. An unchanged upload that has its record already counts as done."""
        self._awaited = {record_id(name): etag for name, etag in uploaded.etags.items()}
        if uploaded.unchanged:
            for id in self._awaited:
                if known := self._stores.records.read(id):
                    self._tick(known.record)

    def show(self, *, forever: bool, timeout_s: float | None = None) -> None:
        """Print results as they come: on a terminal in a table that fills, else one per line.

        Returns when all expected pictures are done, unless `forever`; or after `timeout_s` seconds.
        """
        ends = time.monotonic() + (timeout_s if timeout_s is not None else float("inf"))
        if not console.is_terminal:
            while self._goes_on(forever, ends):
                self._print_lines(self._poll())
                time.sleep(_POLL_S)
            return
        with Live(self._table(), console=console, refresh_per_second=8) as live:
            while self._goes_on(forever, ends):
                self._poll()
                live.update(self._table())
                time.sleep(_POLL_S)

    def summary(self) -> str:
        """Everything done so far, by status and label, and what is still open; empty if there is nothing."""
        self._poll()  # what came since the last look is done too
        if not self._done and not self._awaited:
            return ""
        labels = Counter(record.label for record in self._done.values() if record.label)
        lines = ["", totals(self._done.values()) + "."]
        lines += [f"  {count:5d}  {safe(label)}" for label, count in labels.most_common(20)]
        if not self.is_complete:
            lines.append(f"{len(self._awaited.keys() - self._final)} without a final record.")
            self._look_for_retries()
            lines += [self._waits()] if self._waiting else []
        return "\n".join(lines)

    def _goes_on(self, forever: bool, ends: float) -> bool:
        return (forever or not self.is_complete) and time.monotonic() < ends

    def _print_lines(self, records: list[Record]) -> None:
        for record in records:
            cells = "  ".join(cell.plain for cell in row(record) if cell.plain)
            console.print(cells, highlight=False, markup=False, soft_wrap=True)
        if self._waiting and (waits := self._waits()) != self._last_waits:
            self._last_waits = waits
            console.print(waits, highlight=False, markup=False, soft_wrap=True)

    def _table(self) -> Table:
        done, count = len(self._awaited.keys() & self._final), len(self._awaited)
        title = f"{done} of {count} done" if count and not self.is_complete else "Ctrl-C ends"
        shown = table(title=title, caption=self._waits() if self._waiting else None)
        for record in self._shown[-_ROWS:]:
            shown.add_row(*row(record))
        return shown

    def _waits(self) -> str:
        """How many pictures wait for another attempt, when the next one is, and why."""
        following = min(self._waiting, key=lambda retry: retry.due)
        count = len(self._waiting)
        what = "1 picture waits" if count == 1 else f"{count} pictures wait"
        return f"{what} to be tried again, the next at {following.due:%H:%M:%S}: {safe(following.error)}"

    def _poll(self) -> list[Record]:
        new: list[Record] = []
        try:
            for records, token in self._stores.records.changes(self._token):
                new += [stored.record for stored in records]
                self._token = token
        except StoreError as error:  # it is started again; what was missed comes then
            logging.getLogger("imagestore").debug("%s", error)
        for record in new:
            self._tick(record)
        self._look_for_retries()
        self._shown += [record for record in new if record.status is not Status.DELETED]
        del self._shown[:-_ROWS]
        return new

    def _look_for_retries(self) -> None:
        """Keep, of all announced retries, those that are still to come for expected pictures."""
        open_ids, now = self._awaited.keys() - self._final, datetime.now()
        self._waiting = [retry for id, retry in self._retries.read().items() if id in open_ids and retry.due > now]

    def _tick(self, record: Record) -> None:
        self._done[record.id] = record
        if record.upload is not None and self._awaited.get(record.id) == record.upload.etag:
            self._final.add(record.id)
