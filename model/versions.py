"""Trains and evaluates versions of models; model/promote.py makes them live."""

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec
import numpy as np

from classify import ModelError
from classify.metadata import read_labels
from imagestore.errors import BadTrainingData, Conflict, NoRoom, NotFound, StoreError
from imagestore.pipeline.changes.relabel import settled
from imagestore.record import utc
from imagestore.store import Stores
from imagestore.store.held_out import HELD_OUT_FILE
from imagestore.store.labelling import LABELLING_FILE, OUT_OF_FOLD_FILE
from imagestore.store.learned import LEARNED_FILE
from imagestore.store.models import INSPECTION_FILE, METRICS_FILE, MODEL_FILE, REPORT_FILE, TRAINING_FILE, Inspection
from imagestore.store.patience import patiently
from imagestore.store.projects import Project
from imagestore.store.training import Part
from model.evaluation.evaluate import evaluate
from model.evaluation.held_out import to_keep
from model.evaluation.report import Report
from model.evaluation.several_report import SeveralReport, report_of
from model.progress import BeginStage
from model.training import training_set
from model.training.examples import Example, FoundInFolder, Labelled, in_folder, negatives_in, read
from model.training.grouping import grouped, looked_at, of_folder
from model.training.kept_arrays import KeptArrays
from model.training.labels import agreed, one_spelling
from model.training.provenance import Provenance
from model.training.split import resembling
from model.training.train import Prepared, TrainingOptions, prepare, train
from preprocess import Limits

log = logging.getLogger("imagestore.training")


@dataclass(frozen=True)
class Kept:
    """How many labelled pictures were brought, how many of them are new, and how many files were left out since their
    names are not UTF-8."""

    given: int
    added: int
    not_utf8: int


@dataclass(frozen=True)
class Gathered:
    """Labelled pictures that are ready to be learned from, what was kept of those that were brought now, what an
    earlier training computed of any of them, and when (UTC) the labels were read."""

    prepared: Prepared
    kept: Kept
    computed: KeptArrays
    at: str = ""

    def keep_computed(self) -> None:
        """Keep what was computed for the next training. Where that fails, this one goes on."""
        try:
            self.computed.write({example.sha256 for example in self.prepared.examples.good})
        except (StoreError, NoRoom) as error:
            log.warning("what was computed of the pictures is not all kept, and is computed again: %s", error)


@dataclass(frozen=True)
class NewVersion:
    """A version that was trained and kept."""

    version: str
    report: Report | SeveralReport
    provenance: Provenance


@dataclass(frozen=True)
class EvaluatedVersion:
    """The result of an evaluation on some pictures, and its report as HTML; `learned` of the pictures were learned from
    or look like some that were."""

    report: Report | SeveralReport
    html: bytes
    pictures: int
    learned: int


def import_folders(
    stores: Stores,
    project: Project,
    folders: Sequence[Path],
    progress: BeginStage,
    *,
    negatives: Sequence[Path] = (),
    relabel: bool = False,
) -> Kept:
    """Keep the labelled pictures of these folders, and those of `negatives`, which show none of the labels. With
    `relabel`, what is kept gets the labels that it has here. Where a picture may have several labels, it gets them
    beside those that it has.

    Raises BadTrainingData, NotMigrated, BadSplit, Conflict, Unavailable.
    """
    given, pictures = _in_folders(folders, negatives, progress, has_several=project.has_several)
    known = training_set.begin(stores, project.pictures_in, progress)
    if not relabel:
        training_set.demand_same_labels(known, pictures, has_several=project.has_several)
    begun = progress("Keeping", len(pictures))
    added = training_set.keep(known, pictures, begun, relabel=relabel, has_several=project.has_several)
    return Kept(len(pictures), len(added), given.not_utf8)


