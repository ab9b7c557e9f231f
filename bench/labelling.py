"""How well wrong labels are found, and what it adds to a training: `python -m bench.labelling [--runs 5]`.

Of GCompris' photographs by what their folders say, and of 1,000 pictures of Fashion-MNIST, 5 % get another label at
random. Recall is the share of these that are doubted, precision the share of the doubted that are these; as for what
else is doubted, nobody has looked whether its label is right. docs/model.md says how they are found.
"""

import argparse
import os
import platform
import time
from collections.abc import Callable

import numpy as np
from rich.console import Console
from rich.table import Table

from bench import fashion, gcompris
from imagestore.cli.stages import stages
from imagestore.proportion import Share, percent, wilson
from model.progress import BeginStage, unheard
from model.training import head as heads
from model.training.backbones import net_of
from model.training.examples import Example, Labelled, read
from model.training.features import Backbone, Views, extract
from model.training.grouping import grouped, with_looks
from model.training.kept_arrays import KeptArrays
from model.training.labelling import find_out
from model.training.recipe import Recipe
from preprocess import Fit, Limits

SWAPPED = 0.05
_FASHION = 1000
_COUNTRIES = ("france", "germany", "india", "egypt", "usa", "wonders")


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.labelling", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="how often labels are swapped")
    runs = parser.parse_args().runs
    console = Console(width=120)
    table = Table(
        "pictures", "labels", "swapped", "found (recall)", "of those doubted (precision)", "doubted, none swapped"
    )
    times = Table("pictures", "fitting the head", "curve and doubts")
    with stages() as begin:
        for called, sources in (("photographs", _photographs()), ("Fashion-MNIST", _fashion())):
            console.print(f"{called}: {len(sources)}")
            found, seconds = _measured(sources, runs, begin)
            table.add_row(f"{len(sources)} {called}", *found)
            times.add_row(f"{len(sources)} {called}", *(f"{one:.1f} s" for one in seconds))
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    console.print(table, times)


def _measured(sources: list[Labelled], runs: int, begin: BeginStage) -> tuple[list[str], tuple[float, float]]:
    limits, kept = Limits(), KeptArrays()
    good = read(sources, limits, begin("Reading", len(sources)), kept).good
    examples, similarity = with_looks(good, limits, begin, kept)
    groups = grouped(examples, similarity).groups
    net = net_of(Recipe(colour=True, fit=Fit.PAD))
    begun = begin("Features", len(examples))
    features = extract(Backbone(net.graph, net.spec), examples, Views(0), limits, 1, begun, kept)
    labels = sorted({example.label for example in examples})
    plain, _ = _doubted(features, examples, groups)
    hits = doubted = swapped = 0
    seconds = []
    for run in range(runs):
        chance = np.random.default_rng(run)
        wrong = chance.permutation(len(examples))[: round(SWAPPED * len(examples))]
        given = list(examples)
        for number in wrong.tolist():
            others = [label for label in labels if label != examples[number].label]
            given[number] = examples[number].with_labels((others[int(chance.integers(len(others)))],))
        numbers, took = _doubted(features, given, groups)
        hits += len(numbers & set(wrong.tolist()))
        doubted, swapped = doubted + len(numbers), swapped + len(wrong)
        seconds.append(took)
    fitting, finding = np.mean(seconds, axis=0).tolist()
    told = [str(len(labels)), str(swapped), _told(wilson(hits, swapped)), _told(wilson(hits, doubted)), str(len(plain))]
    return told, (fitting, finding)


def _doubted(features: np.ndarray, examples: list[Example], groups: np.ndarray) -> tuple[set[int], tuple[float, float]]:
    """The numbers of the pictures that are doubted, and how many seconds fitting and finding took."""
    began = time.perf_counter()
    head = heads.fit(features, [example.label for example in examples], groups, 1, _nothing)
    fitted = time.perf_counter()
    found = find_out(head, features, examples, groups, 1, unheard).labelling
    if found.curve is not None:
        Console().print(found.curve.sentence)
    numbers = {example.sha256: number for number, example in enumerate(examples)}
    return {numbers[one.sha256] for one in found.doubts}, (fitted - began, time.perf_counter() - fitted)


def _told(share: Share) -> str:
    low, high = share.low or 0.0, share.high or 0.0
    return f"{share.right} of {share.of}, {percent(share.share)} ({percent(low)} to {percent(high)})"


def _photographs() -> list[Labelled]:
    found = []
    for name, data, _ in gcompris.photographs():
        folder = name.split("/")[0]
        label = "monuments" if folder in _COUNTRIES else folder
        found.append(Labelled((label,), name, _reader(data)))
    return found


def _fashion() -> list[Labelled]:
    pictures, classes = fashion.load("train")
    some = np.random.default_rng(0).permutation(len(pictures))[:_FASHION]
    return fashion.labelled(pictures[some], classes[some])


def _reader(data: bytes) -> Callable[[], bytes]:
    return lambda: data


def _nothing() -> None:
    """Progress that nobody hears of."""


if __name__ == "__main__":
    main()
