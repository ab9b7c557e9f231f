"""imagestore sweep, retry, rebuild, verify, status: what keeps an estate of pictures in order."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from cli import stores
from cli.output import console, errors, safe
from errors import Missing
from pipeline import tasks
from pipeline.rebuild import rebuild as rebuild_records
from pipeline.sweep import lost_uploads, paced
from pipeline.verify import verify as differences
from record import Record, Status
from store import Stores, create, drop_records

DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
Budget = Annotated[float | None, typer.Option(min=0.001, help="Stop after so many seconds.")]
_COLUMNS = (SpinnerColumn(), TextColumn("{task.description}"), TextColumn("{task.completed:.0f}"))


class OutOfTime(Exception):
    """The budget is used up; the command may be given again."""


@contextlib.contextmanager
def counted(what: str, budget: float | None) -> Iterator[Callable[[int], None]]:
    """A running count on the screen. What counts is told, and stopped (exit code 3) once the budget is used up."""
    ends = time.monotonic() + (budget or float("inf"))
    try:
        with Progress(*_COLUMNS, console=errors, transient=True) as progress:
            task = progress.add_task(what, total=None)

            def seen(count: int) -> None:
                progress.advance(task, count)
                if time.monotonic() > ends:
                    raise OutOfTime

            yield seen
    except OutOfTime:
        console.print(f"Stopped after {budget:g} s. Give the command again to go on.")
        raise typer.Exit(3) from None


def sweep(
    min_age: Annotated[float, typer.Option(help="Leave uploads younger than this many seconds to their events.")] = 0,
    rate: Annotated[float | None, typer.Option(min=0.1, help="Queue at most so many a second.")] = None,
    budget: Budget = None,
    start: Annotated[str | None, typer.Option("--from", help="Go on from this marker.")] = None,
    dry_run: DryRun = False,
) -> None:
    """Find uploads without an up-to-date record, such as those that were there before, and queue them."""
    opened, ends = stores.opened(), time.monotonic() + (budget or float("inf"))
    queued = seen = 0
    pace, marker = paced(rate), start
    try:
        with Progress(*_COLUMNS, console=errors, transient=True) as progress:
            task = progress.add_task("uploads looked at", total=None)
            for page in lost_uploads(opened, min_age, start):
                for name in page.lost:
                    if not dry_run:
                        tasks.send(opened.work, tasks.Task(tasks.PREPROCESS, name))
                        next(pace)
                    queued += 1
                seen += page.seen
                progress.update(task, completed=seen)
                marker = page.marker
                if marker is None or time.monotonic() > ends:
                    break
    finally:
        console.print(f"{seen} uploads looked at, {queued} {'would be ' if dry_run else ''}queued.")
        if marker is not None:
            console.print(f"Go on with: imagestore sweep --from {marker}", highlight=False, soft_wrap=True)
    if marker is not None:
        raise typer.Exit(3)


def retry(
    name: Annotated[str | None, typer.Argument(help="A picture's name; without one, all that failed.")] = None,
    reason: Annotated[str | None, typer.Option(help="Only those with this reason, such as corrupt or Away.")] = None,
    budget: Budget = None,
    dry_run: DryRun = False,
) -> None:
    """Try pictures again: one, all that failed, or all with one reason."""
    opened = stores.opened()
    if name is not None:
        if opened.uploads.look(name) is None:
            raise Missing(f"There is no upload '{name}'.")
        chosen = [name]
    else:
        chosen = [record.name for record in _with_problem(opened, reason)]
    if not dry_run:
        with counted("pictures queued", budget) as seen:
            for one in chosen:
                tasks.send(opened.work, tasks.Task(tasks.PREPROCESS, one))
                seen(1)
    console.print(f"{len(chosen)} {'would be ' if dry_run else ''}queued.")


def rebuild(
    drop: Annotated[bool, typer.Option("--drop", help="Delete the database first.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deleting.")] = False,
    budget: Budget = None,
    dry_run: DryRun = False,
) -> None:
    """Rebuild the records in Cosmos DB from the results in Blob Storage, corrections included."""
    opened = stores.opened()
    if drop and not dry_run:
        where = f"database {opened.names.database} at {opened.cosmos.address('accountEndpoint')}"
        if not yes and not typer.confirm(f"Delete the {where} with all its records?"):
            raise typer.Exit(1)
        drop_records(opened)
        opened = stores.opened()
    if not dry_run:
        create(opened)
    counts: Counter[str] = Counter()
    with counted("results read", budget) as seen:
        for done in rebuild_records(opened, dry_run=dry_run):
            counts[f"skipped: {done.skipped}" if done.skipped else "written" if done.written else "there already"] += 1
            seen(1)
    said = ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "There are no results"
    console.print(f"{said}.{' Nothing was changed.' if dry_run else ''}")


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
                tasks.send(opened.work, difference.task())
    if not counts:
        console.print("Everything agrees.")
        return
    console.print(f"{counts.total()} differences{', queued to be mended' if fix and not dry_run else ''}.")
    raise typer.Exit(0 if fix and not dry_run else 1)


def status() -> None:
    """Show what is on its way, queued, failed and poisoned, and since when."""
    opened = stores.opened()
    table = Table(box=None, show_header=False, pad_edge=False)
    for one in Status:
        table.add_row(f"{one}", f"{opened.records.count(one)}", "")
    underway = sum(len(page.lost) for page in lost_uploads(opened, 0))
    table.add_row("on their way", f"{underway}", "uploads whose tags do not speak of them yet")
    for queue, meaning in (
        (opened.work, "to be done later"),
        (opened.work_poison, "given up for good: see docs/reliability.md"),
        (opened.poison, "given up by the host, about to be queued"),
    ):
        oldest = queue.oldest()
        age = f", the oldest since {(datetime.now(UTC) - oldest).total_seconds():.0f} s" if oldest else ""
        table.add_row(f"queue {queue.name}", f"{queue.length()}", meaning + age)
    console.print(table)


def _with_problem(opened: Stores, reason: str | None) -> list[Record]:
    found: list[Record] = []
    after = None
    while page := opened.records.find(status=None if reason else str(Status.FAILED), reason=reason, after=after):
        found += page
        after = (page[-1].finished_at or "", page[-1].id)
    return found
