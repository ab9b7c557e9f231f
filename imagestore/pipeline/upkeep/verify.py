"""Compares uploads, staged pictures, result blobs, records and tags, and reports every difference.

It lists each container once and reads a summary of every record, so it makes no call per picture. It needs about half a
kilobyte of memory per picture.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from imagestore.pipeline import tasks
from imagestore.pipeline.names import result_name, staged_name, upload_name, upload_of_result
from imagestore.record import Status
from imagestore.store import Listed, Stores
from imagestore.store.records import Summary
from imagestore.store.tags import agree, tags_for

_STAGED = {Status.CLASSIFIED, Status.UNKNOWN}


class Kind(StrEnum):
    """How the stores disagree about an upload."""

    NO_RECORD = "no record"
    OTHER_VERSION = "the record is of another version"
    NO_STAGED = "no staged picture"
    NO_RESULT = "no result"
    OTHER_RESULT = "the result is not the record's"
    TAGS = "the tags do not say what the record says"
    ORPHAN_RECORD = "a record without an upload"
    ORPHAN_RESULT = "a result without an upload"
    ORPHAN_STAGED = "a staged picture without an upload"


MENDED_BY = {
    Kind.NO_RECORD: tasks.PREPROCESS,
    Kind.OTHER_VERSION: tasks.PREPROCESS,
    Kind.NO_STAGED: tasks.PREPROCESS,
    Kind.NO_RESULT: tasks.REPAIR,
    Kind.OTHER_RESULT: tasks.REPAIR,
    Kind.TAGS: tasks.REPAIR,
    Kind.ORPHAN_RECORD: tasks.CLEAN_UP,
    Kind.ORPHAN_RESULT: tasks.CLEAN_UP,
    Kind.ORPHAN_STAGED: tasks.CLEAN_UP,
}


@dataclass(frozen=True)
class Difference:
    """One disagreement between the stores about the upload of this name."""

    name: str
    kind: Kind

    def task(self) -> tasks.Task:
        """The task that resolves it."""
        return tasks.Task(MENDED_BY[self.kind], self.name)


def mend(stores: Stores, difference: Difference) -> None:
    """Queue the task that resolves the difference. Raises Unavailable."""
    tasks.send(stores.work, difference.task())


def verify(
    stores: Stores, min_age_s: float = 0, seen: Callable[[int], None] = lambda count: None
) -> Iterator[Difference]:
    """Yield every difference. Uploads younger than `min_age_s` are left out, since they may still be in progress.

    `seen` is called after each page with the number of uploads on it. Raises Unavailable.
    """
    young = datetime.now(UTC) - timedelta(seconds=min_age_s)
    records = {summary.name: summary for summary in stores.records.summaries()}
    results = {blob.name: blob.etag for page, _ in stores.results.list() for blob in page}
    staged = {blob.name for page, _ in stores.staging.list() for blob in page}
    names = set()
    for page, _ in stores.uploads.list(tags=True):
        for blob in page:
            names.add(blob.name)
            if blob.last_modified <= young:
                yield from _of_upload(blob, records.get(blob.name), results, staged)
        seen(len(page))
    yield from _orphans(stores, names, records, results, staged)


def _of_upload(blob: Listed, record: Summary | None, results: dict[str, str], staged: set[str]) -> Iterator[Difference]:
    name = blob.name
    if record is None or record.status == Status.DELETED:
        yield Difference(name, Kind.NO_RECORD)
        return
    if record.etag != blob.etag:
        yield Difference(name, Kind.OTHER_VERSION)
        return
    if record.status in _STAGED and staged_name(name) not in staged:
        yield Difference(name, Kind.NO_STAGED)
    if result_name(name) not in results:
        yield Difference(name, Kind.NO_RESULT)
    elif results[result_name(name)] != record.result_etag:
        yield Difference(name, Kind.OTHER_RESULT)
    if not agree(blob.tags, tags_for(blob.etag, record.status, record.label)):
        yield Difference(name, Kind.TAGS)


def _orphans(
    stores: Stores, names: set[str], records: dict[str, Summary], results: dict[str, str], staged: set[str]
) -> Iterator[Difference]:
    for name, record in records.items():
        if name not in names and record.status != Status.DELETED:
            yield Difference(name, Kind.ORPHAN_RECORD)
    if not stores.names.keep_results:
        for result in results:
            upload = upload_of_result(result)
            if upload is not None and upload not in names:
                yield Difference(upload, Kind.ORPHAN_RESULT)
    for blob in staged:
        if (name := upload_name(blob)) not in names:
            yield Difference(name, Kind.ORPHAN_STAGED)
