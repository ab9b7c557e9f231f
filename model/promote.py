"""Promotes a model if the gate allows it.

The gate asks of every promotion: the file can be used and answers with probabilities; the candidate knows each label of
the live model, or the label is dropped by name; it is better than guessing on test pictures; and it is better than the
live model, on test pictures together with those that were learned from, where both are trained anew. No override lifts
the first two. Of a candidate with the live model's weights and other thresholds only the first three are asked, and it
is said what changes: thresholds are a person's choice (model/evaluation/thresholds_gate.py).
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from classify import ModelDescription, ModelError
from classify.metadata import differ_by_thresholds_alone
from imagestore.errors import Conflict, GateOverride, ImageStoreError, NotFound, PromotionRefused
from imagestore.pipeline.models.live import make_live
from imagestore.record import utc
from imagestore.store import Active, PromotionEntry, Stores
from imagestore.store.models import TRAINING_FILE
from imagestore.store.projects import Project
from imagestore.store.routes import EVERYTHING
from model.default.build import DEFAULT
from model.evaluation import anew, gate, several_anew, several_gate, thresholds_gate
from model.evaluation.anew import shared
from model.evaluation.evaluate import Evaluation, evaluate
from model.evaluation.findings import GateFindings
from model.evaluation.gate import Outcome, shortened
from model.evaluation.unlearned import unlearned
from model.model_process import describe
from model.progress import BeginStage
from model.training.kept_arrays import KeptArrays
from model.training.provenance import Provenance
from model.training.training_set import Chosen, held_out, learned, open_set
from preprocess import Limits


@dataclass(frozen=True)
class Promotion:
    """The promotion, and further facts of the comparison with the model that was live before, one per line.

    `patterns` are the routes for which it is live.
    """

    entry: PromotionEntry
    details: list[str]
    patterns: list[str]

    def sentence(self) -> str:
        """What was promoted, and for what."""
        of = "" if self.patterns == [EVERYTHING] else f" for {', '.join(self.patterns)}"
        return f"{self.entry.name} {self.entry.version} is live{of}: {self.entry.note}"


@dataclass(frozen=True)
class _ActiveModelFile:
    """The live model's file and its description; None if it cannot be used."""

    data: bytes
    called: str
    model: ModelDescription | None


def promote(
    stores: Stores,
    default: Path,
    name: str,
    version: str,
    *,
    by: str,
    override: GateOverride,
    drop: Collection[str] = (),
    limits: Limits,
    progress: BeginStage,
) -> Promotion:
    """Make a version live if the gate allows it; the live model's labels in `drop` may go.

    It is live for the routes to its project, or by default where there is none. The first promotion by default replaces
    the model in the file `default`, and a rollback goes back to that one if it can be used. The test pictures are those
    of the version's project, but none that is, or looks like, one that the live model of another project learned from.

    Raises PromotionRefused, ModelError, NotFound, Conflict, Unavailable.
    """
    project, found = stores.projects.open(name), stores.routes.read()
    data, called = stores.models.read(name, version), f"{name} {version}"
    shipped = default.read_bytes() if default.is_file() else b""
    is_routed = found.is_routed(name)
    active = found.active(name) if is_routed else found.default
    sha256 = hashlib.sha256(data).hexdigest()
    if active is not None and active.live.sha256 == sha256:
        raise Conflict(f"{called} is live already.")
    is_first = active is None and is_routed
    candidate, live = describe(data, called), _FIRST if is_first else _live(stores, active, shipped)
    tests = _tests(stores, active, project, limits, progress)
    if live.model is not None:
        tested = {label for example in tests.examples for label in example.labels}
        check_labels(candidate, live.model, drop, tested, override, called=(called, live.called))
        check_kind(candidate, live.model, override, called=(called, live.called))
    tests = _that_it_can_answer(tests, candidate, called, override)
    findings = replace(_examine(data, called, live, tests, limits, progress), is_first=is_first)
    if override is not GateOverride.FORCE and findings.could_pass:
        before = active.live if active else None
        findings = _with_anew(findings, stores, project, version, before, limits, progress)
    note = decide(findings, override, drop)
    entry = PromotionEntry(name, version, sha256, utc(), by, note)
    stores.projects.open(name)  # it may have been deleted meanwhile
    make_live(stores, entry, found, _before(live, by))
    return Promotion(entry, findings.details(), found.patterns(name))


