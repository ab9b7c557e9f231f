"""Makes every character of users' texts visible, for pages, reports and terminals."""

import unicodedata

_JOINERS = "\u200c\u200d"
"""These join emoji, and letters of some scripts."""


def visible(text: str, *, keep_lines: bool = False) -> str:
    """The text with invisible, control and direction-changing characters written as escapes.

    Spaces of all kinds stay, and with `keep_lines` newlines too.
    """
    return "".join(c if _is_harmless(c) or (keep_lines and c == "\n") else repr(c)[1:-1] for c in text)


def _is_harmless(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs" or character in _JOINERS
