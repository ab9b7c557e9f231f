"""Which distant web app a command asks, if any: named by an option, a profile, or the environment."""

import os
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Annotated

import typer

from imagestore.cli import profiles
from imagestore.cli.options import chosen_folder
from imagestore.cli.output import errors
from imagestore.cli.profiles import Server
from imagestore.errors import SettingsError

SERVER_VARIABLE = "IMAGESTORE_SERVER"
KEY_VARIABLE = "IMAGESTORE_KEY"
PROFILE_VARIABLE = "IMAGESTORE_PROFILE"
ServerOption = Annotated[
    str | None,
    typer.Option("--server", help=f"Ask the web app at this address instead of the stores; or {SERVER_VARIABLE}."),
]
KeyOption = Annotated[
    str | None, typer.Option("--key", help=f"The key for --server. Others can see it here: better {KEY_VARIABLE}.")
]
ProfileOption = Annotated[
    str | None,
    typer.Option("--profile", help=f"Ask the web app of this profile (imagestore profile); or {PROFILE_VARIABLE}."),
]
InsecureOption = Annotated[
    bool, typer.Option("--insecure-http", help="Let the key and the pictures go over http:// to another machine.")
]


@dataclass(frozen=True)
class _Options:
    server: str | None = None
    key: str | None = None
    profile: str | None = None
    insecure_http: bool = False


_options: ContextVar[_Options] = ContextVar("server", default=_Options())  # noqa: B039 (it is frozen)


def choose(server: str | None, key: str | None, profile: str | None, insecure_http: bool) -> None:
    """Remember the options of the running command. Raises typer.BadParameter if they contradict each other."""
    if server is not None and profile is not None:
        raise typer.BadParameter("give --server or --profile, not both.")
    if key is not None:
        errors.print(
            f"Others on this machine can see a key on the command line. Better: {KEY_VARIABLE}, or imagestore profile.",
            style="dim",
        )
    _options.set(_Options(server, key, profile, insecure_http))


def given() -> Server | None:
    """The web app that this command asks; None if it works on the stores. Raises SettingsError.

    The first of these that is there is used: --server or --profile; --data, which means the stores; IMAGESTORE_SERVER;
    IMAGESTORE_PROFILE. The key is that of --key, else of IMAGESTORE_KEY or of the profile.
    """
    options, folder = _options.get(), chosen_folder()
    by_option = options.server is not None or options.profile is not None
    if folder is not None and folder.is_by_option:
        if by_option:
            raise SettingsError("--data means a stack on this machine, --server and --profile another: give one.")
        return None
    address, profile = options.server, options.profile
    if not by_option:
        address, profile = os.environ.get(SERVER_VARIABLE) or None, os.environ.get(PROFILE_VARIABLE) or None
    if address is not None:
        return Server(address, options.key or os.environ.get(KEY_VARIABLE) or None, options.insecure_http)
    if profile is not None:
        kept = profiles.read(profile)
        return replace(kept, key=options.key or kept.key, insecure_http=kept.insecure_http or options.insecure_http)
    if options.key is not None:
        raise SettingsError(f"--key is for a distant web app: say which with --server or {SERVER_VARIABLE}.")
    return None


def demand_none(*, by_option: bool = False) -> None:
    """For commands that work on the stores themselves. Raises SettingsError where a distant web app was named.

    With `by_option` the environment does not count: `imagestore run` means this machine, whatever else is asked.
    """
    server = None if by_option and _options.get() == _Options() else given()
    if server is not None:
        raise SettingsError(
            "This command works on the machine with the stores only, and this names a distant web app: "
            f"{server.address}. Give the command there, without --server, --profile, {SERVER_VARIABLE} and "
            f"{PROFILE_VARIABLE}."
        )
