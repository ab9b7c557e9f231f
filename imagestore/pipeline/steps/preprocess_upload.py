"""Step one: an upload becomes a staged picture, or its record says why it is rejected."""

import hashlib
import logging
import time
import uuid
from dataclasses import replace

import numpy as np

from imagestore import telemetry
from imagestore.errors import NotFound
from imagestore.pipeline.checks import warn_of_versions
from imagestore.pipeline.commit import final_record
from imagestore.pipeline.context import Context
from imagestore.pipeline.names import staged_name
from imagestore.pipeline.restored import restored_from
from imagestore.pipeline.steps.outcome import commit_outcome
from imagestore.record import Record, Staged, Upload, record_id, rejection, utc
from imagestore.store import Blob
from imagestore.store.documents import to_json
from preprocess import ImageSpec, PictureError, Reason, write_staged

log = logging.getLogger("imagestore.preprocess")
STEP = "preprocess"


def preprocess_upload(context: Context, name: str, *, by_event: bool = False) -> None:
    """Preprocess the current version of this upload. If it no longer exists, return: its deletion has an event of its
    own. Return, too, if nobody but its event asked (`by_event`) and a restore has put it there, with its record.

    Raises Unavailable, Protected, Contended, DecoderFailed or ModelError.
    """
    with telemetry.step(STEP) as step:
        _preprocess(context, name, step, by_event)


def _preprocess(context: Context, name: str, step: telemetry.step, by_event: bool) -> None:
    with context.uploads_at_once:  # the upload's bytes are held in here alone
        done = _preprocessed(context, name, step, by_event)
    if done is None:
        return
    record, pixels = done
    if pixels is None:
        assert record.upload is not None
        final = final_record(replace(record, project=context.models.confirmed(name).project))
        return commit_outcome(context.stores, name, record.upload.etag, final)
    staging, note = context.stores.staging, to_json(record).decode()
    staging.overwrite(staged_name(name), write_staged(pixels, note), "image/png", telemetry.carried())
    if staging.keeps_versions:
        warn_of_versions(staging.container)
    log.info("staged id=%s ms=%d", record.id, record.timings_ms[STEP])


def _preprocessed(
    context: Context, name: str, step: telemetry.step, by_event: bool
) -> tuple[Record, np.ndarray | None] | None:
    """The record as far as it is known, and the pixels, or None where it says why there are none.

    Returns None where the upload is gone, or nothing is to be done.
    """
    started, limits = time.perf_counter(), context.limits
    try:
        blob = context.stores.uploads.get(name, 0 if len(name) > limits.max_name_length else limits.max_bytes)
    except NotFound:
        log.info("gone id=%s", record_id(name))
        return None
    if by_event and restored_from(name, blob.metadata) is not None:
        log.info("restored id=%s", record_id(name))
        return None
    trace_id = step.follow(record_id(name), blob.last_modified, blob.metadata)
    record = begun_record(name, blob, trace_id)
    routed = context.models.current(name)
    spec, record = routed.model.spec, replace(record, project=routed.project)
    try:
        data = _acceptable(context, name, blob)
        with telemetry.span("decode"):
            image, pixels = context.decoder.preprocess(data, spec, limits)
    except PictureError as error:
        return replace(record, problem=rejection(STEP, error), timings_ms={STEP: _ms_since(started)}), None
    staged = replace(
        record,
        image=image,
        staged=_staged(name, spec),
        timings_ms={STEP: _ms_since(started)},
        staged_at=utc(),
    )
    return staged, pixels


def begun_record(name: str, blob: Blob, trace_id: str | None = None) -> Record:
    """An upload's record before it was decoded, with this trace or one of its own. `sha256` is None if the content was
    not read."""
    sha256 = None if blob.data is None else hashlib.sha256(blob.data).hexdigest()
    return Record(
        id=record_id(name),
        name=name,
        upload=Upload(blob.etag, blob.size_bytes, blob.content_type, sha256),
        uploaded_at=utc(blob.last_modified),
        trace_id=trace_id or uuid.uuid4().hex,
    )


def _acceptable(context: Context, name: str, blob: Blob) -> bytes:
    """The upload's bytes. Raises PictureError if its name or size is over the limit."""
    limits = context.limits
    if len(name) > limits.max_name_length:
        detail = f"The name has {len(name)} characters; the limit is {limits.max_name_length} (MAX_NAME_LENGTH)."
        raise PictureError(Reason.NAME_TOO_LONG, detail)
    if blob.data is None:
        detail = f"{blob.size_bytes} bytes; the limit is {limits.max_bytes} (MAX_BYTES)."
        raise PictureError(Reason.TOO_MANY_BYTES, detail)
    return blob.data


def _staged(name: str, spec: ImageSpec) -> Staged:
    """What the record says of the staged picture.

    Its size is 0 here; `classify_staged` fills it in when it reads the blob.
    """
    how = spec.crop, spec.fit, spec.pad_value, spec.plain
    return Staged(staged_name(name), 0, spec.width, spec.height, spec.channels, *how)


def _ms_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
