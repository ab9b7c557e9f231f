"""The command `imagestore`: one module per command, and one clear line per error."""

import os
import sys
from http.client import HTTPException
from typing import Annotated

import typer

from classify import ModelError
from imagestore import __version__
from imagestore.cli import servers
from imagestore.cli.accounts import app as accounts
from imagestore.cli.backups import app as backups
from imagestore.cli.backups import restore
from imagestore.cli.changes import app as changes
from imagestore.cli.correct import correct
from imagestore.cli.cost import cost
from imagestore.cli.delete import delete
from imagestore.cli.doctor import doctor
from imagestore.cli.drift import watch
from imagestore.cli.forget import forget
from imagestore.cli.importing import app as importing
from imagestore.cli.jobs import app as jobs
from imagestore.cli.keys import app as keys
from imagestore.cli.labels import app as labels
from imagestore.cli.learn import evaluate, train
from imagestore.cli.ls import ls
from imagestore.cli.maintain import rebuild, retry, status, sweep, verify
from imagestore.cli.models import app as models
from imagestore.cli.models import promote, reprocess, rollback
from imagestore.cli.options import Data, choose, with_data
from imagestore.cli.output import errors as screen
from imagestore.cli.output import safe
from imagestore.cli.poison import poison
from imagestore.cli.profile import app as profile
from imagestore.cli.projects import app as projects
from imagestore.cli.route import app as route
from imagestore.cli.run import run
from imagestore.cli.servers import InsecureOption, KeyOption, ProfileOption, ServerOption
from imagestore.cli.show import show
from imagestore.cli.stores import how_to_name_those_that_run
from imagestore.cli.tier import tier
from imagestore.cli.training import app as training
from imagestore.cli.training import migrate
from imagestore.cli.upload import upload
from imagestore.cli.webhooks import app as webhooks
from imagestore.errors import ImageStoreError, KeyRefused, Unavailable
from imagestore.jobs import libraries
from imagestore.local.places import IS_CHECKOUT
from preprocess import DecoderFailed, PictureError

app = typer.Typer(
    name="imagestore",
    help="Pictures in, labels out: classify what is dropped into Blob Storage, and find it again.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (
    run, upload, ls, show, correct, delete, doctor, status, retry, poison, sweep, verify, rebuild, restore, forget,
    tier, train, migrate, evaluate, promote, rollback, reprocess, watch,
):  # fmt: skip
    app.command()(with_data(command))
for registered in (
    *models.registered_commands, models.registered_callback, *accounts.registered_commands, *keys.registered_commands,
    *route.registered_commands, *jobs.registered_commands, *projects.registered_commands,
    *importing.registered_commands, *changes.registered_commands, *labels.registered_commands,
    *training.registered_commands, training.registered_callback,
    *webhooks.registered_commands, *backups.registered_commands, backups.registered_callback,
):  # fmt: skip
    if registered is not None and registered.callback is not None:
        registered.callback = with_data(registered.callback)
app.command()(cost)
app.add_typer(models, name="models")
app.add_typer(importing, name="import")
app.add_typer(projects, name="projects")
app.add_typer(route, name="route")
app.add_typer(training, name="training")
app.add_typer(accounts, name="accounts")
app.add_typer(jobs, name="jobs")
app.add_typer(changes, name="changes")
app.add_typer(labels, name="labels")
app.add_typer(keys, name="keys")
app.add_typer(webhooks, name="webhooks")
app.add_typer(backups, name="backup")
app.add_typer(profile, name="profile")

_EXPECTED = (ImageStoreError, ModelError, PictureError, DecoderFailed, OSError, HTTPException)
"""Errors that the user can do something about."""
_START = "make run" if IS_CHECKOUT else "imagestore run"


def _print_version(is_wanted: bool) -> None:
    if is_wanted:
        typer.echo(f"imagestore {__version__}")
        raise typer.Exit


@app.callback()
def options(
    data: Data = None,
    server: ServerOption = None,
    key: KeyOption = None,
    from_profile: ProfileOption = None,
    insecure_http: InsecureOption = False,
    version: Annotated[
        bool, typer.Option("--version", help="Show the version and exit.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Read the options that stand before the command."""
    choose(data)
    servers.choose(server, key, from_profile, insecure_http)


def main() -> None:
    """Run the command. An error that the user can do something about is one line without a stack trace."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # who read standard output has enough, as `head` has after ten lines
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except ModuleNotFoundError as error:
        if (said := libraries.said_of(error)) is None:
            raise
        screen.print(f"imagestore: {said}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
    except _EXPECTED as error:
        message = f"imagestore: {safe(str(error), keep_lines=True)}"
        if isinstance(error, Unavailable):
            message += f"\nIs it running? Start it with {_START}, or say where your stores are: docs/settings.md."
            if others := how_to_name_those_that_run():
                message += f"\n{safe(others, keep_lines=True)}"
        if isinstance(error, KeyRefused):
            message += f"\nGive a key that is good: in {servers.KEY_VARIABLE}, or with imagestore profile save."
        screen.print(message, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
