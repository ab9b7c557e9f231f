"""imagestore show"""

import json
import re
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from cli import stores
from cli.output import console, safe
from errors import Missing
from pipeline.commit import staged_name
from record import Record, record_id
from store import Stores
from store.documents import to_item


def show(
    name: Annotated[str, typer.Argument(help="The picture's name, or its record's id.")],
    open_pictures: Annotated[bool, typer.Option("--open", help="Open the upload and the staged picture too.")] = False,
) -> None:
    """Show all that is known of a picture."""
    opened = stores.opened()
    known = opened.records.read(record_id(name))
    if known is None and re.fullmatch(r"[0-9a-f]{32}", name):
        known = opened.records.read(name)
    if known is None:
        raise Missing(f"There is no record of '{name}'. imagestore ls lists those there are.")
    text = json.dumps(to_item(known.record), indent=2, ensure_ascii=False)
    typer.echo(safe(text, keep_lines=True))
    if open_pictures:
        _open(opened, known.record)


def _open(opened: Stores, record: Record) -> None:
    """Names are data and never become paths: the files are called by the record's id."""
    folder = Path(tempfile.mkdtemp(prefix="imagestore-"))
    suffix = record.image.format.lower() if record.image else "bin"
    pictures = [(opened.uploads, record.name, f"{record.id}.{suffix}")]
    if record.staged is not None:
        pictures.append((opened.staging, staged_name(record.name), f"{record.id}-staged.png"))
    for blobs, name, file in pictures:
        (folder / file).write_bytes(blobs.get(name).data or b"")
        console.print(f"Opening {folder / file}", highlight=False)
        typer.launch(str(folder / file))
