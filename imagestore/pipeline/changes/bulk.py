"""Changes many pictures at once, in steps, so that all of it can be undone exactly.

A change is begun with the ids of its pictures, in parts of PART. A step does one part: it writes down what each picture
of it was before and what it is to be, then changes each, then writes down what came of it. Whoever dies in between is
followed by the next step, which finds each picture as it was or as it was to be.

Undoing goes back over the parts that were begun. A picture is put back only if it is still what the change has made of
it; what others have changed since is named and left alone. A step that another process is still doing can then do no
harm: it looks at the change's state last before each write, and undoing writes every record of the part, also those
that it leaves as they are, so that a write prepared before that fails.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from imagestore.errors import Conflict, Contended, NotFound, StoreError, Unavailable
from imagestore.pipeline import tasks
from imagestore.pipeline.changes import relabel
from imagestore.pipeline.changes.documents import (
    KEPT_DAYS,
    Action,
    BulkChange,
    Changes,
    ChangeState,
    Kind,
    OnePicture,
    Outcome,
    Part,
    PartState,
    new_id,
    part_id,
)
from imagestore.pipeline.changes.relabel import CHANGED, GONE, Labelled, Relabelling
from imagestore.pipeline.changes.to_training import Moved
from imagestore.pipeline.changes.twins import agreeing, counted_once, undo_before
from imagestore.pipeline.commit import hide
from imagestore.pipeline.labelling.correct import MOST_LABELS, checked_label, correction_of, exchange, wrong_answer
from imagestore.pipeline.upkeep.retry import retry_one
from imagestore.record import Record, Said, Status, utc
from imagestore.store import StoredRecord, Stores
from imagestore.store.training import ListedPicture, at_once

PART = 50
MOST_PICTURES = 10_000
DELETION_S = 3600.0
"""How long the deletion of many pictures waits, and can be undone."""
_MARGIN = timedelta(minutes=1)
"""By so much the clocks of this process and of the queue may differ."""
_GRACE = timedelta(hours=1)
_LABELS = {Action.LABEL: (1, MOST_LABELS), Action.RELABEL: (1, 2)}
"""How many labels an action takes."""
NOT_THERE = "There is no record of it: its name is another, or it was taken in just now."
Heard = Callable[[StoredRecord], None]


class BulkChanges:
    """Changes of many pictures. `heard` is told of every record that is written here.

    Every method raises Unavailable.
    """

    def __init__(self, stores: Stores, heard: Heard = lambda stored: None, deletion_s: float = DELETION_S) -> None:
        self._stores = stores
        self._changes = Changes(stores.jobs)
        self._heard = heard
        self._labelled = Labelled(stores)
        self._moved = Moved(stores)
        self._deletion = timedelta(seconds=deletion_s)

    def begin(self, action: Action, ids: Sequence[str], by: str, labels: Sequence[str] = ()) -> BulkChange:
        """Write down a change of these pictures; `step` then does it.

        Raises NotALabel; Conflict if it cannot be; NotMigrated if labelled pictures have an earlier version's form.
        """
        if action is Action.CORRECT:
            raise Conflict(f"'{action}' needs the labels of each picture: send them to /api/v1/pictures/corrections.")
        labels = tuple(dict.fromkeys(checked_label(one) for one in labels))
        ids = list(dict.fromkeys(ids))
        least, most = _LABELS.get(action, (0, 0))
        if not least <= len(labels) <= most:
            needs = (
                "takes no label" if not most else "needs a label" if least == 1 and not labels else "takes fewer labels"
            )
            raise Conflict(f"'{action}' {needs}; there are {len(labels)}.")
        if not 0 < len(ids) <= MOST_PICTURES:
            raise Conflict(
                f"A change takes 1 to {MOST_PICTURES:,} pictures; there are {len(ids):,}. Narrow the search."
            )
        if action is Action.TO_TRAINING:
            self._moved.demand_possible()
        return self._begun(BulkChange(id=new_id(), action=action, by=by, labels=labels), list(map(OnePicture, ids)))

    def begin_corrections(self, wanted: Sequence[OnePicture], by: str) -> BulkChange:
        """Write down a change that corrects each of these pictures to the labels `wanted` for it, which were checked
        (corrections.py); `step` then does it. Raises Conflict if there are none, or too many."""
        if not 0 < len(wanted) <= MOST_PICTURES:
            raise Conflict(f"A change takes 1 to {MOST_PICTURES:,} pictures; there are {len(wanted):,}.")
        return self._begun(BulkChange(id=new_id(), action=Action.CORRECT, by=by), wanted)

    def begin_relabel(self, asked: Relabelling, by: str, listed: Iterable[ListedPicture] | None = None) -> BulkChange:
        """Write down a change of a project's label, in labelled pictures and corrections; `step` then does it. `listed`
        are the project's labelled pictures, where they were listed just now.

        Raises NotALabel; Conflict if no picture has the label, the other one cannot be given, or another change of a
        label of the project is not done; NotMigrated.
        """
        asked = relabel.checked(asked)
        relabel.settled(self._stores, asked.project.pictures_in)
        labels = (asked.label, *([] if asked.to is None else [asked.to]))
        project, folder = asked.project.name, asked.project.pictures_in
        change = BulkChange(id=new_id(), action=Action.RELABEL, by=by, labels=labels, project=project, folder=folder)
        return self._begun(change, relabel.affected(self._stores, asked, listed))

    def _begun(self, change: BulkChange, pictures: Sequence[OnePicture]) -> BulkChange:
        now = datetime.now(UTC)
        until, hidden_until = now + timedelta(days=KEPT_DAYS), None
        if change.action is Action.DELETE:
            until, hidden_until = now + self._deletion - _MARGIN, utc(now + self._deletion + _GRACE)
        parts = [tuple(pictures[start : start + PART]) for start in range(0, len(pictures), PART)]
        change = replace(
            change,
            at=utc(now),
            pictures=sum(one.is_counted(None) for one in pictures),
            parts=len(parts),
            undo_until=utc(until),
            hidden_until=hidden_until,
        )

        def keep(number: int) -> None:
            self._changes.create(Part(part_id(change.id, number), change.id, parts[number]))

        at_once(keep, range(len(parts)))
        self._changes.create(change)
        return change

    def read(self, id: str) -> BulkChange:
        """The change with this id. Raises NotFound."""
        return self._changes.read(id)[0]

    def list(self, most: int, before: str | None = None) -> list[BulkChange]:
        """The latest changes, at most so many, the newest first; with `before`, an id, only older ones."""
        return self._changes.list(most, before)

    def left_alone(self, change: BulkChange) -> Iterator[OnePicture]:
        """The pictures that the change, or undoing it, has left alone, with the reason."""
        if change.left_alone + change.kept:
            for part in self._changes.parts(change):
                yield from (one for one in part.pictures if Outcome.LEFT_ALONE in (one.outcome, one.undone))

    def pictures(self, change: BulkChange, number: int = 0) -> tuple[OnePicture, ...]:
        """The pictures of one part of a change, and what came of each. Raises NotFound."""
        return self._changes.read_part(change, number)[0].pictures

    def step(self, id: str) -> BulkChange:
        """Do the next part of a change, or of undoing it, if there is one. Returns the change as it is then.

        Who does the same part at the same time does no harm. Raises NotFound, Protected or Contended.
        """
        change, etag = self._changes.read(id)
        try:
            if change.state is ChangeState.APPLYING:
                return self._apply(change, etag)
            if change.state is ChangeState.UNDOING:
                return self._undo(change, etag)
        except Conflict:  # another process was here
            return self.read(id)
        return change

    def undo(self, id: str, by: str) -> BulkChange:
        """Begin to undo a change, whether all of it has been applied or not; `step` then does it.

        Raises NotFound, or Conflict if it cannot be undone.
        """
        while True:
            change, etag = self._changes.read(id)
            if change.state in (ChangeState.UNDOING, ChangeState.UNDONE):
                return change
            if change.action is Action.REPROCESS:
                raise Conflict("There is nothing to undo: pictures were classified again, and what people said stayed.")
            if utc() >= change.undo_until:
                raise Conflict(f"It is too late to undo this: that was possible until {change.undo_until}.")
            begun = min(change.step + 1, change.parts)
            undoing = replace(change, state=ChangeState.UNDOING, step=begun, undone_by=by, undone_at=utc())
            try:
                self._changes.replace(undoing, etag)
            except Conflict:
                continue
            return undoing

    def _apply(self, change: BulkChange, etag: str) -> BulkChange:
        part, part_etag = self._changes.read_part(change, change.step)
        if part.state is PartState.WAITING:
            planned = tuple(agreeing(change, at_once(lambda one: self._planned(change, one), part.pictures)))
            part = replace(part, state=PartState.PLANNED, pictures=planned)
            part_etag = self._changes.replace(part, part_etag)
        if part.state is PartState.PLANNED:
            applied = tuple(counted_once(change, at_once(lambda one: self._applied(change, one), part.pictures)))
            if not self._is_applying(change):
                return self.read(change.id)
            part = replace(part, state=PartState.APPLIED, pictures=applied)
            self._changes.replace(part, part_etag)
        count = Counter(one.outcome for one in part.pictures if one.is_counted(one.outcome))
        step = change.step + 1
        further = replace(
            change,
            step=step,
            state=ChangeState.APPLYING if step < change.parts else ChangeState.APPLIED,
            changed=change.changed + count[Outcome.DONE],
            same=change.same + count[Outcome.SAME],
            left_alone=change.left_alone + count[Outcome.LEFT_ALONE],
        )
        self._changes.replace(further, etag)
        return further

    def _planned(self, change: BulkChange, one: OnePicture) -> OnePicture:
        if one.kind is not Kind.UPLOAD:
            return self._labelled.planned(change, one)
        stored = self._stores.records.read(one.id)
        record = None if stored is None else stored.record
        if record is None or record.upload is None or record.status is Status.DELETED:
            return one.left_alone(NOT_THERE if stored is None and change.action is Action.CORRECT else GONE)
        one = replace(one, name=record.name, before=record.correction, wrong=record.wrong, etag=record.upload.etag)
        try:
            match change.action:
                case Action.LABEL if _says(record, change.labels):
                    return replace(one, outcome=Outcome.SAME)
                case Action.CORRECT if _says(record, one.wanted):
                    return replace(one, outcome=Outcome.SAME)
                case Action.LABEL | Action.CORRECT:
                    return replace(one, after=correction_of(record, one.wanted or change.labels, change.by))
                case Action.RELABEL:
                    return _relabelled(one, record, change)
                case Action.TO_TRAINING:
                    return self._moved.planned(change, one, record)
                case Action.WRONG if record.is_wrong:
                    return replace(one, outcome=Outcome.SAME)
                case Action.WRONG:
                    return replace(one, wrong_after=wrong_answer(record, change.by))
                case Action.UNLABEL if record.correction is None:
                    return replace(one, outcome=Outcome.SAME)
                case _:
                    return one
        except Conflict as error:
            return replace(one, after=one.before, wrong_after=one.wrong).left_alone(f"{error}")

    def _applied(self, change: BulkChange, one: OnePicture) -> OnePicture:
        if one.outcome is not None:
            return one
        if one.kind is not Kind.UPLOAD:
            return self._labelled.applied(change, one, lambda: self._is_applying(change))
        if change.action is Action.TO_TRAINING:
            return self._moved.applied(one, lambda: self._is_applying(change))
        if change.action is Action.DELETE and utc() >= change.undo_until:
            return one.left_alone("It was begun too long ago to go on with. Delete it anew.")

        def may(now: Record) -> bool:
            is_same = now.upload is not None and now.upload.etag == one.etag
            return is_same and self._is_applying(change)

        match change.action:
            case Action.LABEL | Action.CORRECT | Action.RELABEL | Action.UNLABEL | Action.WRONG:
                what = _what(change)
                before, after = one.said(what)
                stored, why = self._exchanged(one.id, what, before, after, may)
                is_done = stored is not None and getattr(stored.record, what) == after
                return self._came(one, stored, why, is_done=is_done)
            case Action.DELETE:
                stored = hide(self._stores, one.id, change.hidden_until, lambda now: may(now.record))
                if stored is None or stored.hidden_until != change.hidden_until:
                    return self._came(one, stored, CHANGED, is_done=False)
                task = tasks.Task(tasks.DELETE_UPLOAD, one.name, etag=one.etag, hidden_until=change.hidden_until)
                message = tasks.send(self._stores.work, task, self._deletion.total_seconds())
                return replace(self._came(one, stored, "", is_done=True), message=message)
            case _:
                try:
                    retry_one(self._stores, one.name)
                except NotFound:
                    return one.left_alone(GONE)
                return replace(one, outcome=Outcome.DONE)

    def _undo(self, change: BulkChange, etag: str) -> BulkChange:
        part, part_etag = self._changes.read_part(change, change.step - 1)
        if part.state is not PartState.UNDONE:
            was_begun = part.state is not PartState.WAITING
            undone = part.pictures
            if was_begun:
                undone = tuple(at_once(lambda one: self._undone(change, one), part.pictures))
                undo_before(self._changes, change, part.pictures, self._undone)
            part = replace(part, state=PartState.UNDONE, pictures=undone)
            self._changes.replace(part, part_etag)
        count = Counter(one.undone for one in part.pictures if one.is_counted(one.undone))
        step = change.step - 1
        further = replace(
            change,
            step=step,
            state=ChangeState.UNDOING if step else ChangeState.UNDONE,
            restored=change.restored + count[Outcome.DONE],
            kept=change.kept + count[Outcome.LEFT_ALONE],
        )
        self._changes.replace(further, etag)
        return further

    def _undone(self, change: BulkChange, one: OnePicture) -> OnePicture:
        was_left, why = one.outcome is Outcome.LEFT_ALONE, CHANGED
        is_same = one.outcome is Outcome.SAME and not (one.move is not None and one.move.is_claim)
        if is_same or (was_left and (not one.name or not _was_found(one))):
            return one
        if one.kind is not Kind.UPLOAD:
            return self._labelled.undone(change, one)
        if change.action is Action.TO_TRAINING:
            return self._moved.undone(one)
        if change.action is Action.DELETE:
            stored = hide(self._stores, one.id, None, lambda now: now.hidden_until in (None, change.hidden_until))
            is_back = stored is not None and stored.hidden_until is None
            if is_back and one.message is not None:  # it would leave the picture alone, but wait for an hour
                with suppress(NotFound):
                    self._stores.work.take_back(one.message)
        else:
            what = _what(change)
            before, after = one.said(what)
            is_told = after is not None  # what we have said is known by who said it and when; nothing is not
            after = after if is_told or not was_left else before

            def may(now: Record) -> bool:
                return is_told or (now.upload is not None and now.upload.etag == one.etag)

            stored, why = self._exchanged(one.id, what, after, before, may)
            is_back = stored is not None and getattr(stored.record, what) == before
        if stored is not None and not _is_gone(stored):
            self._heard(stored)
        if was_left:
            return one
        if is_back:
            return replace(one, undone=Outcome.DONE)
        return replace(one, undone=Outcome.LEFT_ALONE, why=GONE if _is_gone(stored) else why)

    def _exchanged(
        self, id: str, what: Said, before: object, after: object, may: Callable[[Record], bool]
    ) -> tuple[StoredRecord | None, str]:
        """The record after `exchange`, and why it is left alone if it does not say what is wanted."""
        try:
            return exchange(self._stores, id, what, before, after, may), CHANGED
        except Unavailable:
            raise
        except (StoreError, Contended) as error:  # of this picture alone, such as a lease on its blob
            return self._stores.records.read(id), f"{error}"

    def _came(self, one: OnePicture, stored: StoredRecord | None, why: str, *, is_done: bool) -> OnePicture:
        if stored is None or _is_gone(stored):
            return one.left_alone(GONE)
        self._heard(stored)
        return replace(one, outcome=Outcome.DONE) if is_done else one.left_alone(why)

    def _is_applying(self, change: BulkChange) -> bool:
        return self.read(change.id).state is ChangeState.APPLYING


def _what(change: BulkChange) -> Said:
    """Which of the things that people say of a picture a change is of."""
    return "wrong" if change.action is Action.WRONG else "correction"


def _says(record: Record, labels: Sequence[str]) -> bool:
    """Whether somebody has said just this of the picture already."""
    said = record.correction
    return said is not None and record.label == said.label and set(said.labels or (said.label,)) == set(labels)


def _relabelled(one: OnePicture, record: Record, change: BulkChange) -> OnePicture:
    """The plan for a picture whose correction may have the first label of the change."""
    said, (old, *new) = record.correction, change.labels
    there = () if said is None else said.labels or (said.label,)
    if said is None or old not in there:
        return replace(one, outcome=Outcome.SAME)
    labels = tuple(dict.fromkeys(label for each in there for label in (new if each == old else [each])))
    if not labels:
        return one
    of_several = labels if said.labels is not None else None
    return replace(one, after=replace(said, label=labels[0], labels=of_several, account=change.by, at=utc()))


def _was_found(one: OnePicture) -> bool:
    return one.etag is not None or one.kind is not Kind.UPLOAD


def _is_gone(stored: StoredRecord | None) -> bool:
    return stored is None or stored.record.status is Status.DELETED
