"""Measures what colour adds: gray and colour on the same pictures and folds, so that a person can choose."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from imagestore.proportion import percent
from model.default.build import CROP
from model.default.efficientnet import SIZE
from model.progress import BeginStage
from model.training import head
from model.training.compose import backbone
from model.training.examples import Example
from model.training.features import Backbone, Views, extract
from model.training.kept_arrays import KeptArrays
from preprocess import ImageSpec, Limits

MOST = 2000
"""At most this many pictures are compared: more take long and add little."""


@dataclass(frozen=True)
class Colours:
    """How often a head was right in gray and in colour, in cross-validation on `count` pictures.

    `gray` and `colour` are shares from 0 to 1; `low` and `high` are the 95 % interval of colour − gray.
    """

    count: int
    gray: float
    colour: float
    low: float
    high: float

    def sentence(self) -> str:
        """The result in one sentence."""
        says = "Colour helps" if self.low > 0 else "Gray is better" if self.high < 0 else "That is no clear difference"
        points = (100 * share for share in (self.colour - self.gray, self.low, self.high))
        difference = "{:+.1f} points, {:+.1f} to {:+.1f}".format(*points)
        shares = f"{percent(self.gray, 1)} right in gray, {percent(self.colour, 1)} in colour"
        return f"In cross-validation on {self.count} pictures: {shares} ({difference}). {says}."


def compare_colours(
    learning: list[Example],
    groups: np.ndarray,
    seed: int,
    limits: Limits,
    progress: BeginStage,
    kept: KeptArrays | None = None,
) -> Colours | None:
    """Compare gray and colour on examples whose group numbers are int [n].

    None if every picture is gray, since there is nothing to compare.
    """
    chosen = _sample(learning)
    examples = [learning[i] for i in chosen]
    if all(example.is_gray for example in examples):
        return None
    labels, groups = [example.label for example in examples], groups[chosen]
    right = []
    for channels, called in ((1, "gray"), (3, "colour")):
        net = Backbone(backbone(channels), ImageSpec(SIZE, SIZE, channels, CROP))
        features = extract(net, examples, Views(), limits, seed, progress(f"Compare {called}", len(examples)), kept)
        fitting = progress(f"Fitting {called}", head.steps(len(examples)) - 1)
        right.append(head.right_out_of_fold(features, labels, groups, seed, fitting))
    gray, colour = right
    difference = colour.astype(float) - gray
    around = 1.96 * float(difference.std() / np.sqrt(len(examples)))
    mean = float(difference.mean())
    return Colours(len(examples), float(gray.mean()), float(colour.mean()), mean - around, mean + around)


def _sample(learning: list[Example]) -> list[int]:
    """The numbers of the examples to compare: as many of each label as possible, and all of a rare label."""
    seen: Counter[str] = Counter()
    ranks = []
    for i in sorted(range(len(learning)), key=lambda i: learning[i].sha256):
        ranks.append((seen[learning[i].label], i))
        seen[learning[i].label] += 1
    return [i for _, i in sorted(ranks)[:MOST]]
