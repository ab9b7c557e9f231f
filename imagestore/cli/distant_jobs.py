"""Follows a job, of a distant web app or of the stores, until it has ended, and shows how far it is."""

import shlex
import time
from collections.abc import Sequence
from typing import Protocol

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from imagestore.cli.output import console, errors, print_whole, safe
from imagestore.client import JobStatus
from imagestore.errors import GateOverride, ImageStoreError
from imagestore.jobs.job import Counted

_POLL_S = 1.0
FLAGS: dict[GateOverride | None, list[str]] = {
    None: [],
    GateOverride.NOTHING: [],
    GateOverride.ACCEPT_EQUAL: ["--accept-equal"],
    GateOverride.FORCE: ["--force"],
}


def would_pass(drop: list[str], override: GateOverride | None) -> str:
    """Which options would let a refused model through, as the end of a sentence."""
    flags = [f"--drop {shlex.quote(label)}" for label in drop] + FLAGS[override]
    lets = "would go on" if drop and override in (None, GateOverride.NOTHING) else "promotes it"
    return f"{' '.join(flags)} {lets}." if flags else ""


class Asked(Protocol):
    """Where a job is asked after: a distant web app, or the stores themselves."""

    def read_job(self, id: int) -> JobStatus:
        """How far a job is."""

    def cancel_job(self, id: int) -> JobStatus:
        """Cancel a job."""


def follow(client: Asked, started: JobStatus, budget_s: float | None = None) -> JobStatus:
    """Wait for the end of a job that has just been put in, and show its progress. Returns it as it ended.

    After `budget_s` seconds it is cancelled, and the command ends (3). Raises ImageStoreError if the gate refuses, or
    if the job fails or is cancelled elsewhere.
    """
    ends = time.monotonic() + (budget_s or float("inf"))
    try:
        with Progress(
            TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            TextColumn("{task.fields[rate]}"), console=errors, transient=True,
        ) as bars:  # fmt: skip
            job = client.read_job(started.id)
            task = bars.add_task(safe(job.stage), total=None, rate="")
            while job.is_open:
                rate = f"{job.per_second:,g}/s" if job.per_second else ""
                bars.update(task, description=safe(job.stage), completed=job.done, total=job.steps or None, rate=rate)
                if time.monotonic() > ends:
                    client.cancel_job(job.id)
                    console.print(f"Stopped after {budget_s:g} s; give the command again to go on.")
                    raise typer.Exit(3)
                pause()
                job = client.read_job(job.id)
    except KeyboardInterrupt:
        errors.print(
            f"It goes on: imagestore jobs show {started.id} tells how far it is, and jobs cancel ends it.",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
        raise
    print_counts(job.counts)
    for line in job.details:
        console.print(safe(line), markup=False, highlight=False, soft_wrap=True)
    if job.state == "done":
        return job
    override = GateOverride(job.insist) if job.insist else None
    raise ImageStoreError(f"{job.say} {would_pass(job.drop, override)}".strip())


def print_counts(counts: Sequence[Counted]) -> None:
    """Show the counts on both sides, if there are any."""
    if not counts:
        return
    table = Table("", "there", "here", "", box=None)
    for one in counts:
        table.add_row(safe(one.what), f"{one.there:,}", f"{one.here:,}", "" if one.there == one.here else "differs")
    print_whole(table)


def pause() -> None:
    """Wait until it is worth asking again."""
    time.sleep(_POLL_S)
