"""Sends requests to the public internet alone, for what others have named: each connection goes to an address that was
looked at (imagestore/fetch.py), also that of a redirect, and through no proxy."""

from collections.abc import Collection, Iterable
from typing import Any

import httpcore2
import httpx2

from imagestore.errors import NoHost, NotFetched
from imagestore.fetch import IsAllowed, allowed_address, is_public


class _Guarded(httpcore2.SyncBackend):
    """Connects to addresses that are allowed, and to these hosts wherever they are."""

    def __init__(self, hosts: Collection[str], is_allowed: IsAllowed) -> None:
        self._hosts = frozenset(host.lower() for host in hosts)
        self._is_allowed = is_allowed

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        """See SyncBackend. Raises NotFetched."""
        if host.lower() not in self._hosts:
            try:
                host = allowed_address(host, port, self._is_allowed)
            except NoHost as error:
                raise httpcore2.ConnectError(str(error)) from None
            except NotFetched as error:
                remedy = "IMPORT_HOSTS of the runner names hosts that may be asked all the same."
                raise NotFetched(f"{error} {remedy}") from None
        return super().connect_tcp(host, port, timeout, local_address, socket_options)


class _Transport(httpx2.HTTPTransport):
    def __init__(self, backend: _Guarded) -> None:
        super().__init__(trust_env=False)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(), max_connections=32, keepalive_expiry=5.0, network_backend=backend
        )


def guarded_client(hosts: Collection[str], timeout_s: float, is_allowed: IsAllowed = is_public) -> httpx2.Client:
    """A client that connects to public addresses, and to these hosts, alone; requests raise NotFetched for others."""
    return httpx2.Client(transport=_Transport(_Guarded(hosts, is_allowed)), timeout=timeout_s, trust_env=False)
