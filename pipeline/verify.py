"""Compares uploads, staged pictures, results, records and tags, and names every difference.

Lists each container once and reads each record in brief: no call per picture. It holds one small entry per picture in
memory, about half a kilobyte.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from pipeline import tasks
from pipeline.commit import result_name, staged_name
from record import Status
from settings import LONGEST_NAME
from store import Listed, Stores
from store.records import Summary
from store.tags import to_tag

_STAGED = {Status.CLASSIFIED, Status.UNKNOWN}


class Kind(StrEnum):
    """How the stores may disagree."""

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
    Kind.ORPHAN_RECORD: tasks.DELETED,
    Kind.ORPHAN_RESULT: tasks.DELETED,
    Kind.ORPHAN_STAGED: tasks.DELETED,
}


@dataclass(frozen=True)
class Difference:
    """One disagreement, by the upload's name."""

    name: str
    kind: Kind

    def task(self) -> tasks.Task:
        """What mends it."""
        return tasks.Task(MENDED_BY[self.kind], self.name)


def verify(
    stores: Stores, min_age_s: float = 0, seen: Callable[[int], None] = lambda count: None
) -> Iterator[Difference]:
    """Every difference; uploads younger than `min_age_s` may still be on their way and are left out. Away.

    `seen` hears, page by page, how many uploads were compared.
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
    expected = {"status": record.status, "of": blob.etag, "label": to_tag(record.label) if record.label else None}
    if any(blob.tags.get(key) != value for key, value in expected.items()):
        yield Difference(name, Kind.TAGS)


def _orphans(
    stores: Stores, names: set[str], records: dict[str, Summary], results: dict[str, str], staged: set[str]
) -> Iterator[Difference]:
    for name, record in records.items():
        if name not in names and record.status != Status.DELETED:
            yield Difference(name, Kind.ORPHAN_RECORD)
    if not stores.names.keep_results:
        long_names = {result_name(name) for name in names if len(name) > LONGEST_NAME}
        for result in results.keys() - long_names:
            if (name := result.removesuffix(".json")) not in names:
                yield Difference(name, Kind.ORPHAN_RESULT)
    for blob in staged:
        if (name := blob.removesuffix(".png")) not in names:
            yield Difference(name, Kind.ORPHAN_STAGED)
