"""imagestore doctor"""

from collections.abc import Iterator
from itertools import chain
from typing import Annotated

import typer

from imagestore.cli import stores
from imagestore.cli.output import console, safe
from imagestore.jobs.checks import runners
from imagestore.pipeline.checks import CheckResult, Severity
from imagestore.pipeline.upkeep.doctor import examine
from imagestore.store import Stores

_MARKS = {Severity.OK: ("✓", "green"), Severity.WARNING: ("!", "yellow"), Severity.PROBLEM: ("✗", "red")}


def doctor(
    wait: Annotated[
        float, typer.Option(min=0, help="Seconds that the test picture may take; 0: none is uploaded.")
    ] = 60.0,
) -> None:
    """Check the stores that the settings name: what works, what is missing or slow, and how to fix it."""
    problems = 0
    opened = stores.opened()
    for result in chain(examine(opened, stores.settings().model_path, wait), _runners(opened)):
        mark, colour = _MARKS[result.severity]
        problems += result.severity is Severity.PROBLEM
        console.print(
            f"{mark} {safe(result.subject)}: {safe(result.detail)}", style=colour, markup=False, highlight=False
        )
        if result.remedy:
            console.print(f"    {safe(result.remedy)}", markup=False, highlight=False)
    if problems:
        console.print(f"{problems} {'thing needs' if problems == 1 else 'things need'} mending.")
        raise typer.Exit(1)
    console.print("Everything that was looked at works.")


def _runners(opened: Stores) -> Iterator[CheckResult]:
    yield runners(opened.jobs)
