"""imagestore upload"""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from imagestore.cli import instance
from imagestore.cli.instance import Instance
from imagestore.cli.intake import Scan, Uploaded, scan, upload_pictures
from imagestore.cli.output import console, errors


def upload(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    prefix: Annotated[str, typer.Option(help="Put before each name, such as 'garden/'.")] = "",
) -> None:
    """Upload pictures. Those that are there already, unchanged, are not sent again."""
    found, uploaded = scan(paths, prefix), Uploaded()
    opened = instance.opened()
    try:
        upload_with_progress(opened, found, uploaded)
    finally:
        console.print(summary(found, uploaded))


def upload_with_progress(opened: Instance, found: Scan, uploaded: Uploaded) -> None:
    """Upload the pictures with a progress bar; `uploaded` holds what was done even if this is interrupted."""
    columns = (TextColumn("Uploading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task("", total=len(found.pictures))
        upload_pictures(opened.sender(), found.pictures, uploaded, lambda: progress.advance(task))


def summary(found: Scan, uploaded: Uploaded) -> str:
    """The result of an upload in one sentence."""
    parts = [f"{len(uploaded.etags) - uploaded.unchanged} uploaded"]
    if uploaded.unchanged:
        parts.append(f"{uploaded.unchanged} unchanged")
    if missing := len(found.pictures) - len(uploaded.etags):
        parts.append(f"{missing} not yet uploaded")
    parts += [f"{count} skipped ({reason})" for reason, count in sorted(found.skipped.items())]
    return ", ".join(parts) + "."
