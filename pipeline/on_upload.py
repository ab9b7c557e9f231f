"""Step one: an upload becomes a staged picture, or a rejection."""

import hashlib
import logging
import time
import uuid
from dataclasses import replace

from errors import Missing, PictureError, Reason
from pipeline.commit import commit, finish, staged_name
from pipeline.context import Context
from preprocess import write_staged
from record import ImageSpec, Record, Staged, Upload, record_id, rejection, utc
from store import Blob
from store.documents import to_json

log = logging.getLogger("imagestore.preprocess")
STEP = "preprocess"


def on_upload(context: Context, name: str) -> None:
    """Preprocess the upload of this name as it is now; one that is gone is left to its deletion's event. Away."""
    started = time.perf_counter()
    limits = context.limits
    try:
        blob = context.stores.uploads.get(name, 0 if len(name) > limits.max_name_length else limits.max_bytes)
    except Missing:
        log.info("gone id=%s", record_id(name))
        return
    record = _begun(name, blob)
    spec = context.live.current().spec
    try:
        data = _acceptable(context, name, blob)
        image, pixels = context.decoder.preprocess(data, spec, limits)
    except PictureError as error:
        rejected = replace(record, problem=rejection(STEP, error), timings_ms={STEP: _ms_since(started)})
        return commit(context.stores, name, blob.etag, finish(rejected))
    staged = replace(
        record,
        image=image,
        staged=_staged(name, spec),
        timings_ms={STEP: _ms_since(started)},
        staged_at=utc(),
    )
    context.stores.staging.overwrite(staged_name(name), write_staged(pixels, to_json(staged).decode()), "image/png")
    log.info("staged id=%s ms=%d", record.id, _ms_since(started))


def _begun(name: str, blob: Blob) -> Record:
    sha256 = None if blob.data is None else hashlib.sha256(blob.data).hexdigest()
    return Record(
        id=record_id(name),
        name=name,
        upload=Upload(blob.etag, blob.size_bytes, blob.content_type, sha256),
        uploaded_at=utc(blob.last_modified),
        trace_id=uuid.uuid4().hex,
    )


def _acceptable(context: Context, name: str, blob: Blob) -> bytes:
    """The upload's bytes, if its name and size are within the limits."""
    limits = context.limits
    if len(name) > limits.max_name_length:
        detail = f"The name has {len(name)} characters; the limit is {limits.max_name_length} (MAX_NAME_LENGTH)."
        raise PictureError(Reason.NAME_TOO_LONG, detail)
    if blob.data is None:
        detail = f"{blob.size_bytes} bytes; the limit is {limits.max_bytes} (MAX_BYTES)."
        raise PictureError(Reason.TOO_MANY_BYTES, detail)
    return blob.data


def _staged(name: str, spec: ImageSpec) -> Staged:
    """Its size is known only once it is written; the next step, which reads it, fills it in."""
    return Staged(staged_name(name), 0, spec.width, spec.height, spec.channels, spec.crop)


def _ms_since(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)
