"""The command `imagestore`: one module a command, all errors one clear line."""

import sys
from http.client import HTTPException

import typer

from cli.correct import correct
from cli.learn import evaluate, train
from cli.ls import ls
from cli.maintain import rebuild, retry, status, sweep, verify
from cli.models import app as models
from cli.models import promote, reprocess, rollback
from cli.output import errors as screen
from cli.output import safe
from cli.run import run
from cli.show import show
from cli.upload import upload
from errors import Away, ImageStoreError
from local.ports import PortInUse
from local.process import NotStarted
from local.supervisor import MissingPrerequisite

app = typer.Typer(
    name="imagestore",
    help="Pictures in, labels out: classify what is dropped into Blob Storage, and find it again.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for command in (
    run, upload, ls, show, correct, status, retry, sweep, verify, rebuild,
    train, evaluate, promote, rollback, reprocess,
):  # fmt: skip
    app.command()(command)
app.add_typer(models, name="models")

_TOLD = (ImageStoreError, PortInUse, NotStarted, MissingPrerequisite, OSError, HTTPException)


def main() -> None:
    """Run the command; what a user can do something about is said in one line, without a stack trace."""
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except _TOLD as error:
        said = f"imagestore: {safe(str(error), keep_lines=True)}"
        if isinstance(error, Away):
            said += "\nIs it running? Start it with make run, or say where your stores are: docs/settings.md."
        screen.print(said, style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
