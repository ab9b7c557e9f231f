"""What pictures of none of the labels teach: `python -m bench.negatives drawn | fashion | FOLDER`.

In each of some repeats, the labels of a set are divided anew: some are the labels of a project, pictures of some others
are its negatives, and the rest are strangers, which nobody ever saw. A head is fitted with the negatives and one
without, to the same pictures with labels, and both answer pictures that they did not learn from: with labels, of the
negatives' kinds, and of strangers.
"""

import argparse
import io
import platform
from dataclasses import astuple, dataclass, fields
from os import cpu_count
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from sklearn.metrics import roc_auc_score

from bench import fashion
from bench.drawn import OTHER_SHAPES, SHAPES, drawn
from bench.pictures import Pictures
from imagestore.cli.stages import stages
from model.progress import BeginStage
from model.training import head
from model.training.backbones import net_of
from model.training.examples import NONE, Labelled, read
from model.training.features import Backbone, Views, extract
from model.training.head import Head
from model.training.recipe import Recipe
from preprocess import Fit, Limits

_EACH = 300


@dataclass(frozen=True)
class PictureSet:
    """Features float32 [n, 1, width] of pictures, their labels, and their group numbers int [n]."""

    features: np.ndarray
    labels: np.ndarray
    groups: np.ndarray


@dataclass(frozen=True)
class Roles:
    """The numbers int [n] of pictures with labels and of none of them, each to learn from and to test with, and of
    strangers."""

    learned: np.ndarray
    tested: np.ndarray
    negatives: np.ndarray
    other_negatives: np.ndarray
    strangers: np.ndarray


@dataclass(frozen=True)
class Figures:
    """How well a head tells what has none of its labels, and what that costs."""

    auroc_of_strangers: float
    auroc_of_kinds_like_the_negatives: float
    strangers_answered: float
    kinds_like_the_negatives_answered: float
    known_answered: float
    right_of_known_answered: float
    accuracy_on_known: float
    strangers_answered_where_80_percent_of_known_are: float


def drawn_set(begin: BeginStage, each: int = _EACH) -> PictureSet:
    """One shape a picture, in any colour; so many of each of ten shapes."""
    sources = []
    for kind, shape in enumerate((*SHAPES, *OTHER_SHAPES)):
        for number in range(each):
            out = io.BytesIO()
            drawn(10_000_000 + 1000 * kind + number, (shape,), most=1)[0].save(out, "PNG")
            sources.append(Labelled((shape,), f"{shape}/{number}.png", out.getvalue))
    return _featured(sources, Recipe(colour=True, fit=Fit.PAD), begin)


def fashion_set(begin: BeginStage, each: int = _EACH) -> PictureSet:
    """So many of each of Fashion-MNIST's ten classes."""
    pictures, classes = fashion.load("train")
    some = np.concatenate([np.flatnonzero(classes == number)[:each] for number in range(10)])
    return _featured(fashion.labelled(pictures[some], classes[some]), Recipe(fit=Fit.PAD), begin)


def folder_set(folder: Path, begin: BeginStage) -> PictureSet:
    """A folder with a subfolder for each label."""
    found = Pictures(folder, begin)
    return PictureSet(found.features(Recipe(colour=True, fit=Fit.PAD)), found.labels, found.groups)


def _featured(sources: list[Labelled], recipe: Recipe, begin: BeginStage) -> PictureSet:
    examples = read(sources, Limits(), begin("Reading", len(sources))).good
    net, begun = net_of(recipe), begin("Features", len(examples))
    features = extract(Backbone(net.graph, net.spec), examples, Views(), Limits(), 1, begun)
    return PictureSet(features, np.array([example.label for example in examples]), np.arange(len(examples)))


