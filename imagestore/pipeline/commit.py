"""The one module that writes records, result blobs and tags, so that in the end they speak of the upload that is there.

The order of the calls matters, and tests/exhaustive runs every interleaving of it: read the record, look at the upload,
put the result on the ETag that the record knows, write the record on its own ETag, tag the upload. After a conflict it
starts over, and looks up the result blob's ETag instead of believing the record.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from classify import Earlier, Prediction
from imagestore import telemetry
from imagestore.errors import Conflict, Contended, NotFound
from imagestore.pipeline import tasks
from imagestore.pipeline.names import RENDITIONS, rendition_name, result_name, staged_name
from imagestore.record import LONGEST_NAME, Record, Said, Status, Upload, record_id, tombstone, utc
from imagestore.store import BlobState, StoredRecord, Stores
from imagestore.store.documents import to_json
from imagestore.store.tags import tags_of

log = logging.getLogger("imagestore.commit")

_TRIES = 50
Revise = Callable[[Record | None], Record | None]
"""A function from the stored record (None if there is none) to the record to write, or to None to leave it as it is."""


def commit(stores: Stores, name: str, etag: str, revise: Revise, *, believe_record: bool = True) -> Record | None:
    """Bring record, result blob and tags of the upload `name` up to date, if `etag` is still its version. Returns the
    record if it was written, None if it stays as it is.

    If the upload was overwritten, it is queued again; if it was deleted, what was made of it is removed. Raises
    Unavailable, Protected or Contended.
    """
    with telemetry.span("commit"):
        return _commit(stores, name, etag, revise, believe_record)


def _commit(stores: Stores, name: str, etag: str, revise: Revise, believe_record: bool) -> Record | None:
    id = record_id(name)
    for _ in range(_TRIES):
        stored = stores.records.read(id)
        result_etag = _result_etag(stores, name, stored, believe_record)
        upload = stores.uploads.stat(name)
        if upload is None:
            remove_outputs(stores, name)
            return None
        if upload.etag != etag:
            log.info("superseded id=%s", id)
            tasks.send(stores.work, tasks.Task(tasks.PREPROCESS, name))
            return None
        record = new = revise(stored.record if stored else None)
        if record is None and stored is not None:
            if believe_record:  # whoever was here before may have died between result and record: look at both
                believe_record = False
                continue
            if result_etag != stored.result_etag:
                record = stored.record  # the result is not the one this record was written with: bring them together
        try:
            if record is not None:
                written = stores.results.put(result_name(name), to_json(record), "application/json", result_etag)
                stores.records.write(record, written, stored)
                log.info("committed id=%s status=%s", id, record.status)
            elif stored is not None:
                record = stored.record
            if record is not None:
                _tag(stores, record, upload)
            return new
        except Conflict:
            believe_record = False
    raise Contended(f"Record {id} was written by others {_TRIES} times in a row.")


def remove_outputs(stores: Stores, name: str, *, for_good: bool = False) -> None:
    """Delete what was made of an upload that no longer exists, and leave a tombstone as its record. A result that is
    to outlive its upload (KEEP_RESULTS) goes only `for_good`.

    The tombstone is written again even if there is one already, so that its ETag changes for whoever has read the old
    one. Raises Unavailable, Protected or Contended.
    """
    id = record_id(name)
    for _ in range(_TRIES):
        stored = stores.records.read(id)
        result_etag = _result_etag(stores, name, stored, False)
        staged = stores.staging.stat(staged_name(name)) if len(name) <= LONGEST_NAME else None
        if stores.uploads.stat(name) is not None:
            return
        try:
            if result_etag is not None and (for_good or not stores.names.keep_results):
                stores.results.delete(result_name(name), result_etag)
            if staged is not None:
                stores.staging.delete(staged_name(name), staged.etag)
            for kind in RENDITIONS:
                stores.thumbnails.delete(rendition_name(id, kind))
            stores.records.write(tombstone(name, utc()), None, stored)
            log.info("removed what was made of id=%s", id)
            return
        except Conflict:
            continue
    raise Contended(f"Record {id} was written by others {_TRIES} times in a row.")


def repair(stores: Stores, name: str) -> None:
    """Make result blob and tags agree with the stored record; if the upload is newer than the record, queue it.

    Raises Unavailable, Protected or Contended.
    """
    stored = stores.records.read(record_id(name))
    if stored is not None and stored.record.upload is not None:
        commit(stores, name, stored.record.upload.etag, lambda _: None, believe_record=False)


def restore(stores: Stores, record: Record, result_etag: str) -> bool:
    """Write this record, read from a result blob, unless the upload has one.

    Returns whether it was written. Raises Unavailable.
    """
    try:
        stores.records.write(record, result_etag, None)
    except Conflict:
        return False
    return True


def hide(
    stores: Stores, id: str, until: str | None, may: Callable[[StoredRecord], bool] | None = None
) -> StoredRecord | None:
    """Have lists leave a picture out until this time, or with None show it again; None if there is no record of it.

    `may` is asked last before each attempt to write, of the record as it is; with it the record is written even if it
    says so already, so that whoever has read it to write something else finds that it has changed. Every instance of
    the web app learns of it by the change feed. Raises Unavailable or Contended.
    """
    for _ in range(_TRIES):
        stored = stores.records.read(id)
        if stored is None or stored.record.status is Status.DELETED:
            return stored
        if stored.hidden_until == until if may is None else not may(stored):
            return stored
        try:
            return stores.records.hide(stored, until)
        except Conflict:
            continue
    raise Contended(f"Record {id} was written by others {_TRIES} times in a row.")


def tag_as_failed(stores: Stores, failed: Record) -> None:
    """Tag the upload as failed though its record cannot be written now, so that sweeps do not queue it again and again.

    Raises NotFound, Conflict, Unavailable or Protected.
    """
    upload = stores.uploads.stat(failed.name)
    if upload is not None:
        _tag(stores, failed.finished(utc()), upload)


def final_record(record: Record, labels: Collection[str] = ()) -> Revise:
    """Return the function that `commit` applies: it replaces the stored record with this one.

    It keeps what people have said while the picture is the same, and returns None if nothing would change. `labels` are
    those of the record's model: if another model gave the picture one of them before, the prediction keeps that as
    `earlier`.
    """

    def revise(stored: Record | None) -> Record | None:
        prediction, upload = _prediction(stored, record, labels), _upload(stored, record)
        said = {"correction": _said(stored, record, "correction"), "wrong": _said(stored, record, "wrong")}
        finished = replace(record, upload=upload, prediction=prediction, **said).finished(utc())
        if stored is None or not _is_of_the_same_upload(stored, finished):
            return finished
        if finished.status is Status.FAILED and stored.status is not Status.FAILED:
            return None  # a late failure takes nothing back
        return None if stored.says_the_same_as(finished) else finished

    return revise


def _result_etag(stores: Stores, name: str, stored: StoredRecord | None, believe_record: bool) -> str | None:
    if believe_record:
        return stored.result_etag if stored else None
    result = stores.results.stat(result_name(name))
    return result.etag if result else None


def _tag(stores: Stores, record: Record, upload: BlobState) -> None:
    try:
        left_out = stores.uploads.tag(record.name, tags_of(record), upload)
    except NotFound:  # deleted just now: its own event follows
        log.info("gone before it was tagged id=%s", record.id)
        return
    if left_out:
        log.warning("id=%s has no room for %s beside its own tags: Azure takes ten", record.id, ", ".join(left_out))


def _upload(stored: Record | None, record: Record) -> Upload | None:
    """The record's upload, or the stored one where only that one knows the SHA-256 of this same version."""
    is_unread = record.upload is not None and record.upload.sha256 is None
    return stored.upload if stored and is_unread and _is_of_the_same_upload(stored, record) else record.upload


