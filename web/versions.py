"""The versions of models that there are, as the registry tells of them."""

from dataclasses import dataclass
from typing import Any

from store import Active, Stores

MOST = 20


@dataclass(frozen=True)
class Version:
    """A version, what its evaluation said (None where that is not kept), and whether it is live."""

    name: str
    version: str
    figures: dict[str, Any] | None
    is_live: bool


def versions(stores: Stores) -> tuple[list[Version], Active | None]:
    """The newest versions, newest first, and which one is live since when. Away."""
    found = stores.models.active()
    active = found[0] if found else None
    live = (active.live.name, active.live.version) if active else None
    newest = stores.models.newest(MOST)
    return [Version(*one, stores.models.figures(*one), one == live) for one in newest], active
