"""Users' texts: which are taken, and every character made visible for pages, reports and terminals."""

import unicodedata

_CHARACTER = r"[^\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]"
LINE = rf"^{_CHARACTER}*[^{_CHARACTER[2:-1]}\s]{_CHARACTER}*$"
"""Any text without characters that control a terminal or change the direction of writing, and not only spaces."""
_JOINERS = "\u200c\u200d"
"""These join emoji, and letters of some scripts."""


def visible(text: str, *, keep_lines: bool = False) -> str:
    """The text with invisible, control and direction-changing characters written as escapes.

    Spaces of all kinds stay, and with `keep_lines` newlines too.
    """
    return "".join(c if _is_harmless(c) or (keep_lines and c == "\n") else repr(c)[1:-1] for c in text)


def _is_harmless(character: str) -> bool:
    return character.isprintable() or unicodedata.category(character) == "Zs" or character in _JOINERS
