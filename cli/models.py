"""imagestore models, promote, rollback, reprocess: which model is live, and everything again when that changes."""

import functools
import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from classify.share import percent
from cli import stores
from cli.output import console, errors, safe
from cli.stages import Rate, stages
from errors import ImageStoreError
from pipeline import reprocess as again
from pipeline.context import limits_of
from pipeline.live import Live
from record import Status
from settings import account
from store import Stores
from store.models import METRICS_FILE, MODEL_FILE, REPORT_FILE

Name = Annotated[str, typer.Option(help="Which model the version is of.")]


def models(
    version: Annotated[str | None, typer.Argument(help="Show this version.")] = None,
    name: Name = "mine",
    export: Annotated[Path | None, typer.Option(help="Write the version's model and report into this folder.")] = None,
) -> None:
    """List the models there are, show one, or export it."""
    opened = stores.opened()
    if version is None:
        if export is not None:
            raise typer.BadParameter("--export takes a version: imagestore models 3 --export FOLDER.")
        return console.print(_listed(opened))
    figures = opened.models.read(name, version, METRICS_FILE)
    if export is not None:
        export.mkdir(parents=True, exist_ok=True)
        for file in (MODEL_FILE, METRICS_FILE, REPORT_FILE):
            (export / file).write_bytes(opened.models.read(name, version, file))
        return console.print(f"{name} {version} is in {safe(str(export))}.", markup=False, highlight=False)
    console.print(safe(json.loads(figures)["sentence"]), markup=False, highlight=False)
    return None


def promote(
    version: Annotated[str, typer.Argument(help="The version to take into use.")],
    name: Name = "mine",
    accept_equal: Annotated[bool, typer.Option("--accept-equal", help="Also if the test cannot tell.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also if it is worse; it is written down.")] = False,
) -> None:
    """Take a model into use, if it is better than the live one on pictures that neither has learned from."""
    from model import promote as gate

    opened, settings = stores.opened(), stores.settings()
    insist = gate.Insist.FORCE if force else gate.Insist.ACCEPT_EQUAL if accept_equal else gate.Insist.NOTHING
    say = functools.partial(console.print, markup=False, highlight=False)
    try:
        with stages() as begin:
            done = gate.promote(
                opened,
                settings.model_path,
                name,
                version,
                by=account(),
                insist=insist,
                limits=limits_of(settings),
                progress=begin,
            )
    except gate.Refused as error:
        for line in error.details:
            say(safe(line))
        hint = "--accept-equal promotes it." if error.insist is gate.Insist.ACCEPT_EQUAL else "--force promotes it."
        raise ImageStoreError(f"{error} {hint}") from None
    for line in done.comparison.details() if done.comparison else []:
        say(safe(line))
    say(f"{done.entry.name} {done.entry.version} is live: {done.entry.note}")
    say("Workers change to it within seconds. Next, for what is there already: imagestore reprocess")


def rollback() -> None:
    """Take the model into use again that was live before."""
    from model import promote as gate

    entry = gate.rollback(stores.opened(), account())
    console.print(f"{entry.name} {entry.version} is live again ({entry.note}).", markup=False, highlight=False)


def reprocess(
    budget: Annotated[float | None, typer.Option(min=0.001, help="Stop after so many seconds.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be done.")] = False,
) -> None:
    """Classify everything again that the live model has not seen. It goes on where it was stopped."""
    opened = stores.opened()
    model = Live.load(stores.settings().model_path, opened).current()
    if dry_run:
        return console.print(f"{_left(opened, model.ref.sha256)} would be done again.")
    total = sum(opened.records.count(status) for status in Status if status is not Status.DELETED)
    started = time.monotonic()
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bars:
        task = bars.add_task("Looking", total=total)
        for at in again.reprocess(opened, model):
            said = f"{at.queued} queued" + (f", {at.waiting} to wait for" if at.waiting else "")
            bars.update(task, completed=at.seen, total=max(total, at.seen), description=said)
            if budget is not None and time.monotonic() - started > budget and not at.is_settled:
                console.print(f"{at.seen} looked at, {at.queued} queued. Stopped; give the command again to go on.")
                raise typer.Exit(3)
    if not at.is_settled:
        console.print("Some could not be done again, such as those that fail: imagestore status tells more.")
        raise typer.Exit(1)
    seconds = time.monotonic() - started
    rate = f", {at.queued / seconds:.0f} a second" if at.queued and seconds else ""
    said = f"{at.seen} looked at, {at.queued} done again, all of them with {model.ref.name} {model.ref.version} now"
    return console.print(f"{said}, in {seconds:.0f} s{rate}.", markup=False, highlight=False)


def _left(opened: Stores, sha256: str) -> int:
    left = 0
    after = None
    while page := opened.records.find(after=after):
        left += sum(
            record.prediction is None or record.prediction.model.sha256 != sha256
            for record in page
            if record.problem is None or not record.problem.is_the_pictures
        )
        after = (page[-1].finished_at or "", page[-1].id)
    return left


def _listed(opened: Stores) -> Table:
    found = opened.models.active()
    live = found[0].live if found else None
    table = Table("model", "accuracy", "macro-F1", "", box=None)
    for name, version in opened.models.versions():
        figures = json.loads(opened.models.read(name, version, METRICS_FILE))["metrics"]
        accuracy, is_live = figures["accuracy"], live and (live.name, live.version) == (name, version)
        right = f"{percent(accuracy['right'] / max(1, accuracy['of']), 1)} of {accuracy['of']}"
        table.add_row(f"{name} {version}", right, f"{figures['macro_f1']:.3f}", "live" if is_live else "")
    if live is None or live.name.startswith("default"):
        table.add_row("default", "", "", "live")
    return table
