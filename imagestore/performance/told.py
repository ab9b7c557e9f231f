"""What the API, pages and the command line tell of a version's performance, at the thresholds that are asked for."""

from dataclasses import dataclass

from imagestore.errors import Conflict, NotFound
from imagestore.performance import figures
from imagestore.performance.answers import Answers, Thresholds, answers_of
from imagestore.performance.confusion import Cell, LabelErrors, SaidOfPicture, confusion, errors_by_label
from imagestore.performance.figures import AtThreshold, LabelPerformance
from imagestore.performance.learned import LearnedFrom, learned_from
from imagestore.performance.side_by_side import SideBySide, side_by_side
from imagestore.store import Stores


@dataclass(frozen=True)
class ThresholdsOf:
    """The confidence from which on a version answers, but for the labels that have one of their own in `labels`."""

    threshold: float
    labels: dict[str, float]


@dataclass(frozen=True)
class Performance:
    """How good a version is on the `pictures` that were held out from its training (of `count`, if not all were kept).

    `thresholds` are those that the figures are of, and `own` those of the version. With `several`, a picture may have
    several labels. `average_precision` knows no threshold. Intervals are of 95 %; with `look_alikes`, pictures that
    look alike count once in them.
    """

    name: str
    version: str
    several: bool
    pictures: int
    count: int
    look_alikes: bool
    thresholds: ThresholdsOf
    own: ThresholdsOf
    together: AtThreshold
    labels: list[LabelPerformance]


@dataclass(frozen=True)
class RecentUnknown:
    """How many of the latest pictures a version would call unknown.

    Of the latest `looked_at` pictures of `days` days, it classified `pictures`. `now` are unknown at its thresholds,
    and `unknown[i]` at a threshold of i hundredths.
    """

    days: int
    looked_at: int
    pictures: int
    now: int
    unknown: list[int]


@dataclass(frozen=True)
class ThresholdCurve:
    """What each threshold of a version does: at its own (`now`) and at each from 0 to 1 by hundredths.

    With a `label`, it is that label's threshold alone, and precision and recall are the label's; the others keep
    theirs. `recent` is null if it is not known which pictures the version has classified.
    """

    label: str | None
    now: AtThreshold
    points: list[AtThreshold]
    recent: RecentUnknown | None


@dataclass(frozen=True)
class ConfusionTable:
    """What a version takes for what, on test pictures.

    Of one that gives a picture one label, `cells` are all pairs of labels that occur: null is none of the labels, and
    of `said` unknown. Of one that may give several, `labels` are the labels with what is found, missed and wrong.
    """

    thresholds: ThresholdsOf
    cells: list[Cell]
    labels: list[LabelErrors]


@dataclass(frozen=True)
class TestPictures:
    """Test pictures with what a version says of them: `total` that were asked for, and some of them."""

    total: int
    items: list[SaidOfPicture]


@dataclass(frozen=True)
class Asked:
    """At which thresholds: the version's own, but `threshold` for all labels, or for one."""

    threshold: float | None = None
    label: str | None = None

    def of(self, answers: Answers) -> Thresholds:
        """These thresholds. Raises NotFound if the version does not know the label."""
        if self.label is not None and self.label not in {one.label for one in answers.labels}:
            raise NotFound(f"It knows no label '{self.label}'.")
        if self.threshold is None:
            return answers.thresholds
        if self.label is None:
            return answers.thresholds.with_all(self.threshold)
        return answers.thresholds.with_one(self.label, self.threshold)


def demand_answers(stores: Stores, name: str, version: str) -> Answers:
    """What a version said of held-out pictures. Raises NotFound if there is no such version, or that was not kept."""
    stores.projects.open(name)
    if not stores.models.has(name, version):
        raise NotFound(f"There is no version {version} of the model '{name}'.")
    answers = answers_of(stores.models, name, version)
    if answers is None:
        raise NotFound(
            f"What {name} {version} says of test pictures is not kept, as of a version that was added. Its training "
            "keeps that: imagestore train."
        )
    return answers


def performance(name: str, version: str, answers: Answers, asked: Asked) -> Performance:
    """How good a version is at these thresholds. Raises NotFound."""
    thresholds = asked.of(answers)
    return Performance(
        name=name,
        version=version,
        several=answers.has_several,
        pictures=len(answers.pictures),
        count=answers.count,
        look_alikes=answers.has_groups,
        thresholds=told(thresholds),
        own=told(answers.thresholds),
        together=figures.at(answers, thresholds),
        labels=figures.by_label(answers, thresholds),
    )


def confusion_table(answers: Answers, asked: Asked) -> ConfusionTable:
    """What is taken for what at these thresholds. Raises NotFound."""
    thresholds = asked.of(answers)
    if answers.has_several:
        return ConfusionTable(told(thresholds), [], errors_by_label(answers, thresholds))
    return ConfusionTable(told(thresholds), confusion(answers, thresholds).cells, [])


def compared(stores: Stores, name: str, version: str, other: str, other_version: str) -> SideBySide:
    """Two versions on the same pictures. Raises NotFound; Conflict if they cannot be compared; Unavailable."""
    projects = [stores.projects.open(one) for one in (name, other)]
    if projects[0].pictures_in != projects[1].pictures_in:
        raise Conflict(
            f"'{projects[0].title}' and '{projects[1].title}' have labelled pictures of their own, so no picture tests "
            "both. Compare versions of one project."
        )
    if (name, version) == (other, other_version):
        raise Conflict(f"{name} {version} is one version. Say which other one it is to be compared with.")
    both = (demand_answers(stores, name, version), demand_answers(stores, other, other_version))
    return side_by_side(both, (_learned(stores, name, version), _learned(stores, other, other_version)))


def _learned(stores: Stores, name: str, version: str) -> LearnedFrom:
    found = learned_from(stores.models, name, version)
    if found is None:
        raise Conflict(
            f"What {name} {version} learned from is not kept, so no picture is known to be new to it. Compare versions "
            "that were trained here."
        )
    return found


def told(thresholds: Thresholds) -> ThresholdsOf:
    """Thresholds as they are answered."""
    return ThresholdsOf(thresholds.common, dict(thresholds.own))
