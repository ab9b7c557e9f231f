"""What the commands print."""

import pytest

from imagestore.cli.output import safe, totals
from imagestore.record import Record, Status


@pytest.mark.parametrize("hostile", ["\x1b[31m", "\u202egpj.exe", "a\rb", "\x07", "a\nb", "\u2028", "\ud800"])
def test_a_terminal_obeys_no_name(hostile: str) -> None:
    shown = safe(hostile)
    assert shown.isprintable()
    assert shown.encode()


def test_ordinary_names_are_shown_as_they_are() -> None:
    assert safe("Füße/猫 🐈 [bold].jpg") == "Füße/猫 🐈 [bold].jpg"


def test_totals_say_what_was_classified_and_what_stayed_unknown() -> None:
    records = [Record("0", "0", Status.UNKNOWN)] * 117 + [Record("1", "1", Status.CLASSIFIED)] * 83
    assert totals(records) == "200 done: 83 classified, 117 unknown"
    assert totals([]) == "0 done"
