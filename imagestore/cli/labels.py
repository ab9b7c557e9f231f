"""imagestore labels: the labels of a project, in labelled pictures and corrections: rename, merge, split, delete."""

import functools
from collections.abc import Sequence
from typing import Annotated, Protocol

import typer
from rich.table import Table
from rich.text import Text

from imagestore.cli import changes, instance, servers, stores
from imagestore.cli.output import console, print_whole, safe
from imagestore.client import ChangeStatus, Client, UsedLabel
from imagestore.errors import Conflict, NotFound
from imagestore.pipeline.changes.bulk import BulkChanges
from imagestore.pipeline.changes.relabel import Relabelling
from imagestore.pipeline.labelling import labelled
from imagestore.record import record_id
from imagestore.settings import account
from imagestore.store import Stores
from imagestore.store.training import MINE

app = typer.Typer(no_args_is_help=True, help="The labels of a project: rename, merge, split or delete one everywhere.")
Project = Annotated[str, typer.Option("--project", "--name", help="The project whose label it is.")]
OneLabel = Annotated[str, typer.Argument(help="The label.")]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
_say = functools.partial(console.print, markup=False, highlight=False, soft_wrap=True)


class Asked(Protocol):
    """Where labels are changed: the stores themselves, or a distant web app. `project` is a name or a title."""

    def used(self, project: str) -> list[UsedLabel]:
        """The labels of a project. Raises NotFound."""

    def named(self, project: str, label: str, names: Sequence[str]) -> tuple[list[str], list[str]]:
        """The uploads (ids) and the labelled pictures (SHA-256) with a label that are called so. Raises NotFound."""

    def change(
        self, project: str, label: str, to: str | None, chosen: tuple[list[str], list[str]] | None = None
    ) -> ChangeStatus:
        """Change a label, in all pictures or in these. Raises NotFound or Conflict."""


@app.callback()
def labels() -> None:
    """The labels of a project: rename, merge, split or delete one everywhere."""


@app.command("list")
def list_labels(project: Project = MINE) -> None:
    """List the labels that people have given, and how many pictures have each: corrected uploads and labelled ones."""
    table = Table("label", "corrected", "to learn from", "to test with", "neither", "new", box=None)
    for one in _asked().used(project):
        numbers = (one.corrections, one.learn, one.test, one.retired, one.new)
        table.add_row(Text(safe(one.label)), *map(str, numbers))
    if not table.row_count:
        return _say("Nobody has given a label yet.")
    return print_whole(table)


@app.command()
def rename(
    label: OneLabel, to: Annotated[str, typer.Argument(help="What it is to be called.")], project: Project = MINE
) -> None:
    """Give a label another name. A model keeps its own until it is trained again."""
    asked = _asked()
    if to.strip() in {one.label for one in asked.used(project)}:
        raise Conflict(f"There is a label '{to.strip()}' already: imagestore labels merge makes one of the two.")
    _tell(asked.change(project, label, to))


@app.command()
def merge(
    label: OneLabel,
    into: Annotated[str, typer.Argument(help="The label that takes it in.")],
    project: Project = MINE,
    yes: Yes = False,
) -> None:
    """Make two labels one: all pictures of the first get the second."""
    asked = _asked()
    used = {one.label: one for one in asked.used(project)}
    if into.strip() not in used:
        raise NotFound(f"There is no label '{into.strip()}': imagestore labels list, or labels rename.")
    if not yes and not typer.confirm(safe(f"Give all {_count(used, label)} with '{label}' the label '{into}'?")):
        raise typer.Exit(1)
    _tell(asked.change(project, label, into))


@app.command()
def delete(label: OneLabel, project: Project = MINE, yes: Yes = False) -> None:
    """Take a label away. The pictures stay, with their other labels or none."""
    asked = _asked()
    used = {one.label: one for one in asked.used(project)}
    if not yes and not typer.confirm(safe(f"Take the label '{label}' from {_count(used, label)}?")):
        raise typer.Exit(1)
    _tell(asked.change(project, label, None))


