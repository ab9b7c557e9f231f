"""A change of many pictures as it is kept: what was asked for and how far it is, and, in parts, what each picture was
before and what became of it.

Both lie in the container `jobs`. What was before is written down before anything is changed. A change of a project's
labels has, beside uploads, labelled pictures of its training set, and what Custom Vision's clients know of its tags.
"""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, TypeVar

import msgspec

from imagestore.decoding import convert
from imagestore.errors import NotFound
from imagestore.record import Correction, Said, WrongAnswer
from imagestore.store import Item, Items, SentMessage
from imagestore.store.custom_vision import Tag
from imagestore.store.said import Marks, Origin

KEPT_DAYS = 30
"""How long a change can be looked at, and be undone."""
_KEPT_S = KEPT_DAYS * 86_400
_PARTS_KEPT_S = _KEPT_S + 86_400
_TYPE, _PART_TYPE = "bulk_change", "bulk_part"
Document = TypeVar("Document", "BulkChange", "Part")


class Action(StrEnum):
    """What is done to each picture. `relabel` puts the second label in place of the first, or takes the first away if
    it is alone: in corrections, and of a project in its labelled pictures too. `wrong` says that the model's answer is
    wrong, and not what is right. `correct` is `label` with labels of its own for each picture. `to_training` makes them
    labelled pictures of their project, with the labels that they have."""

    LABEL = "label"
    CORRECT = "correct"
    RELABEL = "relabel"
    UNLABEL = "unlabel"
    WRONG = "wrong"
    TO_TRAINING = "to_training"
    REPROCESS = "reprocess"
    DELETE = "delete"


class ChangeState(StrEnum):
    """The state of a change."""

    APPLYING = "applying"
    APPLIED = "applied"
    UNDOING = "undoing"
    UNDONE = "undone"

    @property
    def is_open(self) -> bool:
        """Whether there is something left to do."""
        return self in (ChangeState.APPLYING, ChangeState.UNDOING)


class PartState(StrEnum):
    """How far a part is. Once it is `planned`, it holds what each of its pictures was before."""

    WAITING = "waiting"
    PLANNED = "planned"
    APPLIED = "applied"
    UNDONE = "undone"


class Outcome(StrEnum):
    """What came of one picture: it was changed; it was so already; or it was left alone, and there is a reason."""

    DONE = "done"
    SAME = "same"
    LEFT_ALONE = "left_alone"


class Kind(StrEnum):
    """What is changed: an upload, a labelled picture of a project, or tags as Custom Vision's clients know them."""

    UPLOAD = "upload"
    LABELLED = "labelled"
    TAGS = "tags"


@dataclass(frozen=True)
class Move:
    """Where an upload is moved to: the folder of a project's labelled pictures, under its SHA-256.

    `was_there` is whether that content was a labelled picture already, `origin` how that had come, if it was known, and
    `comes` how it comes now. With `is_claim` another change has given it the same labels, by a move or a new name: this
    one says no more than that it wants it too, so that it stays so when that one is undone.
    """

    folder: str
    sha256: str
    was_there: bool = False
    origin: Origin = Origin()
    comes: Origin = Origin()
    is_claim: bool = False


@dataclass(frozen=True)
class OnePicture:
    """One picture of a change: what it was before, what it is to be, and what came of that and of undoing it.

    Of an upload that is its correction, or what says that the model is `wrong`; for a deletion `etag` is the version of
    the upload to delete, and `message` what will delete it. Of a labelled picture, whose id is its SHA-256, it is its
    marks; of an upload that becomes one, those of its content, and `move` says where; of tags, whose id is their
    project, the tags. `wanted` are labels of its own, where each picture is to have others. `why` is a sentence, where
    it was left alone.
    """

    id: str
    name: str = ""
    before: Correction | None = None
    after: Correction | None = None
    wrong: WrongAnswer | None = None
    wrong_after: WrongAnswer | None = None
    etag: str | None = None
    outcome: Outcome | None = None
    undone: Outcome | None = None
    why: str = ""
    kind: Kind = Kind.UPLOAD
    marks: Marks | None = None
    marks_after: Marks | None = None
    tags: tuple[Tag, ...] = ()
    tags_after: tuple[Tag, ...] = ()
    wanted: tuple[str, ...] = ()
    message: SentMessage | None = None
    move: Move | None = None

    def said(self, what: Said) -> tuple[Correction | WrongAnswer | None, Correction | WrongAnswer | None]:
        """What was said of it before, and what is to be."""
        return (self.before, self.after) if what == "correction" else (self.wrong, self.wrong_after)

    def left_alone(self, why: str) -> "OnePicture":
        """The same, which was left alone for this reason."""
        return replace(self, outcome=Outcome.LEFT_ALONE, why=why)

    def is_counted(self, outcome: Outcome | None) -> bool:
        """Whether it counts among the pictures: tags are none, and are told of where they were left alone."""
        return self.kind is not Kind.TAGS or outcome is Outcome.LEFT_ALONE


