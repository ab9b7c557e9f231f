"""Long work in a process of its own, which a runner starts: `python -m model.job_child JSON`.

The JSON names a job and the attempt at it (imagestore/jobs/lines.py); what it prints are JobLines, the last with the
result. Settings come from the environment alone. It ends, with all that it has started, when standard input does.

An attempt can follow one that broke off anywhere, even after the work was done and before that was said. So each kind
of work first looks whether it is done, and nothing is written to the container of models once the job names another
attempt.
"""

import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec

from classify import ModelError
from imagestore import parent_watchdog
from imagestore.configure import limits_of, models_of, open_stores
from imagestore.decoding import decode
from imagestore.errors import Conflict, ImageStoreError, LeaseLost, PromotionRefused, StoreError
from imagestore.jobs import libraries
from imagestore.jobs.attempt import Attempt
from imagestore.jobs.job import HowToTrain, Job, JobKind, JobResult, JobState
from imagestore.jobs.lines import Asked, JobLine
from imagestore.pipeline.models.live import finish, rollback
from imagestore.pipeline.upkeep.reprocess import ReprocessProgress, reprocess
from imagestore.settings import Settings
from imagestore.store import PromotionEntry, Stores
from imagestore.store.patience import patiently
from imagestore.store.training import MINE
from preprocess import DecoderFailed

_EVERY_S = 0.1


def main() -> None:
    """Do one job."""
    asked = decode(sys.argv[1], Asked)
    parent_watchdog.end_with_parent(with_group=True)
    try:
        settings, stores = Settings.read(os.environ), open_stores(os.environ)
        attempt = Attempt(stores.jobs, asked.job, asked.attempt)
        result = done_by(attempt, replace(stores, before_publishing=attempt.demand), settings)
    except LeaseLost as error:
        sys.exit(f"{error}")
    except (ImageStoreError, ModelError, DecoderFailed, OSError) as error:
        result = _failed(str(error))
    _tell(JobLine(result=result))


def done_by(attempt: Attempt, stores: Stores, settings: Settings) -> JobResult:
    """Do the job of this attempt. Raises ImageStoreError, ModelError."""
    job = attempt.job()
    if job.kind in libraries.NEEDED_BY and (lacks := libraries.missing()):
        again = f"imagestore jobs retry {job.id}"
        if job.kind is JobKind.IMPORT:
            again = "give the import again, with its key, which went at the job's end"
        return _failed(f"{libraries.sentence(lacks)} Then: {again}")
    match job.kind:
        case JobKind.TRAIN:
            return _train(stores, settings, attempt, job)
        case JobKind.PROMOTE:
            return _promote(stores, settings, job)
        case JobKind.ROLLBACK:
            return _rollback(stores, job)
        case JobKind.REPROCESS:
            return _reprocess(stores, settings)
        case JobKind.INSPECT:
            return _inspect(stores, job)
        case JobKind.IMPORT:
            return _import(stores, settings, attempt, job)
        case JobKind.THRESHOLD:
            return _threshold(stores, settings, attempt, job)


def _train(stores: Stores, settings: Settings, attempt: Attempt, job: Job, name: str | None = None) -> JobResult:
    from model.training.imbalance import Balance
    from model.training.recipe import Held
    from model.training.train import TrainingOptions
    from model.versions import gather, train_version

    name, wanted = name or job.arguments.name or MINE, job.arguments.training or HowToTrain()
    for version in job.versions:
        if stores.models.has(name, version):  # by an attempt that broke off before it could say so
            return _trained(stores, job, name, version, [])
    limits = limits_of(settings)
    project = stores.projects.open(name)
    gathered = patiently(lambda: gather(stores, project, [], limits, _begin, are_one=lambda labels: wanted.same_case))

    def options(version: str) -> TrainingOptions:
        attempt.claim(version)
        held = Held(wanted.colour, wanted.fit, wanted.level, wanted.middle, wanted.backbone, wanted.views)
        balance = None if wanted.balance is None else Balance(wanted.balance)
        return TrainingOptions(name, version, held, wanted.flip, wanted.seed, wanted.right, balance)

    made = train_version(stores, gathered, name, options, limits, _begin)
    return _trained(stores, job, name, made.version, made.provenance.sentences())


