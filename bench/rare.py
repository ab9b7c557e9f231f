"""What weight does for a rare label: `python -m bench.rare FOLDER --pictures 4`.

FOLDER has a subfolder of pictures for each label. Each label but the most frequent one is in turn left with a few
pictures to learn from; a third of the others, and all the rest of the rare label, test. docs/model.md has the figures.
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
from imagestore.cli.stages import stages
from model.training import head as heads
from model.training.imbalance import Balance
from model.training.recipe import Recipe
from preprocess import Fit

HELD = Recipe(colour=True, fit=Fit.PAD)
TESTED = 1 / 3


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.rare", description=__doc__)
    parser.add_argument("folder", type=Path, help="with a subfolder for each label")
    parser.add_argument("--pictures", type=int, default=4, help="that the rare label is left with")
    arguments = parser.parse_args()
    console, table = Console(width=120), Table("weight", "recall of the rare label", "mean recall of the others")
    chosen: Counter[Balance] = Counter()
    recalls: dict[str, list[tuple[float, float]]] = {"none": [], "as chosen": [], "balanced": []}
    with stages() as begin:
        pictures = Pictures(arguments.folder, begin)
        features = pictures.features(HELD)
        frequent = Counter(pictures.labels.tolist()).most_common(1)[0][0]
        for label in sorted(set(pictures.labels.tolist()) - {frequent}):
            chance = np.random.default_rng(0)
            is_test = pictures.part(TESTED, chance)
            own = chance.permutation(np.flatnonzero(pictures.labels == label))
            is_test[own] = True
            few = own[np.unique(pictures.groups[own], return_index=True)[1][: arguments.pictures]]
            is_test[np.isin(pictures.groups, pictures.groups[few])] = False
            learned = np.union1d(np.flatnonzero(~is_test & (pictures.labels != label)), few)
            tested = np.flatnonzero(is_test)
            for weight, held in (("none", Balance.NONE), ("as chosen", None), ("balanced", Balance.BALANCED)):
                begun = begin(f"{label}, {weight}", heads.steps(len(learned)))
                labels = pictures.labels[learned].tolist()
                head = heads.fit(features[learned], labels, pictures.groups[learned], 1, begun, balance=held)
                answers = np.array(head.labels)[head.probabilities(features[tested, 0]).argmax(axis=1)]
                right, truth = answers == pictures.labels[tested], pictures.labels[tested]
                others = [float(right[truth == one].mean()) for one in np.unique(truth) if one != label]
                recalls[weight].append((float(right[truth == label].mean()), float(np.mean(others))))
                if held is None:
                    chosen[head.balancing.chosen] += 1
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    times = ", ".join(f"{weight} {count} times" for weight, count in chosen.most_common())
    console.print(f"{pictures.sentence()}; one label in turn with {arguments.pictures} pictures. Chosen: {times}.")
    for weight, found in recalls.items():
        rare, others = np.mean(found, axis=0)
        table.add_row(weight, f"{rare:.3f}", f"{others:.3f}")
    console.print(table)


if __name__ == "__main__":
    main()
