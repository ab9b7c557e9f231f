"""imagestore models, promote, rollback, reprocess: which model is live, and everything again when that changes."""

import functools
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
from errors import ImageStoreError, Missing
from pipeline import reprocess as again
from pipeline.context import limits_of
from pipeline.live import Live
from record import Status
from settings import account
from store import Insist, Stores
from store.models import METRICS_FILE, MODEL_FILE, REPORT_FILE

Name = Annotated[str, typer.Option(help="Which model the version is of.")]
Version = Annotated[str, typer.Argument(help="A version, such as 3.")]


app = typer.Typer(invoke_without_command=True, help="Versions of models: list them, show one, export one.")


@app.callback()
def models(context: typer.Context) -> None:
    """List them, where nothing else is asked for."""
    if context.invoked_subcommand is None:
        list_versions()


@app.command("list")
def list_versions() -> None:
    """Which there are, how good each is, and which one is live."""
    opened = stores.opened()
    found = opened.models.active()
    live = found[0].live if found else None
    table = Table("model", "accuracy", "macro-F1", "", box=None)
    for name, version in opened.models.versions():
        is_live = live is not None and (live.name, live.version) == (name, version)
        right, f1, figures = "", "", opened.models.figures(name, version)
        if figures is not None:
            accuracy = figures["metrics"]["accuracy"]
            right = f"{percent(accuracy['right'] / max(1, accuracy['of']), 1)} of {accuracy['of']}"
            f1 = f"{figures['metrics']['macro_f1']:.3f}"
        table.add_row(f"{name} {version}", right, f1, "live" if is_live else "")
    if live is None or (live.name, live.version) not in opened.models.versions():
        table.add_row(f"{live.name} {live.version}" if live else "default", "", "", "live")
    console.print(table)


@app.command()
def show(version: Version, name: Name = "mine") -> None:
    """How good a version is, label by label, and how it came to be."""
    found = stores.opened().models.figures(name, version)
    if found is None:
        raise Missing(f"There are no figures of {name} {version}: imagestore models.")
    console.print(safe(found["sentence"]), markup=False, highlight=False)
    table = Table("label", "pictures", "precision", "recall", "F1", box=None)
    for figures in found["metrics"]["classes"]:
        if figures["count"]:
            shares = (percent(part["right"] / max(1, part["of"])) for part in (figures["precision"], figures["recall"]))
            table.add_row(safe(figures["label"]), str(figures["count"]), *shares, f"{figures['f1']:.2f}")
    console.print(table)
    training = found.get("training")
    if training:
        said = f"Trained {training['at']} by version {training['code']} on {training['pictures']} pictures"
        console.print(f"{said}, fingerprint {training['fingerprint'][:16]}…", markup=False, highlight=False)


@app.command()
def export(
    version: Version,
    folder: Annotated[Path, typer.Argument(help="Where the model file, its figures and its report go.")],
    name: Name = "mine",
) -> None:
    """Write a version's files into a folder."""
    opened = stores.opened()
    files = {file: opened.models.read(name, version, file) for file in (MODEL_FILE, METRICS_FILE, REPORT_FILE)}
    folder.mkdir(parents=True, exist_ok=True)
    for file, data in files.items():
        (folder / file).write_bytes(data)
    console.print(f"{name} {version} is in {safe(str(folder))}.", markup=False, highlight=False)


def promote(
    version: Annotated[str, typer.Argument(help="The version to take into use.")],
    name: Name = "mine",
    accept_equal: Annotated[bool, typer.Option("--accept-equal", help="Also if the test cannot tell.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Also if it is worse; it is written down.")] = False,
) -> None:
    """Take a model into use, if it is better than the live one on pictures that neither has learned from."""
    from model import promote as gate

    opened, settings = stores.opened(), stores.settings()
    insist = Insist.FORCE if force else Insist.ACCEPT_EQUAL if accept_equal else Insist.NOTHING
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
        hint = "--accept-equal promotes it." if error.insist is Insist.ACCEPT_EQUAL else "--force promotes it."
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
