"""Makes uploads labelled pictures of their project, with the labels that they have, as a change of many pictures
(bulk.py) that can be undone exactly.

A labelled picture is known by its content (store/training.py). Its JSON is written first, by its ETag; then a place for
its content is taken, the change is looked at once more, and the content is written over just that version of the place
(store/moved_content.py). Undoing writes each JSON of the change, also one that was never begun, and then deletes the
version of the content that was there before that: so whoever has prepared a write fails, and whoever takes the picture
in meanwhile keeps it. Whoever moves it too, with the same labels, says so in its JSON: undoing the change that has said
them before leaves it alone then, and once both are undone it is as it was (twins.py). A JSON that says nothing, and a
place of no bytes, are all that may stay behind; no list shows them.
"""

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from imagestore.errors import BadSplit, Conflict, NotFound, Protected
from imagestore.pipeline.changes.documents import BulkChange, Changes, ChangeState, Move, OnePicture, Outcome
from imagestore.pipeline.changes.relabel import CHANGED, GONE
from imagestore.record import Record, Status, utc
from imagestore.store import Stores
from imagestore.store.moved_content import Contents
from imagestore.store.projects import Project, ProjectState
from imagestore.store.said import Marks, Origin
from imagestore.store.training import PictureFacts, TrainingPictures

NO_LABEL = "It has no label. Say what it shows first."
NOT_READ = "No picture of it could be read and classified."
OTHER_LABEL = "Its label was changed after the change was begun."
OTHER_PROJECT = "It went to another project after the change was begun."
BEING_UNDONE = "An earlier move of the same picture is being undone. Move it once that is done: see Changes."
BEING_CHANGED = "Another change of the same picture is not done. Move it once that is: see Changes."
_TRIES = 20
_READ_AT_ONCE = 2
"""So many uploads are in memory at a time."""


