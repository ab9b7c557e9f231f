"""Retries pictures when a user asks: one, all that failed, or all with one reason."""

from collections.abc import Iterator

from imagestore.pipeline import tasks
from imagestore.pipeline.delete import demand_upload
from imagestore.record import Status, stored_name
from imagestore.store import Stores


def retry_one(stores: Stores, name: str, *, dry_run: bool = False) -> str:
    """Queue this upload to be preprocessed and classified again; its name as it is stored.

    Raises NotFound if there is no upload of this name; Unavailable.
    """
    name = stored_name(name)
    demand_upload(stores, name)
    if not dry_run:
        _queue(stores, name)
    return name


def retry_failed(stores: Stores, reason: str | None = None, *, dry_run: bool = False) -> Iterator[str]:
    """Queue uploads to be preprocessed and classified again, and yield the name of each.

    With a `reason`, such as corrupt or Unavailable, all that have it, rejected ones too; without one, all that failed.
    Raises Unavailable.
    """
    found = stores.records.each(status=None if reason else str(Status.FAILED), reason=reason)
    names = [record.name for record in found]  # all before the first is queued: what is done meanwhile moves the pages
    for name in names:
        if not dry_run:
            _queue(stores, name)
        yield name


def _queue(stores: Stores, name: str) -> None:
    tasks.send(stores.work, tasks.Task(tasks.PREPROCESS, name))
