"""imagestore sweep, retry, rebuild, verify, status: check and repair what is stored."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from imagestore.cli import instance, stores
from imagestore.cli.output import console, errors, safe
from imagestore.pipeline.upkeep.rebuild import delete_records
from imagestore.pipeline.upkeep.rebuild import rebuild as rebuild_records
from imagestore.pipeline.upkeep.status import status as look
from imagestore.pipeline.upkeep.sweep import Swept
from imagestore.pipeline.upkeep.sweep import sweep as sweep_uploads
from imagestore.pipeline.upkeep.verify import mend
from imagestore.pipeline.upkeep.verify import verify as differences
from imagestore.store import Stores

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Budget = Annotated[float | None, typer.Option(min=0.001, help="Stop after so many seconds.")]
_AGAIN = "Give the command again to go on."
_COLUMNS = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:.0f}"))


class _OutOfTime(Exception):
    """The time budget is used up; the command can be given again."""


@contextlib.contextmanager
def counted(
    what: str, budget: float | None, go_on: str = _AGAIN, started: float | None = None
) -> Iterator[Callable[[int], None]]:
    """Show a running count. Yields a function that adds to it, and that ends the command (3) after the budget.

    The budget counts from `started` on (time.monotonic()), or from now. `go_on` says how to go on when it is used up.
    """
    ends = (time.monotonic() if started is None else started) + (budget or float("inf"))
    try:
        with Progress(*_COLUMNS, console=errors, transient=True) as progress:
            task = progress.add_task(what, total=None)

            def seen(count: int) -> None:
                progress.advance(task, count)
                if time.monotonic() > ends:
                    raise _OutOfTime

            yield seen
    except _OutOfTime:
        console.print(f"Stopped after {budget:g} s. {go_on}")
        raise typer.Exit(3) from None


def sweep(
    min_age: Annotated[float, typer.Option(help="Leave uploads younger than this many seconds to their events.")] = 0,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Queue at most so many a second.")] = None,
    budget: Budget = None,
    start: Annotated[str | None, typer.Option("--from", help="Go on from this marker.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Find uploads without an up-to-date record, such as those from before the first start, and queue them."""
    opened, ends = stores.opened(), time.monotonic() + (budget or float("inf"))
    at = Swept(marker=start)
    try:
        with Progress(*_COLUMNS, console=errors, transient=True) as progress:
            task = progress.add_task("uploads looked at", total=None)
            for at in sweep_uploads(opened, min_age, start, rate=rate, dry_run=dry_run):
                progress.update(task, completed=at.seen)
                if at.marker is not None and time.monotonic() > ends:
                    break
    finally:
        would = "would be " if dry_run else ""
        tagged = f", {at.tagged} {would}tagged" if at.tagged else ""
        console.print(f"{at.seen} uploads looked at, {at.queued} {would}queued{tagged}.")
        if at.marker is not None:
            console.print(f"Go on with: imagestore sweep --from {at.marker}", highlight=False, soft_wrap=True)
    if at.marker is not None:
        raise typer.Exit(3)


def retry(
    name: Annotated[str | None, typer.Argument(help="A picture's name; without one, all that failed.")] = None,
    reason: Annotated[
        str | None, typer.Option(help="Only those with this reason, such as corrupt or Unavailable.")
    ] = None,
    budget: Budget = None,
    dry_run: DryRun = False,
) -> None:
    """Try pictures again: one, all that failed, or all with one reason."""
    count = 0
    try:
        with counted("pictures queued", budget) as seen:
            opened = instance.opened()
            asked = [opened.retry(name, dry_run=dry_run)] if name else opened.retry_failed(reason, dry_run=dry_run)
            for _ in asked:
                count += 1
                seen(1)
    finally:
        console.print(f"{count} {'would be ' if dry_run else ''}queued.")


def rebuild(
    drop: Annotated[bool, typer.Option("--drop", help="Delete all records first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting.")] = False,
    budget: Budget = None,
    dry_run: DryRun = False,
) -> None:
    """Rebuild the records in Cosmos DB from the results in Blob Storage, corrections included."""
    opened, started = stores.opened(), time.monotonic()
    if drop and not dry_run:
        _confirm_deletion(opened, yes)
        started = time.monotonic()
        _delete_records(opened, budget)
    counts: Counter[str] = Counter()
    go_on = "Go on with: imagestore rebuild" if drop else _AGAIN
    try:
        with counted("results read", budget, go_on, started) as seen:
            for done in rebuild_records(opened, dry_run=dry_run):
                what = f"skipped: {done.skipped}" if done.skipped else "written" if done.written else "there already"
                counts[what] += 1
                seen(1)
    finally:
        summary = ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "No results were read"
        console.print(f"{summary}.{' Nothing was changed.' if dry_run else ''}")


def _confirm_deletion(opened: Stores, yes: bool) -> None:
    where = f"the database {opened.names.database} at {opened.cosmos.address('accountEndpoint')}"
    if not yes and not typer.confirm(f"Delete all records of {where}?"):
        raise typer.Exit(1)


def _delete_records(opened: Stores, budget: float | None) -> None:
    count, go_on = 0, "Go on with: imagestore rebuild --drop"
    try:
        with (
            counted("records deleted", budget, go_on) as seen,
            contextlib.closing(delete_records(opened)) as deletions,
        ):
            for deleted in deletions:
                count += deleted
                seen(deleted)
    except KeyboardInterrupt:
        console.print(f"Stopped. {go_on}")
        raise
    finally:
        console.print(f"{count} records deleted.")


def verify(
    fix: Annotated[bool, typer.Option("--fix", help="Queue what mends each difference.")] = False,
    min_age: Annotated[float, typer.Option(help="Leave out uploads younger than this many seconds.")] = 60,
    budget: Budget = None,
    dry_run: DryRun = False,
) -> None:
    """Compare uploads, staged pictures, results, records and tags, and name every difference."""
    opened = stores.opened()
    counts: Counter[str] = Counter()
    with counted("uploads compared", budget) as seen:
        for difference in differences(opened, min_age, seen):
            counts[difference.kind] += 1
            console.print(f"{safe(difference.name)}: {difference.kind}", highlight=False, markup=False, soft_wrap=True)
            if fix and not dry_run:
                mend(opened, difference)
    if not counts:
        console.print("Everything agrees.")
        return
    console.print(f"{counts.total()} differences{', queued to be mended' if fix and not dry_run else ''}.")
    raise typer.Exit(0 if fix and not dry_run else 1)


def status() -> None:
    """Show what is in progress, queued, failed and poisoned, and since when."""
    found = look(stores.opened())
    table = Table(box=None, show_header=False, pad_edge=False)
    for one, count in found.statuses.items():
        table.add_row(f"{one}", f"{count}", "")
    table.add_row("on their way", f"{found.on_their_way}", "uploads whose tags do not speak of them yet")
    for queue in found.queues:
        seconds = (datetime.now(UTC) - queue.oldest).total_seconds() if queue.oldest else None
        age = f", the oldest since {seconds:.0f} s" if seconds is not None else ""
        table.add_row(f"queue {queue.role.name}", f"{queue.length}", queue.role.meaning + age)
    console.print(table)
