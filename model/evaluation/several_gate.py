"""Compares a candidate that knows several labels a picture with chance and with the live model, on the same pictures.

Both are judged by macro-F1 of the labels that they give: every label counts alike, so that a rare one that gets lost
shows, as in the comparison of models that give one label a picture.
"""

from dataclasses import dataclass

import numpy as np

from model.evaluation.evaluate import Evaluation
from model.evaluation.gate import ROUNDS, Comparison, Outcome, comparison_of
from model.evaluation.several import counts_by_group, draws, f1_of_draws, macro_of_draws


@dataclass(frozen=True)
class SeveralAgainstChance:
    """Macro-F1 over `labels` labels, and the difference from `chance` with its 95 % interval.

    `chance` is the macro-F1 of as many answers of each label, dealt to pictures at random.
    """

    f1: float
    chance: float
    low: float
    high: float
    labels: int
    pictures: int

    @property
    def outcome(self) -> Outcome:
        """How the interval of the difference lies to zero."""
        return Outcome.WORSE if self.high < 0 else Outcome.BETTER if self.low > 0 else Outcome.CANNOT_TELL

    def sentence(self) -> str:
        """The comparison in one sentence."""
        says = {
            Outcome.BETTER: "Better than guessing",
            Outcome.CANNOT_TELL: "Not clearly better than guessing",
            Outcome.WORSE: "Worse than guessing",
        }[self.outcome]
        where = f"on {self.pictures} test pictures of {self.labels} label{'s' * (self.labels > 1)}"
        return (
            f"{says}: macro-F1 {self.f1:.3f}, where the same answers dealt at random have {self.chance:.3f} "
            f"({self.low:+.3f} to {self.high:+.3f}), {where}."
        )


def against_chance(candidate: Evaluation, groups: np.ndarray, seed: int = 1) -> SeveralAgainstChance | None:
    """Compare a candidate with the same answers dealt at random, on test pictures with group numbers int [n].

    Groups are drawn, since the pictures of a group are right or wrong together. None if the candidate knows none of the
    labels that are tested.
    """
    holds, given = candidate.holds, candidate.given
    tested = holds.any(axis=0)
    if not tested.any():
        return None
    blocks = np.unique(groups, return_inverse=True)[1]
    count = len(np.unique(blocks))
    hits, said, there = counts_by_group(given[:, tested], holds[:, tested], blocks, count)
    sizes = np.bincount(blocks)

    def differences(drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        of_said, of_there = drawn @ said, drawn @ there
        # So many are right on average if the answers are dealt to the drawn pictures at random.
        by_chance = of_said * of_there / (drawn @ sizes)[:, None]
        found = macro_of_draws(f1_of_draws(drawn @ hits, of_said, of_there), of_there)
        return found, macro_of_draws(f1_of_draws(by_chance, of_said, of_there), of_there)

    drawn_f1, drawn_chance = differences(draws(count, ROUNDS, seed))
    (f1,), (chance,) = (found.tolist() for found in differences(np.ones((1, count), int)))
    low, high = (float(edge) for edge in np.percentile(drawn_f1 - drawn_chance, [2.5, 97.5]))
    return SeveralAgainstChance(f1, chance, low, high, int(tested.sum()), len(holds))


def compare(candidate: Evaluation, live: Evaluation, groups: np.ndarray, seed: int = 1) -> Comparison | None:
    """Compare two evaluations of the same examples, whose group numbers are int [n], by a paired bootstrap over groups.

    All examples count, also those without a label that both know. None if both models know no label that is tested.
    """
    both = sorted(set(candidate.model.labels) & set(live.model.labels))
    columns = [[one.model.labels.index(label) for label in both] for one in (candidate, live)]
    holds = candidate.holds[:, columns[0]]
    tested = holds.any(axis=0)
    if not tested.any():
        return None
    holds = holds[:, tested]
    given = [one.given[:, own][:, tested] for one, own in zip((candidate, live), columns, strict=True)]
    blocks = np.unique(groups, return_inverse=True)[1]
    count = len(np.unique(blocks))
    counts = [counts_by_group(one, holds, blocks, count) for one in given]

    def macro(drawn: np.ndarray, number: int) -> np.ndarray:
        hits, said, there = (drawn @ one for one in counts[number])
        return macro_of_draws(f1_of_draws(hits, said, there), there)

    drawn, once = draws(count, ROUNDS, seed), np.ones((1, count), int)
    named = [label for label, is_tested in zip(both, np.atleast_1d(tested), strict=True) if is_tested]
    recalls = [
        (label, float(given[1][holds[:, i], i].mean()), float(given[0][holds[:, i], i].mean()))
        for i, label in enumerate(named)
    ]
    return comparison_of(
        f1=(float(macro(once, 0)[0]), float(macro(once, 1)[0])),
        differences=macro(drawn, 0) - macro(drawn, 1),
        pictures=len(holds),
        groups=count,
        recalls=recalls,
        models=(candidate.model, live.model),
    )
