"""What Custom Vision claimed of a project that came from there, beside what held-out pictures show here.

Both by the service's rule: a picture is given each label whose probability reaches 0.5, whatever the thresholds of the
model here.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from imagestore.proportion import Share
from imagestore.store.custom_vision import Claim, TagClaim
from model.evaluation.evaluate import Evaluation
from model.evaluation.metrics import by_group
from model.evaluation.several import average_precision

THRESHOLD = 0.5
_WITHIN = 1e-9
"""A float32 of 0.5 is no less than a half."""
_FEWEST = 10


@dataclass(frozen=True)
class FoundHere:
    """Precision, recall and average precision on held-out pictures; the last is None where no picture has the label."""

    precision: Share
    recall: Share
    average_precision: float | None


@dataclass(frozen=True)
class LabelCompared:
    """One label: what was claimed of it, None if nothing was; and what was found on so many pictures that have it."""

    label: str
    claimed: TagClaim | None
    here: FoundHere
    pictures: int


@dataclass(frozen=True)
class Compared:
    """All claims, the oldest first, and what was found: over all labels together, and by label, beside what the last
    claim says of it."""

    claims: tuple[Claim, ...]
    here: FoundHere
    pictures: int
    labels: tuple[LabelCompared, ...]
    threshold: float = THRESHOLD

    def sentence(self, called: str) -> str:
        """The last claim and what was found, for a person."""
        last = self.claims[-1]
        precision, recall = self.here.precision.share, self.here.recall.share
        return (
            f"Custom Vision claimed a precision of {last.precision:.3f} and a recall of {last.recall:.3f} of "
            f"'{last.name}'. By the same rule {called} has {precision:.3f} and {recall:.3f} on {self.pictures:,} "
            "pictures that were held out."
        )


def compared(claims: Sequence[Claim], evaluation: Evaluation) -> Compared | None:
    """What was claimed beside what an evaluation found; None if nothing was claimed."""
    if not claims or not len(evaluation.examples):
        return None
    given, holds = evaluation.probabilities >= THRESHOLD - _WITHIN, evaluation.holds
    groups = np.arange(len(holds)) if evaluation.groups is None else evaluation.groups
    told = {tag.name: tag for tag in claims[-1].tags}
    labels = tuple(
        LabelCompared(
            label,
            told.get(label),
            _found(given[:, i], holds[:, i], groups, _precision_of(evaluation.probabilities[:, i], holds[:, i])),
            int(holds[:, i].sum()),
        )
        for i, label in enumerate(evaluation.model.labels)
    )
    means = [one.here.average_precision for one in labels if one.here.average_precision is not None]
    every = np.repeat(groups, holds.shape[1])
    here = _found(given.ravel(), holds.ravel(), every, float(np.mean(means)) if means else None)
    return Compared(tuple(claims), here, len(holds), labels)


def _found(given: np.ndarray, holds: np.ndarray, groups: np.ndarray, mean: float | None) -> FoundHere:
    precision, recall = by_group(holds[given], groups[given], _FEWEST), by_group(given[holds], groups[holds], _FEWEST)
    return FoundHere(precision, recall, mean)


def _precision_of(probabilities: np.ndarray, holds: np.ndarray) -> float | None:
    return average_precision(probabilities, holds) if holds.any() else None
