"""The parts of the local Functions host that need no stack."""

from pathlib import Path

import pytest

from local.host.__main__ import resolved, seconds
from local.host.blob_queue import BlobQueue
from local.host.blobs import _blob_of
from local.host.queues import _decoded


def test_an_event_waits_until_it_is_done_even_over_a_crash(tmp_path: Path) -> None:
    queue = BlobQueue(tmp_path / "queue")
    first, second = queue.put([("preprocess", "uploads", "a b.jpg", "0x1"), ("classify", "staging", "猫.png", "")])
    assert queue.failed(first).attempts == 1
    queue.done(second)
    reopened = BlobQueue(tmp_path / "queue")  # the first was never closed, as after SIGKILL
    (waiting,) = reopened.waiting()
    assert (waiting.function, waiting.name, waiting.attempts) == ("preprocess", "a b.jpg", 1)
    for each in (queue, reopened):
        each.close()


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


def test_binding_expressions_and_spans(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDULE", "0 0 * * * *")
    assert resolved("%SCHEDULE%") == "0 0 * * * *"
    assert seconds("00:01:30.5") == 90.5


def test_only_base64_text_is_a_message() -> None:
    assert _decoded("eyJ4IjogMX0=") == '{"x": 1}'
    assert _decoded("not base64!") is None
    assert _decoded("/w==") is None
