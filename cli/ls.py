"""imagestore ls"""

from typing import Annotated

import typer

from cli import stores
from cli.output import console, row, table
from cli.times import parse_since
from record import Record, Status
from store.documents import to_json
from store.records import PAGE


def ls(
    label: Annotated[str | None, typer.Option(help="Only pictures with this label.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only pictures with this status.")] = None,
    since: Annotated[
        str | None, typer.Option(help="Only since then: 2026-11-21, 2026-11-21T09:00, 90m, 12h, 7d.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many.")] = 50,
    as_json: Annotated[bool, typer.Option("--json", help="One record a line, as JSON.")] = False,
) -> None:
    """List pictures, newest first."""
    records = _find(label, status, parse_since(since), limit)
    if as_json:
        for record in records:
            typer.echo(to_json(record))
        return
    if not records:
        console.print(
            "No picture matches." if label or status or since else "No picture yet: imagestore upload FOLDER."
        )
        return
    result = table()
    for record in records:
        result.add_row(*row(record))
    console.print(result)
    if len(records) == limit:
        console.print(f"The newest {limit}; more with --limit.", style="dim")


def _find(label: str | None, status: Status | None, since: str | None, limit: int) -> list[Record]:
    opened = stores.opened()
    found: list[Record] = []
    after = None
    while len(found) < limit:
        page = opened.records.find(
            label=label, status=status and str(status), since=since, after=after, limit=min(PAGE, limit - len(found))
        )
        found += page
        if len(page) < min(PAGE, limit) or not page:
            break
        after = (page[-1].finished_at or "", page[-1].id)
    return found
