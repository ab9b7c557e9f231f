"""Everything again after the model changed: resumable, in the background of new uploads, staged pictures reused."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from classify import Model
from errors import Missing
from pipeline import tasks
from pipeline.commit import staged_name
from record import Record, record_id
from store import Stores

JOB = "reprocess.json"
BACKLOG = 32
"""So many tasks wait at most: new uploads never stand behind more."""
_LOOK_S = 0.1


@dataclass(frozen=True)
class Step:
    """One upload was looked at: whether it was queued, and for which step (None: it is as it should be)."""

    name: str
    queued: str | None


class Job(msgspec.Struct, frozen=True):
    """How far a run came: for which model, and the marker of the page of uploads it was in."""

    sha256: str
    marker: str | None = None


def reprocess(stores: Stores, model: Model, wait: Callable[[float], None] = time.sleep) -> Iterator[Step]:
    """Queue every upload whose record is not of this model. Stopped anywhere, it goes on where it was; Away.

    A page of uploads that was begun is looked at again then: what is done by that time is seen to be.
    """
    found = _job(stores)
    marker = found.marker if found and found.sha256 == model.ref.sha256 else None
    for page, after in stores.uploads.list(marker):
        for blob in page:
            known = stores.records.read(record_id(blob.name))
            step = needed(known.record if known else None, blob.etag, model)
            if step is not None:
                while stores.work.length() >= BACKLOG:
                    wait(_LOOK_S)
                name = staged_name(blob.name) if step == tasks.CLASSIFY else blob.name
                tasks.send(stores.work, tasks.Task(step, name, model=model.ref.sha256))
            yield Step(blob.name, step)
        job = Job(model.ref.sha256, after)
        stores.models.note(JOB, msgspec.json.encode(job))
    stores.models.note(JOB, msgspec.json.encode(Job(model.ref.sha256)))


def needed(record: Record | None, etag: str, model: Model) -> str | None:
    """The step with which this upload must begin again; None where its record is this model's, or no model's."""
    if record is None or record.upload is None or record.upload.etag != etag:
        return tasks.PREPROCESS
    if record.problem is not None and record.problem.is_the_pictures:
        return None
    if record.prediction is not None and record.prediction.model.sha256 == model.ref.sha256:
        return None
    return tasks.CLASSIFY if record.staged is not None and record.staged.spec == model.spec else tasks.PREPROCESS


def _job(stores: Stores) -> Job | None:
    try:
        return msgspec.json.decode(stores.models.noted(JOB), type=Job)
    except (Missing, msgspec.MsgspecError):
        return None
