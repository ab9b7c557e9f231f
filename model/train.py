"""From labelled pictures to a model file: duplicates found, test part set aside, features, head, one ONNX file."""

import hashlib
from collections import Counter
from dataclasses import dataclass

import numpy as np

from model import head as heads
from model.build import CROP
from model.colour import compare_colours
from model.compose import backbone, compose
from model.efficientnet import SIZE
from model.examples import BadTrainingData, Example, Examples, Labelled, check, contradictions, rare_corrections, read
from model.features import Backbone, Views, extract
from model.groups import group
from model.head import Head
from model.progress import Progress
from model.split import Split, divide
from model.training import Training, code_version
from preprocess import Limits
from record import ImageSpec, utc

_MOST_VIEWS, _VIEWS_IN_ALL = 5, 20_000


@dataclass(frozen=True)
class Wish:
    """What to make. `flip`: left and right do not matter."""

    name: str = "mine"
    version: str = "1"
    colour: bool = False
    flip: bool = False
    seed: int = 1


@dataclass(frozen=True)
class Prepared:
    """Labelled pictures, read: `is_test` bool [n] and group numbers int [n] go with `examples.good`."""

    examples: Examples
    groups: np.ndarray
    is_test: np.ndarray
    split: Split
    rare: dict[str, int]

    def part(self, *, test: bool) -> list[Example]:
        """The examples that test, or those that are learned from. A correction that is a test picture is neither."""
        pairs = zip(self.examples.good, self.is_test, strict=True)
        return [e for e, is_test in pairs if is_test == test and not (test and e.source.is_correction)]


@dataclass(frozen=True)
class Trained:
    """A model file, its head, and how it came to be."""

    data: bytes
    head: Head
    training: Training


def prepare(sources: list[Labelled], known: Split, limits: Limits, progress: Progress) -> Prepared:
    """Read, find duplicates, divide. BadTrainingData."""
    examples = read(sources, limits, progress("Reading", len(sources)))
    if not examples.good:
        raise BadTrainingData(f"None of {len(sources)} files is a picture that can be read.")
    groups = group(np.stack([e.thumb for e in examples.good]), [e.sha256 for e in examples.good])
    rare = rare_corrections(examples.good, groups)
    groups = groups[[e.label not in rare for e in examples.good]]
    examples.good = [e for e in examples.good if e.label not in rare]
    if twice := contradictions(examples.good):
        name = next(e.source.name for e in examples.good if e.sha256 == twice[0][0])
        raise BadTrainingData(
            f"{len(twice)} picture{'s are' if len(twice) > 1 else ' is'} there under more than one label, such as "
            f"{name} under {' and '.join(twice[0][1])}. Keep each under one."
        )
    check(examples.good, groups)
    is_test, split = divide(examples.good, groups, known)
    return Prepared(examples, groups, is_test, split, rare)


def train(prepared: Prepared, wish: Wish, limits: Limits, progress: Progress) -> Trained:
    """Fit a head to the training part. The same pictures and wish give the same bytes."""
    learning = prepared.part(test=False)
    groups = prepared.groups[~prepared.is_test]
    views = Views(min(_MOST_VIEWS, max(1, _VIEWS_IN_ALL // len(learning))), wish.flip)
    spec = ImageSpec(SIZE, SIZE, 3 if wish.colour else 1, CROP)
    net = backbone(spec.channels)
    features = extract(Backbone(net, spec), learning, views, limits, wish.seed, progress("Features", len(learning)))
    fitting = progress("Fitting", heads.steps(len(learning)))
    head = heads.fit(features, [e.label for e in learning], groups, wish.seed, fitting)
    del features
    fingerprint = data_fingerprint(learning)
    metadata = {
        "name": wish.name,
        "version": wish.version,
        "crop": str(CROP),
        "data_sha256": fingerprint,
        "data_count": str(len(learning)),
        "licence": "Apache-2.0 (backbone: EfficientNet-Lite0)",
    }
    training = Training(
        at=utc(),
        code=code_version(),
        pictures=len(learning),
        fingerprint=fingerprint,
        seed=wish.seed,
        colour=wish.colour,
        flip=wish.flip,
        views=views.count,
        strength=head.strength,
        accuracy=head.accuracy,
        colours=compare_colours(learning, groups, wish.seed, limits, progress),
    )
    return Trained(compose(net, head, metadata), head, training)


def data_fingerprint(examples: list[Example]) -> str:
    """SHA-256 of which pictures with which labels were learned from, whatever their order and names."""
    lines = sorted(f"{example.sha256} {example.label}" for example in examples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def summary(prepared: Prepared) -> dict[str, tuple[int, int]]:
    """For each label how many pictures are learned from, and how many test."""
    learning = Counter(e.label for e in prepared.part(test=False))
    testing = Counter(e.label for e in prepared.part(test=True))
    return {label: (learning[label], testing[label]) for label in sorted(learning | testing)}
