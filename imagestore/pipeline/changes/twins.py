"""Labelled pictures that several uploads of one change, or several changes, speak of."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from imagestore.errors import NotFound
from imagestore.pipeline.changes.documents import BulkChange, Changes, ChangeState, Kind, OnePicture, Outcome

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


def undone_before(changes: Changes, change: BulkChange, one: OnePicture) -> Iterator[tuple[BulkChange, OnePicture]]:
    """What an earlier change has done to the same labelled picture, if what this one has put back is what that one has
    said, and that one is undone or is being undone: it has found this change's labels there, and left them alone."""
    said_by, key = one.marks.said_by if one.marks is not None else None, key_of(change, one)
    if said_by is None or said_by == change.id or key is None:
        return
    try:
        earlier = changes.read(said_by)[0]
    except NotFound:  # it is too old to be kept
        return
    if earlier.state in (ChangeState.UNDOING, ChangeState.UNDONE):
        for part in changes.parts(earlier):
            yield from ((earlier, other) for other in part.pictures if key_of(earlier, other) == key)


def _agreeing(one: OnePicture, first: OnePicture) -> OnePicture:
    if one.marks_after is None or first.marks_after is None:
        return one
    if set(one.marks_after.labels) == set(first.marks_after.labels):
        return one
    called = "', '".join(first.marks_after.labels)
    why = f"Another upload of this change has the same content, and is moved as '{called}'."
    return replace(one, marks_after=None, outcome=Outcome.LEFT_ALONE, why=why)
