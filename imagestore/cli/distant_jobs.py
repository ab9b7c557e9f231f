"""Follows a job of a distant web app until it has ended, and shows how far it is as commands on the stores do."""

import shlex
import time

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from imagestore.cli.output import console, errors, safe
from imagestore.client import Client, JobStatus
from imagestore.errors import GateOverride, ImageStoreError

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


def follow(client: Client, started: JobStatus, budget_s: float | None = None) -> JobStatus:
    """Wait for the end of a job that has just been put in, and show its progress. Returns it as it ended.

    After `budget_s` seconds it is cancelled, and the command ends (3). Raises ImageStoreError if the gate refuses, or
    if the job fails or is cancelled elsewhere.
    """
    ends = time.monotonic() + (budget_s or float("inf"))
    try:
        with Progress(
            TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
            console=errors, transient=True,
        ) as bars:  # fmt: skip
            job = client.read_job(started.id)
            task = bars.add_task(safe(job.stage), total=None)
            while job.is_open:
                bars.update(task, description=safe(job.stage), completed=job.done, total=job.steps or None)
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
    for line in job.details:
        console.print(safe(line), markup=False, highlight=False, soft_wrap=True)
    if job.state == "done":
        return job
    override = GateOverride(job.insist) if job.insist else None
    raise ImageStoreError(f"{job.say} {would_pass(job.drop, override)}".strip())


def pause() -> None:
    """Wait until it is worth asking again."""
    time.sleep(_POLL_S)
