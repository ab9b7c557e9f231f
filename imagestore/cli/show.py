"""imagestore show"""

import json
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from imagestore.cli import instance
from imagestore.cli.instance import Instance
from imagestore.cli.output import console, outcome, safe
from imagestore.proportion import percent
from imagestore.record import Record
from imagestore.store.documents import to_item


def show(
    name: Annotated[str, typer.Argument(help="The picture's name, or its record's id.")],
    open_pictures: Annotated[bool, typer.Option("--open", help="Open the upload and the staged picture too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The whole record as JSON, for programs.")] = False,
) -> None:
    """Show everything known about a picture."""
    opened = instance.opened()
    record = opened.picture(name)
    if as_json:
        typer.echo(json.dumps(to_item(record.with_vector(None)), indent=2))
    else:
        console.print(described(record))
    if open_pictures:
        _open(opened, record)


def described(record: Record) -> Table:
    """The record for people: what the picture shows, what the file is, and what happened when."""
    result = Table(show_header=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    result.add_column(style="dim", no_wrap=True)
    result.add_column(overflow="fold")
    result.add_row("Name", Text(safe(record.name)))
    result.add_row("Label", outcome(record))
    for title, value in (*_prediction(record), *_picture(record), *_history(record)):
        result.add_row(title, Text(safe(value)))
    result.add_row("Record", Text(record.id))
    return result


def _prediction(record: Record) -> Iterator[tuple[str, str]]:
    if (correction := record.correction) is not None:
        instead = f", the model had said {correction.predicted}" if correction.predicted else ""
        yield "Corrected", f"by {correction.account}{instead}"
    if record.is_wrong and record.wrong is not None:
        yield "Wrong", f"as {record.wrong.account} said: it is not {record.wrong.predicted}"
    if (prediction := record.prediction) is not None:
        sure = "" if prediction.is_known else f", less than the {percent(prediction.threshold)} it takes to be sure"
        sure = ", but it is unlike all that the model learned from" if prediction.is_far else sure
        yield "Confidence", percent(prediction.confidence) + sure
        yield "Most likely", ", ".join(f"{score.label} {percent(score.probability)}" for score in prediction.top)
        yield "Model", f"{prediction.model.name} {prediction.model.version}"


def _picture(record: Record) -> Iterator[tuple[str, str]]:
    if (image := record.image) is not None:
        width, height = image.upright_size
        frames = f", {image.frames:,} frames" if image.frames > 1 else ""
        yield "Picture", f"{image.format}, {width} × {height} pixels{frames}"
        camera = " ".join(str(image.metadata[key]) for key in ("Make", "Model") if image.metadata.get(key))
        if camera:
            yield "Camera", camera
        if image.taken_at:
            yield "Taken", image.taken_at.replace("T", " ")
    if record.upload is not None:
        kind = f", {record.upload.content_type}" if record.upload.content_type else ""
        yield "File", f"{record.upload.size_bytes:,} bytes{kind}"


def _history(record: Record) -> Iterator[tuple[str, str]]:
    corrected_at = record.correction.at if record.correction else None
    for title, at in (
        ("Uploaded", record.uploaded_at), ("Staged", record.staged_at),
        ("Finished", record.finished_at), ("Corrected at", corrected_at),
    ):  # fmt: skip
        if at:
            yield title, f"{datetime.fromisoformat(at).astimezone():%Y-%m-%d %H:%M:%S}"
    if record.timings_ms:
        yield "Took", ", ".join(f"{step} {ms} ms" for step, ms in record.timings_ms.items())


def _open(opened: Instance, record: Record) -> None:
    """Save upload and staged picture under the record's id and open them; a name never becomes a path."""
    folder = Path(tempfile.mkdtemp(prefix="imagestore-"))
    suffix = record.image.format.lower() if record.image else "bin"
    pictures = [(opened.original, f"{record.id}.{suffix}")]
    if record.staged is not None:
        pictures.append((opened.staged, f"{record.id}-staged.png"))
    for read, file in pictures:
        (folder / file).write_bytes(read(record))
        console.print(f"Opening {folder / file}", highlight=False)
        typer.launch(str(folder / file))