def _trained(stores: Stores, job: Job, name: str, version: str, details: Sequence[str]) -> JobResult:
    with contextlib.suppress(
        Conflict, StoreError
    ):  # whoever asks for the iteration while the job is known notes it too
        patiently(lambda: stores.custom_vision.trained(name, job.id, version))
    figures = stores.models.figures(name, version)
    said = f"{name} {version} is trained. {figures['sentence'] if figures else ''}".strip()
    claimed = [figures["claimed"]["sentence"]] if figures and "claimed" in figures else []
    return replace(_done(said, [*claimed, *details]), version=version)


def _promote(stores: Stores, settings: Settings, job: Job) -> JobResult:
    from model.promote import promote

    arguments = job.arguments
    try:
        done = promote(
            stores,
            settings.model_path,
            arguments.name or "",
            arguments.version or "",
            by=job.by,
            override=arguments.override,
            drop=arguments.drop,
            limits=limits_of(settings),
            progress=_begin,
        )
    except PromotionRefused as error:
        return JobResult(
            state=JobState.REFUSED, say=str(error), details=error.details, override=error.override, drop=error.drop
        )
    except Conflict:
        live = _made_live(stores, job)
        if live is None or (live.name, live.version) != (arguments.name, arguments.version):
            raise
        finish(stores, live)
        return _done(f"{live.name} {live.version} is live: {live.note}")
    return _done(done.sentence(), done.details)


def _made_live(stores: Stores, job: Job) -> PromotionEntry | None:
    """The live model, if an attempt of this job before this one may have made it live."""
    found = stores.routes.read()
    active = found.of(job.arguments.name if found.is_routed(job.arguments.name or "") else None)
    return active.live if active is not None and job.attempts > 1 and active.live.by == job.by else None


def _rollback(stores: Stores, job: Job) -> JobResult:
    active = stores.routes.read().of(job.arguments.name)
    if active is not None and job.arguments.live is not None and active.live.sha256 != job.arguments.live:
        live = active.live
        if job.attempts < 2 or live.by != job.by or not live.note.startswith("rolled back"):
            return _failed(f"{live.name} {live.version} is live meanwhile, by {live.by}. Nothing was changed.")
        stores.routes.settle()  # the attempt before may have ended while it waited for this
        return _done(f"{live.name} {live.version} is live again.")
    entry = rollback(stores, job.by, job.arguments.name)
    return _done(f"{entry.name} {entry.version} is live again.")


def _reprocess(stores: Stores, settings: Settings) -> JobResult:
    told = ReprocessProgress(passes=0, seen=0, total=0, queued=0)
    step: Callable[[], None] | None = None

    def tell(at: ReprocessProgress) -> None:
        nonlocal told, step
        if step is None or at.passes != told.passes or at.seen < told.seen:
            step = _begin("Reprocessing" if at.passes == 1 else "Looking once more", at.total)
            told = replace(at, seen=0)
        for _ in range(at.seen - told.seen):
            step()
        told = at

    result = patiently(lambda: reprocess(stores, models_of(settings, stores), tell))  # it goes on where it was
    if not result.is_settled:
        return _failed("Some pictures could not be done again: the dashboard names the causes.")
    return _done(f"{result.sentence()}.")


def _inspect(stores: Stores, job: Job) -> JobResult:
    from model.inspect import inspect_version

    name, version = job.arguments.name or "", job.arguments.version or ""
    found = inspect_version(stores, name, version, job.by)
    if not found.is_admitted:
        return JobResult(state=JobState.REFUSED, say=found.why)
    return _done(f"{name} {version} can be used.")


def _import(stores: Stores, settings: Settings, attempt: Attempt, job: Job) -> JobResult:
    from model.import_job import bring_over

    return bring_over(stores, settings, attempt, job, lambda name: _train(stores, settings, attempt, job, name), _begin)


def _threshold(stores: Stores, settings: Settings, attempt: Attempt, job: Job) -> JobResult:
    from model.new_threshold import save_threshold

    name, wanted = job.arguments.name or MINE, job.arguments.threshold
    for version in job.versions:
        if stores.models.has(name, version):  # by an attempt that broke off before it could say so
            return replace(_done(f"{name} {version} is made."), version=version)
    assert wanted is not None, "whoever puts such a job in says which threshold"
    project, of = stores.projects.open(name), job.arguments.version or ""
    made = save_threshold(stores, project, of, wanted, job.by, limits_of(settings), _begin, attempt.claim)
    return replace(_done(made.sentence), version=made.version)


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
