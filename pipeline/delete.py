"""Deletes uploads, at once or after a while in which it can be undone. What was made of them follows by its event."""

import logging

from errors import Conflict, Missing
from pipeline import tasks
from record import record_id
from store import Receipt, Stores

log = logging.getLogger("imagestore.delete")


def delete(stores: Stores, name: str) -> None:
    """Delete the upload of this name. Missing where there is none; Away."""
    if stores.uploads.look(name) is None:
        raise Missing(f"There is no upload '{name}'.")
    stores.uploads.delete(name)


def delete_later(stores: Stores, name: str, delay_s: float) -> Receipt:
    """Delete the present version of an upload after `delay_s` seconds, whoever is still running then. Missing, Away.

    Until then nothing is changed, so that undoing is to take the message back.
    """
    present = stores.uploads.look(name)
    if present is None:
        raise Missing(f"There is no upload '{name}'.")
    return tasks.send(stores.work, tasks.Task(tasks.DELETE, name, etag=present.etag), delay_s)


def delete_version(stores: Stores, name: str, etag: str | None) -> None:
    """Delete that version of an upload; a newer one stays. Away."""
    try:
        stores.uploads.delete(name, etag)
    except Conflict:
        log.info("a newer version stays id=%s", record_id(name))


def undo(stores: Stores, receipt: Receipt) -> None:
    """Take a deletion back. Missing where it is too late; Away."""
    stores.work.take_back(receipt)
