"""What the commands print: tables of records, and texts of users made harmless for a terminal."""

from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from classify.share import percent
from record import Record, Status

console = Console()
errors = Console(stderr=True)

_COLOURS = {Status.CLASSIFIED: "green", Status.UNKNOWN: "yellow", Status.REJECTED: "magenta", Status.FAILED: "red"}


def safe(text: str, *, keep_lines: bool = False) -> str:
    """The text with all that a terminal would obey made visible: control, direction and format characters."""
    return "".join(c if c.isprintable() or (keep_lines and c == "\n") else repr(c)[1:-1] for c in text)


def row(record: Record) -> tuple[Text, Text, Text, Text]:
    """Name, label (or what went wrong), confidence, time."""
    return (
        Text(safe(record.name), overflow="ellipsis", no_wrap=True),
        _outcome(record),
        Text("" if record.prediction is None else percent(record.prediction.confidence)),
        Text(taken(record)),
    )


def table(*, title: str | None = None) -> Table:
    """An empty table for `row`s."""
    result = Table(title=title, title_justify="left", expand=False, box=None, pad_edge=False, padding=(0, 2, 0, 0))
    result.add_column("Name", max_width=48, no_wrap=True)
    result.add_column("Label", max_width=60)
    result.add_column("Confidence", justify="right")
    result.add_column("Time", justify="right")
    return result


def taken(record: Record) -> str:
    """How long our code worked on the picture; the time since the upload, where that is all that is known."""
    if record.timings_ms:
        return f"{sum(record.timings_ms.values())} ms"
    if record.uploaded_at and record.finished_at:
        passed = datetime.fromisoformat(record.finished_at) - datetime.fromisoformat(record.uploaded_at)
        return f"{passed.total_seconds():.0f} s"
    return ""


def _outcome(record: Record) -> Text:
    if record.problem is not None:
        said = f"{record.status}: {record.problem.reason} ({record.problem.detail})"
    elif record.status is Status.UNKNOWN and record.label is None and record.prediction is not None:
        said = f"unknown (perhaps {record.prediction.label})"
    else:
        said = record.label or str(record.status)
    return Text(safe(said), style=_COLOURS.get(record.status or Status.FAILED, ""))
