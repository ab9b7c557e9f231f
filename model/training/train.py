"""Trains a model: finds duplicates, sets test pictures aside, computes features, fits a head, writes an ONNX file."""

import hashlib
from collections import Counter
from dataclasses import dataclass

import numpy as np

from imagestore.errors import BadTrainingData
from imagestore.record import utc
from model.default.build import CROP
from model.default.efficientnet import SIZE
from model.progress import BeginStage
from model.training import head as heads
from model.training.colour import compare_colours
from model.training.compose import backbone, compose
from model.training.examples import Example, Examples, Labelled, check, contradictions, rare_corrections, read
from model.training.features import Backbone, Views, extract
from model.training.head import Head
from model.training.kept_arrays import KeptArrays
from model.training.near_duplicates import group
from model.training.provenance import Provenance, code_version
from model.training.split import Split, divide
from preprocess import ImageSpec, Limits

_MOST_VIEWS, _VIEWS_IN_ALL = 5, 20_000


@dataclass(frozen=True)
class TrainingOptions:
    """The model's name and version, gray or colour, with mirrored views or without, and the random seed."""

    name: str = "mine"
    version: str = "1"
    colour: bool = False
    flip: bool = False
    seed: int = 1


@dataclass(frozen=True)
class Prepared:
    """Labelled pictures, read and divided.

    `is_test` bool [n] and the group numbers int [n] belong to `examples.good`; `rare` are labels that were left out.
    """

    examples: Examples
    groups: np.ndarray
    is_test: np.ndarray
    split: Split
    rare: dict[str, int]

    def part(self, *, test: bool) -> list[Example]:
        """The test pictures, or those to learn from. A corrected copy of a test picture is in neither part."""
        pairs = zip(self.examples.good, self.is_test, strict=True)
        return [e for e, is_test in pairs if is_test == test and not (test and e.source.is_correction)]


@dataclass(frozen=True)
class Trained:
    """A model file, its head, and how it was made."""

    data: bytes
    head: Head
    provenance: Provenance


def prepare(
    sources: list[Labelled], known: Split, limits: Limits, progress: BeginStage, kept: KeptArrays | None = None
) -> Prepared:
    """Read the pictures, find duplicates, and divide them into those to learn from and test pictures.

    Raises BadTrainingData if a model cannot learn from them.
    """
    examples = read(sources, limits, progress("Reading", len(sources)), kept)
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


def train(
    prepared: Prepared,
    options: TrainingOptions,
    limits: Limits,
    progress: BeginStage,
    kept: KeptArrays | None = None,
) -> Trained:
    """Fit a head to the training part. The same pictures and options give the same bytes, with or without what is kept
    of an earlier training."""
    learning = prepared.part(test=False)
    groups = prepared.groups[~prepared.is_test]
    views = Views(min(_MOST_VIEWS, max(1, _VIEWS_IN_ALL // len(learning))), options.flip)
    spec = ImageSpec(SIZE, SIZE, 3 if options.colour else 1, CROP)
    net = backbone(spec.channels)
    begun = progress("Features", len(learning))
    features = extract(Backbone(net, spec), learning, views, limits, options.seed, begun, kept)
    fitting = progress("Fitting", heads.steps(len(learning)))
    head = heads.fit(features, [e.label for e in learning], groups, options.seed, fitting)
    del features
    fingerprint = data_fingerprint(learning)
    metadata = {
        "name": options.name,
        "version": options.version,
        "crop": str(CROP),
        "data_sha256": fingerprint,
        "data_count": str(len(learning)),
        "licence": "Apache-2.0 (backbone: EfficientNet-Lite0)",
    }
    provenance = Provenance(
        at=utc(),
        code=code_version(),
        pictures=len(learning),
        fingerprint=fingerprint,
        seed=options.seed,
        colour=options.colour,
        flip=options.flip,
        views=views.count,
        strength=head.strength,
        accuracy=head.accuracy,
        colours=compare_colours(learning, groups, options.seed, limits, progress, kept),
    )
    return Trained(compose(net, head, metadata), head, provenance)


def data_fingerprint(examples: list[Example]) -> str:
    """SHA-256 of all pictures with their labels, whatever their order and names."""
    lines = sorted(f"{example.sha256} {example.label}" for example in examples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def summary(prepared: Prepared) -> dict[str, tuple[int, int]]:
    """For each label, how many pictures are learned from and how many are test pictures."""
    learning = Counter(e.label for e in prepared.part(test=False))
    testing = Counter(e.label for e in prepared.part(test=True))
    return {label: (learning[label], testing[label]) for label in sorted(learning | testing)}
