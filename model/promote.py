"""Promotes a model if the gate allows it.

The gate asks of every promotion: the file can be used and answers with probabilities; the candidate knows each label of
the live model, or the label is dropped by name; it is better than guessing, and better than the live model, on test
pictures. No override lifts the first two.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from classify import ModelDescription, ModelError
from imagestore.errors import Conflict, GateOverride, ImageStoreError, NotFound, PromotionRefused
from imagestore.record import utc
from imagestore.store import Active, PromotionEntry, Stores
from model.default.build import DEFAULT
from model.evaluation.evaluate import Evaluation, evaluate
from model.evaluation.gate import AgainstChance, Comparison, Outcome, against_chance, compare, shortened
from model.model_process import describe
from model.progress import BeginStage
from model.training.training_set import HeldOut, held_out
from preprocess import Limits


@dataclass(frozen=True)
class Promotion:
    """The promotion, and the comparison with the model that was live before (None if nothing could be compared)."""

    entry: PromotionEntry
    comparison: Comparison | None


@dataclass(frozen=True)
class GateFindings:
    """A candidate's comparisons with guessing and with the live model, and the test pictures used.

    `pictures` is their number and `labels` are their labels.
    """

    chance: AgainstChance | None = None
    comparison: Comparison | None = None
    pictures: int = 0
    labels: list[str] = field(default_factory=list)
    is_live_usable: bool = True

    def sentence(self) -> str:
        """The findings in a sentence or two, for a person and for the history."""
        if self.comparison is not None:
            return self.comparison.sentence()
        if self.chance is not None:
            live = "knew none of these labels" if self.is_live_usable else "could not be used"
            return f"{self.chance.sentence()} The live model {live}."
        return "nothing was compared"

    def details(self) -> list[str]:
        """Further facts for the user, one per line."""
        return self.comparison.details() if self.comparison else []


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

    The first promotion replaces the model in the file `default`, and a rollback goes back to that one if it can be
    used. Raises PromotionRefused, ModelError, NotFound, Conflict, Unavailable.
    """
    data, called = stores.models.read(name, version), f"{name} {version}"
    found = stores.models.active()
    sha256 = hashlib.sha256(data).hexdigest()
    if found is not None and found[0].live.sha256 == sha256:
        raise Conflict(f"{called} is live already.")
    candidate, live = describe(data, called), _live(stores, found and found[0], default)
    tests = held_out(stores, limits, progress)
    if live.model is not None:
        tested = {example.label for example in tests.examples}
        check_labels(candidate, live.model, drop, tested, override, called=(called, live.called))
    findings = _examine(data, called, live, tests, limits, progress)
    note = decide(findings, override, drop)
    entry = PromotionEntry(name, version, sha256, utc(), by, note)
    if found is None:
        stores.models.begin(Active(entry, _before(live, by)))
    else:
        stores.models.activate(entry, found)
    return Promotion(entry, findings.comparison)


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
    is_shipped = live.ref.sha256 == hashlib.sha256(DEFAULT.read_bytes()).hexdigest()
    missing = [label for label in gone if label not in drop and (label in tested or not is_shipped)]
    if missing:
        labels = "the label" if len(missing) == 1 else f"{len(missing)} labels"
        raise PromotionRefused(
            f"{called[0]} does not know {labels} {shortened(missing)}, which {called[1]} knows. "
            "It is not promoted unless each is dropped by name.",
            override,
            drop=[*drop, *missing],
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
    if comparison is not None and comparison.outcome is Outcome.WORSE:
        message = f"{comparison.sentence()} It is not promoted."
        raise PromotionRefused(message, GateOverride.FORCE, findings.details(), drop)
    is_accepted = override is GateOverride.ACCEPT_EQUAL
    if comparison is not None and comparison.outcome is Outcome.CANNOT_TELL and not is_accepted:
        message = f"{comparison.sentence()} That is too close to call, so it is not promoted."
        raise PromotionRefused(message, GateOverride.ACCEPT_EQUAL, findings.details(), drop)
    return findings.sentence() + without


def _live(stores: Stores, active: Active | None, default: Path) -> _ActiveModelFile:
    """The live model's file. One that cannot be used is not compared with, since nobody needs to keep it."""
    data, called = default.read_bytes() if default.is_file() else b"", "the default model"
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


def _examine(
    data: bytes, called: str, live: _ActiveModelFile, part: HeldOut, limits: Limits, progress: BeginStage
) -> GateFindings:
    """Both models' results on the same test pictures. Raises ModelError if the candidate cannot answer them."""
    tests, groups = part.examples, part.groups
    if not tests:
        return GateFindings()
    candidate = evaluate(data, called, tests, limits, progress("Candidate", len(tests)), groups)
    theirs: Evaluation | None = None
    if live.model is not None:
        try:
            theirs = evaluate(live.data, live.called, tests, limits, progress("Live model", len(tests)))
        except ModelError:
            theirs = None  # it answers well enough to be loaded, but not these pictures
    return GateFindings(
        chance=against_chance(candidate, groups),
        comparison=compare(candidate, theirs, groups) if theirs else None,
        pictures=len(tests),
        labels=sorted({example.label for example in tests}),
        is_live_usable=theirs is not None,
    )
