"""Step two: a staged picture is classified, and the record becomes final."""

import logging
import time
from dataclasses import replace

import numpy as np

from classify import predict
from errors import Missing
from pipeline import tasks
from pipeline.commit import commit, finish, staged_name
from pipeline.context import Context
from preprocess import open_staged
from preprocess.staged import NotStaged
from record import Record, record_id
from store.documents import NotARecord, from_json

log = logging.getLogger("imagestore.classify")
STEP = "classify"


def on_staged(context: Context, name: str) -> None:
    """Classify the staged blob of this name. One that we did not stage is left alone; the log says so. Away."""
    started = time.perf_counter()
    try:
        data = context.stores.staging.get(name).data or b""
    except Missing:
        log.info("no longer staged")
        return
    try:
        pixels, note = open_staged(data)
        record = _ours(name, from_json(note), pixels)
    except (NotStaged, NotARecord) as error:
        log.warning("ignored a blob in %s that is not ours: %s", context.stores.names.staging, error)
        return
    assert record.staged is not None
    assert record.upload is not None
    model = context.live.current()
    if record.staged.spec != model.spec:
        log.info("staged for another model id=%s", record.id)
        tasks.send(context.stores.work, tasks.Task(tasks.PREPROCESS, record.name))
        return
    classified = replace(
        record,
        staged=replace(record.staged, size_bytes=len(data)),
        prediction=predict(model, pixels, context.top),
        timings_ms={**record.timings_ms, STEP: round((time.perf_counter() - started) * 1000)},
    )
    commit(context.stores, record.name, record.upload.etag, finish(classified, model.labels))


def _ours(name: str, record: Record, pixels: np.ndarray) -> Record:
    """The record, if it says what a record of ours in a blob of this name would say; else NotARecord."""
    staged = record.staged
    if staged is None or record.upload is None or record.prediction is not None:
        raise NotARecord("the record in it is not at this step")
    if staged_name(record.name) != name or record.id != record_id(record.name):
        raise NotARecord("the record in it is another blob's")
    if pixels.shape != (staged.height, staged.width, staged.channels):
        raise NotARecord(f"its pixels are {pixels.shape}")
    return record
