"""Compares how two models were made: both recipes, trained anew in the same folds, on the pictures of each.

The models themselves cannot be tested on what they learned from, and test pictures are few. Trained anew, each way of
making a model answers pictures that it did not see this time: so all that were learned from count, and a worse recipe
or worse labels show that a few test pictures would hide.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from classify import ModelDescription, ModelRef
from classify.model import softmax
from model.evaluation.evaluate import Evaluation
from model.evaluation.gate import Comparison, compare
from model.progress import BeginStage
from model.training import head, imbalance
from model.training.backbones import net_of, width_of_middle
from model.training.choose import choose
from model.training.examples import NONE, Example
from model.training.features import Backbone, Views, extract
from model.training.form import form_of
from model.training.kept_arrays import KeptArrays
from model.training.provenance import Provenance
from model.training.recipe import Held, Recipe
from model.training.threads import one_thread
from preprocess import ImageSpec, Limits

MOST = 2000
"""On at most so many pictures, so that it takes minutes and no more."""
MOST_FOR_CHOICES = 400
"""With more pictures, what training chose is taken as it was chosen, instead of chosen anew in each fold."""
FEWEST = 20
SEED = 1


@dataclass(frozen=True)
class Anew:
    """The comparison of both ways on pictures that neither saw: what it found, and what was chosen anew in each fold.

    `disputed` is how many pictures the two learned under different labels; these are learned from, but not counted.
    With `has_several` a picture may have several labels.
    """

    comparison: Comparison
    is_nested: bool
    disputed: int
    has_several: bool = False

    def details(self) -> list[str]:
        """What it was done on, and what it can show, for a person."""
        nested = "with all that training chooses chosen anew in each fold"
        why = (
            "and thresholds from these answers" if self.has_several else f"since they are more than {MOST_FOR_CHOICES}"
        )
        kept = f"with what training had chosen on some of these, {why}"
        lines = [
            f"Trained anew in five folds, {nested if self.is_nested else kept}. {self.comparison.power('pictures')}"
        ]
        if self.disputed:
            lines.append(f"{self.disputed} pictures have another label than the live model learned; they do not count.")
        return lines


@dataclass(frozen=True)
class _Way:
    """A way of making a model: how it was made, and the label int [n] that it learns for each picture: −1 if it does
    not learn from it, and the number after the last of `names` if it learns that it shows none of them."""

    made: Provenance
    names: list[str]
    truth: np.ndarray


def shared(candidate: Provenance, live: Provenance) -> set[str]:
    """The SHA-256 of at most MOST pictures that either learned from, as many of each label as possible."""
    labels = live.labels | candidate.labels
    seen: Counter[tuple[str, ...]] = Counter()
    ranks = []
    for sha256 in sorted(labels):
        ranks.append((seen[labels[sha256]], sha256))
        seen[labels[sha256]] += 1
    return {sha256 for _, sha256 in sorted(ranks)[:MOST]}


def compare_anew(
    candidate: Provenance,
    live: Provenance,
    examples: list[Example],
    groups: np.ndarray,
    limits: Limits,
    progress: BeginStage,
    kept: KeptArrays,
) -> Anew | None:
    """Compare both ways on the examples that are left of those in `shared`; their group numbers are int [n].

    None if these are fewer than FEWEST, or the two have fewer than two labels in common. Raises ModelError if a
    backbone cannot be used.
    """
    ways = [_way(made, examples) for made in (candidate, live)]
    common = set(ways[0].names) & set(ways[1].names)
    labels = [[_name(way, i) for way in ways] for i in range(len(examples))]
    disputed = [i for i, (one, other) in enumerate(labels) if None not in (one, other) and one != other]
    if len(examples) < FEWEST or len(common) < 2:
        return None
    is_nested = len(examples) <= MOST_FOR_CHOICES
    truth = [one or other or "" for one, other in labels]
    folds = head.folds(head.numbered(truth)[1], groups, SEED)
    begun = progress("Training anew", len(ways) * len(folds))
    chooses = is_nested and len({way.made.choice.recipe for way in ways}) > 1
    pictures = Pictures(examples, groups, limits, kept)
    answers = [_out_of_fold(way, pictures, folds, is_nested, chooses, begun) for way in ways]
    counted = sorted(set(range(len(examples))) - set(disputed))
    relabelled = [examples[i].with_labels(_labels(truth[i])) for i in counted]
    evaluations = [
        Evaluation(_described(way), relabelled, found[counted], np.zeros(len(counted)))
        for way, found in zip(ways, answers, strict=True)
    ]
    comparison = compare(evaluations[0], evaluations[1], groups[counted])
    return Anew(comparison, is_nested, len(disputed)) if comparison else None


class Pictures:
    """Examples with their group numbers int [n], and their features by recipe, each computed once."""

    def __init__(self, examples: list[Example], groups: np.ndarray, limits: Limits, kept: KeptArrays) -> None:
        self.examples, self.groups, self.limits, self.kept = examples, groups, limits, kept
        self._features: dict[tuple[Recipe, bool, int], np.ndarray] = {}

    def features(self, recipe: Recipe, made: Provenance) -> np.ndarray:
        """Features float32 [n, 1 + views, width]."""
        key = (recipe, made.flip, made.seed)
        if key not in self._features:
            net, views = net_of(recipe), Views(recipe.views, made.flip)
            backbone = Backbone(net.graph, net.spec)
            self._features[key] = extract(backbone, self.examples, views, self.limits, made.seed, _nothing, self.kept)
        return self._features[key]


def _out_of_fold(
    way: _Way,
    pictures: Pictures,
    folds: list[tuple[np.ndarray, np.ndarray]],
    is_nested: bool,
    chooses: bool,
    progress: Callable[[], None],
) -> np.ndarray:
    """Probabilities float [n, labels] of each example by a head that learned from the other folds."""
    made = way.made
    found = np.zeros((len(pictures.examples), len(way.names)))
    for train, held in folds:
        learning = train[way.truth[train] >= 0]
        labels, groups = [[*way.names, NONE][way.truth[i]] for i in learning], pictures.groups[learning]
        recipe = made.choice.recipe
        if chooses and made.choice.tried:
            inside = [pictures.examples[i].with_labels(_labels(one)) for i, one in zip(learning, labels, strict=True)]
            choice = choose(inside, groups, _held(made), made.seed, made.flip, pictures.limits, _quiet, pictures.kept)
            recipe = choice.recipe
        features, middle = pictures.features(recipe, made), width_of_middle(recipe)
        columns = np.array([way.names.index(name) for name in head.numbered(labels)[0] if name != NONE], int)
        if len(columns) < 2:
            found[np.ix_(held, columns)] = 1  # nothing else was learned
        elif is_nested and max(Counter(labels).values()) > 1:
            weight = None if made.balancing.tried else made.balancing.chosen
            fitted = head.fit(features[learning], labels, groups, made.seed, _nothing, made.right, weight, middle)
            found[np.ix_(held, columns)] = fitted.probabilities(features[held, 0])
        else:
            found[np.ix_(held, columns)] = as_chosen(features[learning], labels, features[held], made, middle)
        progress()
    return found


def as_chosen(
    features: np.ndarray, labels: list[str], held: np.ndarray, made: Provenance, middle: int = 0
) -> np.ndarray:
    """Probabilities of the held pictures by a head as strongly regularised, and as weighted, as that which was made."""
    names, truth = head.numbered(labels)
    form = form_of(features, middle)
    with one_thread():
        weights, bias = head.fitted(form.taken(features), truth, made.strength, len(names))
        logits = form.taken(held[:, 0]) @ weights.T + bias
    real = len(names) - (names[-1] == NONE)
    logits[:, :real] -= imbalance.shift(np.bincount(truth[truth < real]), made.balancing.chosen)
    return softmax(logits)[:, :real]


def _held(made: Provenance) -> Held:
    """What it may choose from: the ways that were tried when it was made, and no other that has come since."""
    tried = [asdict(trial.recipe) for trial in made.choice.tried]
    return Held(**{field: value for field, value in tried[0].items() if all(one[field] == value for one in tried)})


def _way(made: Provenance, examples: list[Example]) -> _Way:
    labels = made.labels
    learned = [[*labels[example.sha256], NONE][0] if example.sha256 in labels else None for example in examples]
    names = sorted({label for label in learned if label})
    numbers = {label: number for number, label in enumerate([*names, NONE])}
    return _Way(made, names, np.array([-1 if label is None else numbers[label] for label in learned], int))


def _name(way: _Way, i: int) -> str | None:
    return [*way.names, NONE][way.truth[i]] if way.truth[i] >= 0 else None


def _labels(label: str) -> tuple[str, ...]:
    return (label,) if label != NONE else ()


def _described(way: _Way) -> ModelDescription:
    """The labels, for `compare`; nothing else of it is looked at."""
    return ModelDescription(ModelRef("", "", ""), ImageSpec(1, 1, 1, 1.0), tuple(way.names), 0.0)


def _nothing() -> None:
    """Progress inside a fold, of which nobody hears."""


def _quiet(name: str, steps: int) -> Callable[[], None]:
    return _nothing
