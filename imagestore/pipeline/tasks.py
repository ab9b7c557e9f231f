"""The messages that we put on the queue `work`."""

import re
from dataclasses import asdict, dataclass, replace

import msgspec

from imagestore.decoding import convert, decode
from imagestore.errors import NotATask
from imagestore.pipeline.names import upload_name
from imagestore.record import can_be_stored, stored_name
from imagestore.store import Queue, SentMessage

PREPROCESS = "preprocess"
CLASSIFY = "classify"
DELETE_UPLOAD = "delete"
CLEAN_UP = "deleted"
SWEEP = "sweep"
REPAIR = "repair"
STEPS = {PREPROCESS, CLASSIFY, DELETE_UPLOAD, CLEAN_UP, SWEEP, REPAIR}
SCHEMA_VERSION = 2
MOST_ATTEMPTS = 10_000
"""More attempts than any task has before it is given up."""
_ETAG = re.compile(r"[!-~]{1,100}")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]{5,15}Z")
_SHA256 = re.compile("[0-9a-f]{64}")
_LONGEST_MARKER = 8192


@dataclass(frozen=True)
class Task:
    """One step to run for the upload called `name`, which is empty for `sweep`.

    `attempt` counts from 1; `error` is what ended the attempt before. `etag`, for DELETE_UPLOAD, is the only version to
    delete. `model` is the SHA-256 of the model that should classify: a worker with another model asks whether this one
    was promoted. `hidden_until`, for DELETE_UPLOAD, is until when lists leave the picture out if its deletion is still
    wanted: where its record says otherwise, it stays. `marker`, for SWEEP, is where the listing of uploads continues.
    `stores_answered` says that all stores answered after the last attempt had failed because one of them did not.
    `by_event` says that nobody but the event of a blob asked for it, which a restore may have written: see restored.py.
    """

    step: str
    name: str
    attempt: int = 1
    error: str | None = None
    etag: str | None = None
    model: str | None = None
    marker: str | None = None
    stores_answered: bool = False
    hidden_until: str | None = None
    by_event: bool = False
    schema_version: int = SCHEMA_VERSION

    def again(self, error: str, stores_answered: bool = False) -> "Task":
        """This task for its next attempt, with the error that ended the last."""
        return replace(self, attempt=self.attempt + 1, error=error, stores_answered=stores_answered)


def send(queue: Queue, task: Task, delay_s: float = 0) -> SentMessage:
    """Queue the task, to be run in `delay_s` seconds. Raises Unavailable."""
    return queue.send(msgspec.json.encode(asdict(task)).decode(), delay_s)


def parse(message: str) -> Task:
    """The task in this message. Raises NotATask if there is none, or one that we would not send."""
    try:
        fields = decode(message, dict[str, object])
        task = convert(_upgraded(fields), Task)
    except (ValueError, RecursionError) as error:
        raise NotATask(str(error)) from None
    if wrong := _what_is_wrong(task):
        raise NotATask(wrong)
    return replace(task, name=stored_name(task.name))


def _what_is_wrong(task: Task) -> str | None:
    """Why we cannot have sent this task; None if we can."""
    if task.step not in STEPS:
        return f"there is no step {task.step[:40]!a}"
    if task.step == SWEEP and (task.name or task.etag or task.model):
        return "a sweep is of all uploads, and names none"
    if task.step != SWEEP and not can_be_stored(task.name):
        return f"no upload can have this name of {len(task.name)} characters"
    if not 1 <= task.attempt <= MOST_ATTEMPTS:
        return f"the attempt is not between 1 and {MOST_ATTEMPTS}"
    if task.step == DELETE_UPLOAD and not task.etag:
        return "it does not say which version is to be deleted"
    if task.etag is not None and not _ETAG.fullmatch(task.etag):
        return "its ETag is none"
    if task.hidden_until is not None and not (task.step == DELETE_UPLOAD and _TIME.fullmatch(task.hidden_until)):
        return "it does not say until when a picture to be deleted is hidden"
    if task.model is not None and not _SHA256.fullmatch(task.model):
        return "its model is no SHA-256"
    if task.marker is not None and not (task.step == SWEEP and len(task.marker) <= _LONGEST_MARKER):
        return "its marker is none of a listing"
    return None


def _upgraded(fields: dict[str, object]) -> dict[str, object]:
    """The fields of a task of version 0.1, which had the staged blob's name for `classify` and the marker as name for
    `sweep`."""
    name = fields.get("name")
    if fields.get("schema_version", 1) != 1 or not isinstance(name, str):
        return fields
    upgraded = fields | {"schema_version": SCHEMA_VERSION}
    if fields.get("step") == CLASSIFY:
        return upgraded | {"name": upload_name(name)}
    if fields.get("step") == SWEEP:
        return upgraded | {"name": "", "marker": name or None}
    return upgraded
