"""HTTP requests over connections that are kept, by Python's own http.client.

For the calls that are made for every picture: such a request takes a quarter of a millisecond of CPU, and more than one
through `requests`, by which Microsoft's SDKs send theirs (docs/speed.md).
"""

import contextlib
import http.client
import select
import ssl
import weakref
from collections import deque
from collections.abc import Mapping
from functools import cache
from http.client import NotConnected
from typing import NamedTuple
from urllib.parse import urlsplit

_NAMES_OF_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
_NAMES_OF_CERTIFICATES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")
_MOST_KEPT = 32
"""Per address: more than a worker has threads."""


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


_Kept = dict[_Address, deque[http.client.HTTPConnection]]


class KeptConnections:
    """Connections to any number of services, each used by one thread at a time. Threads may share this.

    They are closed when this is no longer used.
    """

    def __init__(self) -> None:
        self._kept: _Kept = {}
        weakref.finalize(self, _close, self._kept)

    def ask(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes | None,
        timeouts: Timeouts,
        *,
        is_verified: bool = True,
    ) -> Answer:
        """Send a request, once. Redirects are answers like others. Unless `is_verified`, any certificate will do.

        Raises NotConnected if the service was not reached, OSError if it did not answer: then it may have done what was
        asked.
        """
        parts = urlsplit(url)
        address = _Address(parts.scheme, parts.hostname or "", parts.port, is_verified)
        target = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
        kept = self._kept.setdefault(address, deque(maxlen=_MOST_KEPT))
        connection = _open_one(kept) or _connected(address, timeouts)
        try:
            assert connection.sock is not None
            connection.sock.settimeout(timeouts.read_s)
            connection.request(method, target, body, dict(headers))
            answer = connection.getresponse()
            found = Answer(answer.status, answer.reason, answer.getheaders(), answer.read())
        except http.client.HTTPException as error:
            connection.close()
            raise ConnectionError(f"{type(error).__name__}: {error}") from error
        except BaseException:
            connection.close()
            raise
        if connection.sock is not None:  # else the service wants no more requests on it
            kept.append(connection)
        return found

    def close(self) -> None:
        """Close the connections that are not in use."""
        _close(self._kept)


def are_plain(environ: Mapping[str, str], *, has_tls: bool) -> bool:
    """Whether a service is reached as the SDKs reach it: by no proxy, and with no certificates of one's own.

    For both they read variables that obstore and http.client do not read, or read differently.
    """
    if any(environ.get(name) or environ.get(name.lower()) for name in _NAMES_OF_PROXIES):
        return False
    return not (has_tls and any(environ.get(name) for name in _NAMES_OF_CERTIFICATES))


def _close(kept: _Kept) -> None:
    for connections in kept.values():
        with contextlib.suppress(IndexError):
            while True:
                connections.pop().close()


def _open_one(kept: "deque[http.client.HTTPConnection]") -> http.client.HTTPConnection | None:
    """A kept connection that the service has not closed, the last used first."""
    while True:
        try:
            connection = kept.pop()
        except IndexError:
            return None
        if connection.sock is not None and not _has_ended(connection):
            return connection
        connection.close()


def _has_ended(connection: http.client.HTTPConnection) -> bool:
    """Whether something came though nothing was asked: mostly that the service has closed the connection."""
    poll = select.poll()
    poll.register(connection.sock, select.POLLIN)
    return bool(poll.poll(0))


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
    except OSError as error:
        connection.close()
        raise NotConnected(f"{type(error).__name__}: {error}") from error
    return connection


@cache
def _context(is_verified: bool) -> ssl.SSLContext:
    """What `requests` would check: the certificates of certifi, which comes with it."""
    if is_verified:
        import certifi

        return ssl.create_default_context(cafile=certifi.where())
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
