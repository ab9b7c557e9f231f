"""What a network's middle layers add: `python -m bench.middle_layers FOLDER… fashion 300 1000`.

A FOLDER has a subfolder of pictures for each label; groups of look-alikes stay together in the folds, of which three
divisions are made. After `fashion` come numbers of pictures of Fashion-MNIST. Gray and colour, padded, Lite0, with and
without middle layers, on the same folds. docs/model.md has the figures.
"""

import argparse
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.model import processor
from bench.pictures import Pictures
from bench.sets import fashion_mnist
from imagestore.cli.stages import stages
from model.progress import BeginStage
from model.training import head
from model.training.backbones import width_of_middle
from model.training.recipe import Recipe
from preprocess import Fit

_PLAIN = Recipe(fit=Fit.PAD)
_SEEDS = (1, 2, 3)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.middle_layers", description=__doc__)
    parser.add_argument("sets", nargs="+", help="folders, and 'fashion' followed by numbers of pictures")
    arguments = parser.parse_args()
    console = Console(width=140)
    table = Table("pictures", "colour", "accuracy without", "with", "difference", "loss without", "with", "difference")
    with stages() as begin, tempfile.TemporaryDirectory() as folder:
        for name in (one for one in arguments.sets if one != "fashion"):
            is_fashion = name.isdecimal()
            if is_fashion:
                fashion_mnist(Path(folder) / name, int(name))
            pictures = Pictures(Path(folder) / name if is_fashion else Path(name), begin)
            called = f"Fashion-MNIST, {name}" if is_fashion else f"{Path(name).name}, {len(pictures.labels)}"
            for colour in (False,) if is_fashion else (False, True):
                table.add_row(called, "colour" if colour else "gray", *_compared(pictures, colour, begin))
    console.print(f"{processor()}, {os.cpu_count()} cores")
    console.print(table)


def _compared(pictures: Pictures, colour: bool, begin: BeginStage) -> list[str]:
    """Accuracy and loss without middle layers and with them, and the differences with their 95 % intervals."""
    found = []
    for middle in (False, True):
        recipe = replace(_PLAIN, colour=colour, middle=middle)
        features, width = pictures.features(recipe), width_of_middle(recipe)
        begun = begin(recipe.sentence(), len(_SEEDS) * (head.steps(len(features)) - 1))
        labels = pictures.labels.tolist()
        runs = [head.out_of_fold(features, labels, pictures.groups, seed, begun, width) for seed in _SEEDS]
        right = np.mean([run.is_right for run in runs], axis=0)
        found.append((right, np.mean([run.losses for run in runs], axis=0)))
    (right, loss), (right_with, loss_with) = found
    return [
        f"{right.mean():.3f}", f"{right_with.mean():.3f}", _interval(right_with - right, pictures.groups),
        f"{loss.mean():.3f}", f"{loss_with.mean():.3f}", _interval(loss_with - loss, pictures.groups),
    ]  # fmt: skip


def _interval(differences: np.ndarray, groups: np.ndarray) -> str:
    """The mean with its 95 % interval; a group counts as one."""
    mean = float(differences.mean())
    sums = np.bincount(np.unique(groups, return_inverse=True)[1], weights=differences - mean)
    around = 1.96 * float(np.sqrt((sums**2).sum())) / len(differences)
    return f"{mean - around:+.3f} to {mean + around:+.3f}"


if __name__ == "__main__":
    main()
