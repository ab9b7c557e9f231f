"""What a version learned from, as it is kept beside it."""

from dataclasses import dataclass, field

import msgspec

from imagestore.decoding import decode
from imagestore.errors import NotFound
from imagestore.store.models import TRAINING_FILE, Models


@dataclass(frozen=True)
class LearnedFrom:
    """The label of each picture by the SHA-256 of its file, a list of labels where several may hold, nothing where it
    shows none of them."""

    learned: dict[str, str | list[str]] = field(default_factory=dict)

    @property
    def pictures(self) -> set[str]:
        """The SHA-256 of each."""
        return set(self.learned)

    def count_by_label(self) -> dict[str, int]:
        """How many pictures have each label, the most frequent first."""
        counted: dict[str, int] = {}
        for found in self.learned.values():
            for label in [found] if isinstance(found, str) else found:
                counted[label] = counted.get(label, 0) + 1
        counted.pop("", None)
        return dict(sorted(counted.items(), key=lambda one: (-one[1], one[0])))


def learned_from(models: Models, name: str, version: str) -> LearnedFrom | None:
    """What this version learned from; None if that was not kept, as of one that was added. Raises Unavailable."""
    try:
        found = decode(models.read(name, version, TRAINING_FILE), LearnedFrom)
    except (NotFound, msgspec.MsgspecError):
        return None
    return found if found.learned else None
