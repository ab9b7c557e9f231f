"""Which addresses are this machine's own."""

import pytest

from imagestore.settings import is_loopback


@pytest.mark.parametrize("address", ["127.0.0.1", "localhost", "::1", "[::1]", "127.8.9.1"])
def test_loopback(address: str) -> None:
    assert is_loopback(address)


@pytest.mark.parametrize("address", ["0.0.0.0", "::", "192.168.1.2", "example.org", "", "localhost.evil.example"])
def test_not_loopback(address: str) -> None:
    assert not is_loopback(address)
