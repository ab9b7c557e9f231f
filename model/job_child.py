"""Long work in a process of its own, such as the web app starts: `python -m model.job_child JSON`.

Promotes, rolls back or reprocesses. The JSON is a WantedJob of imagestore/pipeline/job.py; what it prints are JobLines,
the last with the result. Settings come from the environment alone. It ends when standard input does.
"""

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from classify import ModelError
from imagestore import parent_watchdog
from imagestore.configure import limits_of, models_of, open_stores
from imagestore.errors import ImageStoreError, PromotionRefused
from imagestore.pipeline.job import JobLine, JobResult, JobState, WantedJob
from imagestore.pipeline.live import rollback
from imagestore.pipeline.reprocess import ReprocessProgress, reprocess
from imagestore.settings import Settings
from imagestore.store import Stores

_EVERY_S = 0.1


def main() -> None:
    """Run one job."""
    wanted = msgspec.json.decode(sys.argv[1], type=WantedJob)
    parent_watchdog.end_with_parent()
    try:
        settings = Settings.read(os.environ)
        run = {"promote": _promote, "rollback": _rollback, "reprocess": _reprocess}[wanted.kind]
        result = run(open_stores(os.environ), settings, wanted)
    except ModuleNotFoundError as error:
        result = _failed(f"'{error.name}' is not installed here; model/requirements.txt lists what this needs.")
    except (ImageStoreError, ModelError, OSError) as error:
        result = _failed(str(error))
    _tell(JobLine(result=result))


def _promote(stores: Stores, settings: Settings, wanted: WantedJob) -> JobResult:
    from model.promote import promote

    try:
        done = promote(
            stores,
            settings.model_path,
            wanted.name or "",
            wanted.version or "",
            by=wanted.by,
            override=wanted.override,
            drop=wanted.drop,
            limits=limits_of(settings),
            progress=_begin,
        )
    except PromotionRefused as error:
        return JobResult(
            state=JobState.REFUSED, say=str(error), details=error.details, override=error.override, drop=error.drop
        )
    return _done(done.sentence(), done.details)


def _rollback(stores: Stores, settings: Settings, wanted: WantedJob) -> JobResult:
    entry = rollback(stores, wanted.by, wanted.name)
    return _done(f"{entry.name} {entry.version} is live again.")


def _reprocess(stores: Stores, settings: Settings, wanted: WantedJob) -> JobResult:
    told = ReprocessProgress(passes=0, seen=0, total=0, queued=0)
    step: Callable[[], None] | None = None

    def tell(at: ReprocessProgress) -> None:
        nonlocal told, step
        if step is None or at.passes != told.passes:
            step = _begin("Reprocessing" if at.passes == 1 else "Looking once more", at.total)
            told = replace(at, seen=0)
        for _ in range(at.seen - told.seen):
            step()
        told = at

    result = reprocess(stores, models_of(settings, stores), tell)
    if not result.is_settled:
        return _failed("Some pictures could not be done again: the dashboard names the causes.")
    return _done(f"{result.sentence()}.")


def _done(say: str, details: Sequence[str] = ()) -> JobResult:
    return JobResult(state=JobState.DONE, say=say, details=list(details))


def _failed(say: str) -> JobResult:
    return JobResult(state=JobState.FAILED, say=say)


def _begin(stage: str, steps: int) -> Callable[[], None]:
    done, told_at = 0, time.monotonic()
    _tell(JobLine(stage=stage, steps=steps))

    def step() -> None:
        nonlocal done, told_at
        done += 1
        if done == steps or time.monotonic() - told_at > _EVERY_S:
            told_at = time.monotonic()
            _tell(JobLine(done=done))

    return step


def _tell(line: JobLine) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(line) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
