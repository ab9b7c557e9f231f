"""imagestore poison"""

from typing import Annotated

import typer

from imagestore.cli import stores
from imagestore.cli.output import console, safe
from imagestore.pipeline.steps.given_up import GivenUp, given_up, take_up


def poison(
    again: Annotated[bool, typer.Option("--again", help="Put the tasks back on the queue work.")] = False,
    drop: Annotated[
        bool, typer.Option("--drop", help="With --again: throw away what is no task, and never will be.")
    ] = False,
) -> None:
    """Show the messages that were given up (queue work-poison), and why; with --again, have their tasks done again."""
    if drop and not again:
        raise typer.BadParameter("--drop goes with --again.")
    opened = stores.opened()
    if not again:
        for found in given_up(opened):
            _show(found)
        console.print(f"{opened.work_poison.length()} given up.")
        return
    queued = dropped = 0
    for found in take_up(opened, drop=drop):
        _show(found)
        queued, dropped = queued + (found.task is not None), dropped + (found.task is None)
    left = opened.work_poison.length()
    console.print(f"{queued} queued again, {dropped} thrown away, {left} left.")


def _show(found: GivenUp) -> None:
    what = f"{found.task.step} {found.task.name}" if found.task else "no task"
    console.print(f"{safe(what)}: {safe(found.why)}", markup=False, highlight=False)
