"""The function app: which event leads to which step. The steps themselves are in imagestore/pipeline/."""

import os

import azure.functions as func

from imagestore.configure import context_of
from imagestore.pipeline import (
    classify_staged,
    on_poison,
    on_work,
    preprocess_upload,
    read_dead_letters,
    retry_later,
    scheduled_sweep,
    stored_name,
)
from imagestore.pipeline.names import upload_name
from imagestore.pipeline.tasks import CLASSIFY, PREPROCESS, Task
from imagestore.store.triggered_blob import TriggeredBlob
from imagestore.telemetry import start as start_telemetry

start_telemetry("imagestore-function", os.environ)
app = func.FunctionApp()
context = context_of(os.environ)


@app.blob_trigger(
    arg_name="upload",
    path="%UPLOADS_CONTAINER%/{name}",
    connection="IMAGES_STORAGE",
    source=func.BlobSource.EVENT_GRID,
)
def preprocess(upload: TriggeredBlob) -> None:
    """A picture was uploaded: crop and resize it, turn it gray, and put it into the staging container."""
    name = stored_name(upload.blob_name)
    with retry_later(context, Task(PREPROCESS, name, by_event=True)):
        preprocess_upload(context, name, by_event=True)


@app.blob_trigger(
    arg_name="staged",
    path="%STAGING_CONTAINER%/{name}",
    connection="IMAGES_STORAGE",
    source=func.BlobSource.EVENT_GRID,
)
def classify(staged: TriggeredBlob) -> None:
    """A picture was staged: classify it, and write result, record and tags."""
    name = stored_name(upload_name(staged.blob_name))
    with retry_later(context, Task(CLASSIFY, name, by_event=True)):
        classify_staged(context, name, by_event=True)


@app.queue_trigger(arg_name="message", queue_name="work", connection="IMAGES_STORAGE")
def work(message: func.QueueMessage) -> None:
    """A task is due: a retry, a deletion, or an upload that a sweep found."""
    on_work(context, message.get_body().decode("utf-8", "replace"))


@app.queue_trigger(arg_name="message", queue_name="webjobs-blobtrigger-poison", connection="IMAGES_STORAGE")
def poison(message: func.QueueMessage) -> None:
    """The Functions host gave up on a blob's event: queue its step for later."""
    on_poison(context, message.get_body().decode("utf-8", "replace"))


@app.timer_trigger(arg_name="timer", schedule="%DEADLETTER_SCHEDULE%")
def dead_letters(timer: func.TimerRequest) -> None:
    """Read the events that Event Grid could not deliver, and queue what they asked for."""
    read_dead_letters(context)


@app.timer_trigger(arg_name="timer", schedule="%SWEEP_SCHEDULE%")
def sweep(timer: func.TimerRequest) -> None:
    """Look for uploads whose events were missed."""
    scheduled_sweep(context)
