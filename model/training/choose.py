"""Chooses how pictures are shown to a model, by the loss in cross-validation; of ways that are as good, the simplest.

Ways are tried in turn: gray and colour with crop and pad, then middle layers, levelling, the larger network, altered
views. So a choice takes eight trials instead of sixty-four.
"""

from collections import Counter
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from classify import ModelError
from imagestore.proportion import percent
from model.progress import BeginStage
from model.training import head, several
from model.training.backbones import NAMES, channels_of, is_there, net_of, width_of_middle
from model.training.examples import Example
from model.training.features import Backbone, Views, extract
from model.training.kept_arrays import KeptArrays
from model.training.recipe import Held, Recipe
from preprocess import Fit, Limits

_CERTAIN = 1.96
"""So many standard errors to either side make an interval of 95 %."""
MOST = 2000
"""The choice is made on at most so many pictures: more take long and add little."""
TIE = 0.25
"""So many standard errors of the difference above the lowest loss count as the same. With more, the simplest wins
wherever pictures are few, and accuracy is given away; docs/model.md has the figures."""
_VIEWS, _MOST_FOR_VIEWS = 3, 400
"""Altered views take as long again each, so they are tried only where pictures are few."""


@dataclass(frozen=True)
class Tried:
    """A recipe that was tried: its loss and accuracy out of fold, and by how much its loss lies above that of the
    chosen one, with the 95 % interval of the difference."""

    recipe: Recipe
    loss: float
    accuracy: float
    above: float
    low: float
    high: float

    def sentence(self) -> str:
        """The trial in one line."""
        right = percent(self.accuracy, 1)
        return f"{self.recipe.sentence()}: loss {self.loss:.3f} ({self.low:+.3f} to {self.high:+.3f}), {right} right"


@dataclass(frozen=True)
class Choice:
    """The recipe that was chosen on `count` pictures, and all that were tried, the best first."""

    recipe: Recipe
    count: int
    tried: list[Tried]

    def sentence(self) -> str:
        """What was chosen, for a person."""
        if not self.tried:
            return f"As it was told: {self.recipe.sentence()}."
        return (
            f"Chosen of {len(self.tried)} ways, in cross-validation on {self.count} pictures: {self.recipe.sentence()}."
        )


class _Trials:
    def __init__(
        self, examples: list[Example], groups: np.ndarray, seed: int, flip: bool, limits: Limits,
        progress: BeginStage, kept: KeptArrays, *, has_several: bool,
    ) -> None:  # fmt: skip
        self._examples, self._groups, self._has_several = examples, groups, has_several
        self._seed, self._flip, self._limits, self._progress, self._kept = seed, flip, limits, progress, kept
        self.found: dict[Recipe, head.OutOfFold] = {}

    def best(self, recipes: list[Recipe]) -> Recipe:
        """Of these, the simplest whose loss is the lowest, or lies no more than TIE above it."""
        for recipe in recipes:
            self._try(recipe)
        by_loss = sorted(recipes, key=lambda recipe: float(self.found[recipe].losses.mean()))
        lowest = by_loss[0]
        for recipe in sorted(by_loss, key=lambda recipe: recipe.simplicity):
            mean, low, _ = self.difference(recipe, lowest)
            if mean <= TIE * (mean - low) / _CERTAIN:
                return recipe
        raise AssertionError("the one with the lowest loss is among them")

    def difference(self, one: Recipe, other: Recipe) -> tuple[float, float, float]:
        """By how much the loss of `one` lies above that of `other`, with its 95 % interval; a group counts as one."""
        above = self.found[one].losses - self.found[other].losses
        mean = float(above.mean())
        sums = np.bincount(np.unique(self._groups, return_inverse=True)[1], weights=above - mean)
        around = _CERTAIN * float(np.sqrt((sums**2).sum())) / len(above)
        return mean, mean - around, mean + around

    def _try(self, recipe: Recipe) -> None:
        if recipe in self.found:
            return
        net, count, called = net_of(recipe), len(self._examples), recipe.sentence()
        views = Views(recipe.views, self._flip)
        begun = self._progress(f"Trying {called}", count)
        backbone = Backbone(net.graph, net.spec)
        features = extract(backbone, self._examples, views, self._limits, self._seed, begun, self._kept)
        fitting = self._progress("Fitting", head.steps(count) - 1)
        middle = width_of_middle(recipe)
        if self._has_several:
            labels = [example.labels for example in self._examples]
            self.found[recipe] = several.out_of_fold(features, labels, self._groups, self._seed, fitting, middle)
        else:
            truth = [example.label for example in self._examples]
            self.found[recipe] = head.out_of_fold(features, truth, self._groups, self._seed, fitting, middle)


