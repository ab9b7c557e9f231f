"""imagestore keys: keys of programs, for administrators: over the stores, or with an administrator's key."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from imagestore.accounts.keys import DAYS, MOST_DAYS, Key
from imagestore.accounts.roles import Role
from imagestore.accounts.tokens import new_signing_keys
from imagestore.cli import administration, instance
from imagestore.cli.administration import Administration
from imagestore.cli.output import console, errors, print_whole, safe
from imagestore.client import NewKey
from imagestore.errors import NotFound

app = typer.Typer(no_args_is_help=True, help="Keys with which programs use the API.")
Days = Annotated[int, typer.Option(min=1, max=MOST_DAYS, help="For how many days it is good.")]
Which = Annotated[str, typer.Argument(help="The key: its id, its first characters as listed, or its name.")]


@app.callback()
def keys() -> None:
    """Keys with which programs use the API."""


@app.command("create")
def create(
    name: Annotated[str, typer.Argument(help="What the key is for, such as the program's name.")],
    role: Annotated[Role, typer.Option(help="What it may do.")] = Role.VIEWER,
    days: Days = DAYS,
    project: Annotated[
        list[str] | None, typer.Option("--project", help="A project that it is for alone; once for each.")
    ] = None,
) -> None:
    """Print a new key, which is shown this one time. It belongs to no account; over a distant web app it belongs to
    whose key makes it, and ends with that key."""
    _show(administration.opened().create_key(name, role, days, _names(project)))


@app.command("list")
def list_keys() -> None:
    """List the keys of everybody: what they are called and may do, not the keys themselves."""
    table = Table("Name", "Begins", "Role", "Expires", "Used", "Of", "Id", box=None, pad_edge=False)
    for one in administration.opened().api_keys(all=True):
        used = one.used_at[:10] if one.used_at else "never"
        called = one.name if one.projects is None else f"{one.name} ({', '.join(one.projects)})"
        table.add_row(
            Text(safe(called)), one.begins + "…", str(one.role), one.expires_at[:10], used, one.account or "", one.id
        )
    if not table.row_count:
        return console.print("There are none: imagestore keys create importer --role trainer")
    print_whole(table)


@app.command("rotate")
def rotate(which: Which, days: Days = DAYS) -> None:
    """Print another key of the same name and role. The old one stays good until you revoke it."""
    opened = administration.opened()
    old = _found(opened, which)
    _show(opened.rotate_key(old.id, days))
    errors.print(f"Once it is in use: imagestore keys revoke {old.id}", style="dim", soft_wrap=True)


@app.command("revoke")
def revoke(which: Which) -> None:
    """Make a key useless, within half a minute everywhere, and those that were made with it."""
    opened = administration.opened()
    key = _found(opened, which)
    opened.revoke_key(key.id)
    console.print(f"{safe(key.name)} ({key.begins}…) is revoked.", markup=False, highlight=False, soft_wrap=True)


@app.command("signing-secret")
def signing_secret(
    before: Annotated[
        Path | None, typer.Option(help="The secret of now: what its first key signed stays good for ten minutes.")
    ] = None,
) -> None:
    """Print a new secret for signing access tokens, to be kept in Key Vault as signing-keys."""
    typer.echo(new_signing_keys(before.read_text("utf-8") if before else None))


def _names(projects: list[str] | None) -> tuple[str, ...] | None:
    """The names of these projects. Raises NotFound."""
    return tuple(instance.opened().project(one).name for one in projects) if projects else None


def _show(made: NewKey) -> None:
    typer.echo(made.secret)
    until = made.key.expires_at[:10]
    errors.print(f"Keep it: it is not shown again. It has the role {made.key.role} until {until}.", style="dim")
    if made.key.made_with is not None:
        errors.print("It ends with the key that made it: when that expires, or is revoked.", style="dim")


def _found(opened: Administration, which: str) -> Key:
    """The key that is meant. Raises NotFound if there is none, or more than one."""
    wanted = which.rstrip("…")
    found = [one for one in opened.api_keys(all=True) if wanted in (one.id, one.begins, one.name)]
    if not found:
        raise NotFound(f"There is no key '{which}'. imagestore keys list shows those there are.")
    if len(found) > 1:
        raise NotFound(f"Several keys are called '{which}': {', '.join(one.id for one in found)}. Give an id.")
    return found[0]
