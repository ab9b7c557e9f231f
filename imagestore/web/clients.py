"""Where a request comes from, and which addresses are this app's own."""

import functools
import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import Scope

from imagestore.settings import is_loopback

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_HIGHEST_PORT = 65_535
_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class HostAndPort:
    """What a header Host or an address names; without a port where that is the usual one."""

    name: str
    port: int | None


@functools.lru_cache(1024)
def host_and_port(host: str, scheme: str) -> HostAndPort | None:
    """The name or address and the port in the value of a header Host; None where it holds none."""
    found = _HOST.fullmatch(host)
    if found is None or int(found[2] or 0) > _HIGHEST_PORT:
        return None
    port = int(found[2]) if found[2] else None
    return HostAndPort(found[1].strip("[]").lower(), None if port == _PORTS.get(scheme) else port)


@dataclass(frozen=True)
class PublicAddress:
    """The address under which the app is known: PUBLIC_URL, or any of this machine where that is of this machine."""

    url: str

    @property
    def is_local(self) -> bool:
        """Whether it is this machine's own, by whichever of its names."""
        return not self.url or is_loopback(urlsplit(self.url).hostname or "")

    @property
    def is_https(self) -> bool:
        """Whether cookies can be kept to encrypted connections."""
        return self.url.startswith("https://")

    def is_host(self, host: str) -> bool:
        """Whether a request with this header Host is meant for this app."""
        given = host_and_port(host, urlsplit(self.url).scheme or "http")
        if given is None:
            return False
        if self.is_local:
            return is_loopback(given.name)
        parts = urlsplit(self.url)
        return given == host_and_port(parts.netloc, parts.scheme)

    def is_origin(self, origin: str, host: str) -> bool:
        """Whether this header Origin is of the app's own pages, in a request with that header Host."""
        scheme, separator, rest = origin.partition("://")
        if not separator:
            return False
        if self.is_local:
            return rest == host
        parts = urlsplit(self.url)
        return scheme == parts.scheme and host_and_port(rest, scheme) == host_and_port(parts.netloc, scheme)

    def link(self, path: str, headers: Headers) -> str:
        """A whole address of this app. Where PUBLIC_URL is not set, it is of the request's own Host, this machine."""
        base = self.url.rstrip("/") or f"http://{headers.get('host', 'localhost')}"
        return base + path


def address_of(scope: Scope, trusted_proxies: int) -> str:
    """The network address of who asks.

    What the outermost trusted proxy added to X-Forwarded-For; what stands before it anybody can make up.
    """
    peer = str((scope.get("client") or ("unknown",))[0])
    if trusted_proxies:
        forwarded = ",".join(Headers(scope=scope).getlist("x-forwarded-for")).split(",")
        if len(forwarded) >= trusted_proxies:
            return _bare(forwarded[-trusted_proxies].strip()) or peer
    return peer


def _bare(text: str) -> str | None:
    """An address without its port, which Azure App Service adds; None where it is no address."""
    readings: tuple[Callable[[], str], ...] = (
        lambda: text,
        lambda: text.rpartition(":")[0].strip("[]"),
        lambda: text.strip("[]"),
    )
    for reading in readings:
        try:
            return str(ipaddress.ip_address(reading()))
        except ValueError:
            continue
    return None
