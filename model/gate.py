"""Whether a candidate may take the live model's place: both on the same test part, by a paired bootstrap."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from classify.share import percent
from model.judge import Verdict
from model.metrics import macro_f1

ROUNDS = 2000
_NAMED = 12


class Outcome(StrEnum):
    """What the interval of the difference says."""

    BETTER = "better"
    CANNOT_TELL = "cannot tell"
    WORSE = "worse"


@dataclass(frozen=True)
class Comparison:
    """Macro-F1 of both over the labels that both know, the difference (candidate − live) with its 95 % interval, and
    what a person should know beside it. `fell`: label, recall of the live model, recall of the candidate."""

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

    def sentence(self) -> str:
        """For a person."""
        interval = f"{self.difference:+.3f} ({self.low:+.3f} to {self.high:+.3f})"
        return (
            f"{str(self.outcome).capitalize()}: macro-F1 {self.candidate_f1:.3f} against {self.live_f1:.3f} of the "
            f"live model, {interval}, on {self.count} test pictures."
        )

    def details(self) -> list[str]:
        """What a person should know beside it, a line each."""
        lines = [f"The recall of {label} falls from {percent(was)} to {percent(now)}." for label, was, now in self.fell]
        if self.only_candidate or self.only_live:
            lines.append(f"Compared on the labels that both know: {_named(self.common)}.")
            for who, labels in (("the candidate", self.only_candidate), ("the live model", self.only_live)):
                lines += [f"Only {who} knows {_named(labels)}."] if labels else []
        return lines


def compare(candidate: Verdict, live: Verdict, groups: np.ndarray, seed: int = 1) -> Comparison:
    """Of two verdicts on the same examples, whose group numbers are int [n]. Groups are drawn, not pictures, since the
    pictures of a group are right or wrong together. ValueError where no label is common."""
    common = sorted(set(candidate.model.labels) & set(live.model.labels))
    labels = np.array([example.label for example in candidate.examples])
    inside = np.isin(labels, common)
    if not inside.any():
        raise ValueError("the two models have no label in common that is tested")
    numbers = {label: i for i, label in enumerate(common)}
    truth = np.array([numbers[label] for label in labels[inside]])
    answers = [_answers(verdict, common)[inside] for verdict in (candidate, live)]
    blocks = [np.flatnonzero(groups[inside] == number) for number in np.unique(groups[inside])]
    random, differences = np.random.default_rng(seed), []
    for _ in range(ROUNDS):
        drawn = np.concatenate([blocks[i] for i in random.integers(0, len(blocks), len(blocks))])
        differences.append(macro_f1(answers[0][drawn], truth[drawn]) - macro_f1(answers[1][drawn], truth[drawn]))
    low, high = (float(edge) for edge in np.percentile(differences, [2.5, 97.5]))
    first, second = macro_f1(answers[0], truth), macro_f1(answers[1], truth)
    outcome = Outcome.WORSE if high < 0 else Outcome.BETTER if low > 0 else Outcome.CANNOT_TELL
    recalls = [
        (label, float((answers[1][truth == i] == i).mean()), float((answers[0][truth == i] == i).mean()))
        for label, i in numbers.items()
        if (truth == i).any()
    ]
    return Comparison(
        outcome,
        first,
        second,
        first - second,
        low,
        high,
        len(truth),
        len(blocks),
        [recall for recall in recalls if recall[2] < recall[1]],
        common,
        sorted(set(candidate.model.labels) - set(live.model.labels)),
        sorted(set(live.model.labels) - set(candidate.model.labels)),
    )


def _named(labels: list[str]) -> str:
    more = len(labels) - _NAMED
    return ", ".join(labels[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _answers(verdict: Verdict, common: list[str]) -> np.ndarray:
    """The likeliest of the common labels for each example, by its number among them."""
    columns = [verdict.model.labels.index(label) for label in common]
    return np.asarray(verdict.probabilities[:, columns].argmax(axis=1))
