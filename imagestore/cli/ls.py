"""imagestore ls"""

from typing import Annotated

import typer

from imagestore.cli import instance
from imagestore.cli.output import console, row, table
from imagestore.cli.times import parse_since
from imagestore.record import Status
from imagestore.store.documents import to_json

_FOR_PEOPLE = 50


def ls(
    label: Annotated[str | None, typer.Option(help="Only pictures with this label.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only pictures with this status.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only since then: 2026-11-21, 2026-11-21T09:00, 90m, 12h, 7d.")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many; 50 for people, all with --json.", show_default=False)
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One record a line, as JSON, for programs.")] = False,
) -> None:
    """List pictures, newest first."""
    opened, from_then = instance.opened(), parse_since(since)
    if as_json:
        for record in opened.pictures(label=label, status=status, since=from_then, limit=limit):
            typer.echo(to_json(record.with_vector(None)))
        return
    most = limit or _FOR_PEOPLE
    records = list(opened.pictures(label=label, status=status, since=from_then, limit=most + 1))
    if not records:
        console.print(
            "No picture matches." if label or status or since else "No picture yet: imagestore upload FOLDER."
        )
        return
    result = table()
    for record in records[:most]:
        result.add_row(*row(record))
    console.print(result)
    if len(records) > most:
        console.print(f"The newest {most}; more with --limit.", style="dim")
