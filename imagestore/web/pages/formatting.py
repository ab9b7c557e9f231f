"""Formats the parts of a record for people."""

import re
from datetime import date, datetime, timedelta

from imagestore.record import Record, Status
from imagestore.text import visible
from preprocess import ImageInfo, Reason

_NOT_READ = re.compile(r"This is (an? .+?), which is not read")

REASONS = {
    Reason.EMPTY: "The file is empty",
    Reason.NOT_AN_IMAGE: "This is not a picture",
    Reason.UNSUPPORTED_FORMAT: "This kind of file is not read",
    Reason.CORRUPT: "The picture is damaged",
    Reason.TRUNCATED: "The picture ends too early",
    Reason.TOO_MANY_BYTES: "The file is too large",
    Reason.TOO_MANY_PIXELS: "The picture has too many pixels",
    Reason.TOO_SMALL: "The picture is too small",
    Reason.NAME_TOO_LONG: "The name is too long",
    Reason.DECODE_TIMEOUT: "The picture took too long to open",
    Reason.DECODER_CRASHED: "The picture could not be opened",
}
_BRIEFLY = {
    Reason.EMPTY: "Empty file",
    Reason.NOT_AN_IMAGE: "Not a picture",
    Reason.UNSUPPORTED_FORMAT: "Not read",
    Reason.CORRUPT: "Damaged",
    Reason.TRUNCATED: "Ends too early",
    Reason.TOO_MANY_BYTES: "File too large",
    Reason.TOO_MANY_PIXELS: "Too many pixels",
    Reason.TOO_SMALL: "Too small",
    Reason.NAME_TOO_LONG: "Name too long",
    Reason.DECODE_TIMEOUT: "Took too long to open",
    Reason.DECODER_CRASHED: "Could not be opened",
}
STATUSES = {
    Status.CLASSIFIED: "Classified",
    Status.UNKNOWN: "Unknown",
    Status.REJECTED: "Rejected",
    Status.FAILED: "Failed",
    Status.DELETED: "Deleted",
}


def next_day(day: str) -> str:
    """The day after one such as 2026-11-29."""
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat()


def p_value(p: float) -> str:
    """A p-value: 0.034, or how small it is at least."""
    return f"{p:.3f}" if p >= 0.001 else "< 0.001" if p > 1e-6 else "< 0.000001"


def headline(record: Record) -> str:
    """The outcome of a picture in a few words."""
    if record.label is not None:
        return ", ".join(visible(label) for label in record.labels or (record.label,))
    if record.problem is not None:
        return reason(record.problem.reason)
    if record.is_wrong and record.prediction:
        return f"Not {visible(record.prediction.label)}"
    return f"{visible(record.prediction.label)}?" if record.prediction else STATUSES[Status.UNKNOWN]


def caption(record: Record) -> str:
    """The headline for a small card; one without a label is described so that cards can be told apart."""
    problem = record.problem
    if record.label is not None or problem is None:
        return headline(record)
    if found := _NOT_READ.match(problem.detail):
        return visible(found[1][0].upper() + found[1][1:])
    return _BRIEFLY[Reason(problem.reason)] if problem.is_the_pictures else f"Failed ({problem.reason})"


def reason(name: str) -> str:
    """A reason in plain words; for an error of a service, its name."""
    return REASONS[Reason(name)] if name in set(Reason) else f"A service failed ({name})"


def as_seen(image: ImageInfo) -> str:
    """Width and height of the upright picture; the file may hold it on its side."""
    width, height = image.upright_size
    return f"{width} × {height}"


def moment(text: str | None) -> str:
    """An ISO time as 21 November 2026, 09:00 UTC; the page's script turns it into local time."""
    if not text:
        return ""
    parsed = datetime.fromisoformat(text)
    return f"{parsed.day} {parsed:%B %Y, %H:%M}" + (" UTC" if parsed.tzinfo else "")


def duration(seconds: float) -> str:
    """A length of time as people say it: 40 s, 12 min, 2 h 5 min."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def dollars(amount: float) -> str:
    """An amount of US dollars: $12.30, or < $0.01 where that would read as nothing."""
    return "< $0.01" if 0 < amount < 0.005 else f"${amount:,.2f}"
