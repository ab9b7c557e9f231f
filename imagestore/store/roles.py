"""Which process has which role on what. infra/ assigns the roles of the same file, roles.json."""

import functools
from pathlib import Path
from typing import Literal

import msgspec

from imagestore.decoding import decode

Who = Literal["function", "web", "jobs", "operator"]
"""A process that opens the stores: the function app, the web app, the runner of jobs, or the command line of whoever
deployed."""
_FILE = Path(__file__).with_name("roles.json")


class Grant(msgspec.Struct, frozen=True):
    """Who has which role on which thing, and why. In Cosmos DB an empty `on` is the account.

    On a container, `only` are the names of the blobs that may be changed; without any, all may.
    """

    who: str
    role: str
    why: str
    on: str = ""
    only: tuple[str, ...] = ()


@functools.cache
def grants() -> dict[str, tuple[Grant, ...]]:
    """All grants, by the kind of thing: `container`, `queue`, `cosmos` and others."""
    return decode(_FILE.read_bytes(), dict[str, tuple[Grant, ...]])


def role(who: Who, kind: str, on: str) -> str | None:
    """The role of `who` on a whole container, queue or Cosmos DB container; None if it has none, and needs none."""
    return next((one.role for one in grants()[kind] if one.who == who and one.on == on and not one.only), None)
