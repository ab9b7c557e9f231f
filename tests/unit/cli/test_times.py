"""Moments as a person writes them."""

from datetime import UTC, datetime

import pytest
import typer

from imagestore.cli.times import parse_since


def test_times_are_read_as_people_write_them() -> None:
    assert parse_since(None) is None
    assert parse_since("2026-11-21T09:00:00+00:00") == "2026-11-21T09:00:00.000Z"
    ago = datetime.now(UTC) - datetime.fromisoformat(str(parse_since("12h")))
    assert 11.9 < ago.total_seconds() / 3600 < 12.1
    for wrong in ("yesterday", "12", "5y", "99999999d"):
        with pytest.raises(typer.BadParameter):
            parse_since(wrong)