def choose(
    learning: list[Example],
    groups: np.ndarray,
    held: Held,
    seed: int,
    flip: bool,
    limits: Limits,
    progress: BeginStage,
    kept: KeptArrays,
    *,
    has_several: bool = False,
) -> Choice:
    """Choose a recipe for examples whose group numbers are int [n], on at most MOST of them. `has_several` says that a
    picture may have several labels.

    What is `held` is not chosen. Raises ModelError if a backbone that is held cannot be used.
    """
    chosen = _sample(learning, groups)
    examples = [learning[i] for i in chosen]
    ways = _ways(held, len(examples), has_colour=not all(example.is_gray for example in examples))
    simplest = Recipe(**{field: values[0] for field, values in ways.items()})
    if all(len(values) == 1 for values in ways.values()):
        return Choice(simplest, len(examples), [])
    trials = _Trials(examples, groups[chosen], seed, flip, limits, progress, kept, has_several=has_several)
    recipe = trials.best([replace(simplest, colour=c, fit=f) for c, f in product(ways["colour"], ways["fit"])])
    for field in ("middle", "level", "backbone", "views"):
        recipe = trials.best([replace(recipe, **{field: value}) for value in ways[field]])
    tried = [
        Tried(one, float(found.losses.mean()), float(found.is_right.mean()), *trials.difference(one, recipe))
        for one, found in trials.found.items()
    ]
    return Choice(recipe, len(examples), sorted(tried, key=lambda one: one.loss))


def _ways(held: Held, count: int, *, has_colour: bool) -> dict[str, list[Any]]:
    """What may be chosen for each field of a recipe, the simplest first."""
    ways: dict[str, list[Any]] = {
        "backbone": ["lite0", "lite2"] if is_there("lite2") else ["lite0"],
        "views": [0, _VIEWS] if count <= _MOST_FOR_VIEWS else [0],
        "middle": [False, True],
        "level": [False, True],
        "colour": [False, True] if has_colour else [False],
        "fit": [Fit.CROP, Fit.PAD],
    }
    if held.backbone not in (None, *NAMES):
        channels, has_fit = channels_of(Path(held.backbone or ""))
        _demand_possible(held, channels)
        ways |= {"level": [False], "middle": [False], "colour": [channels == 3]}
        ways |= {"fit": [Fit.CROP]} if has_fit else {}
    return ways | {field: [value] for field, value in asdict(held).items() if value is not None}


def _demand_possible(held: Held, channels: int) -> None:
    """Raises ModelError if a network of the user's own, which takes so many channels, cannot do what is held."""
    takes = "gray pictures" if channels == 1 else "pictures in colour"
    cannot = {
        "--level": (bool(held.level), "it takes pictures as they are"),
        "--middle-layers": (bool(held.middle), "its middle layers are not read"),
        "--colour": (held.colour is True and channels == 1, f"it takes {takes}"),
        "--gray": (held.colour is False and channels == 3, f"it takes {takes}"),
    }
    for option, (is_held, why) in cannot.items():
        if is_held:
            raise ModelError(f"{option} does not go with the backbone '{held.backbone}': {why}. Leave the option out.")


def _sample(learning: list[Example], groups: np.ndarray) -> list[int]:
    """The numbers of the examples to try on: as many of each label as possible, and all of a rare label. Where pictures
    have several labels, of each set of labels. Of a group one comes first, and others while there is room."""
    in_group, of_labels = Counter[int](), Counter[tuple[str, ...]]()
    turns: list[tuple[int, int, int]] = []
    for i in sorted(range(len(learning)), key=lambda i: learning[i].sha256):
        turns.append((in_group[int(groups[i])], len(turns), i))
        in_group[int(groups[i])] += 1
    ranks = []
    for turn, order, i in sorted(turns):
        ranks.append((of_labels[learning[i].labels], turn, order, i))
        of_labels[learning[i].labels] += 1
    return sorted(i for *_, i in sorted(ranks)[:MOST])
