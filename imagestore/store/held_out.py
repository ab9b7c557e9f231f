"""What a version said of the pictures that were held out from its training: `<name>/<version>/held-out.json`.

From it follow precision and recall at any threshold. The file is bounded: per label it has counts by hundredths of
probability, and of at most MOST_PICTURES pictures the likeliest labels.
"""

from dataclasses import dataclass, field

import msgspec

from imagestore.decoding import decode
from imagestore.errors import NotFound
from imagestore.store.models import Models

HELD_OUT_FILE = "held-out.json"
STEPS = 100
"""Thresholds are told apart by hundredths."""
MOST_PICTURES = 10_000
MOST_LABELS = 10
MOST_GIVEN = 100
LIKELY = 0.01
"""Where several labels may hold, a picture has all labels that are so likely, but MOST_GIVEN at most."""


@dataclass(frozen=True)
class LabelAnswers:
    """What was said of one label. `right[i]` is how many of the pictures that have it were given a probability from i
    hundredths on and below i + 1, and `wrong[i]` how many of the others: int [101] each. `average_precision` knows no
    threshold; `low` and `high` are its 95 % interval, None if there are too few pictures, or in an older file."""

    label: str
    average_precision: float
    right: list[int]
    wrong: list[int]
    low: float | None = None
    high: float | None = None

    @property
    def count(self) -> int:
        """How many of the pictures have the label."""
        return sum(self.right)

    def at(self, threshold: float) -> tuple[int, int]:
        """(how many pictures get the label rightly, how many get it) where its probability must reach this threshold,
        which is taken to the nearest hundredth."""
        step = round(threshold * STEPS)
        hits = sum(self.right[step:])
        return hits, hits + sum(self.wrong[step:])


@dataclass(frozen=True)
class AnsweredPicture:
    """A held-out picture, the labels that it has, and the likeliest labels with their probabilities.

    Pictures of one `group` look alike. Of one that is not `is_near` the model says nothing, since it is unlike all that
    the model learned from. An older file has neither. The names of files are not kept here: a picture that is forgotten
    leaves its SHA-256 alone.
    """

    sha256: str
    labels: tuple[str, ...]
    probabilities: dict[str, float]
    group: int | None = None
    is_near: bool = True


@dataclass(frozen=True)
class HeldOut:
    """The content of the file: `pictures` are all `count` that were held out, or MOST_PICTURES of them.

    `threshold` is the confidence from which on the model answers, but for labels that have one of their own in
    `thresholds`. In an older file threshold and count are None.
    """

    labels: list[LabelAnswers]
    pictures: list[AnsweredPicture]
    has_several: bool = False
    threshold: float | None = None
    thresholds: dict[str, float] = field(default_factory=dict)
    count: int | None = None


def held_out(models: Models, name: str, version: str) -> HeldOut | None:
    """What this version said of held-out pictures; None if that was not kept. Raises Unavailable."""
    try:
        return decode(models.read(name, version, HELD_OUT_FILE), HeldOut)
    except (NotFound, msgspec.MsgspecError):
        return None
