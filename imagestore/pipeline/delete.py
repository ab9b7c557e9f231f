"""Deletes uploads, at once or after a while in which that can be undone.

What was made of an upload is removed when the event of its deletion comes.
"""

import logging

from imagestore.errors import Conflict, NotFound
from imagestore.pipeline import tasks
from imagestore.record import record_id
from imagestore.store import BlobState, SentMessage, Stores

log = logging.getLogger("imagestore.delete")


def demand_upload(stores: Stores, name: str) -> BlobState:
    """The upload of this name, as its blob is. Raises NotFound if there is none; Unavailable."""
    state = stores.uploads.stat(name)
    if state is None:
        raise NotFound(f"There is no upload '{name}'.")
    return state


def delete(stores: Stores, name: str) -> None:
    """Delete the upload of this name. Raises NotFound if there is none; Unavailable or Protected."""
    demand_upload(stores, name)
    stores.uploads.delete(name)


def delete_later(stores: Stores, name: str, delay_s: float) -> SentMessage:
    """Delete the current version of an upload after `delay_s` seconds, even if this process has ended by then.

    Nothing changes until then; `undo` takes the message off the queue. Raises NotFound if there is no such upload;
    Unavailable.
    """
    state = demand_upload(stores, name)
    return tasks.send(stores.work, tasks.Task(tasks.DELETE_UPLOAD, name, etag=state.etag), delay_s)


def delete_version(stores: Stores, name: str, etag: str | None) -> None:
    """Delete this version of an upload; a newer one stays. Raises Conflict, Unavailable or Protected."""
    try:
        stores.uploads.delete(name, etag)
    except Conflict:
        present = stores.uploads.stat(name)
        if present is not None and present.etag == etag:
            raise
        log.info("%s id=%s", "it is gone" if present is None else "a newer version stays", record_id(name))


def is_hidden(stores: Stores, name: str, until: str) -> bool:
    """Whether lists leave this picture out until just this time, since its deletion was asked for and not taken back.

    Raises Unavailable.
    """
    stored = stores.records.read(record_id(name))
    if stored is not None and stored.hidden_until == until:
        return True
    log.info("its deletion was taken back id=%s", record_id(name))
    return False


def undo(stores: Stores, deletion: SentMessage) -> None:
    """Undo a deletion that has not happened yet. Raises NotFound if it has; Unavailable."""
    stores.work.take_back(deletion)
