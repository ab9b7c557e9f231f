"""Classifies all pictures again after a live model or a route changed.

Can be stopped and resumed, lets new uploads go first, and reuses staged pictures that fit the new model.
"""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import msgspec

from classify import Model
from imagestore.decoding import decode
from imagestore.errors import NotFound
from imagestore.pipeline import tasks
from imagestore.pipeline.models.loaded_models import LoadedModels
from imagestore.record import Record, Status, record_id
from imagestore.store import Stores
from imagestore.store.queues import MOST_PEEKED

CHECKPOINT = "reprocess.json"
BACKLOG = MOST_PEEKED
"""At most this many tasks are due at a time, so that new uploads never wait behind more."""
_LOOK_S = 0.1
_LAST = 200
_PATIENCE_S = 30.0
_PATIENCE_WHEN_IDLE_S = 5.0
_LOOKS = 4
Sleep = Callable[[float], None]


@dataclass(frozen=True)
class CheckedUpload:
    """The result of checking one upload: the step it was queued for, or None if it is up to date."""

    name: str
    queued: str | None


@dataclass(frozen=True)
class ReprocessProgress:
    """How far reprocessing has come.

    `seen` of about `total` uploads were checked in this pass; `passes` counts from 1. `queued` counts those queued in
    all passes, `waiting` those of the last queued that are not done yet.
    """

    passes: int
    seen: int
    total: int
    queued: int
    waiting: int = 0


@dataclass(frozen=True)
class Reprocessed:
    """How reprocessing ended: with which models, uploads checked in the last pass, and queued in all passes.

    `models` are those of the default route and of the others, as people call them. `is_settled` is true if the last
    pass found nothing to queue; if not, some pictures could not be done.
    """

    models: tuple[str, ...]
    seen: int
    queued: int
    is_settled: bool

    def sentence(self) -> str:
        """What was done, for a person, without a full stop."""
        which = " or ".join(self.models)
        return f"{self.seen} pictures looked at, {self.queued} done again, all of them with {which} now"


class Checkpoint(msgspec.Struct, frozen=True):
    """Where reprocessing for these models continues: the marker of the next page of uploads.

    `sha256` is that of the live model, or where there are routes, of all that says what classifies what.
    """

    sha256: str
    marker: str | None = None


def reprocess(
    stores: Stores, models: LoadedModels, progress: Callable[[ReprocessProgress], None], sleep: Sleep = time.sleep
) -> Reprocessed:
    """Queue every upload whose record is not of the model that is live for it, and wait until all of them are done.

    It goes over all uploads again until a pass finds nothing to queue, since queued tasks can fail. `progress` is
    called after each step. Raises Unavailable.
    """
    for_models = models.fingerprint()
    total, queued, seen = count_to_look_at(stores), 0, 0
    for passes in range(1, _LOOKS + 1):
        seen, last = 0, deque[str](maxlen=_LAST)
        for step in queue_again(stores, models, sleep):
            seen += 1
            if step.queued is not None:
                queued += 1
                last.append(step.name)
            progress(ReprocessProgress(passes, seen, max(total, seen), queued))
        were, for_models = for_models, models.fingerprint()
        if not last and for_models == were:
            return Reprocessed(models.called(), seen, queued, is_settled=True)
        for waiting in _until_done(stores, models, list(last), sleep):
            progress(ReprocessProgress(passes, seen, max(total, seen), queued, waiting))
    return Reprocessed(models.called(), seen, queued, is_settled=False)


def count_to_look_at(stores: Stores) -> int:
    """About how many uploads a pass checks: as many as have a record. Raises Unavailable."""
    return sum(stores.records.count(status) for status in Status if status is not Status.DELETED)


def queue_again(stores: Stores, models: LoadedModels, sleep: Sleep = time.sleep) -> Iterator[CheckedUpload]:
    """Queue, in one pass, every upload whose record is not of the model that is live for it.

    A pass that was stopped resumes at the page of uploads where it was. Raises Unavailable.
    """
    found, sha256 = _checkpoint(stores), models.fingerprint()
    marker = found.marker if found and found.sha256 == sha256 else None
    room = 0
    for page, after in stores.uploads.list(marker):
        for blob in page:
            stored, model = stores.records.read(record_id(blob.name)), models.current(blob.name).model
            step = needed(stored.record if stored else None, blob.etag, model)
            if step is not None:
                while room <= 0 and (room := BACKLOG - stores.work.due()) <= 0:
                    sleep(_LOOK_S)
                room -= 1
                tasks.send(stores.work, tasks.Task(step, blob.name, model=model.ref.sha256))
            yield CheckedUpload(blob.name, step)
        stores.models.note(CHECKPOINT, msgspec.json.encode(Checkpoint(sha256, after)))
    stores.models.note(CHECKPOINT, msgspec.json.encode(Checkpoint(sha256)))


def classified_by(record: Record) -> str | None:
    """The SHA-256 of the model that classified the picture; "" if none has yet; None if none should.

    None should classify a picture that is rejected or deleted.
    """
    if record.status is Status.DELETED or (record.problem is not None and record.problem.is_the_pictures):
        return None
    return "" if record.prediction is None else record.prediction.model.sha256


def is_outdated(record: Record, sha256: str) -> bool:
    """Whether the model with this SHA-256 should classify this record's picture, but has not."""
    return classified_by(record) not in (None, sha256)


def count_outdated(stores: Stores, models: LoadedModels) -> int:
    """How many records `is_outdated` for the model that is live for them. Reads all of them. Raises Unavailable."""
    return sum(is_outdated(record, models.current(record.name).sha256) for record in stores.records.each())


def needed(record: Record | None, etag: str, model: Model) -> str | None:
    """The step at which this version of an upload must start again; None if its record is up to date."""
    if record is None or record.upload is None or record.upload.etag != etag:
        return tasks.PREPROCESS
    if not is_outdated(record, model.ref.sha256):
        return None
    return tasks.CLASSIFY if record.staged is not None and record.staged.spec == model.spec else tasks.PREPROCESS


def _until_done(stores: Stores, models: LoadedModels, names: list[str], sleep: Sleep) -> Iterator[int]:
    """Yield how many of these are not done yet, until all are or nothing has happened for long."""
    idle_s = 0.0
    while names and idle_s < (_PATIENCE_S if stores.work.length() else _PATIENCE_WHEN_IDLE_S):
        left = [name for name in names if _is_open(stores, models, name)]
        idle_s = 0.0 if len(left) < len(names) else idle_s + _LOOK_S
        names = left
        yield len(names)
        sleep(_LOOK_S)


def _is_open(stores: Stores, models: LoadedModels, name: str) -> bool:
    stored = stores.records.read(record_id(name))
    if stored is None or stored.record.upload is None:
        return stores.uploads.stat(name) is not None
    return is_outdated(stored.record, models.current(name).sha256)


def _checkpoint(stores: Stores) -> Checkpoint | None:
    try:
        return decode(stores.models.noted(CHECKPOINT), Checkpoint)
    except (NotFound, msgspec.MsgspecError):
        return None
