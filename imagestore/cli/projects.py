"""imagestore projects: pictures, labels and versions that belong together."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from imagestore.cli import instance, stores
from imagestore.cli.output import console, print_whole, safe
from imagestore.jobs.projects import purge
from imagestore.pipeline.labelling import labelled
from imagestore.store.projects import LabelsPerPicture, ProjectSummary

app = typer.Typer(no_args_is_help=True, help="Projects: pictures, labels and versions that belong together.")
ProjectArgument = Annotated[str, typer.Argument(help="The project, by its name or its title.")]


@app.callback()
def projects() -> None:
    """Projects: pictures, labels and versions that belong together."""


@app.command("list")
def list_projects() -> None:
    """List the projects, and what each of them classifies."""
    table = Table("Project", "Title", "Labels", "Versions", "Live", "Uploads", box=None, pad_edge=False)
    for one in instance.opened().projects():
        live = f"deleted, gone after {_day(one.gone_at)}" if one.deleted else one.live or ""
        title = "" if one.title == one.name else safe(one.title)
        count = str(len(one.versions))
        table.add_row(one.name, Text(title), _labels(one), count, live, Text(safe(", ".join(one.routes))))
    print_whole(table)


@app.command()
def create(
    title: Annotated[str, typer.Argument(help="What it is called, such as 'M3 screws'.")],
    several_labels: Annotated[
        bool, typer.Option("--several-labels", help="Several labels may hold for one picture.")
    ] = False,
) -> None:
    """Begin a project, with pictures, labels and versions of its own."""
    kind = LabelsPerPicture.SEVERAL if several_labels else LabelsPerPicture.ONE
    made = instance.opened().create_project(title, kind)
    _say(f"The project {_called(made)} is there.")
    _say(f"Next: imagestore train FOLDER --project {made.name}")


@app.command()
def show(project: ProjectArgument) -> None:
    """Show a project: its versions, the uploads that it classifies, and, where the stores are within reach, how many
    labelled pictures it has."""
    opened = instance.opened()
    found = opened.project(project)
    _say(f"{_called(found)}: {_labels(found)} a picture.")
    if found.created is not None:
        _say(f"Created {found.created.at} by {safe(found.created.by)}.")
    if found.deleted is not None:
        _say(f"Deleted {found.deleted.at} by {safe(found.deleted.by)}; gone for good after {_day(found.gone_at)}.")
    _say(f"Versions: {', '.join(found.versions) or 'none yet'}{f'; live: {found.live}' if found.live else ''}.")
    if found.published:
        named = ", ".join(f"{version} as '{safe(name)}'" for name, version in found.published.items())
        _say(f"Published: {named}.")
    _say(f"Uploads: {safe(', '.join(found.routes)) or 'none; imagestore route add gives it some'}.")
    if isinstance(opened, instance.OverStores):
        for line in _pictures(opened, found.name):
            _say(line)


@app.command()
def rename(project: ProjectArgument, title: Annotated[str, typer.Argument(help="What it is to be called.")]) -> None:
    """Call a project otherwise. Its name in records, routes and addresses stays."""
    opened = instance.opened()
    done = opened.rename_project(opened.project(project).name, title)
    _say(f"The project {_called(done)} is called so now.")


@app.command()
def delete(project: ProjectArgument, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete a project with its labelled pictures and versions. It can be taken back until the day that is said."""
    opened = instance.opened()
    found = opened.project(project)
    pictures = _pictures(opened, found.name) if isinstance(opened, instance.OverStores) else ["Its labelled pictures."]
    versions = f"{len(found.versions)} version{'' if len(found.versions) == 1 else 's'}"
    if not yes:
        _say(f"With the project {_called(found)} go: {versions}. {' '.join(pictures)}")
        if not typer.confirm("Delete it?"):
            raise typer.Exit(1)
    done = opened.delete_project(found.name)
    _say(f"Deleted. Until {_day(done.gone_at)}: imagestore projects undelete {done.name}")


@app.command()
def undelete(project: ProjectArgument) -> None:
    """Take back that a project was deleted."""
    opened = instance.opened()
    done = opened.undelete_project(opened.project(project).name)
    _say(f"The project {_called(done)} is there again.")


@app.command("publish")
def publish_version(
    project: ProjectArgument,
    version: Annotated[str, typer.Argument(help="A version, such as 3.")],
    name: Annotated[str, typer.Option("--as", help="The name under which programs ask for it.")],
) -> None:
    """Let programs ask for a version by a name. Uploads are classified by what is live, as before."""
    opened = instance.opened()
    done = opened.publish(opened.project(project).name, version, name)
    _say(f"{done.name} {version} is published as '{safe(name)}'.")


@app.command("unpublish")
def unpublish_version(
    project: ProjectArgument, name: Annotated[str, typer.Argument(help="The name under which it is published.")]
) -> None:
    """Take back that a version is published under a name."""
    opened = instance.opened()
    opened.unpublish(opened.project(project).name, name)
    _say(f"Nothing is published as '{safe(name)}' any more.")


@app.command("purge")
def purge_deleted() -> None:
    """Delete for good what belongs to projects whose day has come. A runner of jobs does it every day."""
    opened, days = stores.opened(), stores.settings().undelete_days
    for project, files in purge(opened, days):
        _say(f"{safe(project.title)} is gone for good: {files} files.")


def _pictures(opened: instance.OverStores, name: str) -> list[str]:
    """How many labelled pictures a project has of each label, in sentences."""
    project = opened.stores.projects.find(name)
    if project.shares:
        return [f"It learns from the labelled pictures of '{project.shares}'."]
    found = {label: sum(parts.values()) for label, parts in labelled.counts(opened.stores, name).items()}
    if not found:
        return ["It has no labelled pictures."]
    counted = ", ".join(f"{safe(label)} {count}" for label, count in found.items())
    return [f"Labelled pictures: {counted}."]


def _called(project: ProjectSummary) -> str:
    return project.name if project.title == project.name else f"'{safe(project.title)}' ({project.name})"


def _labels(project: ProjectSummary) -> str:
    return "several labels" if project.labels_per_picture is LabelsPerPicture.SEVERAL else "one label"


def _day(at: str | None) -> str:
    return (at or "")[:10]


def _say(text: str) -> None:
    console.print(text, markup=False, highlight=False, soft_wrap=True)
