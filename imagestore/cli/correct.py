"""imagestore correct"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated

import typer

from imagestore.cli import instance
from imagestore.cli.instance import Instance
from imagestore.cli.output import console, errors, safe
from imagestore.errors import UnreadableFile
from imagestore.pipeline.changes.corrections import (
    MOST_CORRECTIONS,
    CorrectedRow,
    Corrections,
    RowStatus,
    corrections_of,
    read_csv,
)


def correct(
    name: Annotated[str | None, typer.Argument(help="The picture's name.")] = None,
    label: Annotated[
        list[str] | None, typer.Argument(help="What it shows; all that hold, where its model knows several a picture.")
    ] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Take the correction back.")] = False,
    source: Annotated[
        Path | None,
        typer.Option("--from", metavar="FILE.csv", help="Correct many: a CSV file with the columns name and label."),
    ] = None,
) -> None:
    """Say what a picture shows, or many. A correction stays through every reprocessing, until the picture itself
    changes."""
    if source is not None:
        if name is not None or undo:
            raise typer.BadParameter("--from takes the names and labels from the file; give nothing else.")
        return _correct_many(instance.opened(), source)
    if name is None:
        raise typer.BadParameter("give a name and a label, or --from FILE.csv.")
    if bool(label) == undo:
        raise typer.BadParameter("give a label, or --undo.")
    record = instance.opened().correct(name, label or [])
    said = ", ".join(record.labels or ()) or record.label or str(record.status)
    console.print(f"{safe(name)}: {safe(said)}", markup=False, highlight=False)
    return None


def _correct_many(opened: Instance, source: Path) -> None:
    """Correct what the file says, name each line that is wrong, and end with 1 if there is one."""
    try:
        rows = list(read_csv(source.read_bytes()))
    except OSError as error:
        raise UnreadableFile(f"'{source}' cannot be read: {error.strerror}.") from None
    found = corrections_of(rows)
    refused = [row for row in found.rows if row.status is RowStatus.REFUSED]
    waiting = [row for row in found.rows if row.status is RowStatus.WAITING]  # one for each in `wanted`
    said = {row.row: row.name or row.id for row in rows}
    _name(refused, said)
    wrong = len(refused)
    for start in range(0, len(waiting), MOST_CORRECTIONS):
        end = start + MOST_CORRECTIONS
        made = opened.correct_many(Corrections(found.wanted[start:end], waiting[start:end]))
        left = [row for row in made.rows if row.status is RowStatus.LEFT_ALONE]
        _name(left, said)
        change = made.change
        if change is not None:
            wrong += change.left_alone
            told = f"{change.changed:,} corrected, {change.same:,} were so already, {change.left_alone:,} left alone."
            undo = f" To undo it: imagestore changes undo {change.id}" if change.changed else ""
            console.print(told + undo, markup=False, highlight=False, soft_wrap=True)
    if refused:
        console.print(f"{len(refused):,} of {len(rows):,} lines were not taken.", highlight=False)
    if wrong or not rows:
        raise typer.Exit(1)


def _name(rows: Iterable[CorrectedRow], said: Mapping[int, str]) -> None:
    for row in rows:
        what = f"line {row.row}: {safe(said[row.row])}{': ' if said[row.row] else ''}{safe(row.why)}"
        errors.print(what, markup=False, highlight=False, soft_wrap=True)
