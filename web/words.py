"""How records read to a person."""

import unicodedata
from datetime import datetime

from errors import Reason
from record import Record, Status

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
STATUSES = {
    Status.CLASSIFIED: "Sorted",
    Status.UNKNOWN: "Not sure",
    Status.REJECTED: "Rejected",
    Status.FAILED: "Failed",
    Status.DELETED: "Deleted",
}


def visible(text: str) -> str:
    """The text with characters that would not be seen, or would turn the text around, written out."""
    return "".join(c if c.isprintable() or _is_harmless(c) else repr(c)[1:-1] for c in text)


def _is_harmless(character: str) -> bool:
    """Spaces of all kinds, and what joins emoji and letters of some scripts."""
    return unicodedata.category(character) == "Zs" or character in "\u200c\u200d"


def headline(record: Record) -> str:
    """What became of a picture, in a word or a few."""
    if record.label is not None:
        return visible(record.label)
    if record.problem is not None:
        return reason(record.problem.reason)
    return f"{visible(record.prediction.label)}?" if record.prediction else "Not sure"


def reason(name: str) -> str:
    """A reason in plain words; an error of a service by its name."""
    return REASONS[Reason(name)] if name in set(Reason) else f"A service failed ({name})"


def size(count: int) -> str:
    """Bytes as a person reads them."""
    value = float(count)
    for unit in ("bytes", "KB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" or value >= 10 else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"


def work_ms(record: Record) -> int | None:
    """How long our code worked on the picture, in milliseconds."""
    return sum(record.timings_ms.values()) if record.timings_ms else None


def moment(text: str | None) -> str:
    """An ISO time as 21 November 2026, 09:00 UTC; the page's script turns it into local time."""
    if not text:
        return ""
    parsed = datetime.fromisoformat(text)
    return f"{parsed.day} {parsed:%B %Y, %H:%M}" + (" UTC" if parsed.tzinfo else "")
