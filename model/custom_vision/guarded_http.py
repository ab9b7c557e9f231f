"""Sends requests to the public internet alone, for what others have named: each connection goes to an address that was
looked at (imagestore/fetch.py), also that of a redirect, and through no proxy."""

import contextlib
import ssl
import threading
import time
from collections.abc import Collection, Iterable
from typing import Any

import httpcore2
import httpx2

from imagestore.errors import NoHost, NotFetched
from imagestore.fetch import IsAllowed, allowed_addresses, is_public

_MOST_REDIRECTS = 5
_FIRST_S = 10.0
"""For how long a host's address may not answer before its next is tried."""


class _Ends(threading.local):
    """When the request of this thread is to have its whole answer, by the process's own clock."""

    at = float("inf")


class _Bounded(httpcore2.NetworkStream):
    """A connection over which an answer comes in time, or not at all: a timeout is that of each byte alone."""

    def __init__(self, stream: httpcore2.NetworkStream, ends: _Ends) -> None:
        self._stream = stream
        self._ends = ends

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """See NetworkStream. Raises ReadTimeout."""
        left_s = self._ends.at - time.monotonic()
        if left_s <= 0:
            raise httpcore2.ReadTimeout("the answer took too long")
        return self._stream.read(max_bytes, left_s if timeout is None else min(timeout, left_s))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """See NetworkStream."""
        self._stream.write(buffer, timeout)

    def close(self) -> None:
        """See NetworkStream."""
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore2.NetworkStream:
        """See NetworkStream."""
        return _Bounded(self._stream.start_tls(ssl_context, server_hostname, timeout), self._ends)

    def get_extra_info(self, info: str) -> Any:
        """See NetworkStream."""
        return self._stream.get_extra_info(info)


class _Guarded(httpcore2.SyncBackend):
    """Connects to addresses that are allowed, and to these hosts wherever they are."""

    def __init__(self, hosts: Collection[str], is_allowed: IsAllowed, ends: "_Ends") -> None:
        self._ends = ends
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
        addresses = [host]
        if host.lower() not in self._hosts:
            try:
                addresses = allowed_addresses(host, port, self._is_allowed)
            except NoHost as error:
                raise httpcore2.ConnectError(str(error)) from None
            except NotFetched as error:
                remedy = "IMPORT_HOSTS of the runner names hosts that may be asked all the same."
                raise NotFetched(f"{error} {remedy}") from None
        return _Bounded(self._connected(addresses, port, timeout, local_address, socket_options), self._ends)

    def _connected(
        self,
        addresses: list[str],
        port: int,
        timeout: float | None,
        local_address: str | None,
        socket_options: Iterable[Any] | None,
    ) -> httpcore2.NetworkStream:
        for address in addresses[:-1]:  # one that leads nowhere, as IPv6 may, is to leave time for the next
            with contextlib.suppress(httpcore2.ConnectError, httpcore2.ConnectTimeout):
                most_s = _FIRST_S if timeout is None else min(timeout, _FIRST_S)
                return super().connect_tcp(address, port, most_s, local_address, socket_options)
        return super().connect_tcp(addresses[-1], port, timeout, local_address, socket_options)


class _Transport(httpx2.HTTPTransport):
    def __init__(self, hosts: Collection[str], is_allowed: IsAllowed, longest_s: float) -> None:
        super().__init__(trust_env=False)
        self._ends, self._longest_s = _Ends(), longest_s
        backend = _Guarded(hosts, is_allowed, self._ends)
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(), max_connections=32, keepalive_expiry=5.0, network_backend=backend
        )

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        """See HTTPTransport."""
        self._ends.at = time.monotonic() + self._longest_s
        return super().handle_request(request)


def guarded_client(
    hosts: Collection[str], timeout_s: float, is_allowed: IsAllowed = is_public, longest_s: float = 120.0
) -> httpx2.Client:
    """A client that connects to public addresses, and to these hosts, alone; requests raise NotFetched for others.

    No byte may come for `timeout_s`, and an answer is to have come whole after `longest_s`, or ReadTimeout is raised.
    """
    transport = _Transport(hosts, is_allowed, longest_s)
    return httpx2.Client(transport=transport, timeout=timeout_s, trust_env=False, max_redirects=_MOST_REDIRECTS)
