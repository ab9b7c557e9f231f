"""A job that brings a project over from Custom Vision: its pictures, and a version that learned from them."""

import contextlib
import os
from collections.abc import Callable
from dataclasses import replace

from classify import ModelError
from imagestore.configure import limits_of, sealer_of
from imagestore.errors import ImageStoreError, LeaseLost
from imagestore.jobs.attempt import Attempt
from imagestore.jobs.job import Job, JobResult, JobState
from imagestore.jobs.sealed import NO_SECRETS
from imagestore.settings import Settings
from imagestore.store import Stores
from imagestore.store.patience import patiently
from model.custom_vision.guarded_http import guarded_client
from model.custom_vision.publishing import how_to_publish, publish_as_there
from model.custom_vision.service import LONGEST_S, TIMEOUT_S, CustomVision
from model.custom_vision.take_over import TakenOver, take_over
from model.progress import BeginStage


def bring_over(
    stores: Stores, settings: Settings, attempt: Attempt, job: Job, train: Callable[[str], JobResult], begin: BeginStage
) -> JobResult:
    """Do the job: bring the project over, have `train` make a version of the project of this name, if that is wanted,
    and publish it as it was published there. It failed if the counts on both sides differ, or nothing was trained.

    Raises LeaseLost, and what `take_over` raises.
    """
    wanted, sealer = job.arguments.importing, sealer_of(settings, os.environ)
    if wanted is None or job.sealed is None or sealer is None:
        return JobResult(state=JobState.FAILED, say=f"The runner cannot read the key: {NO_SECRETS}")
    sealed = job.sealed
    key = patiently(lambda: sealer.opened(sealed, wanted.bound))  # it goes at the job's end, also of one that failed
    http, limits = guarded_client(settings.hosts_of_imports, TIMEOUT_S, longest_s=LONGEST_S), limits_of(settings)

    def take(source: CustomVision) -> TakenOver:
        crops, demand = wanted.crop_regions, attempt.demand
        return take_over(stores, source, wanted.project, job.by, begin, limits, crop_regions=crops, demand=demand)

    service = CustomVision(wanted.endpoint, key, insecure_http=wanted.insecure_http, http=http)
    with contextlib.closing(service) as source:
        done = patiently(lambda: take(source))
    name = done.project.name
    came = JobResult(state=JobState.DONE, say=done.sentence(), details=done.notes, name=name, counts=done.rows)
    if not done.agrees:
        return replace(came, state=JobState.FAILED)
    if not wanted.train:
        return replace(came, details=[*done.notes, *how_to_publish(name, done.published)])
    try:
        trained = train(name)
    except LeaseLost:
        raise
    except (ImageStoreError, ModelError) as error:
        say = f"{came.say} It could not be trained: {error} Then: imagestore train --project {name}"
        return replace(came, state=JobState.FAILED, say=say)
    published = publish_as_there(stores, name, trained.version or "", done.published)
    say, details = f"{came.say} {trained.say}", [*done.notes, *published, *trained.details]
    return replace(came, say=say, details=details, version=trained.version)
