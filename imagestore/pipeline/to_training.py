"""Makes uploads labelled pictures of their project, with the labels that they have, as a change of many pictures
(bulk.py) that can be undone exactly.

A labelled picture is known by its content (store/training.py). Its JSON is written first, by its ETag, and is what says
that it was moved; then its content is put beside it. Undoing writes each JSON of the change, also one that was never
begun, so that whoever has prepared a write before that fails, and takes the content away again. A JSON that says
nothing, of a content that is not there, is all that may stay behind; no list shows it.
"""

import hashlib
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

from imagestore.errors import BadSplit, Conflict, NotFound, Protected
from imagestore.pipeline.bulk_documents import BulkChange, Move, OnePicture, Outcome
from imagestore.pipeline.relabel import CHANGED, GONE
from imagestore.record import Record, Status, utc
from imagestore.store import Stores
from imagestore.store.projects import Project, ProjectState
from imagestore.store.said import Marks, Origin
from imagestore.store.training import PictureFacts, TrainingPictures

NO_LABEL = "It has no label. Say what it shows first."
NOT_READ = "No picture of it could be read and classified."
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
        sha256 = record.upload.sha256 if record.upload else None
        labels = record.labels or (() if record.label is None else (record.label,))
        if sha256 is None or record.status not in (Status.CLASSIFIED, Status.UNKNOWN):
            return _left(one, NOT_READ)
        if record.label is None:
            return _left(one, NO_LABEL)
        projects = self._stores.projects.read()
        folder = projects.pictures_of(record.project)
        project = projects.known().get(folder, Project(folder, folder))
        if project.state is not ProjectState.OPEN:
            return _left(one, f"Its project '{project.title}' is deleted.")
        if len(labels) > 1 and not project.has_several:
            return _left(one, f"A picture of '{project.title}' has one label; this one has {len(labels)}.")
        pictures = TrainingPictures(self._stores.training, folder)
        pictures.begin()
        try:
            facts, _ = pictures.facts(sha256) or (PictureFacts(), None)
        except BadSplit as error:
            return _left(one, f"{error}")
        is_there = self._stores.training.stat(f"{folder}/{sha256}") is not None
        image, is_there = record.image, self._stores.training.stat(f"{folder}/{sha256}") is not None
        size = (image.width, image.height) if image is not None else (0, 0)
        move = Move(folder, sha256, is_there, _origin(facts), Origin(record.name, "", utc(), *size))
        one = replace(one, move=move, marks=facts.marks)
        if is_there and set(facts.labels) == set(labels):
            return replace(one, outcome=Outcome.SAME)
        return replace(one, marks_after=Marks(labels, negative=False, said_by=change.id))

    def applied(self, one: OnePicture, may: Callable[[], bool]) -> OnePicture:
        """With what came of it. `may` is asked last before each write."""
        move = one.move
        assert move is not None
        try:
            if not move.was_there:
                with self._reading:
                    return self._moved(one, move, may)
            if self._stores.training.stat(f"{move.folder}/{move.sha256}") is None:
                return _left(one, GONE)
            return _done(one) if self._said(one, move, may) else _left(one, CHANGED)
        except (Protected, BadSplit) as error:  # of this picture alone
            return _left(one, f"{error}")

    def undone(self, one: OnePicture) -> OnePicture:
        """With what came of putting back what was. One that was left alone is written too: who read it before must
        fail."""
        was_left = one.outcome is Outcome.LEFT_ALONE
        if one.move is None or one.marks_after is None:
            return one
        try:
            is_back, why = self._put_back(one, one.move), CHANGED
        except (Protected, BadSplit) as error:
            is_back, why = False, f"{error}"
        if was_left:
            return one
        return replace(one, undone=Outcome.DONE) if is_back else replace(one, undone=Outcome.LEFT_ALONE, why=why)

    def _moved(self, one: OnePicture, move: Move, may: Callable[[], bool]) -> OnePicture:
        try:
            blob = self._stores.uploads.get(one.name)
        except NotFound:
            return _left(one, GONE)
        data = blob.data or b""
        if blob.etag != one.etag or hashlib.sha256(data).hexdigest() != move.sha256:
            return _left(one, CHANGED)
        md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
        if not self._said(one, replace(move, comes=replace(move.comes, md5=md5)), may) or not may():
            return _left(one, CHANGED)
        pictures = self._pictures(move)
        pictures.put_picture(move.sha256, data)
        if not may():  # undoing may have passed by before the content was there
            found = pictures.facts(move.sha256)
            if found is not None and (found[0].marks, _origin(found[0])) == (one.marks, move.origin):
                pictures.remove_picture(move.sha256)
            return _left(one, CHANGED)
        return _done(one)

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

    def _put_back(self, one: OnePicture, move: Move) -> bool:
        """Whether the picture is as it was."""
        assert one.marks is not None
        pictures = self._pictures(move)
        for _ in range(_TRIES):
            facts, etag = pictures.facts(move.sha256) or (PictureFacts(), None)
            if facts.marks not in (one.marks, one.marks_after):
                return False
            before = facts.marked(one.marks)
            if facts.marks == one.marks_after and not move.was_there:
                before = _of(before, move.origin)
            with suppress(Conflict):
                pictures.put_facts(move.sha256, before, etag)
                if not move.was_there and _origin(before) == move.origin:
                    pictures.remove_picture(move.sha256)
                return True
        raise Conflict("others kept writing what is known of a labelled picture")

    def _pictures(self, move: Move) -> TrainingPictures:
        return TrainingPictures(self._stores.training, move.folder)


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
    return replace(one, outcome=Outcome.DONE)


def _left(one: OnePicture, why: str) -> OnePicture:
    return replace(one, outcome=Outcome.LEFT_ALONE, why=why)
