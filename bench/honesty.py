"""Whether what a report says of a model holds on pictures that training never had: `python -m bench.honesty FOLDER…`.

A FOLDER has a subfolder of pictures for each label. Again and again a part of them is put away, untouched; training
gets the rest, divides it itself, and reports an accuracy on its own test pictures. Of both accuracies, with their 95 %
intervals, it is said whether their difference lies inside the joint interval. With `--burst 3` each picture is there
with three more that are cropped, shifted or turned a little, as a burst has them. What is gained over version 0.1 on
the untouched parts has a 95 % interval by bootstrap over groups of pictures. Ctrl-C ends it sooner. docs/model.md has
the figures.
"""

import argparse
import os
import platform
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import product
from math import sqrt
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console

from bench.look_alikes import copies, jpeg
from bench.pictures import Pictures
from imagestore.cli.stages import stages
from imagestore.proportion import Share, percent, wilson
from model.evaluation.metrics import Metrics, metrics
from model.training import choose as choosing
from model.training import head as heads
from model.training import split
from model.training.backbones import width_of_middle
from model.training.choose import choose
from model.training.examples import Example, Labelled, read
from model.training.recipe import Held, Recipe
from model.training.train import prepare
from preprocess import Fit, Limits, rendition

BEFORE = Recipe()
"""How version 0.1 showed pictures to a model: gray and cropped."""
HELD = Recipe(colour=True, fit=Fit.PAD, middle=True)
DRAWN = 2000
UNTOUCHED = 0.3
_SIDE = 480
_COPIES = ("cropped by 4 % on each side", "turned by 3°", "shifted by 4 %")


@dataclass(frozen=True)
class Repeat:
    """What training reported, what holds on the untouched part, and what the recipe of version 0.1 has there.

    `gained` float [pictures, 2] has for each picture by how much its copies are more often right than with that recipe,
    summed, and how many copies of it were put away.
    """

    recipe: Recipe
    reported: Share
    untouched: Share
    before: float
    gained: np.ndarray
    learned: int
    tested: int

    @property
    def is_inside(self) -> bool:
        """Whether the difference lies inside the joint 95 % interval (Zou and Donner 2008)."""
        (a, a_low, a_high), (b, b_low, b_high) = (
            (one.share, one.low or 0.0, 1.0 if one.high is None else one.high)
            for one in (self.reported, self.untouched)
        )
        low = a - b - sqrt((a - a_low) ** 2 + (b_high - b) ** 2)
        high = a - b + sqrt((a_high - a) ** 2 + (b - b_low) ** 2)
        return low <= 0 <= high


def _with_bursts(example: Example, burst: int) -> list[Labelled]:
    """A picture, and its neighbours in a burst."""
    if not burst:
        return [example.source]
    picture = Image.fromarray(rendition(example.source.read(), _SIDE, Limits()))
    altered = copies(picture)
    files = [jpeg(picture), *(jpeg(altered[what]) for what in _COPIES[:burst])]
    return [
        Labelled(example.labels, f"{example.source.name} {n}", partial(bytes, data)) for n, data in enumerate(files)
    ]


def _figures(head: heads.Head, features: np.ndarray, examples: list[Example], groups: np.ndarray) -> Metrics:
    numbers = {label: number for number, label in enumerate(head.labels)}
    truth = np.array([numbers.get(example.label, -1) for example in examples])
    return metrics(head.probabilities(features[:, 0]), truth, list(head.labels), head.thresholds.common, groups)


def _is_right(head: heads.Head, features: np.ndarray, examples: list[Example]) -> np.ndarray:
    answers = np.array(head.labels)[head.probabilities(features[:, 0]).argmax(axis=1)]
    return np.asarray(answers == np.array([example.label for example in examples]))


def between(gained: np.ndarray, groups: np.ndarray) -> tuple[float, float]:
    """The 95 % interval of the mean gain, of sums and counts float [pictures, 2], by bootstrap over the groups."""
    numbers = np.unique(groups, return_inverse=True)[1]
    of_groups = np.stack([np.bincount(numbers, weights=column) for column in gained.T], axis=1)
    chance = np.random.default_rng(1)
    drawn = [of_groups[chance.integers(0, len(of_groups), len(of_groups))].sum(axis=0) for _ in range(DRAWN)]
    low, high = np.quantile([total / count for total, count in drawn], (0.025, 0.975))
    return float(low), float(high)


