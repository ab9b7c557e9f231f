"""What the API answers about how good a version is, apart from the figures themselves (imagestore/performance/)."""

from dataclasses import dataclass

from imagestore.performance.confusion import Cell, LabelErrors, SaidOfPicture
from imagestore.performance.figures import AtThreshold, LabelPerformance


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
