"""Reads the Bicep of infra/ as text: enough to compare its names with the code's. It compiles nothing."""

import re
from pathlib import Path

from imagestore.settings import ROOT

INFRA = ROOT / "infra"
FILES = sorted(INFRA.rglob("*.bicep"))


def text(name: str) -> str:
    """A file of infra/ without its comments."""
    return without_comments((INFRA / name).read_text("utf-8"))


def without_comments(source: str) -> str:
    """Drops what follows `//` on a line, where it stands outside a text."""
    return "\n".join(
        re.sub(r"^((?:[^'/]|'(?:[^'\\]|\\.)*'|/(?!/))*)//.*$", r"\1", line) for line in source.splitlines()
    )


def block(source: str, start: str) -> str:
    """From `start` to the bracket that closes the first one opened there."""
    begin = source.index(start)
    depth = 0
    for place in range(source.index(start) + len(start) - 1, len(source)):
        depth += (source[place] in "{[(") - (source[place] in "}])")
        if depth == 0 and source[place] in "}])":
            return source[begin : place + 1]
    raise AssertionError(f"{start} is not closed")


def texts(source: str) -> list[str]:
    """The texts in single quotes."""
    return re.findall(r"'((?:[^'\\]|\\.)*)'", source)


def params(source: str) -> set[str]:
    """The names of the parameters."""
    return set(re.findall(r"^param (\w+) ", source, re.MULTILINE))


def outputs(source: str) -> set[str]:
    """The names of the outputs."""
    return set(re.findall(r"^output (\w+) ", source, re.MULTILINE))


def app_settings(source: str) -> set[str]:
    """What the properties of app settings and the variables in them give by name."""
    return set(re.findall(r"^\s+([A-Za-z]+(?:_\w+)+): ", source, re.MULTILINE))


def read(path: Path) -> str:
    """A file as it is."""
    return path.read_text("utf-8")
