"""Which lines of Azurite's log are events."""

import pytest

from imagestore.local.relay import Change, change_in
from imagestore.pipeline.steps.events import CREATED, DELETED


def line(request: str, status: int) -> bytes:
    return f'127.0.0.1 - - [21/Nov/2026:09:00:00 +0000] "{request} HTTP/1.1" {status} -\n'.encode()


@pytest.mark.parametrize(
    ("request_line", "status", "change"),
    [
        ("PUT /devstoreaccount1/uploads/a%20b.jpg", 201, Change(CREATED, "uploads", "a b.jpg")),
        ("PUT /devstoreaccount1/uploads/a/b.jpg?comp=blocklist", 201, Change(CREATED, "uploads", "a/b.jpg")),
        ("PUT /devstoreaccount1/uploads/copy.jpg", 202, Change(CREATED, "uploads", "copy.jpg")),
        ("PUT /uploads/host-style.jpg", 201, Change(CREATED, "uploads", "host-style.jpg")),
        ("PUT http://127.0.0.1:10000/devstoreaccount1/uploads/x", 201, Change(CREATED, "uploads", "x")),
        ("PUT /devstoreaccount1/uploads/x?sv=2024&sig=SECRET", 201, Change(CREATED, "uploads", "x")),
        ("PUT /devstoreaccount1/uploads/a%5Cb.jpg", 201, Change(CREATED, "uploads", "a/b.jpg")),
        ("DELETE /devstoreaccount1/uploads/x", 202, Change(DELETED, "uploads", "x")),
        ("PUT /devstoreaccount1/uploads/x?comp=block&blockid=1", 201, None),
        ("PUT /devstoreaccount1/uploads/x?comp=tags", 204, None),
        ("PUT /devstoreaccount1/uploads/x?comp=metadata", 200, None),
        ("PUT /devstoreaccount1/uploads?restype=container", 201, None),
        ("DELETE /devstoreaccount1/uploads?restype=container", 202, None),
        ("PUT /devstoreaccount1/uploads/x", 403, None),
        ("PUT /devstoreaccount1/work/messages/1?popreceipt=2", 204, None),
        ("DELETE /devstoreaccount1/work/messages/1?popreceipt=2", 204, None),
        ("GET /devstoreaccount1/uploads/x", 200, None),
        ("PUT /devstoreaccount1/uploads/%FF.jpg", 201, None),
    ],
)
def test_a_finished_write_or_deletion_of_a_blob_is_an_event(
    request_line: str, status: int, change: Change | None
) -> None:
    assert change_in(line(request_line, status)) == change


def test_no_signature_is_passed_on() -> None:
    change = change_in(line("PUT /devstoreaccount1/uploads/x?sv=2024&sig=SECRET", 201))
    assert change is not None
    assert "SECRET" not in str(change.event())


@pytest.mark.parametrize(
    "junk", [b"", b"Azurite Blob service is starting", b'"PUT', b"\xff\xfe", b'"PUT / HTTP/1.1" 201']
)
def test_other_lines_are_ignored(junk: bytes) -> None:
    assert change_in(junk) is None
