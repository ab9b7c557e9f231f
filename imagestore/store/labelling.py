"""What a training found out about its labels: `<name>/<version>/labelling.json` and `out-of-fold.json`.

Both come from predictions out of fold: of each picture by a head that was fitted to others, none of which looks like
it.
"""

from dataclasses import dataclass

import msgspec

from imagestore.decoding import decode
from imagestore.errors import NotFound
from imagestore.store.held_out import AnsweredPicture
from imagestore.store.models import Models

LABELLING_FILE = "labelling.json"
OUT_OF_FOLD_FILE = "out-of-fold.json"
MOST_DOUBTS = 1000
_LITTLE = 0.01
"""A rise by less than a point is little."""


@dataclass(frozen=True)
class Measured:
    """A share, or a difference of two, with its 95 % interval."""

    value: float
    low: float
    high: float

    @property
    def points(self) -> str:
        """The difference in percentage points: "1.2 points (−0.5 to +2.9)"."""
        value, low, high = (f"{100 * one:+.1f}".replace("-", "−") for one in (self.value, self.low, self.high))
        return f"{value.lstrip('+−')} points ({low} to {high})"


@dataclass(frozen=True)
class CurvePoint:
    """The accuracy of heads that were fitted to so many pictures, on others."""

    pictures: int
    accuracy: Measured


@dataclass(frozen=True)
class LabelRise:
    """How many of a label's pictures are recognised, and by how much that rose with the last doubling. The interval is
    wider the more labels there are, so that all of them together hold with 95 %."""

    label: str
    recall: float
    rise: Measured


@dataclass(frozen=True)
class LearningCurve:
    """How accuracy grew with the number of pictures learned from: `points`, the fewest first, `rise` from the last but
    one to the last, and the same of each label. With `has_several`, a picture is right if all its labels are."""

    points: list[CurvePoint]
    rise: Measured
    labels: list[LabelRise]
    has_several: bool = False

    @property
    def plotted(self) -> list[tuple[int, float, float, float]]:
        """(pictures, accuracy, low, high) of each point."""
        return [(one.pictures, one.accuracy.value, one.accuracy.low, one.accuracy.high) for one in self.points]

    @property
    def would_help_most(self) -> LabelRise | None:
        """The label that rose most, of those that certainly rose."""
        risen = [one for one in self.labels if one.rise.low > 0]
        return max(risen, key=lambda one: one.rise.value, default=None)

    @property
    def sentence(self) -> str:
        """What was measured, and what it means."""
        few, many = (f"{one.pictures:,}" for one in self.points[-2:])
        fell = "fell" if self.rise.value < 0 else "rose"
        said = f"From {few} to {many} pictures accuracy {fell} by {self.rise.points}: "
        if (label := self.would_help_most) is not None:
            return f"{said}more pictures of {label.label} would help most."
        if self.rise.low > 0:
            return f"{said}more pictures would help, of no label more than of others as far as can be told."
        if self.rise.high < _LITTLE:
            return f"{said}more of the same kind would add little."
        return f"{said}whether more would help cannot be told from so few."


@dataclass(frozen=True)
class Doubt:
    """A picture that was learned from and looks mislabelled: its labels, and those that it should perhaps have; none is
    of a picture that shows none of them.

    `probability` is what its labels were given out of fold, `instead` what was given to the others. `source` is the
    file's name in the folder that it came from, and `upload` the name of the upload if a correction gave the labels.
    """

    sha256: str
    labels: tuple[str, ...]
    perhaps: tuple[str, ...]
    probability: float
    instead: float
    source: str
    upload: str | None = None


@dataclass(frozen=True)
class Labelling:
    """The content of `labelling.json`. Of `pictures` that were learned from, `found` look mislabelled; `doubts` are the
    first MOST_DOUBTS of them, the most doubtful first. `curve` is None if there were too few pictures to measure it.
    `gathered_at` (UTC) is when the labels were read, as far as that is known."""

    pictures: int
    found: int
    doubts: list[Doubt]
    curve: LearningCurve | None
    gathered_at: str = ""

    def sentences(self) -> list[str]:
        """What was found out, for a person."""
        said = [self.curve.sentence] if self.curve is not None else []
        if self.found:
            look = "1 looks" if self.found == 1 else f"{self.found:,} look"
            said.append(f"Of {self.pictures:,} pictures that were learned from, {look} mislabelled.")
        return said


@dataclass(frozen=True)
class OutOfFold:
    """The content of `out-of-fold.json`: of the pictures that were learned from, or of those of which the heads were
    least sure that they are labelled rightly, what was said out of fold."""

    pictures: list[AnsweredPicture]


def labelling(models: Models, name: str, version: str) -> Labelling | None:
    """What the training of this version found out about its labels; None if that was not kept. Raises Unavailable."""
    try:
        return decode(models.read(name, version, LABELLING_FILE), Labelling)
    except (NotFound, msgspec.MsgspecError):
        return None
