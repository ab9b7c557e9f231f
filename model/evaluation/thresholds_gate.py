"""Compares a candidate with a live model that has the same weights, so that nothing but their thresholds differs.

Neither is the better model: a higher threshold answers fewer pictures, of which more are right. Which of the two is
wanted a person has decided. So the gate says what changes, and refuses only what answers nothing.
"""

from dataclasses import dataclass, replace

import numpy as np

from classify import ModelDescription
from imagestore.proportion import percent
from model.evaluation.evaluate import Evaluation


@dataclass(frozen=True)
class OtherThresholds:
    """Candidate and live model, in this order, on test pictures: which share of those with a label is answered, and
    which share of the labels that are given is right."""

    pictures: int
    answered: tuple[float, float]
    right: tuple[float, float]

    @property
    def answers_nothing(self) -> bool:
        """Whether the candidate answers no test picture."""
        return self.answered[0] == 0

    def sentence(self) -> str:
        """What changes, in one sentence."""
        now, then = (percent(share) for share in self.answered)
        right, before = (percent(share) for share in self.right)
        return (
            f"The weights are those of the live model, the thresholds others: of {self.pictures} test pictures it "
            f"answers {now} instead of {then}, and is right on {right} of these instead of {before}."
        )


def compare(candidate: Evaluation, live: ModelDescription) -> OtherThresholds:
    """Compare a candidate with what the live model says of the same pictures: the same, but for its thresholds."""
    both = [_answered_and_right(one) for one in (candidate, replace(candidate, model=live))]
    return OtherThresholds(len(candidate.examples), (both[0][0], both[1][0]), (both[0][1], both[1][1]))


def _answered_and_right(evaluation: Evaluation) -> tuple[float, float]:
    if evaluation.model.has_several:
        given = evaluation.given
    else:
        given = np.zeros(evaluation.probabilities.shape, bool)
        given[np.arange(len(given)), evaluation.probabilities.argmax(axis=1)] = evaluation.is_answered
    has_label = ~evaluation.is_negative
    answered, right = given[has_label].any(axis=1), given & evaluation.holds
    return float(answered.mean()) if len(answered) else 0.0, float(right.sum() / max(1, given.sum()))
