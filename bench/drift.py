"""How often a quiet day is called drifted, and a day with strangers: `python -m bench.drift drawn | fashion | FOLDER`.

In each repeat the labels of a set are divided anew: some are the labels of a project, the others are strangers. A head
is fitted to some pictures of the first; of what is left, 500 are the baseline, quiet days are drawn from the rest, and
in days with strangers a fifth of the pictures are those, of all other labels or of one alone. A day of another mix has
more of some labels than the baseline, and no strangers. Compared is what is watched: by the pictures' vectors, without
them by the distance and what the confidence lacks to 1, and by the latter alone, as of a model that tells no distance.
"""

import argparse
import platform
from os import cpu_count
from pathlib import Path
from time import perf_counter

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.negatives import PictureSet, drawn_set, fashion_set, folder_set
from classify import Vector
from imagestore.cli.stages import stages
from imagestore.pipeline.watch.drift import Comparison, Seen
from model.training import head

KINDS = ("quiet", "another mix", "strangers", "strangers of one label")
WAYS = ("vectors", "distance and confidence", "confidence")
_EACH = 1000


class Replay:
    """A head that was fitted to some labels of a set, and what is watched of all pictures of it."""

    def __init__(self, found: PictureSet, labels: int, learn: int, baseline: int, seed: int) -> None:
        self._chance = np.random.default_rng(seed)
        order = self._chance.permutation(np.unique(found.labels))
        ours = np.flatnonzero(np.isin(found.labels, order[:labels]))
        self._labels = found.labels
        self._strangers = np.flatnonzero(~np.isin(found.labels, order[:labels]))
        learned = np.concatenate(
            [self._chance.permutation(ours[found.labels[ours] == label])[:learn] for label in order[:labels].tolist()]
        )
        rest = self._chance.permutation(np.setdiff1d(ours, learned))
        self.baseline, self._rest = rest[:baseline], rest[baseline:]
        of = head.fit(found.features[learned], found.labels[learned].tolist(), found.groups[learned], 1, lambda: None)
        probabilities = of.probabilities(found.features[:, 0])
        self._predicted = [of.labels[number] for number in probabilities.argmax(axis=1)]
        self._numbers = np.stack([of.distances(found.features[:, 0]), 1 - probabilities.max(axis=1)], axis=1)
        vectors = (Vector.of(features, "") for features in found.features[:, 0])
        self._vectors = [None if vector is None else vector.codes for vector in vectors]
        units = np.stack([np.frombuffer(codes or b"\0", np.int8) for codes in self._vectors]).astype(np.float32)
        self._units = units / np.maximum(np.linalg.norm(units, axis=1, keepdims=True), 1e-9)
        near = np.quantile(self._numbers[self.baseline, 0], 0.9)
        self.far_strangers = float((self._numbers[self._strangers, 0] > near).mean())

    def day(self, kind: str, pictures: int, few: int) -> np.ndarray:
        """The numbers of the pictures of a day of one of KINDS, of which `few` are strangers where it has some."""
        if kind == "another mix":
            _, which, counts = np.unique(self._labels[self._rest], return_inverse=True, return_counts=True)
            odds = (self._chance.dirichlet(np.full(len(counts), 5.0)) / counts)[which]
            return self._chance.choice(self._rest, pictures, replace=False, p=odds / odds.sum())
        chosen = self._chance.choice(self._rest, pictures, replace=False)
        strangers = self._strangers
        if kind == "strangers of one label":
            labels = self._labels[strangers]
            strangers = strangers[labels == self._chance.choice(np.unique(labels))]
        if kind != "quiet":
            chosen[:few] = self._chance.choice(strangers, min(few, len(strangers)), replace=False)
        return chosen

    def greatest_cosine(self, rows: np.ndarray) -> float:
        """Of two of these pictures, by their vectors."""
        units = self._units[rows]
        return float(np.tril(units @ units.T, -1).max())

    def seen(self, way: str, rows: np.ndarray) -> Seen:
        """What one of WAYS tells of these pictures, of which none is a look-alike."""
        numbers = self._numbers[rows, 1:] if way == "confidence" else self._numbers[rows]
        no = np.zeros(len(rows), dtype=bool)
        seen = Seen(["2026-11-29"] * len(rows), numbers, no, np.zeros(len(rows), dtype=np.int64), no)
        if way != "vectors":
            return seen
        names, vectors = [self._predicted[row] for row in rows], [self._vectors[row] for row in rows]
        return Seen(seen.days, numbers, no, seen.looks, no, names, vectors)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.drift", description=__doc__)
    parser.add_argument("set", help="drawn, fashion, or a folder with a subfolder for each label")
    parser.add_argument("--labels", type=int, default=5, help="of the project; the others are strangers")
    parser.add_argument("--learn", type=int, default=60, help="pictures of each label to learn from")
    parser.add_argument("--pictures", type=int, default=200, help="of a day")
    parser.add_argument("--share", type=float, default=0.2, help="of strangers in a day that has some")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--days", type=int, default=100, help="of each kind in each repeat")
    asked = parser.parse_args()
    told: dict[tuple[str, str], list[list[bool]]] = {(way, kind): [] for way in WAYS for kind in KINDS}
    seconds, far, few = {way: 0.0 for way in WAYS}, [], round(asked.share * asked.pictures)
    cosines: list[float] = []
    with stages() as begin:
        made = {"drawn": drawn_set, "fashion": fashion_set}.get(asked.set)
        found = made(begin, _EACH) if made else folder_set(Path(asked.set), begin)
        begun = begin("Repeats", asked.repeats)
        for seed in range(asked.repeats):
            replay = Replay(found, asked.labels, asked.learn, 500, seed)
            far.append(replay.far_strangers)
            comparisons = {way: Comparison(replay.seen(way, replay.baseline)) for way in WAYS}
            for kind in KINDS:
                days = [replay.day(kind, asked.pictures, few) for _ in range(asked.days)]
                cosines += [replay.greatest_cosine(day) for day in days]
                for way, comparison in comparisons.items():
                    since = perf_counter()
                    told[way, kind].append([comparison.day(replay.seen(way, day)).has_drifted for day in days])
                    seconds[way] += perf_counter() - since
            begun()
    console = Console()
    console.print(f"{platform.machine()}, {cpu_count()} cores, Python {platform.python_version()}")
    console.print(
        f"{asked.set}: {asked.labels} labels of {asked.learn} pictures, days of {asked.pictures}, "
        f"{asked.share:.0%} strangers of which {np.mean(far):.0%} are far, {asked.repeats} repeats of {asked.days} "
        "days of each kind"
    )
    console.print(
        f"greatest cosine of two pictures of a day: {np.max(cosines):.3f}, and on half of the days at most "
        f"{np.median(cosines):.3f}"
    )
    console.print("told, of 100 days (and of the repeat with most):")
    table = Table("by", *KINDS, "ms a day", box=None)
    for way in WAYS:
        shares = [100 * np.mean(told[way, kind], axis=1) for kind in KINDS]
        ms = 1000 * seconds[way] / (asked.repeats * asked.days * len(KINDS))
        table.add_row(way, *(f"{share.mean():.2f} ({share.max():.0f})" for share in shares), f"{ms:.1f}")
    console.print(table)


if __name__ == "__main__":
    main()
