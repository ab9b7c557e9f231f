"""Records that tests of the web app make themselves."""

import hashlib
import itertools
from collections.abc import Iterable
from dataclasses import replace

from classify import ModelRef, Prediction, Score
from imagestore.record import Failure, Record, Staged, Upload, record_id
from imagestore.store import StoredRecord
from imagestore.web.index.index import Index
from preprocess import ImageInfo, ImageSpec

LABELS = ("tabby", "rose", "rose's", "Röse", "unknown thing")
SPEC = ImageSpec(224, 224, 1, 0.875)


def picture(
    name: str,
    label: str = "tabby",
    confidence: float = 0.8,
    *,
    at: str = "2026-11-21T09:00:00.000Z",
    phash: str = "00000000000000ff",
    content: str | None = None,
) -> Record:
    """A final record; its status follows from the confidence (the threshold is 0.35)."""
    sha256 = hashlib.sha256((content or name).encode()).hexdigest()
    return Record(
        record_id(name),
        name,
        upload=Upload("0x" + sha256[:12].upper(), 1000, "image/jpeg", sha256),
        image=ImageInfo("JPEG", 640, 480, "RGB", phash=phash),
        staged=Staged(name + ".png", 100, SPEC.width, SPEC.height, SPEC.channels, SPEC.crop),
        prediction=Prediction(
            label, confidence, 0.2, 0.35, (Score(label, confidence), Score("other", 0.1)), ModelRef("m", "1", "f" * 64)
        ),
        timings_ms={"preprocess": 20, "classify": 10},
        uploaded_at=at,
    ).finished(at)


def rejected(name: str, reason: str = "corrupt", detail: str = "The decoder says no.") -> Record:
    """The record of a file that is no good picture."""
    record = picture(name)
    return replace(
        record, image=None, staged=None, prediction=None, problem=Failure("preprocess", reason, detail)
    ).finished(record.uploaded_at or "")


_revisions = itertools.count(1)


def stored(record: Record, revision: int | None = None) -> StoredRecord:
    """The record as the store would give it, newer than all that were made before unless its revision is given."""
    number = next(_revisions) if revision is None else revision
    return StoredRecord(record, f"etag {number}", None, number)


def take_in(index: Index, records: Iterable[Record], token: str = "1") -> int:
    """Let the change feed bring these records."""
    return index.apply([stored(record) for record in records], "generation", token)
