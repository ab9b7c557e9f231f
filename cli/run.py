"""imagestore run"""

import json
import logging
import os
import signal
import time
from collections import Counter
from pathlib import Path
from types import FrameType
from typing import Annotated

import typer
from rich.live import Live
from rich.logging import RichHandler
from rich.table import Table

from cli.intake import Found, Taken, find
from cli.output import console, errors, row, table
from cli.stores import DATA, RUNNING
from cli.upload import summary, with_progress
from errors import StoreError
from local.ports import Ports
from local.supervisor import Options, Stack
from record import Record, Status, record_id
from settings import ROOT, Settings, read_local_settings
from store import Stores, open_stores

SAMPLES = ROOT / "samples"
_POLL_S = 0.2
_ROWS = 20


def run(
    images: Annotated[list[Path] | None, typer.Option(help="Pictures or folders to take in first.")] = None,
    once: Annotated[bool, typer.Option("--once", help="End when all that was taken in has its final record.")] = False,
    ports: Annotated[
        int | None, typer.Option(min=1024, max=65000, help="Use six other ports, from this one on.")
    ] = None,
    data: Annotated[Path, typer.Option(help="Keep data and logs in this folder.")] = DATA,
    workers: Annotated[int, typer.Option(min=1, help="Worker processes.")] = os.cpu_count() or 1,
    no_host: Annotated[
        bool, typer.Option("--no-host", help="Leave the Functions host to you, as with func start.")
    ] = False,
) -> None:
    """Start Azure on this machine, take pictures in, and show what becomes of them."""
    signal.signal(signal.SIGTERM, _interrupt)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", handlers=[RichHandler(console=errors)])
    found = find(images or [])
    options = Options(
        ports=Ports.from_base(ports) if ports else Ports(),
        folder=data.resolve(),
        workers=workers,
        with_host=not no_host,
        with_web=True,
        values=read_local_settings(ROOT / "local.settings.json"),
    )
    with Stack(options) as stack:
        try:
            stack.start(lambda what: console.print("  ✓ " + what, highlight=False))
            (data / RUNNING).write_text(json.dumps(stack.environment), "utf-8")
            complete = _serve(open_stores(Settings.read(stack.environment), stack.environment), images, found, once)
        except KeyboardInterrupt:
            complete = not once
        finally:
            if stack.processes:
                errors.print("Stopping …", style="dim")
                (data / RUNNING).unlink(missing_ok=True)
    raise typer.Exit(0 if complete else 1)


def _serve(stores: Stores, images: list[Path] | None, found: Found, once: bool) -> bool:
    """Take in, then show results: with `once` until all are final, else until interrupted."""
    watch = Watch(stores)
    if images is None and not once and _is_empty(stores):
        console.print("There are no pictures yet: the samples go in.\n")
        found = find([SAMPLES])
    taken = with_progress(stores, found) if found.pictures else Taken()
    if images or found.pictures:
        console.print(summary(found, taken) + "\n")
    watch.expect(taken)
    try:
        watch.show(forever=not once)
    finally:
        if taken.etags:
            console.print(watch.summary())
    return watch.is_complete


class Watch:
    """Follows the records as they change, and ticks off those that are waited for."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._token = stores.records.now()
        self._awaited: dict[str, str] = {}
        self._final: dict[str, Record] = {}
        self._shown = stores.records.find(limit=_ROWS // 2)[::-1]

    @property
    def is_complete(self) -> bool:
        """Whether everything that was taken in has its final record."""
        return self._awaited.keys() <= self._final.keys()

    def expect(self, taken: Taken) -> None:
        """Wait for these uploads; what has its record already is ticked off."""
        self._awaited = {record_id(name): etag for name, etag in taken.etags.items()}
        if taken.unchanged:
            for id in self._awaited:
                if known := self._stores.records.read(id):
                    self._tick(known.record)

    def show(self, *, forever: bool) -> None:
        """Print results as they come: a table that fills on a terminal, else a line each."""
        if not console.is_terminal:
            return self._print_lines(forever)
        with Live(self._table(), console=console, refresh_per_second=8) as live:
            while forever or not self.is_complete:
                if self._poll():
                    live.update(self._table())
                time.sleep(_POLL_S)

    def summary(self) -> str:
        """How many of what, and what is still open."""
        records = list(self._final.values())
        by_status = Counter(str(record.status) for record in records)
        by_label = Counter(record.label for record in records if record.label)
        lines = ["", ", ".join(f"{count} {status}" for status, count in by_status.most_common()) or "nothing finished"]
        lines += [f"  {count:5d}  {label}" for label, count in by_label.most_common(20)]
        if not self.is_complete:
            lines.append(f"{len(self._awaited) - len(self._final)} without a final record.")
        return "\n".join(lines)

    def _print_lines(self, forever: bool) -> None:
        while forever or not self.is_complete:
            for record in self._poll():
                cells = "  ".join(cell.plain for cell in row(record) if cell.plain)
                console.print(cells, highlight=False, markup=False, soft_wrap=True)
            time.sleep(_POLL_S)

    def _table(self) -> Table:
        done, of = len(self._final), len(self._awaited)
        shown = table(title=f"{done} of {of} done" if of and not self.is_complete else "Ctrl-C ends")
        for record in self._shown[-_ROWS:]:
            shown.add_row(*row(record))
        return shown

    def _poll(self) -> list[Record]:
        new: list[Record] = []
        try:
            for records, token in self._stores.records.changes(self._token):
                new += records
                self._token = token
        except StoreError as error:  # it is started again; what was missed comes then
            logging.getLogger("imagestore").debug("%s", error)
        for record in new:
            self._tick(record)
        self._shown += [record for record in new if record.status is not Status.DELETED]
        del self._shown[:-_ROWS]
        return new

    def _tick(self, record: Record) -> None:
        if record.upload is not None and self._awaited.get(record.id) == record.upload.etag:
            self._final[record.id] = record


def _is_empty(stores: Stores) -> bool:
    return not next(iter(stores.uploads.list()))[0]


def _interrupt(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt
