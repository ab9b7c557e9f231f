"""Alone writes records, result blobs and tags, so that in the end they speak of the upload that is there now.

The order is the proof (tests/exhaustive runs every interleaving of it): read the record, look at the upload, put the
result on the ETag the record knows, write the record on its own ETag, tag the upload. A conflict anywhere starts over,
then looking up the result blob's ETag instead of believing the record.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import replace

from errors import Conflict, Missing
from pipeline import tasks
from record import Correction, Earlier, Prediction, Record, Status, record_id, tombstone, utc
from settings import LONGEST_NAME
from store import Known, Present, Stores
from store.documents import to_json
from store.tags import tags_of

log = logging.getLogger("imagestore.commit")

_TRIES = 50
RENDITIONS = {"thumbnail": 384, "preview": 1600}
"""Small pictures for people to look at, and their longest side in pixels."""
Revise = Callable[[Record | None], Record | None]
"""From the record as it is known (or None) to what it is to be, or None to leave it."""


class Contended(Exception):
    """Others kept writing this record; trying again later helps."""


def commit(stores: Stores, name: str, etag: str, revise: Revise, *, believe_record: bool = True) -> None:
    """Bring record, result and tags of upload `name` up to date, if `etag` is still its version.

    If the upload was overwritten it is queued again; if it is gone, it is forgotten. Raises Away, Contended.
    """
    id = record_id(name)
    for _ in range(_TRIES):
        known = stores.records.read(id)
        result_etag = _result_etag(stores, name, known, believe_record)
        present = stores.uploads.look(name)
        if present is None:
            return forget(stores, name)
        if present.etag != etag:
            log.info("superseded id=%s", id)
            tasks.send(stores.work, tasks.Task(tasks.PREPROCESS, name))
            return
        record = revise(known.record if known else None)
        if record is None and known is not None and result_etag != known.result_etag:
            record = known.record  # the result is not the one this record was written with: bring them together
        try:
            if record is not None:
                written = stores.results.put(result_name(name), to_json(record), "application/json", result_etag)
                stores.records.write(record, written, known.etag if known else None)
                log.info("committed id=%s status=%s", id, record.status)
            elif known is not None:
                record = known.record
            if record is not None:
                _tag(stores, name, record, present)
            return None
        except Conflict:
            believe_record = False
    raise Contended(f"record {id} was written by others {_TRIES} times in a row")


def forget(stores: Stores, name: str) -> None:
    """Delete what was made of an upload that is gone, and leave a tombstone. Raises Away, Contended.

    The tombstone is written anew even over an older one: whoever read that one must find its ETag changed.
    """
    id = record_id(name)
    for _ in range(_TRIES):
        known = stores.records.read(id)
        result_etag = _result_etag(stores, name, known, False)
        staged = stores.staging.look(staged_name(name)) if len(name) <= LONGEST_NAME else None
        if stores.uploads.look(name) is not None:
            return
        try:
            if result_etag is not None and not stores.names.keep_results:
                stores.results.delete(result_name(name), result_etag)
            if staged is not None:
                stores.staging.delete(staged_name(name), staged.etag)
            for kind in RENDITIONS:
                stores.thumbnails.delete(rendition_name(id, kind))
            stores.records.write(tombstone(name, utc()), None, known.etag if known else None)
            log.info("forgotten id=%s", id)
            return
        except Conflict:
            continue
    raise Contended(f"record {id} was written by others {_TRIES} times in a row")


def repair(stores: Stores, name: str) -> None:
    """Make result and tags agree with the record, where that speaks of the present upload. Raises Away, Contended."""
    known = stores.records.read(record_id(name))
    if known is not None and known.record.upload is not None:
        commit(stores, name, known.record.upload.etag, lambda _: None, believe_record=False)


def restore(stores: Stores, record: Record, result_etag: str) -> bool:
    """Write the record that a result blob holds, if there is none; whether there was none. Raises Away."""
    try:
        stores.records.write(record, result_etag, None)
    except Conflict:
        return False
    return True


def finish(record: Record, labels: Collection[str] = ()) -> Revise:
    """Revise to this record: a correction stays while the picture is the same; the same work changes nothing.

    `labels` are those that its model knows: what another model had said is remembered if it is one of them.
    """

    def revise(known: Record | None) -> Record | None:
        correction, prediction = _correction(known, record), _prediction(known, record, labels)
        finished = replace(record, correction=correction, prediction=prediction).finished(utc())
        if known is None or not _speaks_of_the_same_upload(known, finished):
            return finished
        if finished.status is Status.FAILED and known.status is not Status.FAILED:
            return None  # a late failure takes nothing back
        return None if known.says_the_same_as(finished) else finished

    return revise


def staged_name(name: str) -> str:
    """The name of the staged blob of an upload."""
    return name + ".png"


def result_name(name: str) -> str:
    """The name of the result blob of an upload; one whose name would be too long is named by its id."""
    return (name if len(name) <= LONGEST_NAME else record_id(name)) + ".json"


def rendition_name(id: str, kind: str) -> str:
    """The name of a rendition's blob in `thumbnails`."""
    return f"{id}.{kind}.webp"


def _result_etag(stores: Stores, name: str, known: Known | None, believe_record: bool) -> str | None:
    if believe_record:
        return known.result_etag if known else None
    present = stores.results.look(result_name(name))
    return present.etag if present else None


def _tag(stores: Stores, name: str, record: Record, present: Present) -> None:
    try:
        stores.uploads.tag(name, tags_of(record), present)
    except Missing:  # deleted just now: its own event follows
        log.info("gone before it was tagged id=%s", record.id)


def _correction(known: Record | None, record: Record) -> Correction | None:
    return known.correction if known is not None and _is_the_same_picture(known, record) else None


def _prediction(known: Record | None, record: Record, labels: Collection[str]) -> Prediction | None:
    """The record's, with what another model had said where they disagree."""
    if record.prediction is None or known is None or known.prediction is None:
        return record.prediction
    was, earlier = known.prediction, None
    if _is_the_same_picture(known, record):
        if was.model.sha256 == record.prediction.model.sha256:
            earlier = was.earlier
        elif was.label != record.prediction.label and was.label in labels:
            earlier = Earlier(was.label, was.confidence, was.model)
    return replace(record.prediction, earlier=earlier)


def _is_the_same_picture(known: Record, record: Record) -> bool:
    if known.upload is None or record.upload is None or known.upload.sha256 is None:
        return False
    return known.upload.sha256 == record.upload.sha256


def _speaks_of_the_same_upload(known: Record, record: Record) -> bool:
    return bool(known.upload and record.upload and known.upload.etag == record.upload.etag)
