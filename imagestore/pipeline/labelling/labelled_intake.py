"""Takes one labelled picture into a project's training set, as the page and the API send it.

The same content is one picture, however often and under whatever name it comes.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from imagestore.errors import Conflict
from imagestore.pipeline.labelling.correct import checked_label
from imagestore.record import utc
from imagestore.store import Stores
from imagestore.store.moved_content import Contents
from imagestore.store.projects import Project
from imagestore.store.training import Marks, PictureFacts, TrainingPictures

NONE_CALLED = "none of the labels"


class Outcome(StrEnum):
    """What became of a labelled picture: it is `new`, was there as it is (`same`), or is `relabelled`."""

    NEW = "new"
    SAME = "same"
    RELABELLED = "relabelled"


@dataclass(frozen=True)
class TakenIn:
    """A labelled picture as it is kept now. With no labels, it shows none of the project's."""

    sha256: str
    labels: list[str]
    outcome: Outcome


def take_in(
    stores: Stores,
    project: Project,
    data: bytes,
    labels: Sequence[str],
    source: str,
    size: tuple[int, int],
    *,
    relabel: bool = False,
) -> TakenIn:
    """Keep a picture of this width and height with these labels, or as one that shows none of them.

    What is there already gets them beside those that it has where the project knows several a picture, and in their
    place with `relabel`. Raises NotALabel; Conflict if it has another label, or the project learns from another's
    pictures; Unavailable. That the pictures are of today's form is for the caller to see.
    """
    if project.shares is not None:
        raise Conflict(f"'{project.title}' learns from the pictures of '{project.shares}': put this one in there.")
    wanted = tuple(dict.fromkeys(checked_label(label) for label in labels))
    if len(wanted) > 1 and not project.has_several:
        raise Conflict(f"A picture of '{project.title}' has one label; here are {len(wanted)}.")
    pictures, began = TrainingPictures(stores.training, project.pictures_in), utc()
    pictures.begin()
    sha256 = hashlib.sha256(data).hexdigest()
    md5 = hashlib.md5(data, usedforsecurity=False).hexdigest()
    was_there = pictures.has(sha256)
    outcome, labels_now = Outcome.NEW, wanted

    def kept(before: PictureFacts) -> PictureFacts:
        nonlocal outcome, labels_now
        labels_now = wanted
        # Another instance may have put it in since this one looked: then it is there, though its content may not be.
        is_there = was_there or (before.created_at or "") >= began
        has_label = bool(before.labels) or before.negative
        if is_there and has_label and not relabel:
            labels_now = _joined(before, wanted, project)
            outcome = Outcome.SAME if set(labels_now) == set(before.labels) else Outcome.RELABELLED
            return replace(before, labels=labels_now if outcome is Outcome.RELABELLED else before.labels, said_by=None)
        outcome = Outcome.NEW if not is_there else Outcome.RELABELLED
        if is_there and before.labels == wanted and before.negative == (not wanted):
            outcome = Outcome.SAME
        said = before.marked(Marks(wanted, not wanted))  # it is no change's any more, also if it says the same
        known = replace(said, md5=md5, width=size[0], height=size[1])
        return known if is_there else replace(known, source=source, created_at=utc())

    pictures.change(sha256, kept, is_new=not was_there)
    if was_there:  # a change that put it in may be taking it away just now
        Contents(stores.training, project.pictures_in).keep(sha256, data)
    else:
        pictures.put_picture(sha256, data)
    return TakenIn(sha256, list(labels_now), outcome)


def _joined(before: PictureFacts, wanted: tuple[str, ...], project: Project) -> tuple[str, ...]:
    """The labels that it has then, of one that has some. Raises Conflict if it cannot have all."""
    has = " and ".join(f"'{label}'" for label in before.labels) or NONE_CALLED
    remedy = "Say relabel=true to change that, or leave it out."
    if before.negative != (not wanted):
        raise Conflict(f"The same picture is there as {has} already. {remedy}")
    if not project.has_several and set(before.labels) != set(wanted):
        raise Conflict(f"The same picture is there as {has} already, and has one label. {remedy}")
    return tuple(dict.fromkeys((*before.labels, *wanted)))
