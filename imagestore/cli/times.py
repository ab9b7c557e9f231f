"""Times as a user writes them."""

import re
from datetime import UTC, datetime, timedelta

import typer

from imagestore.record import utc

_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def parse_since(text: str | None) -> str | None:
    """The time that the text means, as UTC ISO 8601: a date and time, or a span before now.

    Raises typer.BadParameter.
    """
    if text is None:
        return None
    if span := re.fullmatch(r"(\d{1,6})([mhd])", text):
        return utc(datetime.now(UTC) - timedelta(**{_UNITS[span[2]]: int(span[1])}))
    try:
        return utc(datetime.fromisoformat(text).astimezone(UTC))
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"'{text}' is no time; write 2026-11-21, 2026-11-21T09:00, 90m, 12h or 7d.") from None
