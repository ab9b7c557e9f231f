"""imagestore upload"""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from cli import stores
from cli.intake import Found, Taken, find, take_in
from cli.output import console, errors
from store import Stores


def upload(
    paths: Annotated[list[Path], typer.Argument(help="Pictures, or folders of pictures.")],
    prefix: Annotated[str, typer.Option(help="Put before each name, such as 'garden/'.")] = "",
) -> None:
    """Upload pictures. What is there already, unchanged, is not sent again."""
    found = find(paths, prefix)
    taken = with_progress(stores.opened(), found)
    console.print(summary(found, taken))


def with_progress(opened: Stores, found: Found) -> Taken:
    """Take the pictures in, with a progress bar."""
    columns = (TextColumn("Uploading"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=errors, transient=True) as progress:
        task = progress.add_task("", total=len(found.pictures))
        return take_in(opened, found.pictures, lambda picture: progress.advance(task))


def summary(found: Found, taken: Taken) -> str:
    """What was done, in a sentence."""
    parts = [f"{len(taken.etags) - taken.unchanged} uploaded"]
    if taken.unchanged:
        parts.append(f"{taken.unchanged} unchanged")
    parts += [f"{count} skipped ({reason})" for reason, count in sorted(found.skipped.items())]
    return ", ".join(parts) + "."
