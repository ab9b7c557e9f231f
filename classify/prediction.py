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
    """The model's answer. `margin` is the lead over the second class; below `threshold` the status is unknown.

    `earlier` is the earlier model's answer, if it was another label that this model knows too.
    """

    label: str
    confidence: float
    margin: float
    threshold: float
    top: tuple[Score, ...]
    model: ModelRef
    earlier: Earlier | None = None

    @property
    def is_known(self) -> bool:
        """Whether the confidence reaches the threshold."""
        return self.confidence >= self.threshold

    @property
    def uncertainty(self) -> float:
        """How unsure the model is, from 0 (sure) to 1, plus 2 if two versions of the model disagree.

        It is 1 minus the lead over the second class or the distance from the threshold, whichever is smaller.
        """
        certainty = min(self.margin, abs(self.confidence - self.threshold))
        return 3 - certainty if self.earlier else 1 - certainty
