"""imagestore correct"""

from typing import Annotated

import typer

from imagestore.cli import instance
from imagestore.cli.output import console, safe


def correct(
    name: Annotated[str, typer.Argument(help="The picture's name.")],
    label: Annotated[
        list[str] | None, typer.Argument(help="What it shows; all that hold, where its model knows several a picture.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the correction back.")] = False,
) -> None:
    """Say what a picture shows. The correction stays through every reprocessing, until the picture itself changes."""
    if bool(label) == undo:
        raise typer.BadParameter("give a label, or --undo.")
    record = instance.opened().correct(name, label or [])
    said = ", ".join(record.labels or ()) or record.label or str(record.status)
    console.print(f"{safe(name)}: {safe(said)}", markup=False, highlight=False)
