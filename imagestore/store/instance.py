"""Which instance this is, and whether a backup is being restored into it: two small files in the container `models`.

`instance.json` has the name by which backups know the instance, and goes into them. `restore.json` is there while a
restore is not finished, also one that broke off.
"""

import uuid
from dataclasses import dataclass

from imagestore.errors import Conflict
from imagestore.store.blobs import Blobs
from imagestore.store.guarded import GuardedJson

INSTANCE = "instance.json"
RESTORE = "restore.json"


@dataclass(frozen=True)
class Instance:
    """An instance's name, a UUID."""

    id: str


@dataclass(frozen=True)
class OpenRestore:
    """A restore that is not finished: from which snapshot, since when (UTC), and by whom."""

    snapshot: str
    begun_at: str
    by: str


def instance_id(blobs: Blobs) -> str | None:
    """The name of the instance; None if it has none yet. Raises Unavailable, StoreError."""
    found, _ = GuardedJson(blobs, INSTANCE, Instance, "the instance's name").read()
    return None if found is None else found.id


def name_instance(blobs: Blobs, id: str | None = None) -> str:
    """Give the instance this name, or a new one, unless it has one. Returns the one that it has.

    Raises Unavailable, StoreError.
    """
    file = GuardedJson(blobs, INSTANCE, Instance, "the instance's name")
    found, _ = file.read()
    if found is None:
        found = Instance(id or str(uuid.uuid4()))
        try:
            file.write(found, None)
        except Conflict:  # another backup has named it just now
            return name_instance(blobs)
    return found.id


def open_restore(blobs: Blobs) -> OpenRestore | None:
    """The restore that is not finished; None if there is none. Raises Unavailable, StoreError."""
    return _restores(blobs).read()[0]


def begin_restore(blobs: Blobs, restore: OpenRestore) -> None:
    """Note that this restore begins. Raises Conflict if there is one already; Unavailable."""
    _restores(blobs).write(restore, None)


def end_restore(blobs: Blobs) -> None:
    """Note that no restore goes on any more. Raises Unavailable."""
    blobs.delete(RESTORE)


def _restores(blobs: Blobs) -> GuardedJson[OpenRestore]:
    return GuardedJson(blobs, RESTORE, OpenRestore, "the restore")