@app.command()
def split(
    label: OneLabel,
    to: Annotated[str, typer.Argument(help="The label that the pictures get instead.")],
    pictures: Annotated[list[str], typer.Argument(help="Uploads, or labelled files as they were imported.")],
    project: Project = MINE,
) -> None:
    """Give some pictures of a label another one."""
    asked = _asked()
    _tell(asked.change(project, label, to, asked.named(project, label, pictures)))


class _OverStores:
    def __init__(self, opened: Stores) -> None:
        self._stores = opened

    def used(self, project: str) -> list[UsedLabel]:
        folder, projects = self._stores.projects.open(project).pictures_in, self._stores.projects.read()
        there = labelled.there(self._stores, folder)
        said = (
            (label, one.sha256 or one.name)
            for one in self._stores.records.corrections()
            if projects.pictures_of(one.project) == folder
            for label in one.labels or (one.label,)
            if label is not None
        )
        corrections = labelled.corrections_alone(said, {one.sha256: one.labels for one in there})
        return labelled.used_labels(labelled.tally(there), corrections)

    def named(self, project: str, label: str, names: Sequence[str]) -> tuple[list[str], list[str]]:
        folder = self._stores.projects.open(project).pictures_in
        called = {one.source: one.sha256 for one in labelled.there(self._stores, folder) if label in one.labels}
        corrected = {name for name, *_ in self._stores.records.corrected_as(label)}
        return _sorted_out(names, called, corrected, label)

    def change(
        self, project: str, label: str, to: str | None, chosen: tuple[list[str], list[str]] | None = None
    ) -> ChangeStatus:
        bulk, (uploads, labelled_ones) = BulkChanges(self._stores), chosen or (None, None)
        found = self._stores.projects.open(project)
        change = bulk.begin_relabel(Relabelling(found, label, to, uploads, labelled_ones), account())
        return changes.OverStores(bulk).finish(change.id)


class _OverApi:
    def __init__(self, client: Client) -> None:
        self._client = client

    def used(self, project: str) -> list[UsedLabel]:
        return self._client.project_labels(self._name(project))

    def named(self, project: str, label: str, names: Sequence[str]) -> tuple[list[str], list[str]]:
        pictures = self._client.labelled_pictures(self._name(project), label)
        called = {one.name: one.sha256 for one in pictures}
        corrected = {one.name for one in self._client.pictures(label=label, corrected=True)}
        return _sorted_out(names, called, corrected, label)

    def change(
        self, project: str, label: str, to: str | None, chosen: tuple[list[str], list[str]] | None = None
    ) -> ChangeStatus:
        uploads, labelled_ones = chosen or (None, None)
        return self._client.change_label(self._name(project), label, to, pictures=uploads, training=labelled_ones)

    def _name(self, project: str) -> str:
        return instance.opened().project(project).name


def _asked() -> Asked:
    if (server := servers.given()) is not None:
        return _OverApi(instance.client_of(server))
    return _OverStores(stores.opened())


def _sorted_out(
    names: Sequence[str], called: dict[str, str], corrected: set[str], label: str
) -> tuple[list[str], list[str]]:
    """The ids of uploads and the SHA-256 of labelled pictures among these names. Raises NotFound for another."""
    if others := [name for name in names if name not in called and name not in corrected]:
        raise NotFound(
            f"No picture with the label '{label}' is called '{others[0]}'"
            + (f", and {len(others) - 1:,} of the others are not there either." if len(others) > 1 else ".")
        )
    uploads = [record_id(name) for name in names if name in corrected]
    return uploads, [called[name] for name in names if name in called]


def _count(used: dict[str, UsedLabel], label: str) -> str:
    total = used[label].total if label in used else 0
    return "1 picture" if total == 1 else f"{total:,} pictures"


def _tell(done: ChangeStatus) -> None:
    changes.tell(done)
    if done.can_undo:
        _say(f"Undo: imagestore changes undo {done.id}")
