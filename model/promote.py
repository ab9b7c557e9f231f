"""Takes a model into use, if the gate lets it, and back."""

import hashlib
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
from preprocess import Limits
from record import utc
from store import Active, Entry, Stores


class Refused(ImageStoreError):
    """The gate does not let this model through; the message says why, and how to insist."""


def live_model(stores: Stores, default: Path) -> tuple[bytes, str]:
    """The bytes of the live model's file, and what it is called. Away, ModelError."""
    found = stores.models.active()
    packaged = default.read_bytes()
    if found is None or found[0].live.sha256 == hashlib.sha256(packaged).hexdigest():
        return packaged, "the default model"
    entry = found[0].live
    return stores.models.read(entry.name, entry.version), f"{entry.name} {entry.version}"


def consider(
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


def decide(comparison: Comparison | None, *, accept_equal: bool, force: bool) -> str:
    """A note for the history. Refused where the gate says no."""
    if comparison is None:
        return "the live model knew none of its labels"
    if force:
        return f"forced: {comparison.sentence()}"
    if comparison.outcome is Outcome.WORSE:
        raise Refused(f"{comparison.sentence()} It is not promoted; --force does it all the same and is written down.")
    if comparison.outcome is Outcome.CANNOT_TELL and not accept_equal:
        raise Refused(
            f"{comparison.sentence()} The test pictures cannot tell which is better. --accept-equal promotes it."
        )
    return comparison.sentence()


def promote(stores: Stores, name: str, version: str, by: str, note: str, default: Path) -> Entry:
    """Make a version live. The first time, the default model is what a rollback goes back to. Conflict, Away."""
    data = stores.models.read(name, version)
    called = f"{name} {version}"
    inspect(data, called)
    read_model(data, called)
    entry = Entry(name, version, hashlib.sha256(data).hexdigest(), utc(), by, note)
    found = stores.models.active()
    if found is not None and found[0].live.sha256 == entry.sha256:
        raise Conflict(f"{called} is live already.")
    if found is None:
        packaged = load_model(default).ref
        before = Entry(packaged.name, packaged.version, packaged.sha256, utc(), by, "came with the app")
        stores.models.begin(Active(entry, (before,)))
    else:
        stores.models.activate(entry, found)
    return entry


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
