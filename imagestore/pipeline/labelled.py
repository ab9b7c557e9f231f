"""What a project's training set holds, and taking pictures out of it."""

from collections import Counter, defaultdict
from collections.abc import Collection

from imagestore.store import Stores
from imagestore.store.training import ListedPicture, Part, TrainingPictures, at_once


def counts(stores: Stores, project: str) -> dict[str, Counter[Part | None]]:
    """For each label how many pictures are kept for each part; None are those that no training has divided yet.

    Raises NotMigrated, Unavailable.
    """
    found = defaultdict[str, Counter[Part | None]](Counter)
    for one in _there(stores, project):
        for label in one.labels:
            found[label][one.part] += 1
    return dict(sorted(found.items()))


def remove(stores: Stores, project: str, labels: Collection[str], sources: Collection[str]) -> int:
    """Delete the pictures with one of these labels, and those that came from files of these names. Returns how many.

    What is known of those that were divided stays, so that what looks like them is never on the other side. Raises
    NotMigrated, Unavailable.
    """
    pictures = TrainingPictures(stores.training, project)
    gone = [one for one in _there(stores, project) if set(one.labels) & set(labels) or one.source in sources]
    at_once(lambda picture: pictures.remove_picture(picture.sha256), gone)
    return len(gone)


def _there(stores: Stores, project: str) -> list[ListedPicture]:
    pictures = TrainingPictures(stores.training, project)
    pictures.demand_migrated()
    return [one for one in pictures.list() if one.is_there]