def gather(
    stores: Stores,
    project: Project,
    folders: Sequence[Path],
    limits: Limits,
    progress: BeginStage,
    *,
    negatives: Sequence[Path] = (),
    are_one: Callable[[list[str]], bool | None] = lambda _: None,
    by_folder: bool = False,
    relabel: bool = False,
) -> Gathered:
    """Read all labelled pictures of a project: those of the folders, those kept before, and corrections; and all that
    show none of the labels, with those of `negatives`.

    `are_one` is asked whether labels that differ only by upper and lower case are one; None means that nobody can say.
    With `by_folder`, pictures of one folder below their label's folder belong together, for good; with `relabel`, what
    is kept gets the label that it has in the folders. Where a picture of the project may have several labels, a
    content that lies under several has all of them, and what is kept gets those of the folders too.

    If a model can learn from all together, keep those of the folders, and which are test pictures. Raises
    BadTrainingData, NotMigrated, BadSplit, Conflict, Unavailable.
    """
    has_several, began = project.has_several, utc()
    given, pictures = _in_folders(folders, negatives, progress, has_several=has_several)
    settled_before = settled(stores, project.pictures_in)
    known = training_set.begin(stores, project.pictures_in, progress)
    computed = KeptArrays(stores.training, project.pictures_in, keeps=True)
    everything = training_set.all_with(stores, known, pictures, relabel=relabel, has_several=has_several)
    if settled(stores, project.pictures_in) != settled_before:
        raise Conflict("A label was changed while the labelled pictures were listed. Train again.")
    together = {one.group for one in known.listed}

    def in_group(source: Labelled) -> Labelled:
        found = of_folder(source)
        return found if by_folder or found.group in together else source

    pictures, sources = ([in_group(one) for one in some] for some in (pictures, one_spelling(everything, are_one)))
    prepared = prepare(sources, known.split, limits, progress, computed, has_several=has_several)
    examples = prepared.examples.good
    readable = {example.sha256 for example in examples}
    good = [source for source in pictures if source.sha256 in readable]
    begun = progress("Keeping", len({source.sha256 for source in good})) if good else _nothing
    added = training_set.keep(known, good, begun, examples, relabel=relabel, has_several=has_several)
    training_set.keep_groups(known, sources)
    training_set.keep_division(known, prepared.division.split, examples, added, progress)
    return Gathered(prepared, Kept(len(good), len(added), given.not_utf8), computed, began)


def train_version(
    stores: Stores,
    gathered: Gathered,
    name: str,
    options: Callable[[str], TrainingOptions],
    limits: Limits,
    progress: BeginStage,
) -> NewVersion:
    """Train on the gathered pictures, evaluate on the test pictures, and keep the result as the next version of `name`.

    Raises Unavailable, Conflict.
    """
    version, prepared = patiently(lambda: stores.models.claim(name)), gathered.prepared
    trained = train(prepared, options(version), limits, progress, gathered.computed)
    gathered.keep_computed()
    tests = prepared.part(test=True)
    begun, groups = progress("Evaluating", len(tests)), prepared.groups(test=True)
    evaluation = evaluate(trained.data, f"{name} {version}", tests, limits, begun, groups)
    claims = patiently(lambda: stores.custom_vision.read(name).claims)
    report = report_of(evaluation, len(trained.data), provenance=trained.provenance, claims=claims)
    labelling = replace(trained.found_out.labelling, gathered_at=gathered.at)
    files = {
        MODEL_FILE: trained.data,
        METRICS_FILE: report.to_json(),
        REPORT_FILE: report.to_html(limits),
        HELD_OUT_FILE: to_keep(evaluation),
        TRAINING_FILE: trained.provenance.to_json(),
        LABELLING_FILE: msgspec.json.encode(labelling),
        OUT_OF_FOLD_FILE: msgspec.json.encode(trained.found_out.out_of_fold),
        LEARNED_FILE: trained.learned.to_json(),
        INSPECTION_FILE: msgspec.json.encode(inspected(trained.data, "the training")),
    }
    patiently(lambda: stores.models.keep(name, version, files))
    return NewVersion(version, report, trained.provenance)


