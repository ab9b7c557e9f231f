"""What the gate can tell: `python -m bench.gate FOLDER`.

FOLDER has a subfolder of pictures for each label. Again and again it is divided into test pictures and others, of which
two models are made. Three kinds of candidates are compared with the live model: one that learned a quarter of its
labels shuffled, one that sees colour and whole pictures where the live one sees them gray and cropped, and one that is
as good, since both learned from a random half. Each outcome is counted as the test pictures alone give it, and as they
give it together with both trained anew. Heads are as strongly regularised each time, to be quick. docs/model.md has the
figures.
"""

import argparse
import os
import platform
from collections import Counter
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.pictures import Pictures
from classify import ModelDescription, ModelRef
from imagestore.cli.stages import stages
from model.evaluation import anew
from model.evaluation.anew import compare_anew
from model.evaluation.evaluate import Evaluation
from model.evaluation.gate import Outcome, compare, together
from model.training.choose import Choice
from model.training.examples import Example
from model.training.provenance import Provenance
from model.training.recipe import Recipe
from preprocess import Fit, ImageSpec

TESTED = 0.2
SHUFFLED = 0.25
OLD, NEW = Recipe(), Recipe(colour=True, fit=Fit.PAD)
SHUFFLE, RECIPE, EQUAL = "a quarter of the labels shuffled", "colour and padded", "as good"


class _Bench:
    def __init__(self, pictures: Pictures) -> None:
        self.all, self.examples, self.groups, self.labels = (
            pictures, pictures.examples, pictures.groups, pictures.labels
        )  # fmt: skip
        self.features = {recipe: pictures.features(recipe) for recipe in (OLD, NEW)}

    def outcomes(self, kind: str, seed: int) -> tuple[Outcome, Outcome]:
        """The outcome by test pictures alone, and together with both trained anew."""
        chance = np.random.default_rng(seed)
        is_test = self.all.part(TESTED, chance)
        tested, learned = np.flatnonzero(is_test), np.flatnonzero(~is_test)
        labels = self.labels.copy()
        live, candidate = learned, learned
        if kind == SHUFFLE:
            some = chance.permutation(learned)[: round(SHUFFLED * len(learned))]
            labels[some] = labels[chance.permutation(some)]
        if kind == EQUAL:
            halves = chance.permutation(learned)
            live, candidate = np.sort(halves[: len(halves) // 2]), np.sort(halves[len(halves) // 2 :])
        made = [
            self._made(candidate, labels, NEW if kind == RECIPE else OLD),
            self._made(live, self.labels, OLD),
        ]
        tests = [self._tested(one, part, tested) for one, part in zip(made, (candidate, live), strict=True)]
        comparison = compare(tests[0], tests[1], self.groups[tested])
        both = sorted({*live.tolist(), *candidate.tolist()})
        pictures, groups = [self.examples[i] for i in both], self.groups[both]
        refitted = compare_anew(made[0], made[1], pictures, groups, self.all.limits, self.all.begin, self.all.kept)
        assert comparison is not None
        assert refitted is not None
        if comparison.outcome is Outcome.WORSE:
            return comparison.outcome, comparison.outcome
        return comparison.outcome, together(comparison, refitted.comparison).outcome

    def _made(self, learned: np.ndarray, labels: np.ndarray, recipe: Recipe) -> Provenance:
        told = {self.examples[i].sha256: str(labels[i]) for i in learned}
        return Provenance(
            "", "", len(told), "", 1, recipe.colour, False, 0, 0.03, 0.0, Choice(recipe, 0, []), learned=told
        )

    def _tested(self, made: Provenance, learned: np.ndarray, tested: np.ndarray) -> Evaluation:
        features = self.features[made.choice.recipe]
        labels = [made.labels[self.examples[i].sha256][0] for i in learned]
        probabilities = anew.as_chosen(features[learned], labels, features[tested], made)
        examples: list[Example] = [self.examples[i] for i in tested]
        model = ModelDescription(ModelRef("", "", ""), ImageSpec(1, 1, 1, 1.0), tuple(sorted(set(labels))), 0.0)
        return Evaluation(model, examples, probabilities, np.zeros(len(examples)))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    parser.add_argument("folder", type=Path, help="with a subfolder for each label")
    parser.add_argument("--tries", type=int, default=20)
    arguments = parser.parse_args()
    console, found = Console(width=120), Table("candidate", "by", *map(str, Outcome))
    anew.MOST_FOR_CHOICES = 0
    with stages() as begin:
        bench = _Bench(Pictures(arguments.folder, begin))
        for kind in (SHUFFLE, RECIPE, EQUAL):
            outcomes = [bench.outcomes(kind, seed) for seed in range(arguments.tries)]
            for by, number in (("test pictures", 0), ("and both trained anew", 1)):
                counts = Counter(one[number] for one in outcomes)
                found.add_row(kind, by, *(str(counts[outcome]) for outcome in Outcome))
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    console.print(bench.all.sentence())
    console.print(found)


if __name__ == "__main__":
    main()
