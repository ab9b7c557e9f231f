"""The parts of the command line that need no stack."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import typer

from cli.intake import Unreadable, find
from cli.output import safe
from cli.times import parse_since
from unit.pictures import encoded, photo

PICTURE = encoded(photo())


def test_a_folder_is_taken_in_by_relative_names(tmp_path: Path) -> None:
    for name in ("a.png", "deep/er/b", ".hidden.png", "notes.txt", ".git/c.png", "empty.png", "doc.pdf"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes({"notes.txt": b"text", "empty.png": b"", "doc.pdf": b"%PDF-1.4"}.get(name, PICTURE))
    found = find([tmp_path], "garden/")
    assert [p.name for p in found.pictures] == ["garden/a.png", "garden/deep/er/b", "garden/doc.pdf"]
    assert found.skipped == {"hidden": 1, "not a picture": 2}
    assert [p.name for p in find([tmp_path / "a.png"]).pictures] == ["a.png"]


def test_a_path_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="nowhere' does not exist"):
        find([tmp_path / "nowhere"])


@pytest.mark.parametrize("hostile", ["\x1b[31m", "\u202egpj.exe", "a\rb", "\x07", "a\nb", "\u2028", "\ud800"])
def test_a_terminal_obeys_no_name(hostile: str) -> None:
    shown = safe(hostile)
    assert shown.isprintable()
    assert shown.encode()


def test_ordinary_names_are_shown_as_they_are() -> None:
    assert safe("Füße/猫 🐈 [bold].jpg") == "Füße/猫 🐈 [bold].jpg"


def test_times_are_read_as_people_write_them() -> None:
    assert parse_since(None) is None
    assert parse_since("2026-11-21T09:00:00+00:00") == "2026-11-21T09:00:00.000Z"
    ago = datetime.now(UTC) - datetime.fromisoformat(str(parse_since("12h")))
    assert 11.9 < ago.total_seconds() / 3600 < 12.1
    for wrong in ("yesterday", "12", "5y", "99999999d"):
        with pytest.raises(typer.BadParameter):
            parse_since(wrong)
