"""imagestore models, promote, rollback, reprocess: which model is live, and classifying again when that changes."""

import contextlib
import functools
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from classify.portable.portable import portable
from imagestore.cli import distant_jobs, instance, servers, stores, understand
from imagestore.cli.options import Name, VersionArgument
from imagestore.cli.output import console, errors, safe
from imagestore.cli.stages import Rate, stages
from imagestore.configure import limits_of, models_of
from imagestore.errors import GateOverride, ImageStoreError, NotFound, PromotionRefused
from imagestore.jobs import libraries
from imagestore.pipeline.models.live import rollback as roll_back
from imagestore.pipeline.upkeep import reprocess as again
from imagestore.proportion import percent
from imagestore.settings import account
from imagestore.store.models import METRICS_FILE, MODEL_FILE, REPORT_FILE
from imagestore.store.projects import LabelsPerPicture
from imagestore.store.training import MINE

_NEXT = "Workers change to it within seconds. Next, for what is there already: imagestore reprocess"
_LABELS = {LabelsPerPicture.ONE: "one label a picture", LabelsPerPicture.SEVERAL: "several labels a picture"}
app = typer.Typer(
    invoke_without_command=True,
    help="Versions of models: list them, show, compare, inspect or export one, give one another threshold.",
)
app.command("threshold")(understand.threshold)
app.command("compare")(understand.compare)


@app.callback()
def models(context: typer.Context) -> None:
    """List the versions, if no other command is given."""
    if context.invoked_subcommand is None:
        list_versions()


@app.command("list")
def list_versions() -> None:
    """List the versions, how good each is, and which one is live."""
    found = instance.opened().models()
    table = Table("model", "accuracy", "macro-F1", "", box=None)
    for one in sorted(found.versions, key=lambda one: (one.name, int(one.version))):
        right, f1, figures = "", "", one.figures
        if figures is not None:
            accuracy = figures["metrics"]["accuracy"]
            every = " with all labels right" if _has_several(figures) else ""
            right = f"{percent(accuracy['right'] / max(1, accuracy['of']), 1)} of {accuracy['of']}{every}"
            f1 = f"{figures['metrics']['macro_f1']:.3f}"
        state = "live" if one.is_live else ""
        if one.problem is not None:
            state = f"{state} cannot be used".strip()
        table.add_row(f"{one.name} {one.version}", right, f1, state)
    if not any(one.is_live for one in found.versions):
        table.add_row(f"{found.live.name} {found.live.version}" if found.live else "default", "", "", "live")
    console.print(table)
    if found.routes:
        console.print("Which uploads each project classifies: imagestore route list")


@app.command()
def show(version: VersionArgument, name: Name = MINE) -> None:
    """Show how good a version is, label by label, and how it was made."""
    opened = instance.opened()
    name = opened.project(name).name
    found, problem = opened.figures(name, version), opened.problem(name, version)
    if problem is not None:
        console.print(f"It cannot be used: {safe(problem)}", markup=False, highlight=False)
        if found is None:
            return
    if found is None:
        raise NotFound(f"There are no figures of {name} {version}: imagestore models.")
    console.print(safe(found["sentence"]), markup=False, highlight=False)
    precise = ("average precision",) if _has_several(found) else ()
    table = Table("label", "pictures", "precision", "recall", "F1", *precise, box=None)
    for figures in found["metrics"]["classes"]:
        if figures["count"]:
            shares = (percent(part["right"] / max(1, part["of"])) for part in (figures["precision"], figures["recall"]))
            more = [f"{figures['average_precision']['value']:.2f}" for _ in precise]
            table.add_row(safe(figures["label"]), str(figures["count"]), *shares, f"{figures['f1']:.2f}", *more)
    console.print(table)
    training = found.get("training")
    if training:
        said = f"Trained {training['at']} by version {training['code']} on {training['pictures']} pictures"
        console.print(f"{said}, fingerprint {training['fingerprint'][:16]}…", markup=False, highlight=False)


