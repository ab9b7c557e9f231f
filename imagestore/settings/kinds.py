"""What the settings are made of: the types of their values, and how one is declared."""

import ipaddress
from dataclasses import field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec

from imagestore.record import LONGEST_NAME

ROOT = Path(__file__).resolve().parents[2]
Container = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9](-?[a-z0-9]){2,62}$")]
NameLength = Annotated[int, msgspec.Meta(ge=1, le=LONGEST_NAME)]
Positive = Annotated[int, msgspec.Meta(ge=1)]
Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
Seconds = Annotated[float, msgspec.Meta(gt=0)]


def setting(default: Any, meaning: str) -> Any:
    """A setting with this default. Its meaning stands in docs/settings.md."""
    return field(default=default, metadata={"meaning": meaning})


def is_loopback(host: str) -> bool:
    """Whether this address or name is this machine's own, reachable from nowhere else."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_address(text: str) -> bool:
    """Whether this is an https address, or an http one of this machine, of a host and no user or query."""
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    is_bare = not (parts.query or parts.fragment or parts.username is not None) and text.isascii()
    return bool(host) and is_bare and (parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host)))
