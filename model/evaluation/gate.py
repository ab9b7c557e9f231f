"""Compares a candidate with guessing and with the live model, on the same test pictures."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil, sqrt

import numpy as np

from classify import ModelDescription
from imagestore.proportion import percent, wilson
from model.evaluation.evaluate import Evaluation
from model.evaluation.metrics import macro_f1

ROUNDS = 2000
WORTH_SEEING = 0.05
"""The difference in macro-F1 for which it is said how many test pictures would show it."""
_POWER = 1.96 + 0.84
"""A difference of so many standard errors leaves the interval without zero in four of five tries."""
_NAMED = 12


class Outcome(StrEnum):
    """How the 95 % interval lies to the value to beat: above, around, below."""

    BETTER = "better"
    CANNOT_TELL = "cannot tell"
    WORSE = "worse"


@dataclass(frozen=True)
class AgainstChance:
    """Mean recall over `labels` labels with its interval, compared with random guessing.

    The mean recall of guessing is 1 / `labels`.
    """

    recall: float
    low: float
    high: float
    labels: int
    pictures: int

    @property
    def chance(self) -> float:
        """The mean recall of guessing."""
        return 1 / self.labels

    @property
    def outcome(self) -> Outcome:
        """How the interval lies to `chance`."""
        if self.low > self.chance:
            return Outcome.BETTER
        return Outcome.WORSE if self.high < self.chance else Outcome.CANNOT_TELL

    def sentence(self) -> str:
        """The comparison in one sentence."""
        found = (
            f"mean recall {self.recall:.3f} ({self.low:.3f} to {self.high:.3f}), where guessing has {self.chance:.3f}"
        )
        where = f"on {self.pictures} test pictures of {self.labels} label{'s' * (self.labels > 1)}"
        says = {
            Outcome.BETTER: "Better than guessing",
            Outcome.CANNOT_TELL: "Not clearly better than guessing",
            Outcome.WORSE: "Worse than guessing",
        }[self.outcome]
        return f"{says}: {found}, {where}."


@dataclass(frozen=True)
class Comparison:
    """Macro-F1 of candidate and live model over the labels that both know, and the difference (candidate − live) with
    its 95 % interval.

    `fell` holds each label whose recall fell: label, recall of the live model, recall of the candidate. `unseen` is the
    difference that the test part is too small to show in four of five tries, and `needed` how many test pictures would
    show one of WORTH_SEEING.
    """

    outcome: Outcome
    candidate_f1: float
    live_f1: float
    difference: float
    low: float
    high: float
    count: int
    groups: int
    fell: list[tuple[str, float, float]]
    common: list[str]
    only_candidate: list[str]
    only_live: list[str]
    unseen: float
    needed: int

    def sentence(self, where: str = "test pictures") -> str:
        """The comparison in one sentence."""
        interval = f"{self.difference:+.3f} ({self.low:+.3f} to {self.high:+.3f})"
        return (
            f"{str(self.outcome).capitalize()}: macro-F1 {self.candidate_f1:.3f} against {self.live_f1:.3f} of the "
            f"live model, {interval}, on {self.count} {where}."
        )

    def power(self, what: str = "test pictures") -> str:
        """What so many pictures are too few to show."""
        alike = f", of which {self.groups} differ clearly," if self.groups < self.count else ""
        said = f"With {self.count} {what}{alike} a difference of less than {100 * self.unseen:.0f} points mostly"
        if self.unseen <= WORTH_SEEING:
            return f"{said} goes unseen."
        return f"{said} goes unseen; about {self.needed:,} would show one of {100 * WORTH_SEEING:.0f}."

    def details(self) -> list[str]:
        """Further facts for the user, one per line."""
        lines = [self.power()]
        lines += [
            f"The recall of {label} falls from {percent(was)} to {percent(now)}." for label, was, now in self.fell
        ]
        if self.only_candidate or self.only_live:
            lines.append(f"Compared on the labels that both know: {shortened(self.common)}.")
            for who, labels in (("the candidate", self.only_candidate), ("the live model", self.only_live)):
                lines += [f"Only {who} knows {shortened(labels)}."] if labels else []
        return lines


@dataclass(frozen=True)
class Together:
    """Two comparisons of one candidate with the live model as one: the difference in macro-F1, weighted by how exactly
    each comparison knows it, with its 95 % interval."""

    difference: float
    low: float
    high: float

    @property
    def outcome(self) -> Outcome:
        """How the interval lies to zero."""
        return Outcome.WORSE if self.high < 0 else Outcome.BETTER if self.low > 0 else Outcome.CANNOT_TELL

    def sentence(self) -> str:
        """The result in one sentence."""
        said = f"{self.difference:+.3f} ({self.low:+.3f} to {self.high:+.3f})"
        return f"{str(self.outcome).capitalize()}, by two comparisons together: macro-F1 {said}."


def together(tested: Comparison, anew: Comparison) -> Together:
    """Both comparisons as one; they are of different pictures."""
    errors = [one.unseen / _POWER for one in (tested, anew)]
    weights = [1 / error**2 for error in errors]
    mean = (weights[0] * tested.difference + weights[1] * anew.difference) / sum(weights)
    around = 1.96 / sqrt(sum(weights))
    return Together(mean, mean - around, mean + around)


def _unseen(differences: np.ndarray, groups: int) -> float:
    """The difference that so many groups show in four of five tries, given those of the draws float [rounds].

    Models that answer nearly all alike would seem to be compared without error, so one group is always taken to differ.
    """
    return _POWER * max(float(differences.std()), 1 / groups)


def against_chance(candidate: Evaluation, groups: np.ndarray) -> AgainstChance | None:
    """Compare a candidate with guessing on the test pictures whose labels it knows; their group numbers are int [n].

    The interval combines Wilson's interval of each label by Zou and Donner's method (2008). Each group of pictures
    counts once, since its pictures are right or wrong together. None if the candidate knows none of the labels.
    """
    truth, right = candidate.truth, candidate.probabilities.argmax(axis=1) == candidate.truth
    labels = np.unique(truth[truth >= 0])
    if not len(labels):
        return None
    recalls, below, above = [], 0.0, 0.0
    for label in labels:
        inside = truth == label
        recall, distinct = float(right[inside].mean()), len(np.unique(groups[inside]))
        interval = wilson(round(recall * distinct), distinct)
        assert interval.low is not None
        assert interval.high is not None
        recalls.append(recall)
        below += (interval.share - interval.low) ** 2
        above += (interval.high - interval.share) ** 2
    mean = float(np.mean(recalls))
    low, high = max(0.0, mean - sqrt(below) / len(labels)), min(1.0, mean + sqrt(above) / len(labels))
    return AgainstChance(mean, low, high, len(labels), int((truth >= 0).sum()))


def compare(candidate: Evaluation, live: Evaluation, groups: np.ndarray, seed: int = 1) -> Comparison | None:
    """Compare two evaluations of the same examples, whose group numbers are int [n], by a paired bootstrap.

    It draws groups instead of pictures, since the pictures of a group are right or wrong together. None if both models
    know no label that is tested.
    """
    common = sorted(set(candidate.model.labels) & set(live.model.labels))
    labels = np.array([example.label for example in candidate.examples])
    inside = np.isin(labels, common)
    if not inside.any():
        return None
    numbers = {label: i for i, label in enumerate(common)}
    truth = np.array([numbers[label] for label in labels[inside]])
    answers = [_answers(evaluation, common)[inside] for evaluation in (candidate, live)]
    blocks = np.unique(groups[inside], return_inverse=True)[1]
    count = int(blocks.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, np.full(count, 1 / count), ROUNDS)
    scores = [_macro_f1_of_draws(answer, truth, blocks, drawn, len(common)) for answer in answers]
    recalls = [
        (label, float((answers[1][truth == i] == i).mean()), float((answers[0][truth == i] == i).mean()))
        for label, i in numbers.items()
        if (truth == i).any()
    ]
    return comparison_of(
        f1=(macro_f1(answers[0], truth), macro_f1(answers[1], truth)),
        differences=scores[0] - scores[1],
        pictures=len(truth),
        groups=count,
        recalls=recalls,
        models=(candidate.model, live.model),
    )


def comparison_of(
    *,
    f1: tuple[float, float],
    differences: np.ndarray,
    pictures: int,
    groups: int,
    recalls: list[tuple[str, float, float]],
    models: tuple[ModelDescription, ModelDescription],
) -> Comparison:
    """The comparison of the candidate with the live model, in this order in `f1` and `models`, given the differences
    float [rounds] of the draws, and of each tested label the recall of the live model and of the candidate."""
    low, high = (float(edge) for edge in np.percentile(differences, [2.5, 97.5]))
    unseen = _unseen(differences, groups)
    labels = [set(model.labels) for model in models]
    return Comparison(
        outcome=Outcome.WORSE if high < 0 else Outcome.BETTER if low > 0 else Outcome.CANNOT_TELL,
        candidate_f1=f1[0],
        live_f1=f1[1],
        difference=f1[0] - f1[1],
        low=low,
        high=high,
        count=pictures,
        groups=groups,
        fell=[recall for recall in recalls if recall[2] < recall[1]],
        common=sorted(labels[0] & labels[1]),
        only_candidate=sorted(labels[0] - labels[1]),
        only_live=sorted(labels[1] - labels[0]),
        unseen=unseen,
        needed=max(pictures, ceil(pictures * (unseen / WORTH_SEEING) ** 2)),
    )


def shortened(labels: list[str]) -> str:
    """The first dozen labels, as part of a sentence."""
    more = len(labels) - _NAMED
    return ", ".join(labels[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _answers(evaluation: Evaluation, common: list[str]) -> np.ndarray:
    """The likeliest of the common labels for each example, by its number among them."""
    columns = [evaluation.model.labels.index(label) for label in common]
    return np.asarray(evaluation.probabilities[:, columns].argmax(axis=1))


def _macro_f1_of_draws(
    answers: np.ndarray, truth: np.ndarray, blocks: np.ndarray, drawn: np.ndarray, classes: int
) -> np.ndarray:
    """Macro-F1 float [rounds] when each group is drawn this often: drawn int [rounds, groups].

    Asking scikit-learn for each draw takes half a minute.
    """
    right = answers == truth
    hits, said, there = (
        drawn @ _count_by_group(found, where, drawn.shape[1], classes)
        for found, where in ((truth[right], blocks[right]), (answers, blocks), (truth, blocks))
    )
    f1 = np.where(said + there > 0, 2 * hits / np.maximum(said + there, 1), 0)
    return np.asarray((f1 * (there > 0)).sum(axis=1) / np.maximum((there > 0).sum(axis=1), 1))


def _count_by_group(numbers: np.ndarray, blocks: np.ndarray, groups: int, classes: int) -> np.ndarray:
    """How often each class number is in each group: int [groups, classes]."""
    return np.bincount(blocks * classes + numbers, minlength=groups * classes).reshape(groups, classes)