def _has_several(figures: dict[str, Any]) -> bool:
    return bool(figures["metrics"].get("labels_per_picture") == "several")


@app.command()
def add(
    export: Annotated[Path, typer.Argument(help="An ONNX export of Custom Vision, a ZIP; or a model file.")],
    name: Annotated[str, typer.Option("--project", "--name", help="The project; a new one begins with it.")] = MINE,
    labels: Annotated[
        Path | None, typer.Option(help="A file with a label a line, for a model with no labels.txt beside it.")
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="The confidence that makes an answer. [0; 0.5 for several labels]"),
    ] = None,
    labels_per_picture: Annotated[
        LabelsPerPicture | None, typer.Option(help="Where the model does not tell whether several labels may hold.")
    ] = None,
) -> None:
    """Add a model that Custom Vision exported, or a model file, as a version of a project."""
    from model.custom_vision.add import add as add_export

    added = add_export(
        stores.opened(),
        name,
        export,
        account(),
        labels=labels,
        threshold=threshold,
        labels_per_picture=labels_per_picture,
    )
    project, model, say = added.project, added.model, functools.partial(console.print, markup=False, highlight=False)
    if added.is_new:
        say(f"The project '{safe(project.title)}' is new.")
    labels_said = f"{len(model.labels)} labels, {'several' if model.has_several else 'one'} a picture"
    seen = f"{model.spec.width} × {model.spec.height} pixels"
    say(f"{project.name} {added.version} is added: {labels_said}, threshold {model.threshold:g}, {seen}.")
    if model.has_several != (project.labels_per_picture is LabelsPerPicture.SEVERAL):
        say(safe(f"The project '{project.title}' is for {_LABELS[project.labels_per_picture]}, and the model is not."))
    of = "" if project.name == MINE else f" --project {project.name}"
    say(f"Next: imagestore evaluate {added.version}{of}, imagestore promote {added.version}{of}")


@app.command()
def inspect(version: VersionArgument, name: Name = MINE) -> None:
    """Look whether a version's model file can be used, in a bounded process, and keep what is found."""
    name = instance.opened().project(name).name
    if (server := servers.given()) is not None:
        client = instance.client_of(server)
        return console.print(safe(distant_jobs.follow(client, client.inspect(name, version)).say), highlight=False)
    from model.inspect import inspect_version

    found = inspect_version(stores.opened(), name, version, account())
    if not found.is_admitted:
        raise ImageStoreError(found.why)
    return console.print(f"{name} {version} can be used.", markup=False, highlight=False)


@app.command()
def export(
    version: VersionArgument,
    folder: Annotated[Path, typer.Argument(help="Where the model file, its figures and its report go.")],
    name: Name = MINE,
) -> None:
    """Write a version's files into a folder, with its labels, a manifest, and a script that runs it anywhere."""
    opened = instance.opened()
    name = opened.project(name).name
    files = {MODEL_FILE: opened.model_file(name, version, MODEL_FILE)}
    for file in (METRICS_FILE, REPORT_FILE):
        with contextlib.suppress(NotFound):  # a version that was added has neither
            files[file] = opened.model_file(name, version, file)
    lacks = libraries.missing()
    if not lacks:
        from model.model_process import describe

        files |= portable(describe(files[MODEL_FILE], f"{name} {version}"), MODEL_FILE)
    folder.mkdir(parents=True, exist_ok=True)
    for file, data in files.items():
        (folder / file).write_bytes(data)
    console.print(f"{name} {version} is in {safe(str(folder))}.", markup=False, highlight=False)
    if lacks:
        said = f"Without labels, manifest and script: {libraries.sentence(lacks)}"
        console.print(said, markup=False, highlight=False, soft_wrap=True)


