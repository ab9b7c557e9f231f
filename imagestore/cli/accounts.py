"""imagestore accounts: who may sign in, for administrators: over the stores, or with an administrator's key."""

import contextlib
from collections.abc import Callable
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from imagestore.accounts.email_address import normalised
from imagestore.accounts.people import People
from imagestore.accounts.roles import Role
from imagestore.cli import administration
from imagestore.cli.administration import Administration, OverStores
from imagestore.cli.output import console, errors, print_whole, safe
from imagestore.client import AccountInfo
from imagestore.errors import NotAccepted, NotFound
from imagestore.store import Stores

app = typer.Typer(no_args_is_help=True, help="Who may sign in to the web app.")
Who = Annotated[str, typer.Argument(help="The account: its email address, or its id.")]


@app.callback()
def accounts() -> None:
    """Who may sign in to the web app."""


@app.command("invite")
def invite(
    email: Annotated[str, typer.Argument(help="Whom to invite.")],
    role: Annotated[Role, typer.Option(help="What the account may do.")] = Role.VIEWER,
) -> None:
    """Print a link, good once and for seven days, with which somebody makes an account. Send it to them."""
    link = administration.opened().invite(email, role)
    typer.echo(link.url)
    errors.print(f"It works once, within seven days, and makes an account with the role {role}.", style="dim")


@app.command("list")
def list_accounts() -> None:
    """List the accounts."""
    table = Table("Name", "Email", "Role", "", "Id", box=None, pad_edge=False)
    for one in administration.opened().accounts():
        state = ", ".join(
            said for said, holds in (("disabled", one.is_disabled), ("second factor", one.has_second_factor)) if holds
        )
        table.add_row(Text(safe(one.name)), Text(safe(one.email or "")), str(one.role), state, one.id)
    if not table.row_count:
        return console.print("There are none yet: imagestore accounts invite maria@example.org")
    print_whole(table)


@app.command("role")
def role(who: Who, role: Annotated[Role, typer.Argument(help="What the account may do.")]) -> None:
    """Give an account another role. The last administrator keeps theirs."""
    _with(who, lambda of, one: _say(of.set_role(one.id, role), f"has the role {role}"))


@app.command("disable")
def disable(who: Who) -> None:
    """Keep somebody out: sessions end, and keys stop working."""
    _with(who, lambda of, one: _say(of.disable(one.id), "cannot sign in, and the account's keys do not work"))


@app.command("enable")
def enable(who: Who) -> None:
    """Let somebody in again."""
    _with(who, lambda of, one: _say(of.enable(one.id), "can sign in again"))


@app.command("sign-out")
def sign_out(who: Who) -> None:
    """End all sessions of somebody. Keys stay good."""

    def end(of: Administration, one: AccountInfo) -> None:
        of.sign_out(one.id)
        _say(one, "is signed out everywhere, within half a minute")

    _with(who, end)


@app.command("reset")
def reset(who: Who) -> None:
    """Print a link, good once and for a day, with which somebody sets another password. Send it to them."""

    def allow(of: Administration, one: AccountInfo) -> None:
        typer.echo(of.allow_reset(one.id).url)
        errors.print("It works once, within a day, and ends all sessions. A second factor stays.", style="dim")

    _with(who, allow)


@app.command("remove-second-factor")
def remove_second_factor(who: Who) -> None:
    """Let somebody who has lost their second factor sign in with the password alone, and set up another."""

    def remove(of: Administration, one: AccountInfo) -> None:
        of.remove_second_factor(one.id)
        _say(one, "signs in with the password alone, until they set up another second factor")

    _with(who, remove)


@app.command("delete")
def delete(
    who: Who, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before deleting.")] = False
) -> None:
    """Delete an account with its sessions and keys. The audit log and records keep its id."""

    def end(of: Administration, one: AccountInfo) -> None:
        if not yes and not typer.confirm(f"Delete the account of {safe(one.name)} ({safe(one.email or one.id)})?"):
            console.print("Nothing was deleted.")
            raise typer.Exit(1)
        of.delete_account(one.id)
        _say(one, "has no account any more")

    _with(who, end)


def first_invitation(opened: Stores, public_url: str) -> str | None:
    """A link for the first administrator, with whichever email address; None if there is an account already."""
    if not People(opened.accounts).is_empty():
        return None
    return OverStores(opened, public_url).invite(None, Role.ADMIN).url


def _with(who: str, action: Callable[[Administration, AccountInfo], None]) -> None:
    """Do something with the account that is meant. Raises NotFound if there is none, or more than one."""
    opened = administration.opened()
    wanted = who.strip()
    with contextlib.suppress(NotAccepted):
        wanted = normalised(who)
    found = [one for one in opened.accounts() if wanted in (one.id, one.email)]
    if not found:
        raise NotFound(f"There is no account '{who}'. imagestore accounts list shows those there are.")
    if len(found) > 1:
        raise NotFound(
            f"Several accounts have the email address '{who}': {', '.join(one.id for one in found)}. Give an id."
        )
    action(opened, found[0])


def _say(account: AccountInfo, what: str) -> None:
    console.print(f"{safe(account.name)} {what}.", markup=False, highlight=False, soft_wrap=True)
