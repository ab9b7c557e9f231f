"""Fetches what an address of a user's leads to, or sends something there, and only on the public internet.

The host is resolved, and each of its addresses must be public; the connection goes to the address that was looked at,
so that a name cannot lead elsewhere a moment later; each redirect is looked at anew; size and time are bounded.
"""

import contextlib
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from imagestore.errors import NoHost, NotFetched

SECONDS = 20.0
MOST_REDIRECTS = 3
_PIECE_BYTES = 65_536
_NOT_PUBLIC = [
    ipaddress.ip_network(one)
    for one in (
        *("168.63.129.16/32", "192.88.99.0/24", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "::/96"),
        *("fec0::/10", "3fff::/20", "5f00::/16"),
    )
]
"""What Python, or one version of it, calls global: Azure's own services for a machine, relays and IPv4 addresses in
IPv6 ones, site-local addresses, those for documentation and for segment routing."""
IsAllowed = Callable[[str], bool]


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    if not found.is_global or found.is_multicast:
        return False
    return not any(found.version == one.version and found in one for one in _NOT_PUBLIC)


def allowed_addresses(host: str, port: int, is_allowed: IsAllowed = is_public) -> list[str]:
    """The IP addresses to connect to for this host, the best first, all of which are allowed.

    Raises NotFetched; NoHost, which may pass.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise NoHost(f"There is no host '{host[:100]}'.") from None
    addresses = list(dict.fromkeys(str(one[4][0]) for one in found))
    if not addresses or not all(is_allowed(one) for one in addresses):
        raise NotFetched(f"'{host[:100]}' is not on the public internet.")
    return addresses


def fetch(address: str, max_bytes: int, is_allowed: IsAllowed = is_public, seconds: float = SECONDS) -> bytes:
    """The content at an http or https address. Raises NotFetched, which says why."""
    ends = time.monotonic() + seconds
    for _ in range(MOST_REDIRECTS + 1):
        found = _asked(address, max_bytes, is_allowed, ends)
        if isinstance(found, bytes):
            return found
        try:
            address = urljoin(address, found)
        except ValueError:
            raise NotFetched("The address leads to what is no address.") from None
    raise NotFetched(f"The address leads to more than {MOST_REDIRECTS} others.")


@dataclass(frozen=True)
class Answer:
    """What was answered: the status, the headers by their names in small letters, and the beginning of the content."""

    status: int
    headers: Mapping[str, str]
    beginning: bytes


def post(
    address: str,
    body: bytes,
    headers: Mapping[str, str],
    max_bytes: int,
    is_allowed: IsAllowed = is_public,
    seconds: float = SECONDS,
) -> Answer:
    """Send a body to an http or https address. No redirection is followed, and of the answer no more than `max_bytes`
    are read. Raises NotFetched, which says why."""
    ends = time.monotonic() + seconds
    with _answering("POST", address, body, headers, is_allowed, ends) as (response, connected, host):
        beginning = bytearray()
        with contextlib.suppress(OSError, http.client.HTTPException, NotFetched):  # the status is there, which counts
            while len(beginning) < max_bytes:
                connected.settimeout(_left(host, ends))
                piece = response.read1(max_bytes - len(beginning))
                if not piece:
                    break
                beginning += piece
        found = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, found, bytes(beginning))


def _asked(address: str, max_bytes: int, is_allowed: IsAllowed, ends: float) -> bytes | str:
    """The content, or where it is instead."""
    accepted = {"Accept": "image/*, */*"}
    with _answering("GET", address, None, accepted, is_allowed, ends) as (response, connected, host):
        if response.status in (301, 302, 303, 307, 308) and (location := response.getheader("Location")):
            return location
        if response.status != 200:
            raise NotFetched(f"{host} answered with status {response.status}.")
        return _content(response, connected, host, max_bytes, ends)


@contextlib.contextmanager
def _answering(
    method: str, address: str, body: bytes | None, headers: Mapping[str, str], is_allowed: IsAllowed, ends: float
) -> Iterator[tuple[http.client.HTTPResponse, socket.socket, str]]:
    """A `with` block in which the answer of an address can be read: it, its connection, and the host. Raises
    NotFetched, also for what goes wrong in the block."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        raise NotFetched("That is no address.") from None
    if parts.scheme not in ("http", "https") or not host or parts.username is not None:
        raise NotFetched("An address begins with http:// or https:// and a host, without a user's name.")
    connection, opened = http.client.HTTPConnection(host, port), list[socket.socket]()
    at_end = threading.Timer(_left(host, ends), _cut, [opened])  # a timeout is that of each byte alone
    at_end.daemon = True
    at_end.start()
    try:
        connected = connection.sock = _connected(host, port, parts.scheme == "https", is_allowed, ends, opened)
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request(method, path, body, {"User-Agent": "imagestore", **headers})
        yield connection.getresponse(), connected, host
    except NotFetched:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        _left(host, ends)
        raise NotFetched(f"{host} could not be asked: {str(error) or type(error).__name__}.") from None
    finally:
        at_end.cancel()
        connection.close()


def _connected(
    host: str, port: int, is_https: bool, is_allowed: IsAllowed, ends: float, opened: list[socket.socket]
) -> socket.socket:
    """A connection, which is in `opened` from its beginning."""
    *others, last = allowed_addresses(host, port, is_allowed)
    plain = None
    for address in others:  # one that leads nowhere, as IPv6 may, is to leave time for the next
        with contextlib.suppress(OSError):
            plain = socket.create_connection((address, port), timeout=_left(host, ends) / 2)
            break
    plain = plain or socket.create_connection((last, port), timeout=_left(host, ends))
    opened.append(plain)
    if not is_https:
        return plain
    try:
        context = ssl.create_default_context()
        secure = context.wrap_socket(plain, server_hostname=host, do_handshake_on_connect=False)
    except OSError:
        plain.close()
        raise
    opened.append(secure)
    try:
        secure.do_handshake()
    except OSError:
        secure.close()
        raise
    return secure


def _cut(opened: list[socket.socket]) -> None:
    for one in list(opened):
        with contextlib.suppress(OSError):
            socket.socket.shutdown(one, socket.SHUT_RDWR)


def _content(
    response: http.client.HTTPResponse, connected: socket.socket, host: str, max_bytes: int, ends: float
) -> bytes:
    data, announced = bytearray(), response.length
    while True:
        connected.settimeout(_left(host, ends))
        piece = response.read1(_PIECE_BYTES)
        if not piece:
            break
        data += piece
        if len(data) > max_bytes:
            raise NotFetched(f"What {host} answers has more than {max_bytes} bytes.")
    if announced is not None and len(data) < announced:
        raise NotFetched(f"The answer of {host} broke off.")
    return bytes(data)


def _left(host: str, ends: float) -> float:
    left = ends - time.monotonic()
    if left <= 0:
        raise NotFetched(f"{host} did not answer in time.")
    return left
