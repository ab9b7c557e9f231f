"""Which names the web app gives to uploads. Names are data, but they travel in addresses, where dots mean something."""

import unicodedata

from settings import LONGEST_NAME
from web.problems import Problem

_LONE_DOTS = {".", ".."}
_NO_TEXT = {"Cc", "Cs"}
_NO_CHARACTERS = "\ufffe\uffff"

_ANY = r"[^/\\\x00-\x1f\x7f-\x9f\ufffe\uffff]"
_NO_DOT = _ANY.replace("[^", "[^.")
PATTERN = rf"^(?:(?:{_NO_DOT}|\.{_NO_DOT}|\.\.{_ANY}){_ANY}*/)*{_ANY}*{_NO_DOT}$"
"""What `checked` takes, for the description of the API; ECMAScript and Python read it alike."""


def checked(name: str, longest: int = LONGEST_NAME) -> str:
    """The name, if an upload can have it; Problem 422 says why not."""
    if not 0 < len(name) <= longest:
        raise _bad(f"A name has 1 to {longest} characters; this one has {len(name)}.")
    if bad := next((c for c in name if unicodedata.category(c) in _NO_TEXT or c in _NO_CHARACTERS), None):
        raise _bad(f"A name has no control characters; this one has {bad!r}.")
    if "\\" in name:
        raise _bad("A name has no backslash; folders are separated by '/'.")
    parts = name.split("/")
    if not all(parts) or _LONE_DOTS & set(parts) or name.endswith("."):
        raise _bad("A name has no part between slashes that is empty, '.' or '..', and does not end with '.'.")
    return name


def numbered(name: str, number: int, longest: int = LONGEST_NAME) -> str:
    """The name with a number before its ending: 'cat.jpg' becomes 'cat (2).jpg'. One too long is cut before that."""
    folder, _, file = name.rpartition("/")
    stem, dot, ending = file.rpartition(".")
    if not stem:
        stem, dot, ending = file, "", ""
    tail = f" ({number}){dot}{ending}"
    whole = f"{folder}/{stem}" if folder else stem
    return whole[: longest - len(tail)] + tail


def _bad(detail: str) -> Problem:
    return Problem(422, "bad_name", detail)
