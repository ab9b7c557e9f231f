"""imagestore correct"""

from typing import Annotated

import typer

from cli import stores
from cli.output import console, safe
from pipeline.correct import correct as correct_label
from settings import account


def correct(
    name: Annotated[str, typer.Argument(help="The picture's name.")],
    label: Annotated[str | None, typer.Argument(help="What it shows.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the correction back.")] = False,
) -> None:
    """Say what a picture shows. It stays through every reprocessing, until the picture itself changes."""
    if (label is None) != undo:
        raise typer.BadParameter("give a label, or --undo.")
    record = correct_label(stores.opened(), name, label, account())
    console.print(f"{safe(name)}: {safe(record.label or str(record.status))}", markup=False, highlight=False)
