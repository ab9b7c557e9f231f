"""imagestore changes: what was changed of many pictures at once, on the pages or by the API; undo it, or go on."""

from typing import Annotated, Protocol

import typer
from rich.table import Table
from rich.text import Text

from imagestore.cli import instance, servers, stores
from imagestore.cli.output import console, print_whole, safe
from imagestore.client import ChangeStatus, Client
from imagestore.pipeline.changes.bulk import BulkChanges
from imagestore.settings import account

app = typer.Typer(no_args_is_help=True, help="What was changed of many pictures at once: look at it, undo it.")
Id = Annotated[str, typer.Argument(help="The change, as imagestore changes list shows it.")]


class Asked(Protocol):
    """Where changes are looked at: the stores themselves, or a distant web app."""

    def latest(self, most: int) -> list[ChangeStatus]:
        """The latest changes, the newest first."""

    def finish(self, id: str) -> ChangeStatus:
        """Do the steps of a change, or of undoing it, that are left. Raises NotFound."""

    def undo(self, id: str) -> ChangeStatus:
        """Undo a change. Raises NotFound or Conflict."""

    def left_alone(self, id: str) -> list[tuple[str, str]]:
        """The names of the pictures that were left alone, and why."""


@app.callback()
def changes() -> None:
    """What was changed of many pictures at once: look at it, undo it."""


@app.command("list")
def list_changes(most: Annotated[int, typer.Option("--limit", min=1, max=50, help="At most so many.")] = 20) -> None:
    """List the latest changes, the newest first."""
    table = Table("Change", "What", "State", "When", "By", "", box=None, pad_edge=False)
    for one in _asked().latest(most):
        what = " ".join([str(one.action), *one.labels])
        table.add_row(one.id, Text(safe(what)), str(one.state), one.at, Text(safe(one.by)), Text(_counts(one)))
    if not table.row_count:
        return console.print("There are none.")
    return print_whole(table)


@app.command("undo")
def undo(id: Id) -> None:
    """Put back what a change has changed, but for pictures that somebody has changed since."""
    tell(_asked().undo(id))


@app.command("continue")
def go_on(id: Id) -> None:
    """Go on with a change, or with undoing it, that stopped before its end."""
    tell(_asked().finish(id))


class OverStores:
    """The changes in the stores themselves."""

    def __init__(self, changes: BulkChanges) -> None:
        self._changes = changes

    def latest(self, most: int) -> list[ChangeStatus]:
        """See Asked."""
        return [ChangeStatus.of(one) for one in self._changes.list(most)]

    def finish(self, id: str) -> ChangeStatus:
        """See Asked."""
        change = self._changes.read(id)
        while change.state.is_open:
            change = self._changes.step(id)
        return ChangeStatus.of(change)

    def undo(self, id: str) -> ChangeStatus:
        """See Asked."""
        self._changes.undo(id, account())
        return self.finish(id)

    def left_alone(self, id: str) -> list[tuple[str, str]]:
        """See Asked."""
        return [(one.name or one.id, one.why) for one in self._changes.left_alone(self._changes.read(id))]


class _OverApi:
    def __init__(self, client: Client) -> None:
        self._client = client

    def latest(self, most: int) -> list[ChangeStatus]:
        return self._client.changes(most)

    def finish(self, id: str) -> ChangeStatus:
        return self._client.finish_change(id)

    def undo(self, id: str) -> ChangeStatus:
        return self._client.undo_change(id)

    def left_alone(self, id: str) -> list[tuple[str, str]]:
        return [(one.name or one.id, one.why) for one in self._client.read_change(id).left]


def _asked() -> Asked:
    if (server := servers.given()) is not None:
        return _OverApi(instance.client_of(server))
    return OverStores(BulkChanges(stores.opened()))


def _counts(one: ChangeStatus) -> str:
    told = [f"{one.changed:,} of {one.pictures:,} changed"]
    told += [f"{one.left_alone:,} left alone"] if one.left_alone else []
    told += [f"{one.restored:,} put back"] if one.restored else []
    told += [f"{one.kept:,} left as they are"] if one.kept else []
    return ", ".join(told)


def tell(one: ChangeStatus) -> None:
    """Say what came of a change, and what it has left alone."""
    console.print(f"{one.state}: {_counts(one)}.", markup=False, highlight=False)
    if one.left_alone + one.kept:
        for name, why in _asked().left_alone(one.id):
            console.print(f"  {safe(name)}: {safe(why)}", markup=False, highlight=False, soft_wrap=True)