def _said(stored: Record | None, record: Record, what: Said) -> Any:
    """What somebody has said of the picture, as the new record keeps it: that of the stored one if it is of the same
    picture, or if a failure leaves that open."""
    if stored is None or (said := getattr(stored, what)) is None or stored.upload is None or record.upload is None:
        return None
    if _is_of_the_same_upload(stored, record):
        return said
    sha256 = said.sha256 or stored.upload.sha256
    has_failed = record.problem is not None and not record.problem.is_the_pictures
    if sha256 is not None and (record.upload.sha256 == sha256 or (record.upload.sha256 is None and has_failed)):
        return replace(said, sha256=sha256)
    return None


def _prediction(stored: Record | None, record: Record, labels: Collection[str]) -> Prediction | None:
    """The new record's prediction, with what another model predicted before if the two disagree."""
    if record.prediction is None or stored is None or stored.prediction is None:
        return record.prediction
    before, earlier = stored.prediction, None
    if _is_the_same_picture(stored, record):
        if before.model.sha256 == record.prediction.model.sha256:
            earlier = before.earlier
        elif before.label != record.prediction.label and before.label in labels:
            earlier = Earlier(before.label, before.confidence, before.model)
    return replace(record.prediction, earlier=earlier)


def _is_the_same_picture(stored: Record, record: Record) -> bool:
    if stored.upload is None or record.upload is None or stored.upload.sha256 is None:
        return False
    return stored.upload.sha256 == record.upload.sha256


def _is_of_the_same_upload(stored: Record, record: Record) -> bool:
    return bool(stored.upload and record.upload and stored.upload.etag == record.upload.etag)
