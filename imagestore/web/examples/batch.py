"""Examples of the operations of many pictures at once: by operation id the query, what curl needs besides, and an
answer."""

from typing import Any

from imagestore.pipeline.changes.corrections import BatchCorrected, CorrectedRow, RowStatus
from imagestore.pipeline.changes.status import ChangeStatus
from imagestore.pipeline.upload import BatchUploaded, FileStatus, UploadedFile
from imagestore.record import record_id

_AT = "2026-11-21T09:00:00.112Z"
_CHANGE = ChangeStatus(
    "change-1795251600112000-5c0e5c0e", "correct", [], "account-8934e564515e9ed9a4f6ec252eb8d5bd", _AT, "applied",
    1, 1, 0, 0, 0, 0, "2026-12-21T09:00:00.112Z", True, None, None, [],
)  # fmt: skip
_ROWS = [
    CorrectedRow(2, record_id("pets/cat.jpg"), RowStatus.DONE),
    CorrectedRow(3, record_id("pets/dog.jpg"), RowStatus.REFUSED, "It needs a label: it has none."),
]
_FILES = [
    UploadedFile("pets/cat.jpg", FileStatus.TAKEN, record_id("pets/cat.jpg"), "0x8DE1A2B3C4D5E6F"),
    UploadedFile(
        "pets/dog.jpg", FileStatus.REFUSED, code="name_taken", why="There is another upload named 'pets/dog.jpg'."
    ),
]
VALUES = {"prefix": "pets/"}
ANSWERS: dict[str, tuple[str, str, Any]] = {
    "uploadMany": (
        "?prefix=pets/",
        "-F file=@cat.jpg -F file=@dog.jpg",
        BatchUploaded(_FILES, None),
    ),
    "correctMany": (
        "",
        "--data-binary @corrections.csv -H 'Content-Type: text/csv'",
        BatchCorrected(_CHANGE, _ROWS),
    ),
}