def evaluate_version(
    stores: Stores,
    project: Project,
    data: bytes,
    called: str,
    folder: Path | None,
    limits: Limits,
    progress: BeginStage,
) -> EvaluatedVersion:
    """Evaluate the model file `data` on the labelled pictures of a folder, or, without one, on the project's test
    pictures.

    Raises ModelError, BadTrainingData, NotMigrated, Unavailable; NotFound if there are no pictures.
    """
    has_several = read_labels(data, called).has_several
    if folder is None:
        part, unreadable, learned = training_set.held_out(stores, project.pictures_in, limits, progress), 0, 0
        tests, groups = part.examples, part.groups
    else:
        given = in_folder(folder)
        found = read(given.pictures, limits, progress("Reading", len(given.pictures)))
        tests, unreadable = _once(found.good) if has_several else found.good, len(found.bad) + given.not_utf8
        tests = looked_at(tests, limits, progress) if tests else tests
        split = training_set.open_set(stores, project.pictures_in).split
        similarity = split.chosen_similarity()
        groups = grouped(tests, similarity).groups if tests else np.zeros(0, int)
        like_learned = sorted(resembling(tests, split.of(Part.LEARN), split.recall, similarity))
        learned = int(np.isin(groups, groups[like_learned]).sum())
    if not tests:
        raise NotFound("There are no labelled pictures to evaluate it on: imagestore train import FOLDER.")
    if not has_several:
        _demand_one_label(tests, called)
    evaluation = evaluate(data, called, tests, limits, progress("Evaluating", len(tests)), groups)
    claims = stores.custom_vision.read(project.name).claims if folder is None else ()
    report = report_of(evaluation, len(data), unreadable, claims=claims)
    return EvaluatedVersion(report, report.to_html(limits), len(tests), learned)


def _once(examples: list[Example]) -> list[Example]:
    """Each content once, with all labels that it has."""
    return list({example.sha256: example for example in reversed(agreed(examples))}.values())[::-1]


def _demand_one_label(tests: list[Example], called: str) -> None:
    """Raises BadTrainingData if test pictures have several labels: a model of one label a picture cannot have them all
    right."""
    several = [example.source.name for example in tests if len(example.labels) > 1]
    if several:
        raise BadTrainingData(
            f"{called} gives a picture one label, and {len(several)} of {len(tests)} test pictures have several, such "
            f"as {several[0]}. Evaluate a model of a project that knows several labels a picture on these."
        )


def model_bytes(stores: Stores, model: str, name: str) -> tuple[bytes, str]:
    """A model file and its name in messages: `model` is the number of a version of `name`, or a path.

    Raises NotFound, ModelError, Unavailable.
    """
    if model.isdecimal():
        return stores.models.read(name, model), f"{name} {model}"
    try:
        return Path(model).read_bytes(), model
    except OSError as error:
        raise ModelError(f"'{model}' cannot be read: {error.strerror}.") from None


def inspected(data: bytes, by: str) -> Inspection:
    """That a bounded process could use the model file."""
    return Inspection(hashlib.sha256(data).hexdigest(), utc(), by, is_admitted=True)


def _in_folders(
    folders: Sequence[Path], negatives: Sequence[Path], progress: BeginStage, *, has_several: bool = False
) -> tuple[FoundInFolder, list[Labelled]]:
    """What is in the folders, and the pictures with the SHA-256 of their content."""
    found = [in_folder(folder) for folder in folders] + [negatives_in(folder) for folder in negatives]
    given = FoundInFolder([one for each in found for one in each.pictures], sum(each.not_utf8 for each in found))
    if twice := [name for name, count in Counter(source.name for source in given.pictures).items() if count > 1]:
        raise BadTrainingData(f"'{twice[0]}' is in these folders more than once; each name can be there once.")
    if not given.pictures:
        return given, []
    begun = progress("Comparing", len(given.pictures))
    return given, training_set.with_content(given.pictures, begun, has_several=has_several)


def _nothing() -> None:
    """Progress where there is nothing to do."""
