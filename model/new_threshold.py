"""Makes a version that has another one's weights, and other thresholds.

The model file is the same byte by byte but for its metadata, so its probabilities are the same. What depends on the
thresholds, which is most of what is told of a version, is measured anew, on the project's test pictures of today.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from classify import ModelDescription
from classify.metadata import metadata_of, with_metadata
from imagestore.errors import Conflict, NotFound
from imagestore.jobs.job import NewThreshold
from imagestore.record import utc
from imagestore.store import Stores
from imagestore.store.held_out import HELD_OUT_FILE
from imagestore.store.learned import LEARNED_FILE, read_learned
from imagestore.store.models import (
    INSPECTION_FILE,
    METRICS_FILE,
    MODEL_FILE,
    REPORT_FILE,
    THRESHOLDS_FILE,
    TRAINING_FILE,
    ThresholdsSet,
)
from imagestore.store.patience import patiently
from imagestore.store.projects import Project
from model.evaluation.evaluate import evaluate
from model.evaluation.held_out import to_keep
from model.evaluation.several_report import report_of
from model.model_process import describe
from model.progress import BeginStage
from model.training.provenance import Provenance
from model.training.training_set import Chosen, held_out
from model.versions import inspected
from preprocess import Limits


@dataclass(frozen=True)
class MadeVersion:
    """The version that was made, and a sentence on it for a person."""

    version: str
    sentence: str


def save_threshold(
    stores: Stores,
    project: Project,
    version: str,
    wanted: NewThreshold,
    by: str,
    limits: Limits,
    progress: BeginStage,
    claimed: Callable[[str], None],
) -> MadeVersion:
    """Make the next version of the project, with the weights of this one. `claimed` is told its number.

    Raises NotFound if there is no such version or label, Conflict if the thresholds are what they are now, ModelError,
    NotMigrated, BadSplit, Unavailable.
    """
    name, called = project.name, f"{project.name} {version}"
    data = stores.models.read(name, version)
    model = describe(data, called)
    threshold, own = _thresholds(model, wanted, called)
    made = patiently(lambda: stores.models.claim(name))
    claimed(made)
    data = with_metadata(
        data,
        {
            "version": made,
            "threshold": repr(threshold),
            "thresholds": json.dumps(own) if own else None,
            # Vectors are compared within one network, which this file's is: its own SHA-256 is another now.
            "backbone_sha256": metadata_of(data).get("backbone_sha256", model.backbone),
        },
    )
    given = ThresholdsSet(version, threshold, own, utc(), by)
    files = {MODEL_FILE: data, THRESHOLDS_FILE: msgspec.json.encode(given)}
    provenance = _provenance(stores, name, version)
    if provenance is not None:
        files[TRAINING_FILE] = stores.models.read(name, version, TRAINING_FILE)
    if (learned := read_learned(stores.models, name, version)) is not None:
        files[LEARNED_FILE] = learned.to_json()
    tests = _tests(stores, project, provenance, limits, progress, has_several=model.has_several)
    sentence = f"{name} {made} is {called} with other thresholds."
    if tests.examples:
        begun = progress("Evaluating", len(tests.examples))
        evaluation = evaluate(data, f"{name} {made}", tests.examples, limits, begun, tests.groups)
        claims = patiently(lambda: stores.custom_vision.read(name).claims)
        report = report_of(evaluation, len(data), provenance=provenance, claims=claims, thresholds_set=given)
        files |= {
            METRICS_FILE: report.to_json(),
            REPORT_FILE: report.to_html(limits),
            HELD_OUT_FILE: to_keep(evaluation),
        }
        sentence = f"{sentence} {report.sentence()}"
    else:
        describe(data, f"{name} {made}")
        sentence = f"{sentence} There are no test pictures to measure it on."
    files[INSPECTION_FILE] = msgspec.json.encode(inspected(data, by))
    patiently(lambda: stores.models.keep(name, made, files))
    return MadeVersion(made, sentence)


def _thresholds(model: ModelDescription, wanted: NewThreshold, called: str) -> tuple[float, dict[str, float]]:
    """The threshold, and those of single labels."""
    if wanted.label is None:
        threshold, own = wanted.threshold, dict[str, float]()
    elif wanted.label not in model.labels:
        raise NotFound(f"{called} knows no label '{wanted.label}'.")
    else:
        threshold, own = model.threshold, {**model.thresholds, wanted.label: wanted.threshold}
    if all(model.threshold_of(label) == own.get(label, threshold) for label in model.labels):
        raise Conflict(f"{called} has this threshold already.")
    return threshold, own


def _provenance(stores: Stores, name: str, version: str) -> Provenance | None:
    try:
        return Provenance.from_json(stores.models.read(name, version, TRAINING_FILE))
    except (NotFound, ValueError):
        return None


def _tests(
    stores: Stores,
    project: Project,
    provenance: Provenance | None,
    limits: Limits,
    progress: BeginStage,
    *,
    has_several: bool,
) -> Chosen:
    """The test pictures on which a model of its kind can be right, none of which it has learned from."""
    part = patiently(lambda: held_out(stores, project.pictures_in, limits, progress))
    learned = provenance.learned if provenance else {}
    kept = [
        i
        for i, example in enumerate(part.examples)
        if example.sha256 not in learned and (has_several or len(example.labels) < 2)
    ]
    return Chosen([part.examples[i] for i in kept], part.groups[kept])
