"""Rebuilds the records from the results, for when Cosmos DB was lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from errors import Missing
from pipeline.commit import restore, result_name
from store import Stores
from store.documents import NotARecord, from_json

_AT_ONCE = 8


@dataclass(frozen=True)
class Rebuilt:
    """What became of one result: its record was written, was there, or could not be (`skipped` says why)."""

    written: bool = False
    skipped: str | None = None


def rebuild(stores: Stores, *, dry_run: bool = False) -> Iterator[Rebuilt]:
    """Write a record for each result whose upload is still there and that has none. Records that are there stay.

    It may be stopped and started again at any time. Raises Away.
    """
    uploads = {result_name(blob.name) for page, _ in stores.uploads.list() for blob in page}

    def one(name: str) -> Rebuilt:
        if name not in uploads:
            return Rebuilt(skipped="its upload is gone")
        try:
            blob = stores.results.get(name)
            record = from_json(blob.data or b"")
        except Missing:
            return Rebuilt(skipped="its upload is gone")
        except NotARecord:
            return Rebuilt(skipped="it is no result of ours")
        if result_name(record.name) != name:
            return Rebuilt(skipped="it is no result of ours")
        return Rebuilt(written=dry_run or restore(stores, record, blob.etag))

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        for page, _ in stores.results.list():
            yield from pool.map(one, [blob.name for blob in page])