def promote(
    version: Annotated[str, typer.Argument(help="The version to take into use.")],
    name: Name = MINE,
    accept_equal: Annotated[
        bool, typer.Option("--accept-equal", help="Also if it is as good as the live one.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Also if it is worse, or guesses; it is noted.")] = False,
    drop: Annotated[
        list[str] | None, typer.Option("--drop", help="A label of the live model that may go; once for each.")
    ] = None,
) -> None:
    """Make a version live, if it is better than the live one on pictures that neither has learned from."""
    override = GateOverride.FORCE if force else GateOverride.ACCEPT_EQUAL if accept_equal else GateOverride.NOTHING
    say, name = functools.partial(console.print, markup=False, highlight=False), instance.opened().project(name).name
    if (server := servers.given()) is not None:
        client = instance.client_of(server)
        job = client.promote(name, version, override=override, drop=tuple(drop or ()))
        say(safe(distant_jobs.follow(client, job).say))
        return say(_NEXT)
    from model import promote as gate

    opened, settings = stores.opened(), stores.settings()
    try:
        with stages() as begin:
            done = gate.promote(
                opened,
                settings.model_path,
                name,
                version,
                by=account(),
                override=override,
                drop=drop or (),
                limits=limits_of(settings),
                progress=begin,
            )
    except PromotionRefused as error:
        for line in error.details:
            say(safe(line))
        said = f"{error} {distant_jobs.would_pass(error.drop, error.override)}"
        raise ImageStoreError(said.strip()) from None
    for line in done.details:
        say(safe(line))
    say(done.sentence())
    return say(_NEXT)


def rollback(
    name: Annotated[
        str | None, typer.Option("--project", "--name", help="Which project goes back; without it, the default one.")
    ] = None,
) -> None:
    """Make the previous model live again."""
    name = None if name is None else instance.opened().project(name).name
    if (server := servers.given()) is not None:
        client = instance.client_of(server)
        done = distant_jobs.follow(client, client.rollback(name))
        return console.print(safe(done.say), markup=False, highlight=False)
    entry = roll_back(stores.opened(), account(), name)
    return console.print(f"{entry.name} {entry.version} is live again ({entry.note}).", markup=False, highlight=False)


def reprocess(
    budget: Annotated[float | None, typer.Option(min=0.001, help="Stop after so many seconds.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count what would be done.")] = False,
) -> None:
    """Classify again every picture that the model which is live for it has not classified. Continues where it was
    stopped."""
    if (server := servers.given()) is not None:
        client = instance.client_of(server)
        if dry_run:
            return console.print(f"{client.outdated()} would be done again.")
        job = distant_jobs.follow(client, client.reprocess(), budget)
        return console.print(safe(job.say), markup=False, highlight=False)
    opened = stores.opened()
    models = models_of(stores.settings(), opened)
    if dry_run:
        return console.print(f"{again.count_outdated(opened, models)} would be done again.")
    started = time.monotonic()
    columns = (TextColumn("{task.description:24}"), BarColumn(), MofNCompleteColumn(), Rate(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as bars:
        task = bars.add_task("Looking", total=None)

        def show_progress(at: again.ReprocessProgress) -> None:
            said = f"{at.queued} queued" + (f", {at.waiting} to wait for" if at.waiting else "")
            bars.update(task, completed=at.seen, total=at.total, description=said)
            if budget is not None and time.monotonic() - started > budget:
                console.print(f"{at.seen} looked at, {at.queued} queued. Stopped; give the command again to go on.")
                raise typer.Exit(3)

        result = again.reprocess(opened, models, show_progress)
    if not result.is_settled:
        console.print("Some could not be done again, such as those that fail: imagestore status tells more.")
        raise typer.Exit(1)
    seconds = time.monotonic() - started
    rate = f", {result.queued / seconds:.0f} a second" if result.queued and seconds else ""
    return console.print(f"{result.sentence()}, in {seconds:.0f} s{rate}.", markup=False, highlight=False)