def check_labels(
    candidate: ModelDescription,
    live: ModelDescription,
    drop: Collection[str],
    tested: Collection[str],
    override: GateOverride = GateOverride.NOTHING,
    called: tuple[str, str] = ("The candidate", "the live model"),
) -> None:
    """Check that the candidate knows every label of the live model but those in `drop`. Raises PromotionRefused.

    Of the shipped default model's thousand labels, which nobody taught it, only those in `tested` must be known.
    `called` are the two models' names in the message.
    """
    gone = sorted(set(live.labels) - set(candidate.labels))
    for label in drop:
        if label not in gone:
            would = f"Those that would: {shortened(gone)}." if gone else "None would."
            raise ImageStoreError(f"There is no label '{label}' of the live model that would go. {would}")
    is_shipped = _is_shipped(live)
    missing = [label for label in gone if label not in drop and (label in tested or not is_shipped)]
    if missing:
        is_other = candidate.ref.name != live.ref.name
        route = f'imagestore route add "FOLDER/*" --project {candidate.ref.name}'
        beside = f" It can classify some uploads beside {called[1]}: {route}" if is_other else ""
        labels = "the label" if len(missing) == 1 else f"{len(missing)} labels"
        raise PromotionRefused(
            f"{called[0]} does not know {labels} {shortened(missing)}, which {called[1]} knows. "
            f"It is not promoted unless each is dropped by name.{beside}",
            override,
            drop=[*drop, *missing],
        )


def check_kind(
    candidate: ModelDescription,
    live: ModelDescription,
    override: GateOverride = GateOverride.NOTHING,
    called: tuple[str, str] = ("The candidate", "the live model"),
) -> None:
    """Check that both give a picture one label, or both several; the model that comes with the app may be replaced by
    either kind.

    Raises PromotionRefused, unless everything is overridden.
    """
    if candidate.has_several == live.has_several or _is_shipped(live) or override is GateOverride.FORCE:
        return
    does = ("gives a picture one label", "may give a picture several labels")
    raise PromotionRefused(
        f"{called[0]} {does[candidate.has_several]}, and {called[1]} {does[live.has_several]}, so the two cannot be "
        f"compared. It is not promoted. It can classify some uploads beside {called[1]}: "
        f'imagestore route add "FOLDER/*" '
        f"--project {candidate.ref.name}",
        GateOverride.FORCE,
    )


def decide(findings: GateFindings, override: GateOverride, drop: Collection[str] = ()) -> str:
    """Apply the gate: return the note for the history, or raise PromotionRefused."""
    without = f" Without {shortened(sorted(drop))}." if drop else ""
    if override is GateOverride.FORCE:
        return f"forced: {findings.sentence()}{without}"
    chance, comparison = findings.chance, findings.comparison
    if not findings.pictures:
        message = "There are no test pictures to compare by; training sets some aside."
        raise PromotionRefused(message, GateOverride.FORCE, drop=drop)
    if chance is None:
        message = f"It knows none of the labels that are tested, {shortened(findings.labels)}. It is not promoted."
        raise PromotionRefused(message, GateOverride.FORCE, findings.details(), drop)
    if chance.outcome is not Outcome.BETTER:
        said = f"{comparison.sentence()} {chance.sentence()}" if comparison else chance.sentence()
        raise PromotionRefused(f"{said} It is not promoted.", GateOverride.FORCE, findings.details(), drop)
    if findings.thresholds is not None:
        if findings.thresholds.answers_nothing:
            message = f"{findings.sentence()} It is not promoted."
            raise PromotionRefused(message, GateOverride.FORCE, findings.details(), drop)
        return findings.sentence() + without
    if findings.outcome is Outcome.WORSE:
        message = f"{findings.sentence()} It is not promoted."
        raise PromotionRefused(message, GateOverride.FORCE, findings.details(), drop)
    is_accepted = override is GateOverride.ACCEPT_EQUAL
    if findings.outcome is Outcome.CANNOT_TELL and not is_accepted:
        message = f"{findings.sentence()} That is too close to call, so it is not promoted."
        raise PromotionRefused(message, GateOverride.ACCEPT_EQUAL, findings.details(), drop)
    return findings.sentence() + without


_FIRST = _ActiveModelFile(b"", "no model", None)


def _that_it_can_answer(part: Chosen, candidate: ModelDescription, called: str, override: GateOverride) -> Chosen:
    """The test pictures on which a model of this kind can be right. Raises PromotionRefused if these are not all,
    unless everything is overridden."""
    kept = [i for i, example in enumerate(part.examples) if candidate.has_several or len(example.labels) < 2]
    if len(kept) < len(part.examples) and override is not GateOverride.FORCE:
        raise PromotionRefused(
            f"{called} gives a picture one label, and {len(part.examples) - len(kept)} of {len(part.examples)} test "
            "pictures of the project have several. It is not promoted; a model that is trained in the project knows "
            "several.",
            GateOverride.FORCE,
        )
    return Chosen([part.examples[i] for i in kept], part.groups[kept])


def _is_shipped(live: ModelDescription) -> bool:
    """Whether it is the model that comes with the app, whose labels nobody taught it."""
    return live.ref.sha256 == hashlib.sha256(DEFAULT.read_bytes()).hexdigest()


def _live(stores: Stores, active: Active | None, shipped: bytes) -> _ActiveModelFile:
    """The live model's file. One that cannot be used is not compared with, since nobody needs to keep it."""
    data, called = shipped, "the default model"
    try:
        if active is not None and active.live.sha256 != hashlib.sha256(data).hexdigest():
            called = f"{active.live.name} {active.live.version}"
            data = stores.models.read(active.live.name, active.live.version)
        model = describe(data, called)
        return _ActiveModelFile(data, called if active else f"{model.ref.name} {model.ref.version}", model)
    except (ModelError, NotFound):
        return _ActiveModelFile(data, called, None)


