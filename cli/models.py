"""imagestore models, promote, rollback, reprocess: which model is live, and everything again when that changes."""

import getpass
import json
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from cli import stores
from cli.learn import REPORT, test_part
from cli.output import console, errors, safe
from cli.stages import stages
from errors import Missing
from pipeline.context import limits_of
from pipeline.live import Live
from pipeline.reprocess import reprocess as queue_again
from store import Stores
from store.models import METRICS_FILE, MODEL_FILE

Name = Annotated[str, typer.Option(help="Which model the version is of.")]
_POLL_S = 0.5
_PASSES = 5


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
        for file in (MODEL_FILE, METRICS_FILE, REPORT):
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
    limits, candidate = limits_of(settings), opened.models.read(name, version)
    with stages() as begin:
        tests = test_part(opened, limits, begin)
        if not tests and not force:
            raise Missing("There are no test pictures to compare by: imagestore train FOLDER. --force goes without.")
        live = gate.live_model(opened, settings.model_path)
        comparison = gate.consider(candidate, live, tests, limits, begin) if tests else None
    for line in comparison.details() if comparison else []:
        console.print(safe(line), markup=False, highlight=False)
    note = gate.decide(comparison, accept_equal=accept_equal, force=force)
    entry = gate.promote(opened, name, version, getpass.getuser(), note, settings.model_path)
    console.print(f"{entry.name} {entry.version} is live: {note}", markup=False, highlight=False)
    console.print("Workers change to it within seconds. Next, for what is there already: imagestore reprocess")


def rollback() -> None:
    """Take the model into use again that was live before."""
    from model import promote as gate

    entry = gate.rollback(stores.opened(), getpass.getuser())
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
    started, seen, queued = time.monotonic(), 0, 0
    columns = (SpinnerColumn(), TextColumn("{task.description}"))
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task("")
        is_settled = False
        for _ in range(_PASSES):  # until a look at everything finds nothing: some workers may change late
            if is_settled:
                break
            is_settled, seen = True, 0
            for step in queue_again(opened, model):
                seen, queued = seen + 1, queued + (step.queued is not None)
                is_settled = is_settled and step.queued is None
                passed = time.monotonic() - started
                progress.update(task, description=f"{seen} looked at, {queued} queued in {passed:.0f} s")
                if budget is not None and passed > budget:
                    console.print(f"{seen} looked at, {queued} queued. Stopped; give the command again to go on.")
                    raise typer.Exit(3)
            while waiting := opened.work.length():
                progress.update(task, description=f"{queued} queued, {waiting} still to be done")
                time.sleep(_POLL_S)
    if not is_settled:
        console.print("Some could not be done again, such as those that fail: imagestore status tells more.")
        raise typer.Exit(1)
    said = f"{seen} looked at, all of them with {model.ref.name} {model.ref.version}"
    return console.print(f"{said}, in {time.monotonic() - started:.0f} s.", markup=False, highlight=False)


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
        right = f"{accuracy['right'] / max(1, accuracy['of']):.1%} of {accuracy['of']}"
        table.add_row(f"{name} {version}", right, f"{figures['macro_f1']:.3f}", "live" if is_live else "")
    if live is None or live.name.startswith("default"):
        table.add_row("default", "", "", "live")
    return table
