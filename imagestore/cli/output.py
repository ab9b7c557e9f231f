"""What commands print: tables of records, and names and labels made harmless for a terminal."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from imagestore.proportion import percent
from imagestore.record import Record, Status
from imagestore.text import visible

console = Console()
errors = Console(stderr=True)
_WIDEST = 2000
safe = visible

_COLOURS = {Status.CLASSIFIED: "green", Status.UNKNOWN: "yellow", Status.REJECTED: "magenta", Status.FAILED: "red"}


def row(record: Record) -> tuple[Text, Text, Text, Text]:
    """The cells of a record: name, label (or what went wrong), confidence, time."""
    return (
        Text(safe(record.name), overflow="ellipsis", no_wrap=True),
        outcome(record),
        Text("" if record.prediction is None else percent(record.prediction.confidence)),
        Text(duration(record)),
    )


def table(*, title: str | None = None, caption: str | None = None) -> Table:
    """An empty table for the cells that `row` returns."""
    result = Table(
        title=title, title_justify="left", caption=caption, caption_justify="left", expand=False, box=None,
        pad_edge=False, padding=(0, 2, 0, 0),
    )  # fmt: skip
    result.add_column("Name", max_width=48, no_wrap=True)
    result.add_column("Label", max_width=60)
    result.add_column("Confidence", justify="right")
    result.add_column("Time", justify="right")
    return result


def print_whole(table: Table) -> None:
    """Print a table with every cell whole, however narrow the terminal: its ids are to be copied."""
    width = Measurement.get(console, console.options.update(max_width=_WIDEST), table).maximum
    Console(file=console.file, width=max(width, console.width)).print(table)


def duration(record: Record) -> str:
    """How long the steps took; if that is not known, the time from upload to record."""
    if record.work_ms is not None:
        return f"{record.work_ms} ms"
    if record.uploaded_at and record.finished_at:
        passed = datetime.fromisoformat(record.finished_at) - datetime.fromisoformat(record.uploaded_at)
        return f"{passed.total_seconds():.0f} s"
    return ""


def totals(records: Iterable[Record]) -> str:
    """How many pictures have which status, in a sentence such as "200 done: 83 classified, 117 unknown"."""
    counts = Counter(str(record.status) for record in records)
    parts = [f"{counts[status]} {status}" for status in Status if counts[status]]
    return f"{counts.total()} done" + (f": {', '.join(parts)}" if parts else "")


def outcome(record: Record) -> Text:
    """The label in the colour of its status, or what went wrong."""
    if record.problem is not None:
        shown = f"{record.status}: {record.problem.reason} ({record.problem.detail})"
    elif record.is_wrong and record.prediction is not None:
        shown = f"not {record.prediction.label}"
    elif record.status is Status.UNKNOWN and record.label is None and record.prediction is not None:
        shown = f"unknown (perhaps {record.prediction.label})"
    else:
        shown = ", ".join(record.labels or ()) or record.label or str(record.status)
    return Text(safe(shown), style=_COLOURS.get(record.status or Status.FAILED, ""))