class _Bench:
    def __init__(self, pictures: Pictures, burst: int) -> None:
        self.all = pictures
        begun = pictures.begin("Making bursts", len(pictures.examples))
        self.bursts: list[list[Labelled]] = []
        for example in pictures.examples:
            self.bursts.append(_with_bursts(example, burst))
            begun()

    def run(self, seed: int, *, is_chosen: bool) -> Repeat:
        is_away, groups_of_all = self.all.part(UNTOUCHED, np.random.default_rng(seed)), self.all.groups
        limits, begin, kept = self.all.limits, self.all.begin, self.all.kept
        used = [one for burst, gone in zip(self.bursts, is_away, strict=True) if not gone for one in burst]
        split.SALT = f"repeat {seed}"  # else the same pictures would test each time, and be as lucky each time
        prepared = prepare(used, split.Split(), limits, begin, kept)
        kept_away = [(one, i) for i in np.flatnonzero(is_away) for one in self.bursts[i]]
        number = {one.name: int(i) for one, i in kept_away}
        untouched = read([one for one, _ in kept_away], limits, lambda: None, kept).good
        of = np.array([number[example.source.name] for example in untouched])
        learning, groups = prepared.part(test=False), prepared.groups(test=False)
        recipe = choose(learning, groups, Held(), 1, False, limits, begin, kept).recipe if is_chosen else HELD
        head, earlier = (self._fitted(one, learning, groups) for one in (recipe, BEFORE))
        tests = prepared.part(test=True)
        reported = _figures(head, self.all.features(recipe, tests), tests, prepared.groups(test=True))
        there, there_before = (self.all.features(one, untouched) for one in (recipe, BEFORE))
        found = _figures(head, there, untouched, groups_of_all[of])
        is_right, was_right = _is_right(head, there, untouched), _is_right(earlier, there_before, untouched)
        sums = (is_right.astype(float) - was_right, np.ones(len(of)))
        gained = np.stack([np.bincount(of, weights=one, minlength=len(self.bursts)) for one in sums], axis=1)
        return Repeat(
            recipe, reported.accuracy, found.accuracy, float(was_right.mean()), gained, len(learning), len(tests)
        )

    def _fitted(self, recipe: Recipe, learning: list[Example], groups: np.ndarray) -> heads.Head:
        labels = [example.label for example in learning]
        begun = self.all.begin("Fitting", heads.steps(len(learning)))
        return heads.fit(self.all.features(recipe, learning), labels, groups, 1, begun, middle=width_of_middle(recipe))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.honesty", description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path, help="each with a subfolder for each label")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--burst", type=int, default=0, choices=range(4), help="altered neighbours of each picture")
    parser.add_argument("--chosen", action="store_true", help=f"let training choose, instead of {HELD.sentence()}")
    parser.add_argument(
        "--tie", type=float, nargs="+", default=[choosing.TIE], help="with --chosen: standard errors that are a tie"
    )
    arguments = parser.parse_args()
    console = Console(width=100)
    with stages() as begin:
        benches = [_Bench(Pictures(folder, begin), arguments.burst) for folder in arguments.folders]
        found = list(product(zip(arguments.folders, benches, strict=True), arguments.tie))
        repeats: list[list[Repeat]] = [[] for _ in found]
        with suppress(KeyboardInterrupt):  # what was measured until then is told
            for seed in range(arguments.repeats):
                for ((_, bench), tie), so_far in zip(found, repeats, strict=True):
                    choosing.TIE = tie
                    so_far.append(bench.run(seed, is_chosen=arguments.chosen))
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for ((folder, bench), tie), of_it in zip(found, repeats, strict=True):
        ties = f", ties of {tie:g}" if arguments.chosen else ""
        console.print(f"\n{folder.name}: {bench.all.sentence()}, bursts of {1 + arguments.burst}{ties}")
        for line in said(of_it, bench.all.groups) if of_it else ["It was stopped before the first repeat was done."]:
            console.print(line)


def said(repeats: list[Repeat], groups: np.ndarray) -> list[str]:
    """What was found in all repeats, of pictures with these groups, for a person."""
    first, recipes = repeats[0], Counter(one.recipe.sentence() for one in repeats)
    inside = wilson(sum(one.is_inside for one in repeats), len(repeats))
    reported, untouched = (
        np.array([share.share for share in shares])
        for shares in zip(*((one.reported, one.untouched) for one in repeats), strict=True)
    )
    gaps = reported - untouched
    around = 1.96 * float(gaps.std(ddof=1)) / sqrt(len(gaps)) if len(gaps) > 1 else 0.0
    gained = np.sum([one.gained for one in repeats], axis=0)
    low, high = between(gained, groups)
    return [
        f"In the first repeat {first.learned} were learned from, {first.tested} tested, {first.untouched.of} put away.",
        *(f"{recipe}: {count} repeats" for recipe, count in recipes.most_common()),
        f"Inside the joint 95 % interval: {inside.right} of {inside.of} repeats, {percent(inside.share, 1)} "
        f"({percent(inside.low or 0, 1)} to {percent(inside.high or 1, 1)}, as if repeats shared no pictures).",
        f"Reported {reported.mean():.3f}, untouched {untouched.mean():.3f}, difference {gaps.mean():+.3f} ± "
        f"{around:.3f} (from {gaps.min():+.3f} to {gaps.max():+.3f}).",
        f"Gray and cropped, as version 0.1: {np.mean([one.before for one in repeats]):.3f} on the untouched parts, so "
        f"{100 * gained[:, 0].sum() / gained[:, 1].sum():+.1f} points now ({100 * low:+.1f} to {100 * high:+.1f}).",
    ]


if __name__ == "__main__":
    main()
