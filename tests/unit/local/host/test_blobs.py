"""Blob triggers."""

import pytest

from imagestore.local.host.blobs import _blob_of


@pytest.mark.parametrize(
    ("url", "blob"),
    [
        ("http://127.0.0.1:10000/devstoreaccount1/uploads/a%20b/c.jpg", ("uploads", "a b/c.jpg")),
        ("https://account.blob.core.windows.net/uploads/100%25.jpg", ("uploads", "100%.jpg")),
    ],
)
def test_an_events_address_names_its_blob(url: str, blob: tuple[str, str]) -> None:
    assert _blob_of({"url": url, "eTag": '"0x1"'}) == (*blob, "0x1")


@pytest.mark.parametrize("url", ["http://host/", "http://host/uploads", "http://host/uploads/", "http://h/u/%FF"])
def test_an_address_without_a_blob_is_refused(url: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011
        _blob_of({"url": url})
