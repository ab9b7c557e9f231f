"""What a project's training set holds, and taking pictures out of it."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from imagestore.store import Stores
from imagestore.store.training import ListedPicture, Part, PictureFacts, TrainingPictures, at_once

_NONE = ""


def counts(stores: Stores, project: str) -> dict[str, Counter[Part | None]]:
    """For each label how many pictures are kept for each part; None are those that no training has divided yet. The
    last one, "", is of pictures that show none of the labels, if there are any.

    Raises NotMigrated, Unavailable.
    """
    return tally(there(stores, project)).parts


@dataclass(frozen=True)
class UsedLabel:
    """A label of a project: how many pictures people have corrected to it or confirmed that are no labelled pictures
    with it, and how many of these there are to learn from, to test with, for neither, and that no training has divided
    yet."""

    label: str
    corrections: int = 0
    learn: int = 0
    test: int = 0
    retired: int = 0
    new: int = 0

    @property
    def labelled(self) -> int:
        """How many labelled pictures have it."""
        return self.learn + self.test + self.retired + self.new

    @property
    def total(self) -> int:
        """How many pictures have it."""
        return self.corrections + self.labelled


@dataclass(frozen=True)
class Tally:
    """How many pictures there are: for each label by part, and under "" those that show none of the labels; `labelled`
    in all of these, and `unlabelled` that wait for a label."""

    parts: dict[str, Counter[Part | None]]
    labelled: int
    unlabelled: int

    @property
    def labels(self) -> dict[str, int]:
        """How many pictures have each label."""
        return {label: parts.total() for label, parts in self.parts.items() if label != _NONE}

    @property
    def negatives(self) -> int:
        """How many show none of the labels."""
        return self.parts.get(_NONE, Counter()).total()

    def more(self, other: "Tally") -> "Tally":
        """With these pictures, too."""
        parts = {label: Counter(of) for label, of in self.parts.items()}
        for label, of in other.parts.items():
            parts.setdefault(label, Counter()).update(of)
        return Tally(parts, self.labelled + other.labelled, self.unlabelled + other.unlabelled)

    def less(self, other: "Tally") -> "Tally":
        """Without these pictures, which are among them."""
        parts = {label: of - other.parts.get(label, Counter()) for label, of in self.parts.items()}
        left = {label: of for label, of in parts.items() if of}
        return Tally(left, self.labelled - other.labelled, self.unlabelled - other.unlabelled)


def tally(listed: Iterable[ListedPicture]) -> Tally:
    """Count pictures that are there."""
    found, labelled, unlabelled = Counter[tuple[tuple[str, ...], bool, Part | None]](), 0, 0
    found.update((one.labels, one.negative, one.part) for one in listed if one.is_there)
    parts = defaultdict[str, Counter[Part | None]](Counter)
    for (labels, negative, part), count in found.items():
        for label in labels or (_NONE,) * negative:
            parts[label][part] += count
        labelled += count if labels or negative else 0
        unlabelled += 0 if labels or negative else count
    return Tally(dict(sorted(parts.items(), key=lambda one: (one[0] == _NONE, one[0]))), labelled, unlabelled)


def corrections_alone(said: Iterable[tuple[str, str]], known: Mapping[str, Collection[str]]) -> Counter[str]:
    """How many contents people have corrected to each label, but those that are labelled pictures with it. `said` are
    labels with contents, `known` the labels of the labelled pictures, both by SHA-256; an upload of which that is not
    known counts under another name that it alone has."""
    return Counter(label for label, content in set(said) if label not in known.get(content, ()))


def used_labels(there: Tally, corrections: Mapping[str, int]) -> list[UsedLabel]:
    """The labels of a project, the most given first: of labelled pictures that are there, and of corrections."""
    parts = {label: parts for label, parts in there.parts.items() if label != _NONE}
    found = [
        UsedLabel(
            label,
            corrections.get(label, 0),
            *(parts.get(label, Counter())[part] for part in (Part.LEARN, Part.TEST, Part.RETIRED, None)),
        )
        for label in {*parts, *corrections}
    ]
    return sorted(found, key=lambda one: (-one.total, one.label.casefold(), one.label))


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
    for one in there(stores, project):
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


def there(stores: Stores, project: str) -> list[ListedPicture]:
    """The labelled pictures of a project that are there. Raises NotMigrated, Unavailable."""
    pictures = TrainingPictures(stores.training, project)
    pictures.demand_migrated(lambda: stores.projects.gone())
    return [one for one in pictures.list() if one.is_there]
