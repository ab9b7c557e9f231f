"""How often a quiet day is called drifted, and a day with strangers: `python -m bench.drift drawn | fashion | FOLDER`.

In each repeat the labels of a set are divided anew: some are the labels of a project, the others are strangers. A head
is fitted to some pictures of the first; of what is left, 500 are the baseline, quiet days are drawn from the rest, and
in days with strangers a fifth of the pictures are those. Compared is what is watched: the distance and what the
confidence lacks to 1 together, and the latter alone, as of a model that tells no distance.
"""

import argparse
import platform
from os import cpu_count
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.negatives import PictureSet, drawn_set, fashion_set, folder_set
from imagestore.cli.stages import stages
from imagestore.pipeline.drift import BASELINE, Seen, drift
from model.training import head

_DAYS = 100


def told(baseline: np.ndarray, days: np.ndarray) -> np.ndarray:
    """Which of these days, of pictures of some numbers [days, pictures, numbers], are told to have drifted; no picture
    is a look-alike."""
    names = [f"day {number:03d}" for number in range(len(days)) for _ in range(days.shape[1])]
    found = drift(_seen(["before"] * len(baseline), baseline), _seen(names, days.reshape(-1, days.shape[2])))
    return np.array([day.has_drifted for day in found.days])


def _seen(days: list[str], strangeness: np.ndarray) -> Seen:
    no = np.zeros(len(days), dtype=bool)
    return Seen(days, strangeness, no, np.zeros(len(days), dtype=np.int64), no)


def repeat(found: PictureSet, labels: int, learn: int, pictures: int, share: float, seed: int) -> np.ndarray:
    """Fit a head and replay days: float [2, 3], by both numbers and by confidence how many of 100 quiet days and of 100
    days with strangers were told, and the share of strangers beyond what nine tenths of the baseline lie within."""
    chance = np.random.default_rng(seed)
    order = chance.permutation(np.unique(found.labels))
    ours = np.flatnonzero(np.isin(found.labels, order[:labels]))
    strangers = np.flatnonzero(~np.isin(found.labels, order[:labels]))
    learned = np.concatenate(
        [chance.permutation(ours[found.labels[ours] == label])[:learn] for label in order[:labels].tolist()]
    )
    rest = chance.permutation(np.setdiff1d(ours, learned))
    fitted = head.fit(found.features[learned], found.labels[learned].tolist(), found.groups[learned], 1, lambda: None)
    distance = fitted.distances(found.features[:, 0])
    unsure = 1 - fitted.probabilities(found.features[:, 0]).max(axis=1)
    quiet = np.array([chance.choice(rest[BASELINE:], pictures, replace=False) for _ in range(_DAYS)])
    strange, few = quiet.copy(), round(share * pictures)
    strange[:, :few] = [chance.choice(strangers, few, replace=False) for _ in range(_DAYS)]
    results = []
    for numbers in (np.stack([distance, unsure], axis=1), unsure[:, None]):
        near = numbers[rest[:BASELINE]]
        beyond = (numbers[strangers, 0] > np.quantile(near[:, 0], 0.9)).mean()
        results.append([told(near, numbers[quiet]).sum(), told(near, numbers[strange]).sum(), beyond])
    return np.array(results, dtype=float)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.drift", description=__doc__)
    parser.add_argument("set", help="drawn, fashion, or a folder with a subfolder for each label")
    parser.add_argument("--labels", type=int, default=5, help="of the project; the others are strangers")
    parser.add_argument("--learn", type=int, default=60, help="pictures of each label to learn from")
    parser.add_argument("--pictures", type=int, default=200, help="of a day")
    parser.add_argument("--share", type=float, default=0.2, help="of strangers in a day that has some")
    parser.add_argument("--repeats", type=int, default=20)
    asked = parser.parse_args()
    with stages() as begin:
        made = {"drawn": drawn_set, "fashion": fashion_set}.get(asked.set)
        found = made(begin) if made else folder_set(Path(asked.set), begin)
        begun, results = begin("Repeats", asked.repeats), []
        for seed in range(asked.repeats):
            results.append(repeat(found, asked.labels, asked.learn, asked.pictures, asked.share, seed))
            begun()
    console, values = Console(), np.array(results)
    console.print(f"{platform.machine()}, {cpu_count()} cores, Python {platform.python_version()}")
    console.print(
        f"{asked.set}: {asked.labels} labels of {asked.learn} pictures, days of {asked.pictures}, "
        f"{asked.share:.0%} strangers, {asked.repeats} repeats of {_DAYS} days of each kind"
    )
    table = Table("by", "quiet days told, of 100", "most", "days with strangers told", "strangers far", box=None)
    for row, name in enumerate(("distance and confidence", "confidence")):
        quiet, strange, beyond = values[:, row].T
        table.add_row(
            name, f"{quiet.mean():.2f}", f"{quiet.max():.0f}", f"{strange.mean():.1f}", f"{beyond.mean():.2f}"
        )
    console.print(table)


if __name__ == "__main__":
    main()
