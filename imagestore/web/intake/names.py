"""Checks the names of uploads. A name is data, but it travels in addresses, where dots have a meaning."""

import unicodedata

from imagestore.record import LONGEST_NAME
from imagestore.web.problems import ApiProblem

_LONE_DOTS = {".", ".."}
_LONGEST_ENDING = 16
"""If more than this follows the last dot, it is no ending."""
_NO_TEXT = {"Cc", "Cs"}
_NO_CHARACTERS = "\ufffe\uffff"

_ANY = r"[^/\\\x00-\x1f\x7f-\x9f\ufffe\uffff]"
_NO_DOT = _ANY.replace("[^", "[^.")
PATTERN = rf"^(?:(?:{_NO_DOT}|\.{_NO_DOT}|\.\.{_ANY}){_ANY}*/)*{_ANY}*{_NO_DOT}$"
"""A regular expression of the names that `checked` accepts, for the API's description; ECMAScript and Python read it
alike."""


def checked(name: str, longest: int = LONGEST_NAME) -> str:
    """The name, if an upload can have it. Raises ApiProblem 422, which says why not."""
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


def marked(name: str, mark: str, longest: int = LONGEST_NAME) -> str:
    """The name with a mark before its ending: 'cat.jpg' becomes 'cat (2).jpg'.

    A name that is too long is cut before the mark.
    """
    folder, _, file = name.rpartition("/")
    stem, dot, ending = file.rpartition(".")
    if not stem or len(ending) > _LONGEST_ENDING:
        stem, dot, ending = file, "", ""
    tail = f" ({mark}){dot}{ending}"
    whole = f"{folder}/{stem}" if folder else stem
    return whole[: longest - len(tail)] + tail


def _bad(detail: str) -> ApiProblem:
    return ApiProblem(422, "bad_name", detail)
