"""HTTP requests over connections that are kept, by Python's own http.client.

For the calls that are made for every picture: such a request takes a quarter of a millisecond of CPU, and more than one
through `requests`, by which Microsoft's SDKs send theirs (docs/speed.md).
"""

import http.client
import os
import socket
import ssl
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from http.client import NotConnected
from typing import NamedTuple
from urllib.parse import urlsplit

_NAMES_OF_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_NAMES_OF_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_MOST_KEPT = 32
"""Per address: more than a worker has threads."""
_MOST_IDLE_S = 60.0
"""What was not used for longer is not used again: balancers and address translation forget a connection after some
minutes and tell neither side, so that a request on it would wait for an answer until the read timeout."""
_PROBES = {"TCP_KEEPIDLE": 30, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}
"""In seconds, and how often: the usual two hours are too long to be of use. Not every system has all three."""


class Answer(NamedTuple):
    """An answer that has come whole. Names of headers are as the service wrote them: see `header`."""

    status: int
    reason: str
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """A header's value, whatever the case of its name."""
        wanted = name.lower()
        return next((value for key, value in self.headers if key.lower() == wanted), None)


class Timeouts(NamedTuple):
    """How long to wait, in seconds: for the connection, and then for each piece of the answer."""

    connect_s: float
    read_s: float


class _Address(NamedTuple):
    scheme: str
    host: str
    port: int | None
    is_verified: bool


class _Idle(NamedTuple):
    connection: http.client.HTTPConnection
    since: float


_Kept = dict[_Address, deque[_Idle]]


class KeptConnections:
    """Connections to any number of services, each used by one thread at a time. Threads may share this.

    They are closed when this is no longer used. A forked process makes its own: two that wrote on one connection would
    read each other's answers.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._kept: _Kept = {}
        self._lock = threading.Lock()
        self._clock = clock
        _everywhere.add(self)
        weakref.finalize(self, lambda kept: _close(_taken_out(kept)), self._kept)

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeouts: Timeouts,
        *,
        is_verified: bool = True,
        may_repeat: bool = False,
    ) -> Answer:
        """Send a request. Redirects are answers like others. Unless `is_verified`, any certificate will do.

        With `may_repeat` it is sent a second time, on a new connection, if one that was kept breaks: mostly the service
        closed it as the request was on its way. Else, and after a timeout, it is sent once.

        Raises NotConnected if the service was not reached, OSError if it did not answer: then it may have done what was
        asked, as it may have before a second time was not reached.
        """
        parts = urlsplit(url)
        address = _Address(parts.scheme, parts.hostname or "", parts.port, is_verified)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        connection = self._taken(address)
        if connection is not None:
            try:
                return self._asked(connection, address, method, target, headers, body, timeouts)
            except OSError as error:
                self._forget(address)  # what broke this one has mostly broken the others too
                if not may_repeat or not isinstance(error, ConnectionError):
                    raise
        return self._asked(_connected(address, timeouts), address, method, target, headers, body, timeouts)

    def close(self) -> None:
        """Close the connections that are not in use."""
        with self._lock:
            connections = _taken_out(self._kept)
        _close(connections)

    def _asked(
        self,
        connection: http.client.HTTPConnection,
        address: _Address,
        method: str,
        target: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeouts: Timeouts,
    ) -> Answer:
        try:
            connection.sock.settimeout(timeouts.read_s)
            connection.request(method, target, body, dict(headers))
            answer = connection.getresponse()
            found = Answer(answer.status, answer.reason, answer.getheaders(), answer.read())
        except (http.client.HTTPException, ssl.SSLError) as error:
            connection.close()
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:  # else the service wants no more requests on it
            self._keep(address, connection)
        return found

    def _taken(self, address: _Address) -> http.client.HTTPConnection | None:
        """A kept connection that the service has not closed, the last used first."""
        while True:
            with self._lock:
                kept = self._kept.get(address)
                idle = kept.pop() if kept else None
            if idle is None:
                return None
            if self._clock() - idle.since <= _MOST_IDLE_S and not _has_ended(idle.connection):
                return idle.connection
            idle.connection.close()

    def _keep(self, address: _Address, connection: http.client.HTTPConnection) -> None:
        now = self._clock()
        old = []
        with self._lock:
            kept = self._kept.setdefault(address, deque())
            while kept and (len(kept) >= _MOST_KEPT or now - kept[0].since > _MOST_IDLE_S):
                old.append(kept.popleft().connection)
            kept.append(_Idle(connection, now))
        _close(old)

    def _forget(self, address: _Address) -> None:
        with self._lock:
            connections = [idle.connection for idle in self._kept.pop(address, ())]
        _close(connections)

    def _begin_anew(self) -> None:
        self._lock = threading.Lock()  # a thread that is not in this process may have held it
        _close(_taken_out(self._kept))  # here alone: the other process keeps its own handles of them


_everywhere: weakref.WeakSet[KeptConnections] = weakref.WeakSet()


def _after_fork() -> None:
    for one in list(_everywhere):
        one._begin_anew()


if hasattr(os, "register_at_fork"):  # there is none on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)


def are_plain(environ: Mapping[str, str], *, has_tls: bool) -> bool:
    """Whether a service is reached as the SDKs reach it: by no proxy, and with no certificates of one's own.

    For both they read variables that obstore and http.client do not read, or read differently.
    """
    if any(environ.get(name) or environ.get(name.lower()) for name in _NAMES_OF_PROXIES):
        return False
    return not (has_tls and any(environ.get(name) for name in _NAMES_OF_CERTIFICATES))


def _taken_out(kept: _Kept) -> list[http.client.HTTPConnection]:
    connections = [idle.connection for one in kept.values() for idle in one]
    kept.clear()
    return connections


def _close(connections: Iterable[http.client.HTTPConnection]) -> None:
    for connection in connections:
        connection.close()


def _has_ended(connection: http.client.HTTPConnection) -> bool:
    """Whether the service has closed the connection, or said what nobody had asked.

    TLS 1.3 sends records of its own after the handshake, such as tickets for a later one: they are read here and are no
    end.
    """
    try:
        connection.sock.settimeout(0)
        connection.sock.recv(1)
    except (BlockingIOError, ssl.SSLWantReadError):
        return False
    except OSError:
        return True
    return True


def _connected(address: _Address, timeouts: Timeouts) -> http.client.HTTPConnection:
    connection: http.client.HTTPConnection
    if address.scheme == "https":
        context = _context(address.is_verified)
        connection = http.client.HTTPSConnection(
            address.host, address.port, timeout=timeouts.connect_s, context=context
        )
    else:
        connection = http.client.HTTPConnection(address.host, address.port, timeout=timeouts.connect_s)
    try:
        connection.connect()
        _probe(connection.sock)
    except OSError as error:
        connection.close()
        raise NotConnected(f"{type(error).__name__}: {error}") from error
    return connection


def _probe(sock: socket.socket) -> None:
    """Have the system look now and then whether the other side is still there."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _PROBES.items():
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


@cache
def _context(is_verified: bool) -> ssl.SSLContext:
    """What `requests` would check: the certificates of certifi, which comes with it."""
    if is_verified:
        import certifi

        return ssl.create_default_context(cafile=certifi.where())
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
