"""Chooses from which confidence on a model answers, so that a wanted share of its answers is right, and what it costs.

All of it comes from answers out of fold. A threshold can be chosen for any target; that the target is reached is shown
only where the exact bound says so (Clopper and Pearson 1934), and that takes many answers: 59 without a mistake for
95 %.
"""

from dataclasses import dataclass
from math import ceil, floor, log

import numpy as np
from scipy.stats import beta

from imagestore.proportion import percent
from model.training.scratch import blocks

RIGHT = 0.95
TARGETS = (0.8, 0.9, 0.95, 0.99)
"""The shares of right answers whose price is always stated."""
EVEN = 0.5
FEWEST_OF_LABEL = 59
_RISK = 0.05
_BOUNDS_AT_ONCE = 1024


@dataclass(frozen=True)
class Answers:
    """Answers on pictures that the head was not fitted to: confidence float [n], class numbers of answer and truth int
    [n], group numbers int [n], and whether the picture is near enough to what was learned, bool [n].

    The truth is −1 where no answer is right, as of a picture that shows none of the labels.
    """

    confidence: np.ndarray
    predicted: np.ndarray
    truth: np.ndarray
    groups: np.ndarray
    is_near: np.ndarray

    @property
    def is_right(self) -> np.ndarray:
        """Which answers are right, bool [n]."""
        return np.asarray(self.predicted == self.truth)

    def given(self, thresholds: "Thresholds") -> np.ndarray:
        """Which pictures are answered with these thresholds, bool [n]."""
        return np.asarray(self.is_near & (self.confidence >= thresholds.of(self.predicted)))


@dataclass(frozen=True)
class Thresholds:
    """From which confidence on a model answers: `common`, or that of a class number that has one of its own."""

    common: float
    own: dict[int, float]

    def of(self, predicted: np.ndarray) -> np.ndarray:
        """The thresholds float [n] of answers with class numbers int [n]."""
        found = np.full(len(predicted), self.common)
        for number, threshold in self.own.items():
            found[predicted == number] = threshold
        return found


@dataclass(frozen=True)
class Price:
    """What it costs that the share `target` of the answers is right.

    From the confidence `threshold` on, or that of a label in `thresholds`, the share `answered` of the pictures is
    answered, and `right` is the share of right answers. With 95 % confidence at least the share `at_least` is right,
    by `count` answers, in which pictures that look alike count once. `needed` is how many answers without a mistake
    would show the target. From the confidence `shown_from` on, if any, the target is shown to be reached, for the share
    `shown_answered` of the pictures.
    """

    target: float
    threshold: float
    thresholds: dict[str, float]
    answered: float
    right: float
    at_least: float
    count: int
    needed: int
    shown_from: float | None
    shown_answered: float

    def sentence(self, does: str = "answers") -> str:
        """The price in one line; `does` says what is done to the share `answered`."""
        own = f", {len(self.thresholds)} labels from their own" if self.thresholds else ""
        said = f"{percent(self.target)} right: {does} {percent(self.answered)}, from a confidence of {self.threshold:g}"
        return f"{said} on{own}; {percent(self.right, 1)} of these are right. {self.shown()}"

    def shown(self) -> str:
        """What the answers suffice to show, with 95 % confidence."""
        bound = f"with 95 % confidence at least {percent(self.at_least, 1)} are"
        if self.at_least >= self.target:
            return f"Shown: {bound}."
        if self.shown_from is not None:
            surest = f"{percent(self.target)} are shown from {self.shown_from:g} on, for {percent(self.shown_answered)}"
            return f"Of all these, {bound}; {surest}."
        if self.count < self.needed:
            return (
                f"Not shown: a claim of {percent(self.target)} needs at least {self.needed} different answers without "
                f"a mistake, and there are {self.count}."
            )
        return f"Not shown: {bound}."


def at_least(right: int, of: int) -> float:
    """The exact one-sided 95 % lower bound of a share of which `right` of `of` were seen (Clopper and Pearson 1934)."""
    return 0.0 if right == 0 else float(beta.ppf(_RISK, right, of - right + 1))


