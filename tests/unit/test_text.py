"""What is shown of a text that users gave."""

import pytest

from imagestore.text import visible


@pytest.mark.parametrize("hostile", ["\x1b[31m", "\u202egpj.exe", "a\rb", "\x07", "a\nb", "\u2028", "\ud800"])
def test_what_would_be_obeyed_or_not_seen_is_written_out(hostile: str) -> None:
    shown = visible(hostile)
    assert shown.isprintable()
    assert shown.encode()


@pytest.mark.parametrize("ordinary", ["Füße/猫 🐈 [bold].jpg", "👩‍👧 9\u202fAM"])
def test_ordinary_texts_are_shown_as_they_are(ordinary: str) -> None:
    assert visible(ordinary) == ordinary


def test_lines_stay_lines_where_that_is_asked() -> None:
    assert visible("a\n\x1b", keep_lines=True) == "a\n\\x1b"
