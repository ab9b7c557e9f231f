"""The versions of models that there are, as the registry tells of them."""

from dataclasses import dataclass
from typing import Any

import msgspec

from errors import Missing
from store import Active, Stores
from store.models import METRICS_FILE

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
    newest = stores.models.versions()[::-1][:MOST]
    return [Version(*one, _figures(stores, *one), one == live) for one in newest], active


def _figures(stores: Stores, name: str, version: str) -> dict[str, Any] | None:
    try:
        figures: dict[str, Any] = msgspec.json.decode(stores.models.read(name, version, METRICS_FILE))
    except (Missing, msgspec.MsgspecError):
        return None
    return figures
