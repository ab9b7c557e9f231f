"""Trains a model: finds duplicates, sets test pictures aside, computes features, fits a head, writes an ONNX file."""

import hashlib
from collections import Counter
from dataclasses import dataclass
from itertools import zip_longest

import numpy as np

from imagestore.errors import BadTrainingData
from imagestore.pipeline.labelling.learnable import NOTHING_TO_TEST_WITH
from imagestore.record import utc
from imagestore.store.learned import Learned
from model.progress import BeginStage
from model.training import head as heads
from model.training import left_out, several
from model.training.backbones import net_of, width_of_middle
from model.training.choose import choose
from model.training.compose import compose
from model.training.examples import NONE, Example, Examples, Labelled, read
from model.training.feature_graph import backbone_sha256
from model.training.features import Backbone, Views, extract
from model.training.grouping import Grouping, grouped, with_looks
from model.training.head import LinearHead
from model.training.imbalance import Balance, Balancing
from model.training.kept_arrays import KeptArrays
from model.training.labelling import FoundOut, find_out
from model.training.labels import KEEP_UNDER_ONE, agreed, check, contradictions, rare_corrections, without
from model.training.learned_pictures import learned_pictures
from model.training.provenance import Provenance, code_version
from model.training.recipe import Held
from model.training.split import Division, Split, divide
from model.training.thresholds import RIGHT
from preprocess import Fit, ImageSpec, Limits


@dataclass(frozen=True)
class TrainingOptions:
    """The model's name and version, what is not to be chosen, whether altered views may be mirrored, and the seed.

    `right` is the share of its answers that is to be right, and `balance` the weight of rare labels if it is not to be
    chosen.
    """

    name: str = "mine"
    version: str = "1"
    held: Held = Held()
    flip: bool = False
    seed: int = 1
    right: float = RIGHT
    balance: Balance | None = None


@dataclass(frozen=True)
class Prepared:
    """Labelled pictures, read and divided.

    Grouping and division belong to `examples.good`; `rare` are labels that were left out. `has_several` says that a
    picture may have several labels.
    """

    examples: Examples
    grouping: Grouping
    division: Division
    rare: dict[str, int]
    has_several: bool = False

    def part(self, *, test: bool) -> list[Example]:
        """The test pictures, or those to learn from. A corrected copy of a test picture is in neither part, nor is one
        that is retired from testing."""
        return [self.examples.good[i] for i in self._numbers(test=test)]

    def groups(self, *, test: bool) -> np.ndarray:
        """The group numbers int [n] of the pictures of this part."""
        return self.grouping.groups[self._numbers(test=test)]

    def of_two_labels(self) -> list[tuple[Example, Example]]:
        """Pictures that look alike but have different labels, as far as people gave these: one of them may be wrong."""
        good = self.examples.good
        return [(good[i], good[j]) for i, j in self.grouping.of_two_labels]

    def _numbers(self, *, test: bool) -> list[int]:
        numbers = []
        for i, example in enumerate(self.examples.good):
            is_test, is_retired = self.division.is_test[i], self.division.is_retired[i]
            if test and is_test and not example.source.is_correction:
                numbers.append(i)
            if not test and not is_test and not is_retired:
                numbers.append(i)
        return numbers


@dataclass(frozen=True)
class Trained:
    """A model file, its head, how it was made, what was found out about the labels, and the vectors of pictures that it
    learned from."""

    data: bytes
    head: LinearHead
    provenance: Provenance
    found_out: FoundOut
    learned: Learned


def prepare(
    sources: list[Labelled],
    known: Split,
    limits: Limits,
    progress: BeginStage,
    kept: KeptArrays | None = None,
    *,
    has_several: bool = False,
) -> Prepared:
    """Read the pictures, find those that look alike, and divide them into those to learn from and test pictures.
    `has_several` says that a picture may have several labels.

    Raises BadTrainingData if a model cannot learn from them.
    """
    kept = kept or KeptArrays()
    examples = read(sources, limits, progress("Reading", len(sources)), kept)
    if not examples.good:
        raise BadTrainingData(f"None of {len(sources)} files is a picture that can be read.")
    examples.good, similarity = with_looks(examples.good, limits, progress, kept)
    compared = examples.good
    grouping = grouped(compared, similarity, progress)
    rare = rare_corrections(examples.good, grouping.groups)
    examples.good = without(examples.good, rare)
    if twice := contradictions(examples.good, has_several=has_several):
        name = next(e.source.name for e in examples.good if e.sha256 == twice[0][0])
        raise BadTrainingData(
            f"{len(twice)} picture{'s are' if len(twice) > 1 else ' is'} there under more than one label, such as "
            f"{name} under {' and '.join(twice[0][1])}. {KEEP_UNDER_ONE}"
        )
    examples.good = agreed(examples.good) if has_several else examples.good
    if any(e is not before for e, before in zip_longest(examples.good, compared)):
        grouping = grouped(examples.good, similarity, progress)
    check(examples.good, grouping.groups, has_several=has_several)
    division = divide(examples.good, grouping.groups, known, similarity, has_several=has_several)
    prepared = Prepared(examples, grouping, division, rare, has_several)
    if not any(example.labels for example in prepared.part(test=True)):
        raise BadTrainingData(NOTHING_TO_TEST_WITH)
    return prepared