def shown_from(answers: Answers, target: float) -> float | None:
    """The lowest confidence above which the share `target` of the answers is shown to be right, if any.

    The surest answers are looked at first, as many as could show it, then one more at a time until the bound falls
    below the target; so it may be said of the last of them without having chosen the luckiest.
    """
    inside = np.flatnonzero(answers.is_near)
    order = inside[np.argsort(-answers.confidence[inside], kind="stable")]
    first = np.zeros(len(order), bool)
    first[np.unique(answers.groups[order], return_index=True)[1]] = True
    right, distinct = np.cumsum(answers.is_right[order]), np.cumsum(first)
    counted = np.floor(right / np.arange(1, len(order) + 1) * distinct + 1e-9)
    begun = int(np.searchsorted(distinct, needed(target)))
    found = None
    for block in blocks(len(order) - begun, _BOUNDS_AT_ONCE):
        part = slice(begun + block.start, begun + block.stop)
        below = np.flatnonzero(_at_least(counted[part], distinct[part]) < target)
        last = part.stop - 1 if not len(below) else part.start + int(below[0]) - 1
        found = float(answers.confidence[order[last]]) if last >= begun else found
        if len(below):
            break
    return found


def _at_least(right: np.ndarray, of: np.ndarray) -> np.ndarray:
    """`at_least` of each, float [n]."""
    return np.where(right == 0, 0.0, beta.ppf(_RISK, np.maximum(right, 1), of - right + 1))


def needed(target: float) -> int:
    """How many answers without a mistake show that the share `target` is right: 59 for 0.95."""
    return ceil(log(_RISK) / log(target))


def lowest(
    confidence: np.ndarray, is_right: np.ndarray, wanted: float = RIGHT, beside: tuple[int, int] = (0, 0)
) -> float:
    """The lowest confidence above which the share `wanted` of the answers is right.

    `beside` counts other answers, which are given anyway: those that are right, and all. If no confidence reaches that
    share, the highest there is. If all answers together reach it, at most EVEN, since later pictures may be less clear
    than these.
    """
    order = np.argsort(-confidence, kind="stable")
    share_right = (beside[0] + np.cumsum(is_right[order])) / (beside[1] + np.arange(1, len(order) + 1))
    enough = np.flatnonzero(share_right >= wanted)
    found = float(confidence[order][enough[-1]] if len(enough) else confidence.max())
    if len(enough) and enough[-1] == len(order) - 1:
        found = min(found, EVEN)
    return round(min(max(found, 1 / 1000), 0.99), 4)


def choose(answers: Answers, wanted: float) -> Thresholds:
    """The thresholds at which the share `wanted` of the answers is right.

    A label has its own, by its answers alone, if it is the answer for FEWEST_OF_LABEL different pictures, or more if a
    claim of that share needs more. The others share the one at which all answers together are right that often.
    """
    own: dict[int, float] = {}
    for number in np.unique(answers.predicted).tolist():
        inside = answers.is_near & (answers.predicted == number)
        if len(np.unique(answers.groups[inside])) >= max(FEWEST_OF_LABEL, needed(wanted)):
            own[number] = lowest(answers.confidence[inside], answers.is_right[inside], wanted)
    is_own = np.isin(answers.predicted, list(own))
    rest = answers.is_near & ~is_own
    rest = rest if rest.any() else np.ones(len(rest), bool)
    given = is_own & answers.given(Thresholds(1.0, own))
    beside = int(answers.is_right[given].sum()), int(given.sum())
    return Thresholds(lowest(answers.confidence[rest], answers.is_right[rest], wanted, beside), own)


def price(answers: Answers, wanted: float, labels: list[str], chosen: Thresholds | None = None) -> Price:
    """What the thresholds for this share cost, if they are not `chosen` already; `labels` are the names of the class
    numbers."""
    thresholds = choose(answers, wanted) if chosen is None else chosen
    given, has_answer = answers.given(thresholds), answers.truth >= 0
    share = float(answers.is_right[given].mean()) if given.any() else 0.0
    count = len(np.unique(answers.groups[given]))
    surely = shown_from(answers, wanted)
    return Price(
        target=wanted,
        threshold=thresholds.common,
        thresholds={labels[number]: threshold for number, threshold in thresholds.own.items()},
        answered=float(given[has_answer].mean()),
        right=share,
        at_least=at_least(floor(share * count + 1e-9), count),
        count=count,
        needed=needed(wanted),
        shown_from=None if surely is None else round(surely, 4),
        shown_answered=0.0
        if surely is None
        else float((answers.is_near & (answers.confidence >= surely))[has_answer].mean()),
    )
