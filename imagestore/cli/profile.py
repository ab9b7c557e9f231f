"""imagestore profile: where distant web apps are, and the keys for them."""

import sys
from typing import Annotated

import typer

from imagestore.cli import profiles
from imagestore.cli.output import console, safe
from imagestore.cli.profiles import Server
from imagestore.cli.servers import KEY_VARIABLE, given
from imagestore.distant_server import checked_server
from imagestore.errors import SettingsError

app = typer.Typer(no_args_is_help=True, help="Where distant web apps are, and the keys for them.")
Name = Annotated[str, typer.Argument(help="The profile's name, such as 'shop'.")]


@app.callback()
def profile() -> None:
    """Where distant web apps are, and the keys for them."""


@app.command("save")
def save(name: Name) -> None:
    """Keep the address and key of a web app: imagestore --server https://… profile save NAME.

    The key is asked for, or read from standard input or IMAGESTORE_KEY.
    """
    server = given()
    if server is None:
        raise SettingsError("Say which server: imagestore --server https://pictures.example.org profile save NAME")
    address = checked_server(server.address, insecure_http=server.insecure_http)
    key = server.key
    if key is None:
        key = typer.prompt("Key", hide_input=True) if sys.stdin.isatty() else sys.stdin.readline()
    if not key.strip():
        raise SettingsError(f"There is no key on standard input. Give it there, or in {KEY_VARIABLE}.")
    path = profiles.save(name, Server(address, key.strip(), server.insecure_http))
    said = f"{safe(str(path))} holds it; only you can read it. Use: imagestore --profile {name} ls"
    console.print(said, markup=False, highlight=False, soft_wrap=True)


@app.command("list")
def list_profiles() -> None:
    """List the profiles. Keys are not shown."""
    names = profiles.names()
    for name in names:
        console.print(f"{name}  {safe(profiles.read(name).address)}", markup=False, highlight=False, soft_wrap=True)
    if not names:
        console.print("There are none: imagestore --server https://… profile save NAME")


@app.command("delete")
def delete(name: Name) -> None:
    """Delete a profile. Its key stays good: imagestore keys revoke ends that."""
    if not profiles.delete(name):
        raise SettingsError(f"There is no profile '{name[:80]}'.")
    console.print(f"{name} deleted. Its key stays good until it is revoked or expires.", markup=False, highlight=False)
