"""What a project's training set holds, and taking pictures out of it."""

from collections import Counter, defaultdict
from collections.abc import Collection

from imagestore.store import Stores
from imagestore.store.training import ListedPicture, Part, TrainingPictures, at_once

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


def remove(
    stores: Stores, project: str, labels: Collection[str], sources: Collection[str], *, negatives: bool = False
) -> int:
    """Delete the pictures with one of these labels, those that came from files of these names and, with `negatives`,
    those that show none of the labels. Returns how many.

    What is known of those that were divided stays, so that what looks like them is never on the other side. Raises
    NotMigrated, Unavailable.
    """
    pictures = TrainingPictures(stores.training, project)
    gone = [
        one
        for one in _there(stores, project)
        if set(one.labels) & set(labels) or one.source in sources or (negatives and one.negative)
    ]
    at_once(lambda picture: pictures.remove_picture(picture.sha256), gone)
    return len(gone)


def _there(stores: Stores, project: str) -> list[ListedPicture]:
    pictures = TrainingPictures(stores.training, project)
    pictures.demand_migrated()
    return [one for one in pictures.list() if one.is_there]
