"""Changes of many pictures as people and programs see them: the API's answers, and what the client reads."""

from collections.abc import Sequence
from dataclasses import dataclass

from imagestore.pipeline.changes.documents import Action, BulkChange, ChangeState
from imagestore.record import utc


@dataclass(frozen=True)
class LeftAlone:
    """A picture that a change, or undoing it, has left as it is, and why. Its name is "" if it was gone already.

    `kind` is `upload`; `labelled` for a labelled picture, whose id is its SHA-256; or `tags` for what Custom Vision's
    clients know of a label, under the project's name.
    """

    id: str
    name: str
    why: str
    kind: str = "upload"


@dataclass(frozen=True)
class ChangeStatus:
    """A change of many pictures.

    Of `pictures`, `changed` were changed so far, `same` were so already, `left_alone` were left alone. Of the changed
    ones undoing has put `restored` back, and left `kept` alone, which others have changed since. `state` is `applying`,
    `applied`, `undoing` or `undone`; it can be undone until `undo_until` if `can_undo`. `left` are those that were left
    alone, where one change is asked for. A change of the labels of a project names it.
    """

    id: str
    action: str
    labels: list[str]
    by: str
    at: str
    state: str
    pictures: int
    changed: int
    same: int
    left_alone: int
    restored: int
    kept: int
    undo_until: str
    can_undo: bool
    undone_by: str | None
    undone_at: str | None
    left: list[LeftAlone]
    project: str | None = None

    @classmethod
    def of(cls, change: BulkChange, left: Sequence[LeftAlone] = ()) -> "ChangeStatus":
        """The status of a change; `left` are pictures that it has left alone."""
        done = change.changed + (change.same if change.action is Action.TO_TRAINING else 0)  # which it may hold there
        can_undo = change.state is ChangeState.APPLYING or (change.state is ChangeState.APPLIED and done > 0)
        return cls(
            change.id,
            str(change.action),
            list(change.labels),
            change.by,
            change.at,
            str(change.state),
            change.pictures,
            change.changed,
            change.same,
            change.left_alone,
            change.restored,
            change.kept,
            change.undo_until,
            can_undo and change.action is not Action.REPROCESS and utc() < change.undo_until,
            change.undone_by,
            change.undone_at,
            list(left),
            change.project,
        )


@dataclass(frozen=True)
class ChangeList:
    """One page of changes, and the `before` of the next page (null on the last)."""

    items: list[ChangeStatus]
    next: str | None
