"""Step two: a staged picture is classified, and the record becomes final."""

import logging
import time
from dataclasses import replace

import numpy as np

from classify import predict_with_vector
from imagestore import telemetry
from imagestore.errors import NotARecord, NotFound
from imagestore.pipeline import tasks
from imagestore.pipeline.commit import final_record
from imagestore.pipeline.context import Context
from imagestore.pipeline.names import staged_name
from imagestore.pipeline.restored import restored_from
from imagestore.pipeline.steps.outcome import commit_outcome
from imagestore.record import Record, record_id
from imagestore.store.documents import from_json
from preprocess import NotStaged, open_staged

log = logging.getLogger("imagestore.classify")
STEP = "classify"


def classify_staged(context: Context, name: str, *, by_event: bool = False) -> None:
    """Classify the staged picture of this upload and commit its record. A blob that we did not stage is logged and
    ignored. One that a restore has put there is left alone if nobody but its event asked (`by_event`).

    Raises Unavailable, Protected, Contended or ModelError.
    """
    with telemetry.step(STEP) as step:
        _classify(context, name, step, by_event)


def _classify(context: Context, name: str, step: telemetry.step, by_event: bool) -> None:
    started = time.perf_counter()
    try:
        blob = context.stores.staging.get(staged_name(name))
    except NotFound:
        log.info("no longer staged")
        return
    if by_event and restored_from(name, blob.metadata) is not None:
        log.info("restored id=%s", record_id(name))
        return
    data = blob.data or b""
    try:
        pixels, note = open_staged(data)
        record = _ours(name, from_json(note), pixels)
    except (NotStaged, NotARecord) as error:
        log.warning("ignored a blob in %s that is not ours: %s", context.stores.names.staging, error)
        return
    assert record.staged is not None
    assert record.upload is not None
    trace_id = step.follow(record.id, blob.last_modified, blob.metadata)
    routed = context.models.current(name)
    model = routed.model
    if record.staged.spec != model.spec:
        log.info("staged for another model id=%s", record.id)
        tasks.send(context.stores.work, tasks.Task(tasks.PREPROCESS, record.name, model=routed.sha256))
        return
    with telemetry.span("predict"):
        prediction, vector = predict_with_vector(model, pixels, context.top_classes)
    classified = replace(
        record.with_vector(vector),
        trace_id=trace_id or record.trace_id,
        project=routed.project,
        staged=replace(record.staged, size_bytes=len(data)),
        prediction=prediction,
        timings_ms={**record.timings_ms, STEP: round((time.perf_counter() - started) * 1000)},
    )
    final = final_record(classified, model.answers)

    def revise(stored: Record | None) -> Record | None:
        live = context.models.confirmed(name, _newer(context, name, stored, record))
        if live != routed:  # its answer counts then
            log.info("another model is live id=%s", record.id)
            tasks.send(context.stores.work, tasks.Task(tasks.CLASSIFY, record.name, model=live.sha256))
            return None
        return final(stored)

    commit_outcome(context.stores, record.name, record.upload.etag, revise)


def _newer(context: Context, name: str, stored: Record | None, record: Record) -> str | None:
    """The SHA-256 of a model that this process has not heard of, if one has classified this version of the upload: then
    it must ask what is live now. None if there is no such model."""
    if stored is None or stored.prediction is None or stored.upload is None or record.upload is None:
        return None
    sha256 = stored.prediction.model.sha256
    is_known = stored.upload.etag != record.upload.etag or context.models.has_replaced(name, sha256)
    return None if is_known else sha256


def _ours(name: str, record: Record, pixels: np.ndarray) -> Record:
    """The record from the staged picture's note, unless it cannot be one that we wrote for the upload `name`.

    Raises NotARecord.
    """
    staged = record.staged
    if staged is None or record.upload is None or record.prediction is not None:
        raise NotARecord("the record in it is not at this step")
    if record.name != name or record.id != record_id(record.name):
        raise NotARecord("the record in it is another blob's")
    if pixels.shape != (staged.height, staged.width, staged.channels):
        raise NotARecord(f"its pixels are {pixels.shape}")
    return record
