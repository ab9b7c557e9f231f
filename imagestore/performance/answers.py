"""What a version said of the pictures that were held out from its training, and what it gives them at a threshold."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from imagestore.store.held_out import AnsweredPicture, HeldOut, LabelAnswers, held_out
from imagestore.store.models import Models


@dataclass(frozen=True)
class Thresholds:
    """The confidence from which on a model answers: `common`, or for a label in `own` that."""

    common: float
    own: Mapping[str, float] = field(default_factory=dict)

    def of(self, label: str) -> float:
        """The threshold of this label."""
        return self.own.get(label, self.common)

    def with_all(self, threshold: float) -> "Thresholds":
        """This threshold for every label; none has one of its own."""
        return Thresholds(threshold)

    def with_one(self, label: str, threshold: float) -> "Thresholds":
        """This threshold for one label; the others keep theirs."""
        return replace(self, own={**self.own, label: threshold})


@dataclass(frozen=True)
class Answers:
    """What a version said of `pictures`, which are all `count` that were held out from its training, or a part of them.

    `labels` are what it knows, with the average precision of each; with `has_several` it may give a picture several.
    """

    labels: list[LabelAnswers]
    pictures: list[AnsweredPicture]
    has_several: bool
    thresholds: Thresholds
    count: int

    @property
    def has_groups(self) -> bool:
        """Whether it is known which pictures look alike."""
        return all(one.group is not None for one in self.pictures)

    @property
    def groups(self) -> np.ndarray:
        """The group number of each picture, int [n]: pictures that look alike count once in an interval."""
        return np.array([n if one.group is None else one.group for n, one in enumerate(self.pictures)], int)

    def given(self, picture: AnsweredPicture, thresholds: Thresholds) -> tuple[str, ...]:
        """The labels that the picture is given, the likeliest first; none where it is not answered."""
        said = self.candidates(picture)
        return tuple(label for label, probability in said if probability >= thresholds.of(label))

    def candidates(self, picture: AnsweredPicture) -> list[tuple[str, float]]:
        """The labels that the picture would be given at a threshold of 0, with their probabilities: the likeliest
        alone where a picture has one label, and none where it is unlike all that was learned from."""
        if not picture.is_near:
            return []
        said = sorted(picture.probabilities.items(), key=lambda one: -one[1])
        return said if self.has_several else said[:1]


def answers_of(models: Models, name: str, version: str) -> Answers | None:
    """What this version said of held-out pictures; None if that was not kept. Raises Unavailable."""
    kept = held_out(models, name, version)
    if kept is None or not kept.pictures:
        return None
    if kept.threshold is not None:
        return _answers(kept, kept.has_several, Thresholds(kept.threshold, kept.thresholds))
    figures = models.figures(name, version)
    return None if figures is None else _of_before(kept, figures)


def _answers(kept: HeldOut, has_several: bool, thresholds: Thresholds) -> Answers:
    count = len(kept.pictures) if kept.count is None else kept.count
    return Answers(kept.labels, kept.pictures, has_several, thresholds, count)


def _of_before(kept: HeldOut, figures: dict[str, Any]) -> Answers | None:
    """From a file that has no thresholds, with those of the version's figures; None if these have none either."""
    try:
        metrics = figures["metrics"]
        if metrics.get("labels_per_picture") == "several":
            own = {one["label"]: float(one["threshold"]) for one in metrics["classes"]}
            return _answers(kept, True, Thresholds(0.5, own))
        return _answers(kept, False, Thresholds(float(metrics["threshold"]), _chosen(figures)))
    except (KeyError, TypeError, ValueError):
        return None


def _chosen(figures: dict[str, Any]) -> dict[str, float]:
    """The thresholds of single labels that a training chose for the share of right answers that was wanted."""
    training = figures.get("training") or {}
    for price in training.get("prices", ()):
        if price["target"] == training.get("right"):
            return {label: float(own) for label, own in price["thresholds"].items()}
    return {}