def _before(live: _ActiveModelFile, by: str) -> tuple[PromotionEntry, ...]:
    """What a rollback of the first promotion goes back to: the model that came with the app, if it can be used."""
    if live.model is None:
        return ()
    ref = live.model.ref
    return (PromotionEntry(ref.name, ref.version, ref.sha256, utc(), by, "came with the app"),)


def _with_anew(
    findings: GateFindings,
    stores: Stores,
    project: Project,
    version: str,
    live: PromotionEntry | None,
    limits: Limits,
    progress: BeginStage,
) -> GateFindings:
    """The findings with the comparison of how both models were made, or why there is none."""
    candidate, live_one = _made(stores, project.name, version), _made(stores, live.name, live.version) if live else None
    if candidate is None or live_one is None:
        who = "the candidate" if candidate is None else "the live model"
        return replace(findings, why_not_anew=f"Both were not trained anew to compare: how {who} was made is not kept.")
    has_several = candidate.has_several
    kept = KeptArrays(stores.training, project.pictures_in)
    wanted = shared(candidate, live_one)
    part = learned(stores, project.pictures_in, wanted, limits, progress, kept, has_several=has_several)
    compare_anew = several_anew.compare_anew if has_several else anew.compare_anew
    try:
        found = compare_anew(candidate, live_one, part.examples, part.groups, limits, progress, kept)
    except ModelError as error:
        return replace(findings, why_not_anew=f"Both were not trained anew to compare: {error}")
    if found is None:
        few = f"only {len(part.examples)} pictures of labels that both know are left"
        return replace(findings, why_not_anew=f"Both were not trained anew to compare: {few}.")
    return replace(findings, anew=found)


def _tests(stores: Stores, active: Active | None, project: Project, limits: Limits, progress: BeginStage) -> Chosen:
    """The test pictures of a project, without what the live model learned from, if it is of a project with other
    labelled pictures: those may hold test pictures of this one, or look like some."""
    part = held_out(stores, project.pictures_in, limits, progress)
    made = _made(stores, active.live.name, active.live.version) if active and active.live.name != project.name else None
    if active is None or made is None or not part.examples:
        return part
    there = stores.projects.find(active.live.name).pictures_in
    here, elsewhere = (open_set(stores, folder).split for folder in (project.pictures_in, there))
    return unlearned(part, made.learned, elsewhere, here)


def _made(stores: Stores, name: str, version: str) -> Provenance | None:
    """How a version was made; None if that is not kept, as before version 0.2."""
    try:
        return Provenance.from_json(stores.models.read(name, version, TRAINING_FILE))
    except (NotFound, ValueError):
        return None


def _examine(
    data: bytes, called: str, live: _ActiveModelFile, part: Chosen, limits: Limits, progress: BeginStage
) -> GateFindings:
    """Both models' results on the same test pictures. Raises ModelError if the candidate cannot answer them."""
    tests, groups = part.examples, part.groups
    if not tests:
        return GateFindings()
    candidate = evaluate(data, called, tests, limits, progress("Candidate", len(tests)), groups)
    has_several = candidate.model.has_several
    of_kind = several_gate if has_several else gate
    theirs, other_kind = None, ""
    if live.model is not None and differ_by_thresholds_alone(live.data, data):
        return GateFindings(
            chance=of_kind.against_chance(candidate, groups),
            pictures=len(tests),
            labels=sorted({label for example in tests for label in example.labels}),
            rejected="" if has_several else _rejected(candidate, replace(candidate, model=live.model)),
            thresholds=thresholds_gate.compare(candidate, live.model),
        )
    if live.model is not None and live.model.has_several != has_several:
        does = "gives a picture one label" if has_several else "may give a picture several labels"
        other_kind = f"The live model {does}, so the two were not compared."
    elif live.model is not None:
        try:
            theirs = evaluate(live.data, live.called, tests, limits, progress("Live model", len(tests)))
        except ModelError:
            theirs = None  # it answers well enough to be loaded, but not these pictures
    return GateFindings(
        chance=of_kind.against_chance(candidate, groups),
        comparison=of_kind.compare(candidate, theirs, groups) if theirs else None,
        rejected=_rejected(candidate, theirs) if not has_several else "",
        other_kind=other_kind,
        pictures=len(tests),
        labels=sorted({label for example in tests for label in example.labels}),
        is_live_usable=theirs is not None,
    )


def _rejected(candidate: Evaluation, live: Evaluation | None) -> str:
    """How many of the pictures that show none of the labels each model answers; nothing if there are none."""
    shares = [one.rejected() for one in (candidate, live) if one is not None]
    if not shares[0].of:
        return ""
    answered = [share.of - share.right for share in shares]
    said = f"Of {shares[0].of} pictures that show none of the labels the candidate answers {answered[0]}"
    return said + (f", and the live model {answered[1]}." if live else ".")