@dataclass(frozen=True)
class Part:
    """Some pictures of a change, which are done in one step."""

    id: str
    change: str
    pictures: tuple[OnePicture, ...]
    state: PartState = PartState.WAITING

    def document(self) -> dict[str, Any]:
        """The part as it is stored."""
        written: dict[str, Any] = msgspec.to_builtins(self)
        for one in written["pictures"]:
            for name in [name for name, value in one.items() if value in (None, "", (), [])]:
                del one[name]
        return written | {"type": _PART_TYPE, "ttl": _PARTS_KEPT_S}


@dataclass(frozen=True, kw_only=True)
class BulkChange:
    """A change of many pictures. A later change has a greater id.

    `by` is the account that asked, `at` when. Of `pictures`, `changed` were changed, `same` were so already and
    `left_alone` were left alone; of the changed ones undoing has put `restored` back and left `kept` as they are, since
    others had changed them. `hidden_until`, of a deletion, is what the records of its pictures say; it can be undone
    until `undo_until`. `step` is the part that is done next, of `parts`; undoing counts it down to 0. A change of the
    labels of a project names it, and the `folder` of its labelled pictures.
    """

    id: str
    action: Action
    by: str
    at: str = ""
    pictures: int = 0
    parts: int = 0
    undo_until: str = ""
    labels: tuple[str, ...] = ()
    state: ChangeState = ChangeState.APPLYING
    step: int = 0
    changed: int = 0
    same: int = 0
    left_alone: int = 0
    restored: int = 0
    kept: int = 0
    undone_by: str | None = None
    undone_at: str | None = None
    hidden_until: str | None = None
    project: str | None = None
    folder: str | None = None

    def document(self) -> dict[str, Any]:
        """The change as it is stored."""
        written: dict[str, Any] = msgspec.to_builtins(self)
        return written | {"type": _TYPE, "ttl": _KEPT_S}


class Changes:
    """The changes in a container. Every method raises Unavailable."""

    def __init__(self, items: Items) -> None:
        self._items = items

    def create(self, document: "BulkChange | Part") -> None:
        """Store a new change or part. Raises Conflict if it is there."""
        self._items.create(document.document())

    def read(self, id: str) -> tuple[BulkChange, str]:
        """The change with this id, and its ETag. Raises NotFound."""
        item = self._items.read(id) if id.startswith("change-") else None
        if item is None:
            raise NotFound(f"There is no change {id[:40]}. One is kept for {KEPT_DAYS} days.")
        return _read(item, BulkChange), item.etag

    def read_part(self, change: BulkChange, number: int) -> tuple[Part, str]:
        """One part of a change, and its ETag. Raises NotFound."""
        item = self._items.read(part_id(change.id, number))
        if item is None:
            raise NotFound(f"Part {number} of the change {change.id} is not there any more.")
        return _read(item, Part), item.etag

    def replace(self, document: Document, etag: str) -> str:
        """Write a change or a part in place of the version with this ETag. Returns the new one. Raises Conflict."""
        return self._items.replace(document.document(), etag).etag

    def list(self, most: int, before: str | None = None) -> list[BulkChange]:
        """The latest changes, at most so many, the newest first; with `before`, an id, only older ones."""
        return [_read(item, BulkChange) for item in self._items.find(_TYPE, before=before, limit=most)]

    def of_folder(self, folder: str) -> Iterator[BulkChange]:
        """The changes of the labels of the pictures in this folder, the newest first."""
        for item in self._items.find(_TYPE, {"folder": folder}):
            yield _read(item, BulkChange)

    def open_moves(self) -> Iterator[BulkChange]:
        """The changes that move pictures to training, or take them back, and are not done."""
        for state in (one for one in ChangeState if one.is_open):
            for item in self._items.find(_TYPE, {"action": str(Action.TO_TRAINING), "state": str(state)}):
                yield _read(item, BulkChange)

    def parts(self, change: BulkChange) -> Iterator[Part]:
        """All parts of a change, the last first."""
        for item in self._items.find(_PART_TYPE, {"change": change.id}):
            yield _read(item, Part)


def new_id() -> str:
    """An id for a new change: greater than those made before, but for those made at the same time elsewhere."""
    return f"change-{time.time_ns() // 1000:016d}-{secrets.token_hex(4)}"


def part_id(change: str, number: int) -> str:
    """The id of a part."""
    return f"{change}-part-{number:04d}"


def _read(item: Item, kind: type[Document]) -> Document:
    return convert(item.document, kind)
