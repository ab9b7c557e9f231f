"""Everything again after the model changed: resumable, in the background of new uploads, staged pictures reused."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from classify import Model
from errors import Missing
from pipeline import tasks
from pipeline.commit import staged_name
from record import Record, record_id
from store import Stores
from store.queues import MOST_PEEKED

JOB = "reprocess.json"
BACKLOG = MOST_PEEKED
"""So many tasks are due at most: new uploads never stand behind more."""
_LOOK_S = 0.1
_LAST = 200
_PATIENCE_S = 30.0
_PATIENCE_WHEN_IDLE_S = 5.0
_LOOKS = 4
Wait = Callable[[float], None]


@dataclass(frozen=True)
class Step:
    """One upload was looked at: whether it was queued, and for which step (None: it is as it should be)."""

    name: str
    queued: str | None


@dataclass(frozen=True)
class Progress:
    """How far it is: uploads seen in this look at everything, queued in all, and of those queued last still not done;
    `is_settled` once a whole look found nothing to do."""

    seen: int
    queued: int
    waiting: int = 0
    is_settled: bool = False


class Job(msgspec.Struct, frozen=True):
    """How far a run came: for which model, and the marker of the page of uploads it was in."""

    sha256: str
    marker: str | None = None


def reprocess(stores: Stores, model: Model, wait: Wait = time.sleep) -> Iterator[Progress]:
    """Do everything again that this model has not done, and wait for it. Away.

    It looks at everything until nothing is to do, since what was queued may fail; if the last Progress is not settled,
    something could not be done.
    """
    queued = 0
    for _ in range(_LOOKS):
        seen, last = 0, deque[str](maxlen=_LAST)
        for step in queue_again(stores, model, wait):
            seen += 1
            if step.queued is not None:
                queued += 1
                last.append(step.name)
            yield Progress(seen, queued)
        if not last:
            yield Progress(seen, queued, is_settled=True)
            return
        for waiting in _until_done(stores, model, list(last), wait):
            yield Progress(seen, queued, waiting)


def queue_again(stores: Stores, model: Model, wait: Wait = time.sleep) -> Iterator[Step]:
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
                while stores.work.due() >= BACKLOG:
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


def _until_done(stores: Stores, model: Model, names: list[str], wait: Wait) -> Iterator[int]:
    """How many of these are still to be done, again and again; ends with 0, or when nothing happens for long."""
    idle_s = 0.0
    while names and idle_s < (_PATIENCE_S if stores.work.length() else _PATIENCE_WHEN_IDLE_S):
        left = [name for name in names if _is_open(stores, model, name)]
        idle_s = 0.0 if len(left) < len(names) else idle_s + _LOOK_S
        names = left
        yield len(names)
        wait(_LOOK_S)


def _is_open(stores: Stores, model: Model, name: str) -> bool:
    known = stores.records.read(record_id(name))
    if known is None or known.record.upload is None:
        return stores.uploads.look(name) is not None
    return needed(known.record, known.record.upload.etag, model) is not None


def _job(stores: Stores) -> Job | None:
    try:
        return msgspec.json.decode(stores.models.noted(JOB), type=Job)
    except (Missing, msgspec.MsgspecError):
        return None
