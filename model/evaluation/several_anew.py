"""Compares how two models of several labels were made: both, trained anew in the same folds, on the pictures of each.

As anew.py does for models of one label a picture, but that all that training chose is taken as it was chosen, and that
each way's thresholds are chosen from the answers that are compared, as training chooses them from its own.
"""

from collections.abc import Callable

import numpy as np

from classify import ModelDescription, ModelRef
from classify.model import sigmoid
from model.evaluation.anew import FEWEST, SEED, Anew, Pictures
from model.evaluation.evaluate import Evaluation
from model.evaluation.several_gate import compare
from model.progress import BeginStage
from model.training import several, stratify
from model.training.backbones import width_of_middle
from model.training.examples import Example
from model.training.form import form_of
from model.training.kept_arrays import KeptArrays
from model.training.provenance import Provenance
from model.training.threads import one_thread
from preprocess import ImageSpec, Limits

_FOLDS = 5
_HALF = 0.5
Labels = tuple[str, ...] | None
"""All labels that a model learned for a picture; None if it did not learn from it."""


def compare_anew(
    candidate: Provenance,
    live: Provenance,
    examples: list[Example],
    groups: np.ndarray,
    limits: Limits,
    progress: BeginStage,
    kept: KeptArrays,
) -> Anew | None:
    """Compare both ways on the examples that are left of those in `anew.shared`; their group numbers are int [n].

    None if these are fewer than FEWEST, or the two have no label in common. Raises ModelError if a backbone cannot be
    used.
    """
    ways = (candidate, live)
    learned = [[made.labels.get(example.sha256) for example in examples] for made in ways]
    common = set.intersection(*({label for own in one for label in own or ()} for one in learned))
    if len(examples) < FEWEST or not common:
        return None
    truth = [one if one is not None else other or () for one, other in zip(*learned, strict=True)]
    disputed = {
        i
        for i, (one, other) in enumerate(zip(*learned, strict=True))
        if one is not None and other is not None and set(one) & common != set(other) & common
    }
    folds = stratify.folds(stratify.holding(truth, several.names_of(truth)), groups, _FOLDS, SEED)
    begun = progress("Training anew", len(ways) * len(folds))
    pictures = Pictures(examples, groups, limits, kept)
    counted = sorted(set(range(len(examples))) - disputed)
    relabelled = [examples[i].with_labels(truth[i]) for i in counted]
    evaluations = []
    for made, own in zip(ways, learned, strict=True):
        names = several.names_of([labels for labels in own if labels is not None])
        given = _given(made, names, own, pictures, folds, begun)[counted].astype(float)
        evaluations.append(Evaluation(_described(names), relabelled, given, np.zeros(len(counted))))
    comparison = compare(evaluations[0], evaluations[1], groups[counted])
    return Anew(comparison, False, len(disputed), has_several=True) if comparison else None


def _given(
    made: Provenance,
    names: list[str],
    learned: list[Labels],
    pictures: Pictures,
    folds: list[tuple[np.ndarray, np.ndarray]],
    progress: Callable[[], None],
) -> np.ndarray:
    """The labels that each example is given, bool [n, names], by a head that learned from the other folds."""
    is_learned = np.array([labels is not None for labels in learned])
    holds = stratify.holding([labels or () for labels in learned], names)
    recipe = made.choice.recipe
    features = pictures.features(recipe, made)
    taken = form_of(features, width_of_middle(recipe)).taken(features)
    probabilities = np.zeros(holds.shape)
    for train, held in folds:
        learning = train[is_learned[train]]
        if len(learning):
            weights, bias = several.fitted(taken[learning], holds[learning], made.strength)
            with one_thread():
                probabilities[held] = sigmoid(taken[held, 0] @ weights.T + bias)
        progress()
    inside, groups = np.flatnonzero(is_learned), pictures.groups[is_learned]
    answers = several.pairs(probabilities[inside], holds[inside], groups, np.ones(len(inside), bool))
    chosen = several.choose_thresholds(answers, holds[inside], groups, made.right)
    return np.asarray(probabilities >= chosen.of(np.arange(len(names))))


def _described(names: list[str]) -> ModelDescription:
    """The labels, for `compare`; an answer of 1 is one that is given."""
    spec = ImageSpec(1, 1, 1, 1.0)
    return ModelDescription(ModelRef("", "", ""), spec, tuple(names), _HALF, has_several=True)
