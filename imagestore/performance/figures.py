"""Figures of a version with 95 % intervals: at its thresholds, label by label, and for every threshold that it could
have.

Pictures that look alike are right or wrong together, so in an interval each group of them counts once: the share is
that of all pictures, and Wilson's interval is that of as many pictures as there are groups.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import floor

import numpy as np

from imagestore.performance.answers import Answers, Thresholds
from imagestore.proportion import Share, wilson
from imagestore.store.held_out import STEPS

_WITHIN = 1e-9


@dataclass(frozen=True)
class Figure:
    """A figure from 0 to 1 with its 95 % interval, whose edges are None where it is not known."""

    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class AtThreshold:
    """What a version does with test pictures at a threshold.

    `precision` is the share of right labels among those that it gives, `recall` the share of the labels that hold which
    it gives, and `answered` the share of pictures with a label that are given one; `negatives_answered` of the
    `negatives`, which show none of the labels, are given one all the same. `unknown` of all `pictures` are given none.
    """

    threshold: float
    precision: Share
    recall: Share
    f1: Figure
    answered: Share
    negatives: int
    negatives_answered: int
    unknown: int
    pictures: int


@dataclass(frozen=True)
class LabelPerformance:
    """How good a version is on one label, which `count` test pictures have, with the label's threshold."""

    label: str
    count: int
    threshold: float
    precision: Share
    recall: Share
    f1: Figure
    average_precision: Figure


def at(answers: Answers, thresholds: Thresholds, label: str | None = None) -> AtThreshold:
    """The figures at these thresholds: of all labels together, or of one, whose threshold then stands for them."""
    table = _Table.of(answers, thresholds)
    return table.figures(thresholds.common if label is None else thresholds.of(label), label)


def at_every(answers: Answers, label: str | None = None) -> list[AtThreshold]:
    """The figures for thresholds from 0 to 1 by hundredths: the same for every label, or that of one label while the
    others keep theirs."""
    table = _Table.of(answers, answers.thresholds)
    return [table.with_threshold(step / STEPS, label).figures(step / STEPS, label) for step in range(STEPS + 1)]


def by_label(answers: Answers, thresholds: Thresholds | None = None) -> list[LabelPerformance]:
    """The figures of each label that a test picture has or is given, in the version's order."""
    used = answers.thresholds if thresholds is None else thresholds
    table, found = _Table.of(answers, used), []
    for one in answers.labels:
        figures = table.figures(used.of(one.label), one.label)
        if figures.recall.of or figures.precision.of:
            found.append(
                LabelPerformance(
                    one.label,
                    figures.recall.of,
                    figures.threshold,
                    figures.precision,
                    figures.recall,
                    figures.f1,
                    Figure(one.average_precision, one.low, one.high),
                )
            )
    return found


def f1_of(right: int, either: int, groups: int) -> Figure:
    """F1 where a label is given or holds for `either` pictures (or labels of pictures), of `groups` groups, and both
    for `right` of them.

    F1 = 2 J / (1 + J) with J = right / either, a share, so that Wilson's interval of J becomes one of F1 (Lam 2023,
    arXiv:2309.14621, which calls it Wilson's indirect method).
    """
    found = share_of(right, either, groups)
    low, high = (None if edge is None else 2 * edge / (1 + edge) for edge in (found.low, found.high))
    return Figure(2 * found.share / (1 + found.share), low, high)


def share_of(right: int, of: int, groups: int) -> Share:
    """`right` of `of`, with the interval of as many pictures as there are groups."""
    found = wilson(floor(right / max(1, of) * groups + 0.5), groups)
    return Share(right, of, found.low, found.high)


@dataclass(frozen=True)
class _Table:
    """Held-out answers in columns.

    `groups` int [n] and `has_label` bool [n] are of the pictures. A row of the others is a label that a picture would
    be given at a threshold of 0: the numbers of picture and label int [m], the probability float [m], whether it is
    right, bool [m], and the label's threshold, float [m]. `holding` and `holding_labels` int [k] are the labels that
    hold, with `numbers` of the labels by name.
    """

    groups: np.ndarray
    has_label: np.ndarray
    pictures: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    is_right: np.ndarray
    thresholds: np.ndarray
    holding: np.ndarray
    holding_labels: np.ndarray
    numbers: dict[str, int]

    @classmethod
    def of(cls, answers: Answers, thresholds: Thresholds) -> "_Table":
        numbers: dict[str, int] = {}
        rows = [
            (n, numbers.setdefault(said, len(numbers)), probability, said in one.labels, thresholds.of(said))
            for n, one in enumerate(answers.pictures)
            for said, probability in answers.candidates(one)
        ]
        there = [
            (n, numbers.setdefault(label, len(numbers)))
            for n, one in enumerate(answers.pictures)
            for label in one.labels
        ]
        said, holding = _columns(rows, 5), _columns(there, 2)
        return cls(
            groups=np.unique(answers.groups, return_inverse=True)[1],
            has_label=np.array([bool(one.labels) for one in answers.pictures], bool),
            pictures=said[0].astype(int),
            labels=said[1].astype(int),
            probabilities=said[2],
            is_right=said[3].astype(bool),
            thresholds=said[4],
            holding=holding[0].astype(int),
            holding_labels=holding[1].astype(int),
            numbers=numbers,
        )

    def with_threshold(self, threshold: float, label: str | None) -> "_Table":
        """With this threshold for one label, or for all."""
        own = np.full(len(self.thresholds), threshold)
        if label is not None:
            own = np.where(self.labels == self.numbers.get(label, -1), threshold, self.thresholds)
        return replace(self, thresholds=own)

    def figures(self, threshold: float, label: str | None) -> AtThreshold:
        """The figures of one label, or of all together."""
        is_given = self.probabilities >= self.thresholds - _WITHIN
        answered = np.zeros(len(self.groups), bool)
        answered[self.pictures[is_given]] = True
        holding = self.holding
        if label is not None:
            number = self.numbers.get(label, -1)
            is_given = is_given & (self.labels == number)
            holding = holding[self.holding_labels == number]
        given, right = self.pictures[is_given], int(self.is_right[is_given].sum())
        return AtThreshold(
            threshold=threshold,
            precision=share_of(right, len(given), self._distinct(given)),
            recall=share_of(right, len(holding), self._distinct(holding)),
            f1=f1_of(right, len(holding) + len(given) - right, self._distinct(np.concatenate([given, holding]))),
            answered=share_of(
                int(answered[self.has_label].sum()),
                int(self.has_label.sum()),
                self._distinct(np.flatnonzero(self.has_label)),
            ),
            negatives=int((~self.has_label).sum()),
            negatives_answered=int(answered[~self.has_label].sum()),
            unknown=int((~answered).sum()),
            pictures=len(self.groups),
        )

    def _distinct(self, pictures: np.ndarray) -> int:
        """How many groups these pictures are of."""
        seen = np.zeros(len(self.groups), bool)
        seen[self.groups[pictures]] = True
        return int(seen.sum())


def _columns(rows: Sequence[tuple[float, ...]], width: int) -> list[np.ndarray]:
    return [np.array(column, float) for column in zip(*rows, strict=True)] if rows else [np.zeros(0)] * width
