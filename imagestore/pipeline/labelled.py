"""What a project's training set holds, and taking pictures out of it."""

from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace

from imagestore.store import Stores
from imagestore.store.training import ListedPicture, Part, PictureFacts, TrainingPictures, at_once

_NONE = ""


def counts(stores: Stores, project: str) -> dict[str, Counter[Part | None]]:
    """For each label how many pictures are kept for each part; None are those that no training has divided yet. The
    last one, "", is of pictures that show none of the labels, if there are any.

    Raises NotMigrated, Unavailable.
    """
    found = defaultdict[str, Counter[Part | None]](Counter)
    for one in _there(stores, project):
        for label in one.labels or (_NONE,) * one.negative:
            found[label][one.part] += 1
    return dict(sorted(found.items(), key=lambda one: (one[0] == _NONE, one[0])))


@dataclass(frozen=True)
class Removed:
    """How many pictures were deleted, and how many lost a label and keep others."""

    deleted: int
    relabelled: int


def remove(
    stores: Stores, project: str, labels: Collection[str], sources: Collection[str], *, negatives: bool = False
) -> Removed:
    """Take away these labels, and delete the pictures that have no other; delete those that came from files of these
    names and, with `negatives`, those that show none of the labels.

    What is known of those that were divided stays, so that what looks like them is never on the other side. Raises
    NotMigrated, Unavailable.
    """
    pictures, gone, changed = TrainingPictures(stores.training, project), list[str](), list[str]()
    for one in _there(stores, project):
        has_label, has_other = bool(set(one.labels) & set(labels)), bool(set(one.labels) - set(labels))
        if one.source in sources or (negatives and one.negative) or (has_label and not has_other):
            gone.append(one.sha256)
        elif has_label:
            changed.append(one.sha256)

    def without(facts: PictureFacts) -> PictureFacts:
        return replace(facts, labels=tuple(label for label in facts.labels if label not in labels))

    at_once(pictures.remove_picture, gone)
    at_once(lambda sha256: pictures.change(sha256, without), changed)
    return Removed(len(gone), len(changed))


def _there(stores: Stores, project: str) -> list[ListedPicture]:
    pictures = TrainingPictures(stores.training, project)
    pictures.demand_migrated(lambda: stores.projects.gone())
    return [one for one in pictures.list() if one.is_there]
