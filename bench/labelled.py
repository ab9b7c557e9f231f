"""What pages that count labelled pictures take of the web app: `python -m bench.labelled [PICTURES …]`.

In processor time of this process: of /labels, of what is there and missing (/train, and what to label next), once a
list is kept; right after this process has changed a picture of it; and with a list made of what the store tells. The
store itself is not measured: it stands here as a list in memory. A tenth as many uploads are corrected, and half of
these are labelled pictures too.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from bench.p95 import p95_ms, show
from bench.web import many
from imagestore.pipeline.labelling.labelled import corrections_alone, used_labels
from imagestore.pipeline.labelling.learnable import learnable
from imagestore.record import Correction
from imagestore.store import StoredRecord
from imagestore.store.projects import FIRST
from imagestore.store.training import ListedPicture, Part
from imagestore.web.index.counting import corrected_labels
from imagestore.web.index.index import Index
from imagestore.web.index.picture_lists import Listing, PictureLists
from imagestore.web.index.training_queries import corrections

_LABELS = 300


class Told:
    """Labelled pictures as a store tells them. `is_long` says that it takes long to."""

    folder = FIRST.name

    def __init__(self, count: int) -> None:
        self._pictures = [
            ListedPicture(
                _content(n), "0x1", True, (f"label {n % _LABELS}",), False, Part.LEARN, f"{n}.jpg", f"{n:09d}"
            )
            for n in range(count)
        ]

    def list(self) -> Iterator[ListedPicture]:
        """All of them."""
        yield from self._pictures

    def look(self, sha256: str) -> ListedPicture:
        """One of them."""
        return replace(self._pictures[0], sha256=sha256)


def _content(number: int) -> str:
    return hashlib.sha256(f"{number}".encode()).hexdigest()


def corrected(index: Index, count: int) -> None:
    """Fill the index with so many corrected uploads, every other one a labelled picture too."""
    records = [
        replace(
            record,
            upload=record.upload and replace(record.upload, sha256=_content(n) if n % 2 else "f" * 64),
            correction=Correction(f"label {n % _LABELS}", "me", "2026-11-21T09:00:00.000Z"),
        ).finished(record.uploaded_at or "")
        for n, record in enumerate(many(count))
    ]
    index.apply([StoredRecord(record, "", None, 1) for record in records], "bench", "1")


def measured(count: int, folder: Path) -> dict[str, float]:
    """Milliseconds of processor time, the 95th percentile, by what was done."""
    index, told = Index(folder / f"{count}.sqlite"), Told(count)
    lists = PictureLists(wait_s=0)  # as if the store took long to list them
    corrected(index, count // 10)

    def listing() -> Listing:
        return lists.get(told)  # type: ignore[arg-type]

    def labels_page() -> None:
        there = listing()
        said = ((label, content) for _, label, content in corrected_labels(index, ()))
        used_labels(there.tally, corrections_alone(said, there.labels_of))

    def train_page() -> None:
        there = listing()
        given = corrections(index, lambda project: True, "2026", there.labels_of)
        learnable(FIRST, there.tally, given.labels, given.contradicted)

    def read_anew() -> None:
        lists.forget(told.folder)
        train_page()

    def after_a_change() -> None:
        lists.changed(told.folder, [_content(7)])
        train_page()

    p95 = partial(p95_ms, clock=time.process_time)  # with the threads that read behind what is shown
    return {
        "/labels": p95(labels_page),
        "/train, what to label next": p95(train_page),
        "the same after a change of a picture": p95(after_a_change),
        "the same with the list made anew": p95(read_anew),
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.labelled", description=__doc__)
    parser.add_argument("pictures", nargs="*", type=int, default=[10_000, 100_000])
    counts = parser.parse_args().pictures
    with tempfile.TemporaryDirectory() as folder:
        found = [measured(count, Path(folder)) for count in counts]
    show([f"{count:,} labelled" for count in counts], found)


if __name__ == "__main__":
    main()