def train(
    prepared: Prepared,
    options: TrainingOptions,
    limits: Limits,
    progress: BeginStage,
    kept: KeptArrays | None = None,
) -> Trained:
    """Fit a head to the training part. The same pictures and options give the same bytes, with or without what is kept
    of an earlier training.

    Raises BadTrainingData if rare labels are to get more weight where a picture may have several; ModelError if a
    backbone cannot be used.
    """
    if prepared.has_several and options.balance is not None:
        raise BadTrainingData(
            f"--balance is '{options.balance}': where a picture may have several labels, rare ones get no more weight, "
            "since each label is learned for itself. Leave the option out."
        )
    learning = prepared.part(test=False)
    groups, similarity = prepared.groups(test=False), prepared.grouping.similarity
    kept = kept or KeptArrays()
    choice = choose(
        learning, groups, options.held, options.seed, options.flip, limits, progress, kept,
        has_several=prepared.has_several,
    )  # fmt: skip
    recipe, net = choice.recipe, net_of(choice.recipe)
    views, begun = Views(recipe.views, options.flip), progress("Features", len(learning))
    features = extract(Backbone(net.graph, net.spec), learning, views, limits, options.seed, begun, kept)
    fitting, middle = progress("Fitting", heads.steps(len(learning))), width_of_middle(recipe)
    head: LinearHead
    balancing, unseen = Balancing(), None
    if prepared.has_several:
        every = [e.labels for e in learning]
        head = several.fit(features, every, groups, options.seed, fitting, options.right, middle)
    else:
        labels = [e.label for e in learning]
        head = heads.fit(features, labels, groups, options.seed, fitting, options.right, options.balance, middle)
        leaving = progress("Leaving out labels", left_out.steps(labels))
        unseen = left_out.measure(features, labels, groups, head, options.seed, leaving)
        balancing = head.balancing
    found_out = find_out(head, features, learning, groups, options.seed, progress)
    plain = features[:, 0, : features.shape[2] - middle]
    learned = learned_pictures(learning, plain, groups, backbone_sha256(net.graph))
    del features, plain
    fingerprint = data_fingerprint(learning)
    metadata = {
        "name": options.name,
        "version": options.version,
        "crop": str(net.spec.crop),
        **_fit(net.spec),
        "data_sha256": fingerprint,
        "data_count": str(len(learning)),
        "licence": f"{net.licence} (backbone: {net.called})",
    }
    provenance = Provenance(
        at=utc(),
        code=code_version(),
        pictures=len(learning),
        fingerprint=fingerprint,
        seed=options.seed,
        colour=recipe.colour,
        flip=options.flip,
        views=views.count,
        strength=head.strength,
        accuracy=head.accuracy,
        choice=choice,
        groups=len(np.unique(groups)),
        similarity=similarity.threshold if similarity else None,
        recognised=similarity.recognised if similarity else None,
        lowest=similarity.lowest if similarity else None,
        turned=bool(similarity and similarity.turned),
        right=options.right,
        prices=head.prices,
        balancing=balancing,
        rare=head.rare,
        left_out=unseen,
        held=options.held,
        labelling=tuple(found_out.labelling.sentences()),
        learned={e.sha256: list(e.labels) if prepared.has_several else e.label for e in learning},
    )
    return Trained(compose(net.graph, head, metadata), head, provenance, found_out, learned)


def _fit(spec: ImageSpec) -> dict[str, str]:
    """The metadata that say how a picture fits; a model that crops says nothing, as those of version 0.1."""
    if spec.fit is Fit.CROP:
        return {}
    return {"fit": str(spec.fit)} | ({"pad_value": str(spec.pad_value)} if spec.fit is Fit.PAD else {})


def data_fingerprint(examples: list[Example]) -> str:
    """SHA-256 of all pictures with their labels, whatever their order and names."""
    lines = sorted(f"{example.sha256} {chr(0).join(example.labels)}" for example in examples)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def summary(prepared: Prepared) -> dict[str, tuple[int, int]]:
    """For each label, how many pictures are learned from and how many are test pictures; NONE, which comes last, is of
    those that show none of the labels."""
    learning = Counter(label for e in prepared.part(test=False) for label in e.labels or (NONE,))
    testing = Counter(label for e in prepared.part(test=True) for label in e.labels or (NONE,))
    order = sorted(learning | testing, key=lambda label: (label == NONE, label))
    return {label: (learning[label], testing[label]) for label in order}
