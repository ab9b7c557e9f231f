"""How good training is, on pictures that everybody knows: `make bench-model`.

Fashion-MNIST (Xiao, Rasul, Vollgraf 2017; MIT licence), Debian package dataset-fashion-mnist: trained on a fixed subset
of its training part, evaluated on all 10,000 test pictures, beside two plain methods on the same subset.
"""

import argparse
import gzip
import io
import os
import platform
import time
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from rich.console import Console
from rich.table import Table
from skimage.feature import hog
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import LinearSVC

from imagestore.cli.stages import stages
from imagestore.proportion import Share, wilson
from model.evaluation.evaluate import evaluate
from model.training.examples import Labelled, read
from model.training.split import Split
from model.training.train import TrainingOptions, prepare, train
from preprocess import Limits

FOLDER = Path("/usr/share/datasets/fashion-mnist")
LABELS = ("T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
_SEED = 20261122


def load(part: str) -> tuple[np.ndarray, np.ndarray]:
    """(pictures uint8 [n, 28, 28], class numbers uint8 [n]) of `train` or `t10k`."""

    def values(name: str, offset: int) -> np.ndarray:
        return np.frombuffer(gzip.decompress((FOLDER / name).read_bytes()), np.uint8, offset=offset)

    pictures = values(f"{part}-images-idx3-ubyte.gz", 16).reshape(-1, 28, 28)
    return pictures, values(f"{part}-labels-idx1-ubyte.gz", 8)


def labelled(pictures: np.ndarray, classes: np.ndarray) -> list[Labelled]:
    """As a user would have them: PNG files with labels."""
    return [
        Labelled(LABELS[label], f"{LABELS[label]}/{number}.png", partial(_png, picture))
        for number, (picture, label) in enumerate(zip(pictures, classes, strict=True))
    ]


def _png(picture: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "PNG")
    return out.getvalue()


def _hogs(pictures: np.ndarray) -> np.ndarray:
    return np.stack([hog(p, orientations=9, pixels_per_cell=(7, 7), cells_per_block=(2, 2)) for p in pictures])


def _pixels(pictures: np.ndarray) -> np.ndarray:
    return pictures.reshape(len(pictures), -1) / 255


def plain(name: str, train_set: tuple[np.ndarray, np.ndarray], test_set: tuple[np.ndarray, np.ndarray]) -> Share:
    """A plain method's accuracy."""
    if name == "HOG + linear SVM":
        make = _hogs
        learner = make_pipeline(StandardScaler(), LinearSVC(C=0.01, random_state=0))
    else:
        make = _pixels
        learner = LogisticRegression(C=0.1, max_iter=300)
    learner.fit(make(train_set[0]), train_set[1])
    right = learner.predict(make(test_set[0])) == test_set[1]
    return wilson(int(right.sum()), len(right))


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m bench.model", description=__doc__)
    parser.add_argument("--train", type=int, default=10_000, help="how many pictures to learn from")
    parser.add_argument("--test", type=int, default=10_000, help="how many to evaluate on")
    arguments = parser.parse_args()
    if not FOLDER.is_dir():
        raise SystemExit("Fashion-MNIST is needed: on Debian and Ubuntu, apt-get install dataset-fashion-mnist.")
    console, (pictures, classes) = Console(), load("train")
    chosen = np.random.default_rng(_SEED).permutation(len(pictures))[: arguments.train]
    subset, (tests, truth) = (pictures[chosen], classes[chosen]), load("t10k")
    tests, truth = tests[: arguments.test], truth[: arguments.test]
    started = time.perf_counter()
    with stages() as begin:
        prepared = prepare(labelled(*subset), Split(), Limits(), begin)
        prepared.division.is_test[:] = False  # the data set has a test part of its own
        trained = train(prepared, TrainingOptions(flip=False), Limits(), begin)
        seconds = time.perf_counter() - started
        sources = labelled(tests, truth)
        found = read(sources, Limits(), begin("Reading", len(sources)))
        figures = evaluate(trained.data, "mine", found.good, Limits(), begin("Judging", len(sources))).metrics()
    console.print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    console.print(
        f"{arguments.train:,} training pictures, {arguments.test:,} test pictures; trained in {seconds:.0f} s"
    )
    table = Table("method", "accuracy", "95 % interval", "ECE")
    names = ("raw pixels, logistic regression", "HOG + linear SVM")
    rows = {name: plain(name, subset, (tests, truth)) for name in names}
    for name, share in rows.items():
        table.add_row(name, f"{share.share:.4f}", f"{share.low:.4f} to {share.high:.4f}", "")
    ours = figures.accuracy
    table.add_row("imagestore train", f"{ours.share:.4f}", f"{ours.low:.4f} to {ours.high:.4f}", f"{figures.ece:.4f}")
    console.print(table)
    answered, right = figures.answered, figures.right_of_answered
    console.print(f"macro-F1 {figures.macro_f1:.4f}; answers {answered.share:.1%}, right on {right.share:.1%} of those")


if __name__ == "__main__":
    main()
