"""Labelled pictures that several uploads of one change, or several changes, speak of."""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from functools import partial

from imagestore.errors import NotFound
from imagestore.pipeline.changes.documents import BulkChange, Changes, ChangeState, Kind, OnePicture, Outcome
from imagestore.store.training import at_once

Key = tuple[str, str]


def key_of(change: BulkChange, one: OnePicture) -> Key | None:
    """The labelled picture, by folder and SHA-256, whose labels this one of the change gives; None if it gives none."""
    if one.marks_after is None:
        return None
    if one.move is not None:
        return one.move.folder, one.move.sha256
    return (change.folder, one.id) if one.kind is Kind.LABELLED and change.folder is not None else None


def agreeing(change: BulkChange, planned: Sequence[OnePicture]) -> list[OnePicture]:
    """The plan of a part in which uploads of one content that are moved to training agree on its labels: the first
    decides, or the first that a person has labelled. The others that differ are left alone."""
    decides = dict[Key | None, OnePicture]()
    for one in planned:
        first = decides.setdefault(key_of(change, one), one)
        if first.before is None and one.before is not None:
            decides[key_of(change, one)] = one
    return [_agreeing(one, decides[key_of(change, one)]) if one.move is not None else one for one in planned]


def counted_once(change: BulkChange, applied: Sequence[OnePicture]) -> list[OnePicture]:
    """What came of a part, in which the second upload of one content was there already."""
    seen, told = set[Key](), list[OnePicture]()
    for one in applied:
        key = key_of(change, one) if one.move is not None and one.outcome is Outcome.DONE else None
        told.append(replace(one, outcome=Outcome.SAME) if key in seen else one)
        if key is not None:
            seen.add(key)
    return told


def undo_before(
    changes: Changes,
    change: BulkChange,
    pictures: Sequence[OnePicture],
    undo: Callable[[BulkChange, OnePicture], object],
    undoing: tuple[str, ...] = (),
) -> None:
    """Undo, with `undo`, what earlier changes have done to the labelled pictures of these `pictures` of the change,
    which were put back just now: if that is what the earlier change has said, and it is undone or is being undone. It
    has found another change's labels there, and left them alone. `undoing` are the changes whose undoing led here.

    Each earlier change is read once, after all were put back: one whose undoing begins later finds its own labels.
    """
    undoing = (*undoing, change.id)
    said = defaultdict[str, set[Key]](set)
    for one in pictures:
        key, said_by = key_of(change, one), _said_before(one)
        if key is not None and said_by is not None and said_by not in undoing:
            said[said_by].add(key)
    for id, keys in said.items():
        try:
            earlier = changes.read(id)[0]
        except NotFound:  # it is too old to be kept
            continue
        if earlier.state in (ChangeState.UNDOING, ChangeState.UNDONE):
            found = _of_keys(changes, earlier, keys, undoing)
            at_once(partial(_undo_in_turn, undo, earlier), found)
            undo_before(changes, earlier, [one for alike in found for one in alike], undo, undoing)


def _undo_in_turn(
    undo: Callable[[BulkChange, OnePicture], object], change: BulkChange, pictures: Sequence[OnePicture]
) -> None:
    for one in pictures:
        undo(change, one)


def _of_keys(
    changes: Changes, change: BulkChange, keys: Collection[Key], undoing: Sequence[str]
) -> list[list[OnePicture]]:
    """What the change has done to each of these labelled pictures, in the order to undo it. Of several uploads of one
    content, those that would bring back what a change says that is being undone are left out."""
    found = defaultdict[Key, list[OnePicture]](list)
    for part in changes.parts(change):
        for one in part.pictures:
            if (key := key_of(change, one)) is not None and key in keys:
                found[key].append(one)
    return [[one for one in alike if _said_before(one) not in undoing] or alike for alike in found.values()]


def _said_before(one: OnePicture) -> str | None:
    """The change that had said last what the labelled picture shows."""
    return None if one.marks is None else one.marks.said_by


def _agreeing(one: OnePicture, first: OnePicture) -> OnePicture:
    if one.marks_after is None or first.marks_after is None:
        return one
    if set(one.marks_after.labels) == set(first.marks_after.labels):
        return one
    called = "', '".join(first.marks_after.labels)
    why = f"Another upload of this change has the same content, and is moved as '{called}'."
    return replace(one, marks_after=None).left_alone(why)
