"""Promote, rollback and reprocess for a program, such as the web app: `python -m cli.job promote NAME VERSION`.

It takes its settings from the environment alone, ends when standard input does, and tells how far it is in lines of
JSON on standard output: {"stage": …, "steps": …}, {"done": …}, and last an Outcome.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable

import msgspec

from errors import ImageStoreError
from local import leash
from pipeline import reprocess
from pipeline.context import limits_of
from pipeline.live import Live
from record import Status
from settings import Settings
from store import Insist, Stores, open_stores

_EVERY_S = 0.1


class Outcome(msgspec.Struct, frozen=True):
    """How it ended: `done`, `refused` (`insist` says what would let it through) or `failed`; `say` and `details` are
    for a person."""

    end: str
    say: str
    details: list[str] = []
    insist: str | None = None


def main() -> None:
    """Run one job."""
    parser = argparse.ArgumentParser(prog="python -m cli.job", description=__doc__)
    parser.add_argument("--by", required=True, help="whose account the history names")
    kinds = parser.add_subparsers(dest="kind", required=True)
    promotion = kinds.add_parser("promote")
    promotion.add_argument("name")
    promotion.add_argument("version")
    promotion.add_argument("--insist", default=Insist.NOTHING, choices=list(Insist))
    kinds.add_parser("rollback")
    kinds.add_parser("reprocess")
    arguments = parser.parse_args()
    leash.hold()
    try:
        settings = Settings.read(os.environ)
        run = {"promote": _promote, "rollback": _rollback, "reprocess": _reprocess}[arguments.kind]
        _tell(run(open_stores(settings, os.environ), settings, arguments))
    except ModuleNotFoundError as error:
        _tell(Outcome("failed", f"'{error.name}' is not installed here; model/requirements.txt lists what this needs."))
    except (ImageStoreError, OSError) as error:
        _tell(Outcome("failed", str(error)))


def _promote(stores: Stores, settings: Settings, arguments: argparse.Namespace) -> Outcome:
    from model.promote import Refused, promote

    try:
        done = promote(
            stores,
            settings.model_path,
            arguments.name,
            arguments.version,
            by=arguments.by,
            insist=Insist(arguments.insist),
            limits=limits_of(settings),
            progress=_begin,
        )
    except Refused as error:
        return Outcome("refused", str(error), error.details, error.insist)
    said = f"{done.entry.name} {done.entry.version} is live. {done.entry.note[:1].upper()}{done.entry.note[1:]}"
    return Outcome("done", said, done.comparison.details() if done.comparison else [])


def _rollback(stores: Stores, settings: Settings, arguments: argparse.Namespace) -> Outcome:
    from model.promote import rollback

    entry = rollback(stores, arguments.by)
    return Outcome("done", f"{entry.name} {entry.version} is live again.")


def _reprocess(stores: Stores, settings: Settings, arguments: argparse.Namespace) -> Outcome:
    model = Live.load(settings.model_path, stores).current()
    total = sum(stores.records.count(status) for status in Status if status is not Status.DELETED)
    step, seen = _begin("Reprocessing", total), 0
    for at in reprocess.reprocess(stores, model):
        if at.seen < seen:  # it looks at everything once more
            step, seen = _begin("Looking once more", total), 0
        while seen < at.seen:
            step()
            seen += 1
    if not at.is_settled:
        return Outcome("failed", "Some pictures could not be done again: the dashboard names the causes.")
    said = f"{at.seen} pictures looked at, {at.queued} done again; all are of {model.ref.name} {model.ref.version} now."
    return Outcome("done", said)


def _begin(stage: str, steps: int) -> Callable[[], None]:
    done, told_at = 0, time.monotonic()
    _tell({"stage": stage, "steps": steps})

    def step() -> None:
        nonlocal done, told_at
        done += 1
        if done == steps or time.monotonic() - told_at > _EVERY_S:
            told_at = time.monotonic()
            _tell({"done": done})

    return step


def _tell(line: object) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