class Moved:
    """What a change does to uploads that become labelled pictures. Every method raises Unavailable."""

    def __init__(self, stores: Stores) -> None:
        self._stores = stores
        self._reading = threading.Semaphore(_READ_AT_ONCE)

    def demand_possible(self) -> None:
        """Raises NotMigrated if labelled pictures lie in the form of an earlier version."""
        TrainingPictures(self._stores.training, "").demand_migrated(self._stores.projects.gone)

    def planned(self, change: BulkChange, one: OnePicture, record: Record) -> OnePicture:
        """With the labelled picture that it is to become, and what that is now. `record` is the upload's."""
        folder, labels, why = self._wanted(record)
        if why or record.upload is None or record.upload.sha256 is None:
            return one.left_alone(why)
        sha256, pictures = record.upload.sha256, TrainingPictures(self._stores.training, folder)
        pictures.begin()
        try:
            facts, _ = pictures.facts(sha256) or (PictureFacts(), None)
        except BadSplit as error:
            return one.left_alone(f"{error}")
        said_by = self._other(facts.said_by, change)  # before the content: one that was done then has put it in
        content, image = Contents(self._stores.training, folder).look(sha256), record.image
        is_there = content is not None and content.is_there
        size = (image.width, image.height) if image is not None else (0, 0)
        put_by = self._other(content.change if content is not None else None, change)
        if is_there and any(other is not None and other.state is ChangeState.UNDOING for other in (said_by, put_by)):
            return one.left_alone(BEING_UNDONE)
        if not is_there and any(other is not None and other.state.is_open for other in (said_by, put_by)):
            return one.left_alone(BEING_CHANGED)  # what it is about to put in would be taken for this change's own
        move = Move(folder, sha256, is_there, _origin(facts), Origin(record.name, "", utc(), *size))
        one = replace(one, move=move, marks=facts.marks)
        if is_there and set(facts.labels) == set(labels):
            if said_by is None:
                return replace(one, outcome=Outcome.SAME)
            claimed = Marks(facts.labels, negative=False, said_by=change.id)
            return replace(one, move=replace(move, is_claim=True), marks_after=claimed)
        one = replace(one, marks_after=Marks(labels, negative=False, said_by=change.id))
        why = _only_guessed(one, record)
        return replace(one, marks_after=None).left_alone(why) if why else one

    def applied(self, one: OnePicture, may: Callable[[], bool]) -> OnePicture:
        """With what came of it. `may` is asked last before each write."""
        move = one.move
        assert move is not None
        try:
            if why := self._differs(one, move):
                return self._not_begun(one, move, why, may)
            if not move.was_there:
                with self._reading:
                    return self._moved(one, move, may)
            if not self._pictures(move).has(move.sha256):
                return one.left_alone(GONE)
            return _done(one) if self._said(one, move, may) else one.left_alone(CHANGED)
        except (Protected, BadSplit) as error:  # of this picture alone
            return one.left_alone(f"{error}")

    def undone(self, one: OnePicture) -> OnePicture:
        """With what came of putting back what was. One that was left alone is written too: who read it before must
        fail."""
        was_left = one.outcome is Outcome.LEFT_ALONE
        if one.move is None or one.marks_after is None:
            return one
        try:
            with self._reading:
                is_back, why = self._put_back(one, one.move), CHANGED
        except (Protected, BadSplit) as error:
            is_back, why = False, f"{error}"
        if was_left or one.move.is_claim:
            return one
        return replace(one, undone=Outcome.DONE) if is_back else replace(one, undone=Outcome.LEFT_ALONE, why=why)

    def _other(self, id: str | None, change: BulkChange) -> BulkChange | None:
        """The change with this id, if it is another and not so old that it can be undone no more."""
        if id is None or id == change.id:
            return None
        with suppress(NotFound):
            return Changes(self._stores.jobs).read(id)[0]
        return None

    def _wanted(self, record: Record) -> tuple[str, tuple[str, ...], str]:
        """The folder that an upload goes to, and its labels; or why it cannot."""
        labels = record.labels or (() if record.label is None else (record.label,))
        is_read = record.upload is not None and record.upload.sha256 is not None
        if not is_read or record.status not in (Status.CLASSIFIED, Status.UNKNOWN):
            return "", (), NOT_READ
        if record.label is None:
            return "", (), NO_LABEL
        projects = self._stores.projects.read()
        folder = projects.pictures_of(record.project)
        project = projects.known().get(folder, Project(folder, folder))
        if project.state is not ProjectState.OPEN:
            return "", (), f"Its project '{project.title}' is deleted."
        if len(labels) > 1 and not project.has_several:
            return "", (), f"A picture of '{project.title}' has one label; this one has {len(labels)}."
        return folder, labels, ""

    def _differs(self, one: OnePicture, move: Move) -> str:
        """Why the plan is not that of the upload as it is now; "" if it is."""
        assert one.marks_after is not None
        stored = self._stores.records.read(one.id)
        record = None if stored is None else stored.record
        if record is None or record.upload is None or record.status is Status.DELETED:
            return GONE
        if record.upload.etag != one.etag:
            return CHANGED
        folder, labels, why = self._wanted(record)
        if not why and folder != move.folder:
            return OTHER_PROJECT
        if not why and set(labels) != set(one.marks_after.labels):
            return OTHER_LABEL
        return why or _only_guessed(one, record)

    def _not_begun(self, one: OnePicture, move: Move, why: str, may: Callable[[], bool]) -> OnePicture:
        """What came of one whose plan holds no more: it is as it was, unless it was moved while the plan did hold."""
        assert one.marks_after is not None
        found, content = self._pictures(move).facts(move.sha256), self._contents(move).look(move.sha256)
        if found is not None and found[0].marks == one.marks_after:
            if content is not None and content.is_there:
                return _done(one)
            with self._reading:
                if may():
                    self._put_back(one, move)
        return one.left_alone(why)

    def _moved(self, one: OnePicture, move: Move, may: Callable[[], bool]) -> OnePicture:
        assert one.marks_after is not None
        try:
            blob = self._stores.uploads.get(one.name)
        except NotFound:
            return one.left_alone(GONE)
        data = blob.data or b""
        if blob.etag != one.etag or hashlib.sha256(data).hexdigest() != move.sha256:
            return one.left_alone(CHANGED)
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        move, change = replace(move, comes=replace(move.comes, md5=md5)), one.marks_after.said_by
        assert change is not None
        contents = self._contents(move)
        for _ in range(_TRIES):
            if not self._said(one, move, may):
                return one.left_alone(CHANGED)
            with suppress(Conflict):  # the place is taken by another, or was taken away: look again
                place = contents.placed(move.sha256, change)
                if place.is_there and place.change == change:
                    return _done(one)
                if not may():
                    return one.left_alone(CHANGED)
                if place.is_there:
                    if place.change is not None:  # another change has put it in: what that found said stays
                        self._put_back(one, move)
                    return one.left_alone(CHANGED)
                if self._stores.uploads.stat(one.name) is None:
                    if self._put_back(one, move, unless_there=True):
                        return one.left_alone(GONE)
                    continue
                contents.put(move.sha256, data, change, place.etag)
                return _done(one)
        raise Conflict("others kept writing a labelled picture")

    def _said(self, one: OnePicture, move: Move, may: Callable[[], bool]) -> bool:
        """Whether the picture's JSON says now what it is to say."""
        assert one.marks_after is not None
        pictures = self._pictures(move)
        for _ in range(_TRIES):
            facts, etag = pictures.facts(move.sha256) or (PictureFacts(), None)
            if not may():
                return False
            if facts.marks == one.marks_after:
                return True
            if (facts.marks, _origin(facts)) != (one.marks, move.origin):
                return False
            wanted = facts.marked(one.marks_after)
            with suppress(Conflict):
                pictures.put_facts(move.sha256, wanted if move.was_there else _of(wanted, move.comes), etag)
                return True
        raise Conflict("others kept writing what is known of a labelled picture")

    def _put_back(self, one: OnePicture, move: Move, *, unless_there: bool = False) -> bool:
        """Whether the picture is as it was. With `unless_there`, it stays if it has been moved already."""
        assert one.marks is not None
        assert one.marks_after is not None
        pictures, contents, change = self._pictures(move), self._contents(move), one.marks_after.said_by
        for _ in range(_TRIES):
            with suppress(Conflict):
                content = None if move.was_there else contents.read(move.sha256)
                is_ours = content is not None and (content.change == change or not content.is_there)
                is_others = content is not None and content.is_there and content.change is None
                if unless_there and content is not None and content.is_there:
                    return False
                facts, etag = pictures.facts(move.sha256) or (PictureFacts(), None)
                if facts.marks not in (one.marks, one.marks_after) or (is_others and facts.marks == one.marks_after):
                    if content is not None and not content.is_there:
                        contents.remove(move.sha256, content.etag)
                    return False
                before = facts.marked(one.marks)
                if facts.marks == one.marks_after and not move.was_there:
                    before = _of(before, move.origin)
                now = pictures.put_facts(move.sha256, before, etag)
                if content is None or not is_ours:
                    return not is_others
                contents.remove(move.sha256, content.etag)
                if self._is_said_since(move, before, now) and content.is_there:
                    contents.put(move.sha256, content.data, None, None)
                    continue
                return True
        raise Conflict("others kept writing what is known of a labelled picture")

    def _is_said_since(self, move: Move, before: PictureFacts, etag: str) -> bool:
        """Whether somebody has labelled the picture after this version of its JSON was written."""
        facts, now = self._pictures(move).facts(move.sha256) or (PictureFacts(), etag)
        return now != etag and facts.marks != before.marks and bool(facts.labels or facts.negative)

    def _contents(self, move: Move) -> Contents:
        return Contents(self._stores.training, move.folder)

    def _pictures(self, move: Move) -> TrainingPictures:
        return TrainingPictures(self._stores.training, move.folder)


def _only_guessed(one: OnePicture, record: Record) -> str:
    """Why a label may not replace the one that is there, if only the model gave it; "" if it may."""
    assert one.move is not None
    assert one.marks is not None
    said, has_label = record.correction, bool(one.marks.labels or one.marks.negative)
    if not (one.move.was_there and has_label) or one.move.is_claim or (said is not None and said.label == record.label):
        return ""
    there = "', '".join(one.marks.labels)
    called = f"is there as '{there}'" if there else "is there as none of the labels"
    return f"It {called} already, and '{record.label}' is what the model says: correct it first to replace that."


def _origin(facts: PictureFacts) -> Origin:
    return Origin(facts.source, facts.md5, facts.created_at, facts.width, facts.height)


def _of(facts: PictureFacts, origin: Origin) -> PictureFacts:
    """The same picture, which came so."""
    return replace(
        facts,
        source=origin.source,
        md5=origin.md5,
        created_at=origin.created_at,
        width=origin.width,
        height=origin.height,
    )


def _done(one: OnePicture) -> OnePicture:
    is_claim = one.move is not None and one.move.is_claim
    return replace(one, outcome=Outcome.SAME if is_claim else Outcome.DONE)
