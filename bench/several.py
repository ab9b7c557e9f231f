"""How good a model of several labels is on pictures drawn by code: `python -m bench.several`.

Shapes in colours, up to two in a picture, ten labels. It is trained as `imagestore train` does, and judged on new
pictures that were drawn for this alone. The same pictures come each time.
"""

import argparse
import io
import platform
import time
from functools import cache
from os import cpu_count

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.drawn import drawn
from imagestore.cli.stages import stages
from imagestore.proportion import percent
from model.evaluation import several
from model.evaluation.evaluate import Evaluation, evaluate
from model.evaluation.several import Between, SeveralMetrics
from model.training.examples import Labelled, read
from model.training.recipe import Held
from model.training.split import Split
from model.training.train import TrainingOptions, prepare, train
from preprocess import Fit, Limits

FIRST_NEW = 1_000_000
HELD = Held(colour=True, fit=Fit.PAD, level=False, middle=True, backbone="lite0", views=0)


def sources(first: int, count: int) -> list[Labelled]:
    """Drawn pictures with their labels; one in three or so has none."""
    return [_source(seed) for seed in range(first, first + count)]


def _source(seed: int) -> Labelled:
    @cache
    def picture() -> tuple[bytes, tuple[str, ...]]:
        image, labels = drawn(seed, fewest=0)
        out = io.BytesIO()
        image.save(out, "PNG")
        return out.getvalue(), labels

    return Labelled(picture()[1], f"{seed}.png", lambda: picture()[0])


def told(figure: Between) -> str:
    """A figure with its interval."""
    return f"{figure.value:.3f} ({figure.low or 0:.3f} to {figure.high or 1:.3f})"


def at(evaluation: Evaluation, common: float, own: dict[str, float]) -> SeveralMetrics:
    """The figures with other thresholds."""
    labels = list(evaluation.model.labels)
    thresholds = [own.get(label, common) for label in labels]
    given = (evaluation.probabilities >= np.array(thresholds)) & evaluation.is_near[:, None]
    count = len(evaluation.examples)
    groups, covered = np.arange(count), np.ones(count, bool)
    return several.metrics(evaluation.probabilities, given, evaluation.holds, labels, thresholds, groups, covered)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.several", description=__doc__)
    parser.add_argument("--train", type=int, default=1000, help="pictures to train on, of which a fifth only test")
    parser.add_argument("--new", type=int, default=2000, help="new pictures to judge it on")
    parser.add_argument("--held", action="store_true", help="colour, padded, Lite0, middle layers: nothing is chosen")
    arguments = parser.parse_args()
    console, limits, started = Console(), Limits(), time.monotonic()
    with stages() as begin:
        prepared = prepare(sources(0, arguments.train), Split(), limits, begin, has_several=True)
        options = TrainingOptions(held=HELD if arguments.held else Held())
        trained = train(prepared, options, limits, begin)
        took = time.monotonic() - started
        found = []
        drawn_new = sources(FIRST_NEW, arguments.new)
        new = read(drawn_new, limits, begin("Reading", len(drawn_new))).good
        for part, groups in ((prepared.part(test=True), prepared.groups(test=True)), (new, None)):
            found.append(evaluate(trained.data, "it", part, limits, begin("Judging", len(part)), groups))
    console.print(f"{platform.machine()}, {cpu_count()} cores, Python {platform.python_version()}")
    console.print(f"trained on {len(prepared.part(test=False))} of {arguments.train} in {took:.0f} s")
    console.print(trained.provenance.choice.sentence())
    table = Table("pictures", "macro-F1", "micro-F1", "mean average precision", "all labels right", box=None)
    for called, evaluation in zip(("training's own test part", "new ones"), found, strict=True):
        m = evaluation.several_metrics()
        row = (told(m.macro_f1_between), told(m.micro_f1), told(m.mean_average_precision), percent(m.accuracy.share, 1))
        table.add_row(f"{m.count} {called}", *row)
    console.print(table)
    table = Table("--right", "labels found", "right of those given", "macro-F1", "all labels right", box=None)
    for price in trained.head.prices:
        m = at(found[1], price.threshold, price.thresholds)
        counts = [(c.recall.right, c.count, c.precision.of) for c in m.classes]
        hits, of, given = (sum(one) for one in zip(*counts, strict=True))
        row = (percent(hits / of, 1), percent(hits / given, 1), told(m.macro_f1_between), percent(m.accuracy.share, 1))
        table.add_row(percent(price.target), *row)
    console.print(table)


if __name__ == "__main__":
    main()
