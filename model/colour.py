"""What colour is worth: gray and colour on the same pictures and folds, so that a person can choose."""

from collections import Counter
from dataclasses import dataclass

import numpy as np

from classify.share import percent
from model import head
from model.build import CROP
from model.compose import backbone
from model.efficientnet import SIZE
from model.examples import Example
from model.features import Backbone, Views, extract
from model.progress import Progress
from preprocess import Limits
from record import ImageSpec

MOST = 2000
"""So many pictures are compared at most: more take long and say little more."""


@dataclass(frozen=True)
class Colours:
    """Shares right out of fold of `count` pictures as they are, in gray and in colour, and the 95 % interval of the
    difference (colour − gray)."""

    count: int
    gray: float
    colour: float
    low: float
    high: float

    def sentence(self) -> str:
        """For a person."""
        says = "Colour helps" if self.low > 0 else "Gray is better" if self.high < 0 else "That is no clear difference"
        points = (100 * share for share in (self.colour - self.gray, self.low, self.high))
        difference = "{:+.1f} points, {:+.1f} to {:+.1f}".format(*points)
        shares = f"{percent(self.gray, 1)} right in gray, {percent(self.colour, 1)} in colour"
        return f"In cross-validation on {self.count} pictures: {shares} ({difference}). {says}."


def compare_colours(
    learning: list[Example], groups: np.ndarray, seed: int, limits: Limits, progress: Progress
) -> Colours | None:
    """Of examples with group numbers int [n]; None where every picture is gray, and so there is nothing to compare."""
    chosen = _sample(learning)
    examples = [learning[i] for i in chosen]
    if all(example.is_gray for example in examples):
        return None
    labels, groups = [example.label for example in examples], groups[chosen]
    right = []
    for channels, called in ((1, "gray"), (3, "colour")):
        net = Backbone(backbone(channels), ImageSpec(SIZE, SIZE, channels, CROP))
        features = extract(net, examples, Views(), limits, seed, progress(f"Compare {called}", len(examples)))
        fitting = progress(f"Fitting {called}", head.steps(len(examples)) - 1)
        right.append(head.right_out_of_fold(features, labels, groups, seed, fitting))
    gray, colour = right
    difference = colour.astype(float) - gray
    around = 1.96 * float(difference.std() / np.sqrt(len(examples)))
    mean = float(difference.mean())
    return Colours(len(examples), float(gray.mean()), float(colour.mean()), mean - around, mean + around)


def _sample(learning: list[Example]) -> list[int]:
    """As many of each label, as far as there are: of a rare one all."""
    seen: Counter[str] = Counter()
    ranks = []
    for i in sorted(range(len(learning)), key=lambda i: learning[i].sha256):
        ranks.append((seen[learning[i].label], i))
        seen[learning[i].label] += 1
    return [i for _, i in sorted(ranks)[:MOST]]
