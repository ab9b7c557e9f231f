"""A model's prediction for a picture."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Score:
    """One class and its probability (0 to 1)."""

    label: str
    probability: float


@dataclass(frozen=True)
class ModelRef:
    """The name, version and file of a model."""

    name: str
    version: str
    sha256: str


@dataclass(frozen=True)
class Earlier:
    """Another model's prediction for the same picture before."""

    label: str
    confidence: float
    model: ModelRef


@dataclass(frozen=True)
class Prediction:
    """The model's answer. `margin` is the lead over the second class; below `threshold` the status is unknown. Of a
    model that knows pictures of none of its labels, `margin` is the lead of the likeliest over the second among all its
    labels and none of them.

    It is unknown too if the picture's `distance` from the pictures that the model learned from is above
    `distance_limit`; a model that tells no distance has neither.
    Where no class is sure but a family of classes is, such as cat, `label` is the family, `confidence` the sum of its
    classes' probabilities, and `margin` the lead over the likeliest class outside it; `top` holds classes all the same.
    `earlier` is the earlier model's answer, if it was another label that this model knows too.
    A model that gives each label a probability of its own has `labels`: all that reach their thresholds, the likeliest
    first; `label` is then the first of them, or the likeliest of all if none does, and `margin` how far the probability
    that is nearest to its threshold is from it. `labels` is None for a model whose classes exclude each other.
    """

    label: str
    confidence: float
    margin: float
    threshold: float
    top: tuple[Score, ...]
    model: ModelRef
    earlier: Earlier | None = None
    distance: float | None = None
    distance_limit: float | None = None
    labels: tuple[Score, ...] | None = None

    @property
    def is_known(self) -> bool:
        """Whether the confidence reaches the threshold, and the picture is like those that the model learned from."""
        return self.confidence >= self.threshold and not self.is_far

    @property
    def is_far(self) -> bool:
        """Whether the picture is unlike all that the model learned from."""
        return self.distance is not None and self.distance_limit is not None and self.distance > self.distance_limit

    @property
    def is_family(self) -> bool:
        """Whether the label is a family of classes."""
        return self.labels is None and bool(self.top) and self.label != self.top[0].label

    @property
    def uncertainty(self) -> float:
        """How unsure the model is, from 0 (sure) to 1, plus 2 if two versions of the model disagree.

        It is 1 minus the lead over the second class or the distance from the threshold, whichever is smaller, and 1
        for a picture that is unlike all that the model learned from.
        """
        certainty = 0.0 if self.is_far else min(self.margin, abs(self.confidence - self.threshold))
        return 3 - certainty if self.earlier else 1 - certainty
