"""Takes a model into use, if the gate lets it, and back."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classify import load_model, read_model
from errors import Conflict, ImageStoreError, Missing
from model.examples import Example
from model.gate import Comparison, Outcome, compare
from model.groups import group
from model.inspect import inspect
from model.judge import judge
from model.progress import Progress
from model.training_set import test_examples
from preprocess import Limits
from record import utc
from store import Active, Entry, Insist, Stores


class Refused(ImageStoreError):
    """The gate does not let this model through; the message says why, `details` more, `insist` how it would."""

    def __init__(self, message: str, insist: Insist, details: list[str] | None = None) -> None:
        super().__init__(message)
        self.insist = insist
        self.details = details or []


@dataclass(frozen=True)
class Promotion:
    """What is live now, and how it compared with what was live before (None where nothing could be compared)."""

    entry: Entry
    comparison: Comparison | None


def promote(
    stores: Stores,
    default: Path,
    name: str,
    version: str,
    *,
    by: str,
    insist: Insist,
    limits: Limits,
    progress: Progress,
) -> Promotion:
    """Make a version live, in place of the one that is live when this begins; the first time, that is the model in the
    file `default`, to which a rollback then goes back. Refused, ModelError, Missing, Conflict, Away."""
    data, called = stores.models.read(name, version), f"{name} {version}"
    inspect(data, called)
    read_model(data, called)
    found = stores.models.active()
    sha256 = hashlib.sha256(data).hexdigest()
    if found is not None and found[0].live.sha256 == sha256:
        raise Conflict(f"{called} is live already.")
    tests = test_examples(stores, limits, progress)
    comparison = _consider(data, _live(stores, found and found[0], default), tests, limits, progress) if tests else None
    entry = Entry(name, version, sha256, utc(), by, decide(comparison, len(tests), insist))
    if found is None:
        packaged = load_model(default).ref
        before = Entry(packaged.name, packaged.version, packaged.sha256, utc(), by, "came with the app")
        stores.models.begin(Active(entry, (before,)))
    else:
        stores.models.activate(entry, found)
    return Promotion(entry, comparison)


def decide(comparison: Comparison | None, tests: int, insist: Insist) -> str:
    """A note for the history, of a comparison on so many test pictures. Refused where the gate says no."""
    if insist is Insist.FORCE:
        return f"forced: {comparison.sentence() if comparison else 'nothing was compared'}"
    if comparison is None and not tests:
        raise Refused("There are no test pictures to compare by; training sets some aside.", Insist.FORCE)
    if comparison is None:
        return "the live model knew none of its labels"
    if comparison.outcome is Outcome.WORSE:
        raise Refused(f"{comparison.sentence()} It is not promoted.", Insist.FORCE, comparison.details())
    if comparison.outcome is Outcome.CANNOT_TELL and insist is not Insist.ACCEPT_EQUAL:
        message = f"{comparison.sentence()} That is too close to call, so it is not promoted."
        raise Refused(message, Insist.ACCEPT_EQUAL, comparison.details())
    return comparison.sentence()


def rollback(stores: Stores, by: str) -> Entry:
    """Make live what was live before. Missing where there is nothing before; Conflict, Away."""
    found = stores.models.active()
    if found is None or not found[0].previous:
        raise Missing("There is no earlier model to go back to.")
    gone, before = found[0].live, found[0].previous[0]
    note = f"rolled back from {gone.name} {gone.version}"
    entry = Entry(before.name, before.version, before.sha256, utc(), by, note)
    stores.models.step_back(entry, found)
    return entry


def _live(stores: Stores, active: Active | None, default: Path) -> tuple[bytes, str]:
    """The bytes of the live model's file, and what it is called."""
    packaged = default.read_bytes()
    if active is None or active.live.sha256 == hashlib.sha256(packaged).hexdigest():
        return packaged, "the default model"
    return stores.models.read(active.live.name, active.live.version), f"{active.live.name} {active.live.version}"


def _consider(
    candidate: bytes, live: tuple[bytes, str], tests: list[Example], limits: Limits, progress: Progress
) -> Comparison | None:
    """Both models on the same test pictures; None where they share no label."""
    ours = judge(candidate, "the candidate", tests, limits, progress("Candidate", len(tests)))
    theirs = judge(live[0], live[1], tests, limits, progress("Live model", len(tests)))
    groups = group(np.stack([e.thumb for e in tests]), [e.sha256 for e in tests])
    try:
        return compare(ours, theirs, groups)
    except ValueError:
        return None
