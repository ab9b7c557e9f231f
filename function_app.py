"""The function app: which event leads to which step. What the steps do stands in pipeline/."""

import os

import azure.functions as func
import azurefunctions.extensions.bindings.blob as blob

from pipeline import Context, attempt, on_poison, on_work
from pipeline import sweep as sweep_uploads
from pipeline.tasks import CLASSIFY, PREPROCESS, Task

app = func.FunctionApp()
context = Context.read(os.environ)


@app.blob_trigger(
    arg_name="upload",
    path="%UPLOADS_CONTAINER%/{name}",
    connection="IMAGES_STORAGE",
    source=func.BlobSource.EVENT_GRID,
)
def preprocess(upload: blob.BlobClient) -> None:
    """A picture was dropped: crop, resize, gray, into the staging container."""
    attempt(context, Task(PREPROCESS, upload.blob_name))


@app.blob_trigger(
    arg_name="staged",
    path="%STAGING_CONTAINER%/{name}",
    connection="IMAGES_STORAGE",
    source=func.BlobSource.EVENT_GRID,
)
def classify(staged: blob.BlobClient) -> None:
    """A picture was staged: classify it, write result, record and tags."""
    attempt(context, Task(CLASSIFY, staged.blob_name))


@app.queue_trigger(arg_name="message", queue_name="work", connection="IMAGES_STORAGE")
def work(message: func.QueueMessage) -> None:
    """Retries, deletions and what a sweep found."""
    on_work(context, message.get_body().decode("utf-8", "replace"))


@app.queue_trigger(arg_name="message", queue_name="webjobs-blobtrigger-poison", connection="IMAGES_STORAGE")
def poison(message: func.QueueMessage) -> None:
    """What the host gave up on."""
    on_poison(context, message.get_body().decode("utf-8", "replace"))


@app.timer_trigger(arg_name="timer", schedule="%SWEEP_SCHEDULE%")
def sweep(timer: func.TimerRequest) -> None:
    """Uploads that were missed."""
    sweep_uploads(context)
