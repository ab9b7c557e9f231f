"""What is taken for what: a table of the labels that test pictures have and are given, and the pictures behind each of
its cells."""

from collections import Counter
from dataclasses import dataclass

from imagestore.performance.answers import Answers, Thresholds
from imagestore.store.held_out import AnsweredPicture

UNKNOWN = "unknown"
"""In place of a label, that a picture is given none. No label is called so (classify/families.py)."""
MOST_LABELS = 24
"""A table of more is read by nobody."""


@dataclass(frozen=True)
class Cell:
    """How many pictures that have one label are given another; null is none of the labels, and of `said` unknown."""

    truth: str | None
    said: str | None
    count: int


@dataclass(frozen=True)
class Confusion:
    """What is taken for what, of a version that gives a picture one label.

    `rows` and `columns` are the labels to show, those with the most mistakes if there are many: `left_out` is how many
    are not among them. A null among the rows is pictures of none of the labels, and among the columns what is given no
    label. `cells` has each pair that occurs, in all labels.
    """

    rows: list[str | None]
    columns: list[str | None]
    left_out: int
    cells: list[Cell]

    def count(self, truth: str | None, said: str | None) -> int:
        """How many pictures a cell has."""
        return next((one.count for one in self.cells if (one.truth, one.said) == (truth, said)), 0)


@dataclass(frozen=True)
class LabelErrors:
    """Of a version that may give a picture several labels: how many pictures have a label and are given it (`found`),
    have it and are not (`missed`), or are given it and do not have it (`wrong`)."""

    label: str
    found: int
    missed: int
    wrong: int


@dataclass(frozen=True)
class Wanted:
    """Which test pictures are asked for: those that have the label `truth`, or not `not_truth`, are given `said`, or
    not `not_said`, each if it is set. `said` may be UNKNOWN; with `negative`, those that have none of the labels."""

    truth: str | None = None
    not_truth: str | None = None
    said: str | None = None
    not_said: str | None = None
    negative: bool = False


@dataclass(frozen=True)
class SaidOfPicture:
    """A test picture, the labels that it has and those that it is given, and the likeliest with their probabilities.

    Of one that is `unlike` all that was learned from, nothing is said.
    """

    sha256: str
    labels: list[str]
    given: list[str]
    probabilities: dict[str, float]
    unlike: bool

    @property
    def is_right(self) -> bool:
        """Whether it is given what it has."""
        return set(self.labels) == set(self.given)

    @property
    def confidence(self) -> float:
        """The probability of the likeliest label."""
        return max(self.probabilities.values(), default=0.0)


def confusion(answers: Answers, thresholds: Thresholds) -> Confusion:
    """What is taken for what with these thresholds."""
    counted: Counter[tuple[str | None, str | None]] = Counter()
    for one in answers.pictures:
        given = answers.given(one, thresholds)
        counted[one.labels[0] if one.labels else None, given[0] if given else None] += 1
    known = [one.label for one in answers.labels]
    seen = {label for pair in counted for label in pair if label is not None}
    labels = [label for label in known if label in seen] + sorted(seen - set(known))
    wrong: Counter[str] = Counter()
    for (truth, said), count in counted.items():
        if truth != said:
            wrong.update({label: count for label in (truth, said) if label is not None})
    shown = set(sorted(labels, key=lambda label: -wrong[label])[:MOST_LABELS])
    columns: list[str | None] = [label for label in labels if label in shown]
    has_negatives = any(truth is None for truth, _ in counted)
    return Confusion(
        rows=[*columns, None] if has_negatives else columns,
        columns=[*columns, None],
        left_out=len(labels) - len(shown),
        cells=[Cell(truth, said, count) for (truth, said), count in counted.most_common()],
    )


def errors_by_label(answers: Answers, thresholds: Thresholds) -> list[LabelErrors]:
    """For each label that a picture has or is given: how often it is found, missed, and given wrongly."""
    found: Counter[tuple[str, str]] = Counter()
    for one in answers.pictures:
        given, holding = set(answers.given(one, thresholds)), set(one.labels)
        found.update({("found", label): 1 for label in given & holding})
        found.update({("missed", label): 1 for label in holding - given})
        found.update({("wrong", label): 1 for label in given - holding})
    known = [one.label for one in answers.labels]
    labels = [*known, *sorted({label for _, label in found} - set(known))]
    seen = {label for _, label in found}
    return [
        LabelErrors(label, found["found", label], found["missed", label], found["wrong", label])
        for label in labels
        if label in seen
    ]


def pictures_of(answers: Answers, thresholds: Thresholds, wanted: Wanted) -> list[SaidOfPicture]:
    """The test pictures that are asked for: the wrong ones first, and of these the surest."""
    found = [said_of(answers, one, thresholds) for one in answers.pictures]
    inside = [one for one in found if _is_wanted(one, wanted)]
    return sorted(inside, key=lambda one: (one.is_right, -one.confidence, one.sha256))


def said_of(answers: Answers, picture: AnsweredPicture, thresholds: Thresholds) -> SaidOfPicture:
    """What the version says of this picture with these thresholds."""
    return SaidOfPicture(
        picture.sha256,
        list(picture.labels),
        list(answers.given(picture, thresholds)),
        picture.probabilities,
        not picture.is_near,
    )


def _is_wanted(one: SaidOfPicture, wanted: Wanted) -> bool:
    is_said = wanted.said is None or (not one.given if wanted.said == UNKNOWN else wanted.said in one.given)
    return (
        is_said
        and (wanted.truth is None or wanted.truth in one.labels)
        and wanted.not_truth not in one.labels
        and wanted.not_said not in one.given
        and not (wanted.negative and one.labels)
    )
