"""Rebuilds the records in Cosmos DB from the result blobs, for when Cosmos DB was lost."""

from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

from imagestore.errors import NotARecord, NotFound
from imagestore.pipeline.commit import restore
from imagestore.pipeline.names import former_result_name, result_name
from imagestore.store import Stores, create_records
from imagestore.store.documents import from_json

_AT_ONCE = 8
_BATCH = 200


@dataclass(frozen=True)
class Rebuilt:
    """What became of one result: its record was written, was there already, or was skipped for a reason."""

    written: bool = False
    skipped: str | None = None


def delete_records(stores: Stores) -> Generator[int, None, None]:
    """Delete all records one by one, since roles for data allow no more. Yields how many were deleted since the last.

    It can be stopped at any time and started again, which deletes the rest. Raises as `rebuild` does.
    """
    create_records(stores)
    ids = stores.records.ids()
    try:
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            while batch := list(islice(ids, _BATCH)):
                for _ in pool.map(stores.records.delete, batch):
                    pass
                yield len(batch)
    finally:
        stores.records.mark_cleared()


def rebuild(stores: Stores, *, dry_run: bool = False) -> Iterator[Rebuilt]:
    """Write the missing record of each result whose upload still exists. Existing records stay.

    With `dry_run` nothing is changed. It can be stopped at any time and started again. Raises Unavailable, or
    StoreError if there is no container of records and this identity may not create it.
    """
    if not dry_run:
        create_records(stores)
    names = [blob.name for page, _ in stores.uploads.list() for blob in page]
    uploads = {of(name) for name in names for of in (result_name, former_result_name)}

    def one(name: str) -> Rebuilt:
        if name not in uploads:
            return Rebuilt(skipped="its upload is gone")
        try:
            blob = stores.results.get(name)
            record = from_json(blob.data or b"")
        except NotFound:
            return Rebuilt(skipped="its upload is gone")
        except NotARecord:
            return Rebuilt(skipped="it is no result of ours")
        if name not in (result_name(record.name), former_result_name(record.name)):
            return Rebuilt(skipped="it is no result of ours")
        return Rebuilt(written=dry_run or restore(stores, record, blob.etag))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for page, _ in stores.results.list():
            yield from pool.map(one, [blob.name for blob in page])
