"""How what a restore puts back is told from what a user drops: by metadata of the blob.

Azure raises an event for each blob that is written, also for an upload that comes back from a backup with its record.
The event says nothing of who wrote it, but the step that it starts reads the blob, and its metadata with it. A blob
that has the mark was written by a restore, which then writes the record too, so its event asks for nothing. Whoever
overwrites the upload drops the mark, and what is asked for in another way (a sweep, a retry, another model) is done.
"""

from collections.abc import Mapping

from imagestore.record import record_id

MARK = "imagestore_restored"


def mark(name: str, snapshot: str) -> dict[str, str]:
    """The metadata of a blob that was made of, or is, the upload `name`, and that comes back from this snapshot."""
    return {MARK: f"{snapshot}.{record_id(name)}"}


def restored_from(name: str, metadata: Mapping[str, str]) -> str | None:
    """The snapshot from which a restore has put back the upload `name`, or what was made of it; None if none has.

    A copy of such a blob under another name, mark and all, is an upload like any other.
    """
    snapshot, _, id = metadata.get(MARK, "").partition(".")
    return snapshot if id == record_id(name) else None


def unmarked(metadata: Mapping[str, str]) -> dict[str, str]:
    """The metadata without the mark."""
    return {key: value for key, value in metadata.items() if key != MARK}