def roles(found: PictureSet, kinds: tuple[int, int], count: int, negatives: int, chance: np.random.Generator) -> Roles:
    """Divide the labels: `kinds` are how many are the project's and how many the negatives'. Learned from are `count`
    groups of each label, and `negatives` groups of all kinds of negatives together."""
    labels, sizes = np.unique(found.labels, return_counts=True)
    order = chance.permutation(labels[sizes >= count + 10])
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ("learned", "tested", "negatives", "other", "strangers")}
    for number, label in enumerate(order.tolist()):
        inside = np.flatnonzero(found.labels == label)
        groups = chance.permutation(np.unique(found.groups[inside]))
        if number < kinds[0]:
            is_first = np.isin(found.groups[inside], groups[:count])
            parts["learned"].append(inside[is_first])
            parts["tested"].append(inside[~is_first])
        elif number < sum(kinds):
            is_first = np.isin(found.groups[inside], groups[: negatives // kinds[1]])
            parts["negatives"].append(inside[is_first])
            parts["other"].append(inside[~is_first])
        else:
            parts["strangers"].append(inside)
    return Roles(*(np.concatenate(part) for part in parts.values()))


def measured(found: PictureSet, part: Roles, *, with_negatives: bool) -> Figures:
    """Fit a head, and ask it."""
    learned = np.concatenate([part.learned, part.negatives]) if with_negatives else part.learned
    labels = found.labels[part.learned].tolist() + [NONE] * (len(learned) - len(part.learned))
    fitted = head.fit(found.features[learned], labels, found.groups[learned], 1, lambda: None)
    known, other, strange = (
        _Answers(fitted, found, one) for one in (part.tested, part.other_negatives, part.strangers)
    )
    right = np.array([fitted.labels[i] for i in known.predicted]) == found.labels[part.tested]
    return Figures(
        _auroc(known.confidence, strange.confidence),
        _auroc(known.confidence, other.confidence),
        float(strange.is_answered.mean()),
        float(other.is_answered.mean()),
        float(known.is_answered.mean()),
        float(right[known.is_answered].mean()),
        float(right.mean()),
        float((strange.confidence >= np.quantile(known.confidence, 0.2)).mean()),
    )


class _Answers:
    def __init__(self, fitted: Head, found: PictureSet, part: np.ndarray) -> None:
        features = found.features[part, 0]
        probabilities = fitted.probabilities(features)
        self.confidence, self.predicted = probabilities.max(axis=1), probabilities.argmax(axis=1)
        is_near = fitted.distances(features) <= fitted.distance_limit
        self.is_answered = is_near & (self.confidence >= fitted.thresholds.of(self.predicted))


def _auroc(known: np.ndarray, other: np.ndarray) -> float:
    return float(roc_auc_score(np.repeat([1, 0], [len(known), len(other)]), np.concatenate([known, other])))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.negatives", description=__doc__)
    parser.add_argument("set", help="drawn, fashion, or a folder with a subfolder for each label")
    parser.add_argument("--labels", type=int, default=5, help="of the project")
    parser.add_argument("--kinds", type=int, default=3, help="labels whose pictures are the negatives")
    parser.add_argument("--pictures", type=int, default=60, help="of each label to learn from")
    parser.add_argument("--negatives", type=int, default=120, help="to learn from, of all kinds together")
    parser.add_argument("--repeats", type=int, default=20)
    asked = parser.parse_args()
    with stages() as begin:
        made = {"drawn": drawn_set, "fashion": fashion_set}.get(asked.set)
        found = made(begin) if made else folder_set(Path(asked.set), begin)
        begun, results = begin("Repeats", asked.repeats), []
        for repeat in range(asked.repeats):
            chance = np.random.default_rng(repeat)
            part = roles(found, (asked.labels, asked.kinds), asked.pictures, asked.negatives, chance)
            results.append([astuple(measured(found, part, with_negatives=one)) for one in (False, True)])
            begun()
    console, values = Console(), np.array(results)
    console.print(f"{platform.machine()}, {cpu_count()} cores, Python {platform.python_version()}")
    console.print(
        f"{asked.set}: {asked.labels} labels of {asked.pictures} pictures, {asked.negatives} negatives of "
        f"{asked.kinds} kinds, {asked.repeats} repeats"
    )
    table = Table("", "without", "with negatives", "difference", "95 % interval", box=None)
    for number, field in enumerate(fields(Figures)):
        one, other = values[:, 0, number], values[:, 1, number]
        gain = other - one
        around = 1.96 * gain.std(ddof=1) / np.sqrt(len(gain))
        interval = f"{gain.mean() - around:+.3f} to {gain.mean() + around:+.3f}"
        name = field.name.replace("_", " ")
        table.add_row(name, f"{one.mean():.3f}", f"{other.mean():.3f}", f"{gain.mean():+.3f}", interval)
    console.print(table)


if __name__ == "__main__":
    main()
