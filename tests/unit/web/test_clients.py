"""Where a request comes from, and which host names and origins are the app's own."""

import pytest
from starlette.datastructures import Headers

from imagestore.web.clients import PublicAddress, address_of


def address(forwarded: list[str], proxies: int, peer: str = "203.0.113.9") -> str:
    headers = [(b"x-forwarded-for", value.encode("latin-1")) for value in forwarded]
    return address_of({"type": "http", "client": (peer, 1), "headers": headers}, proxies)


@pytest.mark.parametrize(
    ("forwarded", "proxies", "expected"),
    [
        ([], 0, "203.0.113.9"),
        (["192.0.2.7"], 0, "203.0.113.9"),
        (["192.0.2.7"], 1, "192.0.2.7"),
        (["192.0.2.7:4711"], 1, "192.0.2.7"),
        (["[2001:db8::7]:4711"], 1, "2001:db8::7"),
        (["2001:db8::7"], 1, "2001:db8::7"),
        (["[2001:db8::7]"], 1, "2001:db8::7"),
        (["198.51.100.1, 192.0.2.7"], 1, "192.0.2.7"),
        (["198.51.100.1", "192.0.2.7"], 1, "192.0.2.7"),
        (["198.51.100.1, 192.0.2.7, 10.0.0.1"], 2, "192.0.2.7"),
        (["192.0.2.7"], 2, "203.0.113.9"),
        ([], 1, "203.0.113.9"),
        (["no address"], 1, "203.0.113.9"),
        (["192.0.2.7, <script>"], 1, "203.0.113.9"),
        ([""], 1, "203.0.113.9"),
    ],
)
def test_the_address_is_what_the_trusted_proxy_saw(forwarded: list[str], proxies: int, expected: str) -> None:
    """What stands before it in the header anybody can send."""
    assert address(forwarded, proxies) == expected


@pytest.mark.parametrize(
    ("url", "host", "is_own"),
    [
        ("https://pictures.example.org", "pictures.example.org", True),
        ("https://pictures.example.org", "Pictures.Example.org:443", True),
        ("https://pictures.example.org", "pictures.example.org:80", False),
        ("https://pictures.example.org", "localhost", False),
        ("https://pictures.example.org:8443/", "pictures.example.org:8443", True),
        ("https://pictures.example.org:8443", "pictures.example.org", False),
        ("http://localhost:8000", "127.0.0.1:8000", True),
        ("http://localhost:8000", "example.org", False),
        ("", "localhost", True),
        ("", "example.org", False),
    ],
)
def test_hosts(url: str, host: str, is_own: bool) -> None:
    assert PublicAddress(url).is_host(host) == is_own


@pytest.mark.parametrize(
    ("url", "origin", "is_own"),
    [
        ("https://pictures.example.org", "https://pictures.example.org", True),
        ("https://pictures.example.org", "https://pictures.example.org:443", True),
        ("https://pictures.example.org", "http://pictures.example.org", False),
        ("https://pictures.example.org", "https://pictures.example.org.evil.example", False),
        ("https://pictures.example.org", "null", False),
        ("https://pictures.example.org", "", False),
        ("", "http://localhost:8000", True),
        ("", "http://localhost:9000", False),
    ],
)
def test_origins(url: str, origin: str, is_own: bool) -> None:
    assert PublicAddress(url).is_origin(origin, "localhost:8000") == is_own


def test_links_begin_with_the_public_address() -> None:
    headers = Headers({"host": "127.0.0.1:8000"})
    assert (
        PublicAddress("https://pictures.example.org/").link("/reset", headers) == "https://pictures.example.org/reset"
    )
    assert PublicAddress("").link("/reset", headers) == "http://127.0.0.1:8000/reset"
