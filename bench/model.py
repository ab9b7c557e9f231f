"""How good training is, on pictures that everybody knows: `make bench-model`.

Fashion-MNIST (Xiao, Rasul, Vollgraf 2017; MIT licence), Debian package dataset-fashion-mnist: trained on a fixed subset
of its training part, evaluated on all 10,000 test pictures, beside other methods on the same subset.
`--train 300 1000 3000 10000 --curve docs/learning-curve.svg` draws a learning curve.
"""

import argparse
import os
import platform
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from bench.fashion import FOLDER, Pictures, labelled, load
from bench.rivals import RIVALS
from imagestore.cli.stages import stages
from imagestore.proportion import Share, wilson
from model.evaluation.evaluate import evaluate
from model.evaluation.metrics import Metrics
from model.progress import BeginStage
from model.training.examples import read
from model.training.kept_arrays import KeptArrays
from model.training.recipe import Held
from model.training.split import Split
from model.training.train import TrainingOptions, prepare, train
from preprocess import Fit, Limits

HELD = Held(colour=False, fit=Fit.CROP, level=False, middle=False, backbone="lite0", views=0)
_HELD_IN_WORDS = "gray, cropped, not levelled, Lite0 without its middle layers, no altered views"
_SEED = 20261122


@dataclass(frozen=True)
class Run:
    """What came of one training: its figures, its way, and the seconds that it took, also of processor time, which
    other programs change less."""

    figures: Metrics
    recipe: str
    seconds: float
    processor_seconds: float


def ours(subset: Pictures, test: Pictures, held: Held, kept: KeptArrays, begin: BeginStage) -> Run:
    """Train as `imagestore train` does, and evaluate on the test pictures."""
    started, used = time.perf_counter(), sum(os.times()[:4])
    prepared = prepare(labelled(*subset), Split(), Limits(), begin, kept)
    prepared.division.is_test[:] = False  # the data set has a test part of its own
    trained = train(prepared, TrainingOptions(held=held), Limits(), begin, kept)
    seconds, used = time.perf_counter() - started, sum(os.times()[:4]) - used
    sources = labelled(*test)
    found = read(sources, Limits(), begin("Reading", len(sources)), kept)
    figures = evaluate(trained.data, "mine", found.good, Limits(), begin("Judging", len(sources))).metrics()
    return Run(figures, trained.provenance.choice.recipe.sentence(), seconds, used)


def rivals(subset: Pictures, test: Pictures, console: Console) -> dict[str, Share]:
    """The accuracy of each of the other methods."""
    found = {}
    for name, rival in RIVALS.items():
        started = time.perf_counter()
        right = rival(*subset, test[0]) == test[1]
        found[name] = wilson(int(right.sum()), len(right))
        console.print(f"{name}: {found[name].share:.4f} in {time.perf_counter() - started:.0f} s")
    return found


def table(others: dict[str, Share], run: Run) -> Table:
    """All methods at one number of pictures."""
    shown = Table("method", "accuracy", "95 % interval", "ECE")
    for name, share in others.items():
        shown.add_row(name, f"{share.share:.4f}", f"{share.low:.4f} to {share.high:.4f}", "")
    share = run.figures.accuracy
    ece = f"{run.figures.ece:.4f}"
    shown.add_row("imagestore train", f"{share.share:.4f}", f"{share.low:.4f} to {share.high:.4f}", ece)
    return shown


def draw(curves: dict[str, dict[int, Share]], file: Path) -> None:
    """A plot of accuracy by number of pictures, with 95 % intervals."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"svg.hashsalt": "learning curve", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure = Figure(figsize=(8, 4.5), layout="constrained")
        axes = figure.subplots()
        for (name, points), marker in zip(curves.items(), "so^Dv", strict=False):
            counts, shares = list(points), list(points.values())
            away = [[s.share - (s.low or 0) for s in shares], [(s.high or 1) - s.share for s in shares]]
            axes.errorbar(counts, [s.share for s in shares], away, marker=marker, capsize=2, label=name)
        axes.set(xscale="log", xlabel="pictures to learn from", ylabel="accuracy on the test pictures")
        axes.set_xticks(sorted({n for points in curves.values() for n in points}))
        axes.xaxis.set_major_formatter(lambda n, _: f"{n:,.0f}")
        axes.minorticks_off()
        axes.grid(alpha=0.3)
        axes.legend()
        figure.savefig(file, format="svg", metadata={"Date": None})


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.model", description=__doc__)
    parser.add_argument("--train", type=int, nargs="+", default=[10_000], help="how many pictures to learn from")
    parser.add_argument("--test", type=int, default=10_000, help="how many to evaluate on")
    parser.add_argument("--held", action="store_true", help=f"choose nothing: {_HELD_IN_WORDS}")
    parser.add_argument(
        "--middle-layers", action="store_true", help="with --held: read the network's middle layers too"
    )
    parser.add_argument("--alone", action="store_true", help="without the other methods")
    parser.add_argument("--curve", type=Path, help="draw a learning curve of the numbers after --train into this file")
    arguments = parser.parse_args()
    if not FOLDER.is_dir():
        raise SystemExit("Fashion-MNIST is needed: on Debian and Ubuntu, apt-get install dataset-fashion-mnist.")
    console, (pictures, classes) = Console(), load("train")
    order = np.random.default_rng(_SEED).permutation(len(pictures))
    tests, truth = load("t10k")
    test = tests[: arguments.test], truth[: arguments.test]
    console.print(f"{processor()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    held = replace(HELD, middle=arguments.middle_layers) if arguments.held else Held()
    curves: dict[str, dict[int, Share]] = {}
    kept = KeptArrays()  # the largest training comes first, computes all, and so shows how long it takes
    for count in sorted(arguments.train, reverse=True):
        subset = pictures[order[:count]], classes[order[:count]]
        with stages() as begin:
            run = ours(subset, test, held, kept, begin)
        figures = run.figures
        console.print(f"{count:,} training pictures, {len(truth[: arguments.test]):,} test pictures", style="bold")
        again = "" if count == max(arguments.train) else ", with the features of the training before"
        took = f"{run.seconds:.0f} s, {run.processor_seconds:.0f} s of processor time"
        console.print(f"{run.recipe}; trained in {took}{again}")
        others = {} if arguments.alone else rivals(subset, test, console)
        console.print(table(others, run))
        answered, right = figures.answered, figures.right_of_answered
        console.print(
            f"macro-F1 {figures.macro_f1:.4f}; answers {answered.share:.1%}, right on {right.share:.1%} of those; "
            f"a perfectly calibrated model would have an ECE of {figures.ece_if_calibrated:.4f}"
        )
        for name, share in {"imagestore train": figures.accuracy, **others}.items():
            curves.setdefault(name, {})[count] = share
        if arguments.curve:
            draw({name: dict(sorted(points.items())) for name, points in curves.items()}, arguments.curve)


def processor() -> str:
    """The processor's name, as the kernel tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


if __name__ == "__main__":
    main()
